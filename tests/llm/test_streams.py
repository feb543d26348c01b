"""Every way in which a stream may go, on a real socket."""

import asyncio
from dataclasses import replace

import pytest

from conversations.llm.client import Finished
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Deadlines, Sampling, Usage
from tests.llm.server import (
    CHUNKED_HEAD,
    DONE,
    MESSAGES,
    PATIENT,
    STREAM_HEAD,
    Act,
    Step,
    bytewise,
    delta,
    finish,
    frame,
    response,
    serving,
)

KEEP_ALIVE = b": keep-alive\n\n"
THAI = "ส่งได้ 👩‍👧 ค่ะ"
REASONING = frame({"choices": [{"delta": {"content": None, "reasoning_content": "hmm"}}]})
USAGE: dict[str, object] = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_cache_hit_tokens": 64,
    "completion_tokens_details": {"reasoning_tokens": 3},
}


async def read(*steps: Step, deadlines: Deadlines = PATIENT) -> tuple[str, Finished | Kind]:
    """Return the text that a client reads of these steps, and how the stream ended for it."""
    text = ""
    async with serving(*steps) as (client, _server):
        try:
            async for event in client.stream(MESSAGES, sampling=Sampling(), deadlines=deadlines):
                if isinstance(event, Finished):
                    return text, event
                text += event.text
        except LLMError as error:
            return text, error.kind
    raise AssertionError("a stream ended without Finished and without an error")


def deadlines_for(kind: Kind) -> Deadlines:
    """Short ones only where they are to pass: a busy machine must not fail the other tests."""
    if kind is Kind.FIRST_TOKEN_TIMEOUT:
        return replace(PATIENT, first_token_seconds=0.3)
    if kind is Kind.STALLED:
        return replace(PATIENT, between_chunks_seconds=0.2)
    return PATIENT


GOOD: dict[str, tuple[Step, ...]] = {
    "as it should be": (delta("a"), delta("b"), finish(), DONE),
    "chunks cut anywhere": (delta("a") + delta("b")[:9], 0.01, delta("b")[9:] + finish() + DONE),
    "carriage returns": ((delta("a") + delta("b") + finish() + DONE).replace(b"\n", b"\r\n"),),
    "carriage returns alone": ((delta("a") + delta("b") + finish() + DONE).replace(b"\n", b"\r"),),
    "a byte order mark": (b"\xef\xbb\xbf" + delta("a"), delta("b"), finish(), DONE),
    "no space after the colon": ((delta("a") + delta("b") + finish() + DONE).replace(b"data: ", b"data:"),),
    "keep-alives before and between": (KEEP_ALIVE, KEEP_ALIVE, delta("a"), KEEP_ALIVE, delta("b"), finish(), DONE),
    "ids, names and retries": (
        b"id: 1\nevent: chunk\nretry: 5\n" + delta("a"),
        b"id: 2\n\n",
        delta("b"),
        finish(),
        DONE,
    ),
    "empty data": (b"data:\n\n", b"data: \n\n", delta("a"), b"data\n\n", delta("b"), finish(), DONE),
    "an event in two lines": (delta("a"), delta("b").replace(b", ", b",\ndata: "), finish(), DONE),
    "no end mark": (delta("a"), delta("b"), finish()),
    "no end mark, open socket": (delta("a"), delta("b"), finish(), Act.HANG),
    "end mark, open socket": (delta("a"), delta("b"), finish(), DONE, Act.HANG),
    "two end marks": (delta("a"), delta("b"), finish(), DONE, DONE),
    "words after the end": (delta("a"), delta("b"), finish(), delta("c"), DONE, delta("d")),
    "no blank line after the last event": (delta("a"), delta("b"), finish().rstrip()),
    "finish together with the last words": (delta("a"), delta("b").replace(b"null", b'"stop"', 1), DONE),
    "reset after the finish": (delta("a"), delta("b"), finish(), 0.05, Act.RESET),
    "nonsense after the finish": (delta("a"), delta("b"), finish(), b"data: {nonsense\n\n"),
    "choices of null and none": (
        frame({"choices": None}),
        delta("a"),
        frame({"choices": []}),
        delta("b"),
        finish(),
        DONE,
    ),
    "content of null": (delta(None), delta("a"), delta("b"), frame({"choices": [{"delta": None}]}), finish(), DONE),
    "an empty finish reason": (delta("a").replace(b"null", b'""', 1), delta("b"), finish(), DONE),
    "another word for stop": (delta("a"), delta("b"), finish("eos"), DONE),
    "reasoning kept apart": (REASONING, delta("a"), delta("b"), finish()),
}


