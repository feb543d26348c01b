"""Frames read by their stream's pattern say what they say when they are parsed, and nothing else is read so."""

import json
import random

import pytest

from conversations.llm.alike import MAX_TRIES, AlikeFrames
from conversations.llm.chunks import parse_chunk
from conversations.llm.errors import LLMError
from conversations.llm.streamed import StreamedReply

TEXTS = (
    "สวัสดี",
    "ค่ะ ",
    "a",
    " ",
    'มี "คำพูด" ด้วย',
    "สองบรรทัด\nบน\\ล่าง",
    "👩‍👧",
    "\ud83d\ude00",
    "null",
    "content",
    '"},"finish_reason":"stop"}]}',
    "data: ",
    "\x00\x07",
    "",
)


def payload(text: str, *, is_ascii: bool = False, **more: object) -> bytes:
    """Return a frame's data with this text, as servers write it."""
    choice = {"index": 0, "delta": {"content": text, **more}, "logprobs": None, "finish_reason": None}
    body = {"id": "x", "model": "content", "choices": [choice], "usage": None}
    return json.dumps(body, ensure_ascii=is_ascii).encode(errors="surrogatepass")


def learnt(text: str = "ส่ง", *, is_ascii: bool = False) -> AlikeFrames:
    """Return the pattern that a frame with this text shows."""
    alike = AlikeFrames()
    alike.learn(payload(text, is_ascii=is_ascii), text)
    return alike


@pytest.mark.parametrize("is_ascii", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_a_frame_that_fits_says_what_it_says_when_parsed(text: str, *, is_ascii: bool) -> None:
    frame = payload(text, is_ascii=is_ascii)
    found = learnt("ok" if is_ascii else "ส่ง", is_ascii=is_ascii).text_of(frame)
    assert found in (None, parse_chunk(frame).text)


def test_plain_words_fit() -> None:
    alike = learnt()
    assert [alike.text_of(payload(text)) for text in TEXTS[:4]] == list(TEXTS[:4])
    assert alike.text_of(payload('"')) == '"'


@pytest.mark.parametrize(
    "odd",
    [
        payload("a", refusal="I can't"),
        payload("a").replace(b'"finish_reason": null', b'"finish_reason": "stop"'),
        payload("a").replace(b'"usage": null', b'"usage": {"prompt_tokens": 3}'),
        payload("a").replace(b'"content": "a"', b'"content": null'),
        payload("a").replace(b'"content": "a"', b'"content": "a", "content": "b"'),
        payload("a")[:-2],
        payload("a").replace(b'"a"', b'"a'),
        payload("a").replace(b'"a"', b'"\xff"'),
        payload("a").replace(b'"a"', b'"\n"'),
        b"[DONE]",
        b"{}",
        b"",
    ],
)
def test_what_differs_in_more_than_its_text_is_parsed(odd: bytes) -> None:
    assert learnt().text_of(odd) is None


@pytest.mark.parametrize(
    "frame",
    [
        payload("a").replace(b'"content": "a"', b'"content": "a", "content": "a"'),
        payload("a").replace(b'"id": "x"', b'"id": "a"'),
        payload("a", refusal="a"),
        payload("a")[:-1],
    ],
)
def test_a_pattern_that_does_not_hold_for_another_text_is_not_taken(frame: bytes) -> None:
    alike = AlikeFrames()
    alike.learn(frame, "a")
    assert alike.text_of(frame) is None


def test_a_stream_whose_frames_are_padded_is_not_searched_for_ever() -> None:
    alike = AlikeFrames()
    for _ in range(MAX_TRIES):
        alike.learn(payload("a").replace(b'"id": "x"', b'"id": "a"'), "a")
    alike.learn(payload("a"), "a")
    assert alike.text_of(payload("a")) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_stream_cut_anywhere_gives_the_text_of_its_frames_parsed_one_by_one(seed: int) -> None:
    dice = random.Random(seed)
    frames = [payload(dice.choice(TEXTS), is_ascii=dice.random() < 0.2) for _ in range(60)]
    wire = b"".join(b"data: %b\n\n" % frame for frame in frames)
    reply, said, at = StreamedReply(), "", 0
    while at < len(wire):
        # Most reads bring whole events, as from a network.
        end = wire.find(b"\n\n", at) + 2 if dice.random() < 0.7 else at + dice.randrange(1, 900)
        said += reply.push(wire[at:end])
        at = end
    assert said == "".join(parse_chunk(frame).text for frame in frames)


def test_an_error_in_place_of_a_text_is_raised_after_hundred_that_were_alike() -> None:
    reply = StreamedReply()
    for _ in range(100):
        assert reply.push(b"data: %b\n\n" % payload("ค่ะ")) == "ค่ะ"
    with pytest.raises(LLMError):
        reply.push(b'data: {"error": {"code": 503}}\n\n')
