"""What a client sends, how it lets go, and whole answers."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest

from conversations.llm.client import Client, Completion, Finished, TextDelta
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import ChatMessage, Deadlines, Dialect, Endpoint, Sampling, Usage
from tests.llm.server import (
    CHUNKED_HEAD,
    DONE,
    MESSAGES,
    PATIENT,
    STREAM_HEAD,
    Act,
    Step,
    chunked,
    delta,
    finish,
    response,
    serving,
)

PLAIN = Sampling()
CLOSES_WITHIN_SECONDS = 0.2
WHOLE = b'{"choices": [{"message": {"content": "%b"}, "finish_reason": "%b"}], "usage": {"prompt_tokens": 7}}'


async def read(client: Client, *, sampling: Sampling = PLAIN, deadlines: Deadlines = PATIENT) -> str:
    events = client.stream(MESSAGES, sampling=sampling, deadlines=deadlines)
    return "".join([event.text async for event in events if isinstance(event, TextDelta)])


async def sent(dialect: Dialect, sampling: Sampling) -> dict[str, object]:
    """Return the body of the request that a client of this dialect makes."""
    async with serving(STREAM_HEAD, delta("a"), finish(), DONE) as (client, server):
        spoken = Client(Endpoint("test", client.endpoint.base_url, "key", "model", dialect))
        await read(spoken, sampling=sampling)
        await spoken.aclose()
        return server.requests[0]


def test_deepseek_is_asked_for_json_without_thinking() -> None:
    assert asyncio.run(sent(Dialect.DEEPSEEK, Sampling())) == {
        "model": "model",
        "messages": [
            {"role": "system", "content": "Answer in JSON."},
            {"role": "user", "content": "ส่งกี่วัน"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": {"type": "json_object"},
        "temperature": 0.2,
        "max_tokens": 800,
        "thinking": {"type": "disabled"},
    }


def test_deepseek_thinks_where_it_is_told_to() -> None:
    body = asyncio.run(sent(Dialect.DEEPSEEK, Sampling(top_p=0.9, frequency_penalty=0.5, is_thinking=True)))
    assert body["thinking"] == {"type": "enabled"}
    assert body["top_p"] == 0.9
    assert body["frequency_penalty"] == 0.5


def test_openai_gets_no_fields_that_it_does_not_know() -> None:
    body = asyncio.run(sent(Dialect.OPENAI, Sampling(is_thinking=True)))
    assert "thinking" not in body
    assert "max_tokens" not in body
    assert body["max_completion_tokens"] == 800


def test_closing_a_stream_closes_the_provider_s_connection_at_once() -> None:
    async def scenario() -> None:
        async with serving(STREAM_HEAD, delta("a"), Act.HANG) as (client, server):
            async with aclosing(client.stream(MESSAGES, sampling=PLAIN, deadlines=PATIENT)) as events:
                assert await anext(events) == TextDelta("a")
                closed_at = asyncio.get_running_loop().time()
            await asyncio.wait_for(server.left.wait(), timeout=5)
            assert server.left_at - closed_at < CLOSES_WITHIN_SECONDS

    asyncio.run(scenario())


@pytest.mark.parametrize("steps", [(STREAM_HEAD, delta("a"), Act.HANG), (Act.HANG,)], ids=["mid-stream", "before it"])
def test_cancelling_the_task_closes_the_provider_s_connection_at_once(steps: tuple[Step, ...]) -> None:
    async def scenario() -> None:
        async with serving(*steps) as (client, server):
            events = client.stream(MESSAGES, sampling=PLAIN, deadlines=PATIENT)
            task = asyncio.create_task(anext_but_one(events))
            await server.asked.wait()
            await asyncio.sleep(0.05)
            cancelled_at = asyncio.get_running_loop().time()
            task.cancel()
            await asyncio.wait_for(server.left.wait(), timeout=5)
            assert server.left_at - cancelled_at < CLOSES_WITHIN_SECONDS
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(scenario())


async def anext_but_one(events: AsyncGenerator[TextDelta | Finished, None]) -> None:
    async with aclosing(events):
        await anext(events)
        await anext(events)


def test_a_deadline_closes_the_provider_s_connection_at_once() -> None:
    async def scenario() -> None:
        async with serving(STREAM_HEAD, delta("a"), Act.HANG) as (client, server):
            with pytest.raises(LLMError):
                await read(client, deadlines=replace(PATIENT, first_token_seconds=2.0, between_chunks_seconds=0.2))
            raised_at = asyncio.get_running_loop().time()
            await asyncio.wait_for(server.left.wait(), timeout=5)
            assert server.left_at - raised_at < CLOSES_WITHIN_SECONDS

    asyncio.run(scenario())


def test_one_client_serves_fifty_streams_at_once() -> None:
    async def scenario() -> None:
        words = [step for index in range(20) for step in (delta(f"{index} "), 0.005)]
        async with serving(STREAM_HEAD, 0.1, *words, finish(), DONE) as (client, server):
            texts = await asyncio.gather(*[read(client) for _ in range(50)])
            assert set(texts) == {"".join(f"{index} " for index in range(20))}
            assert len(server.connections) == 50

    asyncio.run(scenario())


def test_a_connection_is_used_again_when_its_stream_was_read_to_the_end() -> None:
    async def scenario() -> None:
        whole = CHUNKED_HEAD + chunked(delta("a"), finish(), DONE)
        async with serving(whole) as (client, server):
            assert [await read(client) for _ in range(3)] == ["a"] * 3
            assert len(server.connections) == 1

    asyncio.run(scenario())


def test_a_slow_reader_is_no_stall_of_the_model() -> None:
    async def scenario() -> None:
        async with serving(STREAM_HEAD, delta("a"), 0.01, delta("b"), 0.01, finish(), DONE) as (client, _server):
            text = ""
            impatient = replace(PATIENT, between_chunks_seconds=0.5)
            async for event in client.stream(MESSAGES, sampling=PLAIN, deadlines=impatient):
                await asyncio.sleep(0.6)
                text += event.text if isinstance(event, TextDelta) else "."
            assert text == "ab."

    asyncio.run(scenario())


def test_an_address_where_nobody_listens_is_a_network_error() -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
            client = Client(Endpoint("test", nowhere, "key", "model", Dialect.OPENAI))
            with pytest.raises(LLMError) as caught:
                await read(client)
            assert caught.value.kind is Kind.NETWORK
            await client.aclose()

    asyncio.run(scenario())


def test_an_error_carries_neither_the_key_nor_what_was_written() -> None:
    async def scenario() -> None:
        async with serving(response("400 Bad", b'{"error": {"message": "you wrote SECRET"}}')) as (client, _server):
            with pytest.raises(LLMError) as caught:
                await client.complete([ChatMessage("user", "SECRET")], sampling=PLAIN, deadlines=PATIENT)
            assert str(caught.value) == "bad_request (400)"
            assert caught.value.__suppress_context__
            assert "key" not in repr(client.endpoint)

    asyncio.run(scenario())


@pytest.mark.parametrize("retry_after", ["7", "7.0"])
def test_the_provider_says_when_to_come_back(retry_after: str) -> None:
    async def scenario() -> None:
        async with serving(response("429 Wait", b"{}", f"Retry-After: {retry_after}")) as (client, _server):
            with pytest.raises(LLMError) as caught:
                await read(client)
            assert caught.value.retry_after_seconds == 7.0
            assert caught.value.retryable

    asyncio.run(scenario())


async def complete(*steps: Step, deadlines: Deadlines = PATIENT) -> Completion | Kind:
    async with serving(*steps) as (client, _server):
        try:
            return await client.complete(MESSAGES, sampling=PLAIN, deadlines=deadlines)
        except LLMError as error:
            return error.kind


def test_a_whole_answer_may_take_all_the_time_and_blank_lines_before_it() -> None:
    body = b"\n\n\n" + WHOLE % (b"hi", b"stop")
    waiting = (STREAM_HEAD, b"\n", 0.05, b"\n", 0.05, body)
    only_total = replace(PATIENT, first_token_seconds=0.01, between_chunks_seconds=0.01)
    assert asyncio.run(complete(*waiting, deadlines=only_total)) == Completion("hi", Usage(prompt_tokens=7))


NO_ANSWER: dict[str, tuple[tuple[Step, ...], Kind]] = {
    "blank": ((response("200 OK", WHOLE % (b"  ", b"stop")),), Kind.BLANK),
    "too long": ((response("200 OK", WHOLE % (b"hi", b"length")),), Kind.TOO_LONG),
    "filtered": ((response("200 OK", WHOLE % (b"", b"content_filter")),), Kind.FILTERED),
    "no finish": ((response("200 OK", WHOLE % (b"hi", b"")),), Kind.CUT),
    "html": ((response("200 OK", b"<html>"),), Kind.MALFORMED),
    "no choices": ((response("200 OK", b"{}"),), Kind.MALFORMED),
    "an error with status 200": ((response("200 OK", b'{"error": {"code": "503"}}'),), Kind.OVERLOADED),
    "cut": ((response("200 OK", WHOLE % (b"hi", b"stop"))[:-5],), Kind.NETWORK),
    "silence": ((Act.HANG,), Kind.TOTAL_TIMEOUT),
    "blank lines for ever": ((STREAM_HEAD, b"\n", Act.REPEAT), Kind.TOTAL_TIMEOUT),
    "too busy": ((response("503 Busy", b""),), Kind.OVERLOADED),
}


@pytest.mark.parametrize(("steps", "kind"), NO_ANSWER.values(), ids=NO_ANSWER.keys())
def test_a_whole_answer_that_is_none_says_why(steps: tuple[Step, ...], kind: Kind) -> None:
    short = replace(PATIENT, total_seconds=0.3)
    assert asyncio.run(complete(*steps, deadlines=short if kind is Kind.TOTAL_TIMEOUT else PATIENT)) is kind