@pytest.mark.parametrize("steps", GOOD.values(), ids=GOOD.keys())
def test_a_stream_that_is_odd_but_whole_is_read(steps: tuple[Step, ...]) -> None:
    text, end = asyncio.run(read(STREAM_HEAD, *steps))
    assert text == "ab"
    assert isinstance(end, Finished)


BAD: dict[str, tuple[tuple[Step, ...], str, Kind]] = {
    "cut without a finish": ((delta("a"),), "a", Kind.CUT),
    "cut inside a frame": ((delta("a"), delta("b")[:-9]), "a", Kind.CUT),
    "end mark without a finish": ((delta("a"), DONE, Act.HANG), "a", Kind.CUT),
    "reset": ((delta("a"), 0.05, Act.RESET), "a", Kind.CUT),
    "an empty body": ((), "", Kind.MALFORMED),
    "silence": ((Act.HANG,), "", Kind.FIRST_TOKEN_TIMEOUT),
    "keep-alives for ever": ((KEEP_ALIVE, Act.REPEAT), "", Kind.FIRST_TOKEN_TIMEOUT),
    "empty words for ever": ((delta(""), Act.REPEAT), "", Kind.FIRST_TOKEN_TIMEOUT),
    "reasoning for ever": ((REASONING, Act.REPEAT), "", Kind.FIRST_TOKEN_TIMEOUT),
    "a stall": ((delta("a"), Act.HANG), "a", Kind.STALLED),
    "a stall under keep-alives": ((delta("a"), KEEP_ALIVE, Act.REPEAT), "a", Kind.STALLED),
    "the token limit": ((delta("a"), finish("length"), DONE), "a", Kind.TOO_LONG),
    "thinking ate all tokens": ((delta(""), finish("length"), DONE), "", Kind.TOO_LONG),
    "the content filter": ((delta("a"), finish("content_filter"), DONE), "a", Kind.FILTERED),
    "no resources": ((delta("a"), finish("insufficient_system_resource"), DONE), "a", Kind.OVERLOADED),
    "a tool call": ((delta(None), finish("tool_calls"), DONE), "", Kind.MALFORMED),
    "a refusal": ((frame({"choices": [{"delta": {"refusal": "I can't"}}]}), finish(), DONE), "", Kind.REFUSED),
    "an error frame": ((delta("a"), 0.05, frame({"error": {"message": "secret"}})), "a", Kind.MALFORMED),
    "an error frame with a code": ((delta("a"), 0.05, frame({"error": {"code": 429}})), "a", Kind.RATE_LIMITED),
    "an error that is a word": ((frame({"error": "secret"}),), "", Kind.MALFORMED),
    "a broken frame": ((delta("a"), 0.05, b"data: {nonsense\n\n"), "a", Kind.MALFORMED),
    "a frame that is no object": ((b"data: [1]\n\n",), "", Kind.MALFORMED),
    "a frame that is too deep": ((b"data: " + b"[" * 100_000 + b"\n\n",), "", Kind.MALFORMED),
    "a frame without end": ((b"data: ", *[b"x" * 500_000] * 3, Act.HANG), "", Kind.MALFORMED),
    "another kind of object": ((frame({"hello": "world"}), finish()), "", Kind.MALFORMED),
    "choices of another kind": ((frame({"choices": ["a"]}), finish()), "", Kind.MALFORMED),
}


@pytest.mark.parametrize(("steps", "text", "kind"), BAD.values(), ids=BAD.keys())
def test_a_stream_that_gives_no_reply_says_why(steps: tuple[Step, ...], text: str, kind: Kind) -> None:
    assert asyncio.run(read(STREAM_HEAD, *steps, deadlines=deadlines_for(kind))) == (text, kind)


