"""Whatever the simulator does, csbot's own client turns it into text and an end, or into one LLMError."""

import asyncio

import pytest

from conversations.llm.client import Client, Finished, TextDelta
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import ChatMessage, Deadlines, Dialect, Endpoint, Sampling
from conversations.llm.simulator.faults import FAULTS
from conversations.llm.simulator.server import Simulator
from tests.simulator.wire import ANSWER, request_body, run

# For what hangs or is late on purpose; all else gets the time that a busy machine may take.
IMPATIENT = Deadlines(first_token_seconds=0.6, between_chunks_seconds=0.4, total_seconds=2.0)
KINDS = {
    "status-401": Kind.AUTH,
    "status-402": Kind.BALANCE,
    "status-429": Kind.RATE_LIMITED,
    "status-429-huge": Kind.RATE_LIMITED,
    "status-422": Kind.UNPROCESSABLE,
    "status-400": Kind.BAD_REQUEST,
    "status-500": Kind.SERVER,
    "status-502": Kind.SERVER,
    "status-503": Kind.OVERLOADED,
    "overloaded": Kind.OVERLOADED,
    "length": Kind.TOO_LONG,
    "length-empty": Kind.TOO_LONG,
    "content-filter": Kind.FILTERED,
    "html-page": Kind.MALFORMED,
    "error-frame-first": Kind.MALFORMED,
    "reset": Kind.NETWORK,
    "hang": Kind.FIRST_TOKEN_TIMEOUT,
    "silent": Kind.FIRST_TOKEN_TIMEOUT,
    "keep-alive-forever": Kind.FIRST_TOKEN_TIMEOUT,
    "late": Kind.FIRST_TOKEN_TIMEOUT,
    "stall": Kind.STALLED,
    "stall-keep-alive": Kind.STALLED,
    "pause": Kind.STALLED,
    "cut": Kind.CUT,
    "cut-by-close": Kind.CUT,
    "cut-before-finish": Kind.CUT,
}
# What a client must not mind at all.
HARMLESS = (
    "crlf", "byte-by-byte", "one-piece", "no-space", "multi-line-data", "comments", "id-then-comment", "event-lines",
    "empty-data", "choices-null", "choices-empty", "delta-null", "content-null", "no-usage", "usage-everywhere",
    "usage-odd", "no-done", "two-dones", "done-then-hang", "last-event-unended", "no-role", "reasoning",
    "reasoning-braces",
)  # fmt: skip


def messages() -> list[ChatMessage]:
    return [ChatMessage(message["role"], message["content"]) for message in request_body()["messages"]]


def outcome(mode: str, *, deadlines: Deadlines) -> tuple[str, Finished | Kind]:
    """Stream one answer; return its text, and its end or the error's kind."""

    async def work(_: Simulator, address: str) -> tuple[str, Finished | Kind]:
        endpoint = Endpoint("simulator", f"{address}/v1", "any", f"csbot-simulator{mode}", Dialect.SIMULATOR)
        client = Client(endpoint)
        text = ""
        end: Finished | Kind | None = None
        try:
            async for event in client.stream(messages(), sampling=Sampling(), deadlines=deadlines):
                if isinstance(event, TextDelta):
                    text += event.text
                else:
                    end = event
        except LLMError as error:
            end = error.kind
        finally:
            await client.aclose()
        assert end is not None
        return text, end

    return run(work)


def test_a_good_answer_arrives_whole_with_its_usage() -> None:
    text, end = outcome("", deadlines=Deadlines())
    assert text == ANSWER
    assert isinstance(end, Finished)
    assert end.usage
    assert end.usage.prompt_tokens > 100
    assert end.usage.completion_tokens > 10


@pytest.mark.parametrize("mode", FAULTS)
def test_every_mode_ends_as_text_or_as_one_llm_error(mode: str) -> None:
    text, end = outcome(f"+{mode}", deadlines=Deadlines() if mode in HARMLESS else IMPATIENT)
    if mode in HARMLESS:
        assert text == ANSWER
        assert isinstance(end, Finished)
    if mode in KINDS:
        assert end is KINDS[mode]


def test_many_conversations_at_once_keep_their_own_answers() -> None:
    async def work(simulator: Simulator, address: str) -> tuple[list[str], int]:
        endpoint = Endpoint("simulator", f"{address}/v1", "any", "csbot-simulator", Dialect.SIMULATOR)
        client = Client(endpoint)

        async def one() -> str:
            events = client.stream(messages(), sampling=Sampling(), deadlines=Deadlines())
            return "".join([event.text async for event in events if isinstance(event, TextDelta)])

        try:
            return await asyncio.gather(*(one() for _ in range(40))), simulator.figures.served
        finally:
            await client.aclose()

    answers, served = run(work)
    assert set(answers) == {ANSWER}
    assert served == 40