NO_STREAM: dict[str, tuple[tuple[Step, ...], Kind]] = {
    "reset": ((Act.RESET,), Kind.NETWORK),
    "silence": ((Act.HANG,), Kind.FIRST_TOKEN_TIMEOUT),
    "not http": ((b"\x16\x03\x01 what?\r\n\r\n",), Kind.NETWORK),
    "cut inside an http chunk": ((CHUNKED_HEAD, b"ff\r\n: keep"), Kind.NETWORK),
    "reset inside an http chunk": ((CHUNKED_HEAD, b"ff\r\n: keep", 0.05, Act.RESET), Kind.NETWORK),
    "html": ((response("200 OK", b"<html>\n<p>Welcome</p></html>\n"),), Kind.MALFORMED),
    "a whole completion": ((response("200 OK", b'{"choices": [{"message": {"content": "a"}}]}'),), Kind.MALFORMED),
    "a redirect": ((response("302 Found", b"", "Location: http://127.0.0.1:1/"),), Kind.BAD_REQUEST),
    "400": ((response("400 Bad Request", b'{"error": {"message": "secret"}}'),), Kind.BAD_REQUEST),
    "401": ((response("401 Unauthorized", b"{}"),), Kind.AUTH),
    "402": ((response("402 Payment Required", b"{}"),), Kind.BALANCE),
    "403": ((response("403 Forbidden", b"{}"),), Kind.AUTH),
    "404": ((response("404 Not Found", b"<html>"),), Kind.BAD_REQUEST),
    "413": ((response("413 Too Large", b""),), Kind.BAD_REQUEST),
    "422": ((response("422 Unprocessable", b"null"),), Kind.UNPROCESSABLE),
    "429": ((response("429 Too Many Requests", b"{}"),), Kind.RATE_LIMITED),
    "429, out of money": ((response("429 Wait", b'{"error": {"code": "insufficient_quota"}}'),), Kind.BALANCE),
    "500": ((response("500 Oh", b"\xff\xfe"),), Kind.SERVER),
    "502": ((response("502 Bad Gateway", b"<html>"),), Kind.SERVER),
    "503": ((response("503 Busy", b"{}"),), Kind.OVERLOADED),
    "a status and a body that never ends": (
        (STREAM_HEAD.replace(b"200 OK", b"500 Oh"), Act.HANG),
        Kind.FIRST_TOKEN_TIMEOUT,
    ),
}


@pytest.mark.parametrize(("steps", "kind"), NO_STREAM.values(), ids=NO_STREAM.keys())
def test_an_answer_that_is_no_stream_says_why(steps: tuple[Step, ...], kind: Kind) -> None:
    assert asyncio.run(read(*steps, deadlines=deadlines_for(kind))) == ("", kind)


def test_blanks_buy_no_time() -> None:
    text, end = asyncio.run(
        read(STREAM_HEAD, delta("  "), Act.REPEAT, deadlines=deadlines_for(Kind.FIRST_TOKEN_TIMEOUT))
    )
    assert text.isspace()
    assert end is Kind.FIRST_TOKEN_TIMEOUT


def test_an_answer_that_never_ends_is_given_up() -> None:
    text, end = asyncio.run(read(STREAM_HEAD, delta("x"), Act.REPEAT, deadlines=replace(PATIENT, total_seconds=0.5)))
    assert text.startswith("xxx")
    assert end is Kind.TOTAL_TIMEOUT


def test_text_that_is_cut_inside_its_characters_is_put_together() -> None:
    data = delta(THAI) + finish() + DONE
    assert asyncio.run(read(STREAM_HEAD, *bytewise(data)))[0] == THAI


def test_half_a_surrogate_pair_in_a_frame_is_kept_for_the_other_half() -> None:
    halves = [frame({"choices": [{"delta": {"content": half}}]}, is_ascii=True) for half in ("\ud83d", "\ude00")]
    text, _end = asyncio.run(read(STREAM_HEAD, *halves, finish()))
    assert text == "\ud83d\ude00"


WITH_USAGE: dict[str, tuple[Step, ...]] = {
    "in the last frame with words": (delta("a"), finish(usage=USAGE), DONE),
    "in a frame of its own": (delta("a"), finish(), 0.05, frame({"choices": [], "usage": USAGE}), DONE),
    "in each frame": (frame({"choices": [], "usage": {"prompt_tokens": 1}}), delta("a"), finish(usage=USAGE), DONE),
    "with a finish and nothing else": (delta("a"), finish(usage=USAGE), Act.HANG),
}


@pytest.mark.parametrize("steps", WITH_USAGE.values(), ids=WITH_USAGE.keys())
def test_the_usage_is_found_wherever_it_comes(steps: tuple[Step, ...]) -> None:
    _text, end = asyncio.run(read(STREAM_HEAD, *steps))
    assert end == Finished("stop", Usage(100, 64, 20, 3))


def test_the_usage_may_be_missing() -> None:
    assert asyncio.run(read(STREAM_HEAD, delta("a"), finish(), DONE))[1] == Finished("stop", None)


def test_usage_that_makes_no_sense_is_made_sense_of() -> None:
    nonsense: dict[str, object] = {
        "prompt_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 99},
        "completion_tokens": -5,
        "completion_tokens_details": "none",
    }
    _text, end = asyncio.run(read(STREAM_HEAD, delta("a"), finish(usage=nonsense), DONE))
    assert end == Finished("stop", Usage(10, 10, 0, 0))


def test_a_reply_that_was_cut_short_still_tells_its_usage() -> None:
    async def scenario() -> None:
        async with serving(STREAM_HEAD, delta("a"), finish("length", USAGE), DONE) as (client, _server):
            with pytest.raises(LLMError) as caught:
                async for _event in client.stream(MESSAGES, sampling=Sampling(), deadlines=PATIENT):
                    pass
            assert caught.value.usage == Usage(100, 64, 20, 3)

    asyncio.run(scenario())
