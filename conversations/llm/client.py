"""One OpenAI-compatible endpoint as typed events: the only place that speaks to a model.

Takes the raw bytes from the SDK and reads them itself: the SDK's own typed chunks cost nine times the CPU, lose a last
event that has no blank line after it, and take a cut stream for a finished one. It never retries: only the caller knows
what was shown already.

The SDK takes longer to load than all of Django, so it is loaded with the first client and not with this module: pages
and periodic jobs make no calls.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson

from conversations.llm.chunks import Completion, Finished, TextDelta, check_finish, parse_chunk
from conversations.llm.errors import Kind, LLMError, status_error
from conversations.llm.patience import Patience
from conversations.llm.requests import ChatMessage, Deadlines, Dialect, Endpoint, Sampling
from conversations.llm.streamed import StreamedReply

if TYPE_CHECKING:
    import httpx2

__all__ = ["Client", "Completion", "Finished", "TextDelta"]

CONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 20.0
MAX_CONNECTIONS = 1000
USAGE_SECONDS = 1.0
"""How long the usage may take once the model has finished."""
CLOSING_SECONDS = 0.1
"""How long the end of the body may take after `[DONE]`: only a connection that was read to its end is used again."""

OnText: TypeAlias = Callable[[str], float]
STREAMED: Final = {"stream": True, "stream_options": {"include_usage": True}}
HEADERS: Final = {"Content-Type": "application/json", "X-Stainless-Raw-Response": "stream"}
"""The second one is the SDK's own, and how it is told to leave the body to be read by us."""
MAX_COMPLAINT_CHARS = 2000
NO_BALANCE_CODE = "insufficient_quota"
"""OpenAI's 429 that no waiting helps against."""


def load_sdk() -> None:
    """Load what the first client needs: for those who must not stop in the middle of their work for it."""
    import_module("openai")


class Client:
    """Long-lived, and bound to the event loop of its first call, as the connections that it keeps are."""

    def __init__(self, endpoint: Endpoint) -> None:
        import httpx2
        from openai import AsyncOpenAI, DefaultAioHttpClient

        self.endpoint = endpoint
        self._openai = AsyncOpenAI(
            api_key=endpoint.api_key,
            base_url=endpoint.base_url,
            max_retries=0,
            # No timeout on reads: a keep-alive would restart it. Patience keeps the time instead.
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            # A compressed stream is held back until there is enough to compress.
            default_headers={"Accept-Encoding": "identity"},
            http_client=DefaultAioHttpClient(
                limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_SECONDS),
                # A redirect is a wrong address, not a place to take the key to.
                follow_redirects=False,
                proxy=endpoint.proxy or None,
            ),
        )

    async def read(
        self,
        messages: Sequence[ChatMessage],
        *,
        sampling: Sampling,
        deadlines: Deadlines,
        on_text: OnText,
    ) -> Finished:
        """Give `on_text` the answer as it is written; return how it ended. Raises LLMError.

        `on_text` returns for how many seconds nobody will look at more: what comes meanwhile is read in one piece.
        Cancelling it closes the connection at once.
        """
        from conversations.llm.body import pour

        reply = StreamedReply()
        try:
            async with Patience(deadlines) as patience, AsyncExitStack() as stack:
                with _llm_errors():
                    options = _options(self.endpoint, sampling) | STREAMED
                    response = await stack.enter_async_context(self._response(messages, options))
                    reading = _Reading(reply, patience=patience, on_text=on_text)
                    # To the end of the body, so that the connection can be used again.
                    await pour(response, reading.take)
                    reading.end()
        except LLMError:
            # Nothing that fails after the model has finished is an error any more.
            if not reply.is_finished:
                raise
        return reply.finished()

    async def stream(
        self, messages: Sequence[ChatMessage], *, sampling: Sampling, deadlines: Deadlines
    ) -> AsyncGenerator[TextDelta | Finished, None]:
        """Yield the answer as it is written, then one Finished. Raises LLMError. Closing it closes the connection."""
        pieces: asyncio.Queue[str | None] = asyncio.Queue()

        def put(text: str) -> float:
            pieces.put_nowait(text)
            return 0.0

        reading = asyncio.create_task(self.read(messages, sampling=sampling, deadlines=deadlines, on_text=put))
        reading.add_done_callback(lambda _reading: pieces.put_nowait(None))
        try:
            while (text := await pieces.get()) is not None:
                yield TextDelta(text)
            yield await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def complete(
        self, messages: Sequence[ChatMessage], *, sampling: Sampling, deadlines: Deadlines
    ) -> Completion:
        """Return the whole answer at once. Raises LLMError, also for an answer that is blank or was cut short."""
        async with Patience(Deadlines(*[deadlines.total_seconds] * 3)), AsyncExitStack() as stack:
            with _llm_errors():
                options = _options(self.endpoint, sampling)
                response = await stack.enter_async_context(self._response(messages, options))
                chunk = parse_chunk(await response.aread())
        if chunk.finish_reason is None:
            raise LLMError(Kind.CUT, usage=chunk.usage)
        check_finish(chunk.finish_reason, chunk.usage)
        if not chunk.text.strip():
            raise LLMError(Kind.BLANK, usage=chunk.usage)
        return Completion(chunk.text, chunk.usage)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._openai.close()

    @asynccontextmanager
    async def _response(
        self, messages: Sequence[ChatMessage], options: dict[str, object]
    ) -> AsyncGenerator["httpx2.Response", None]:
        """Send the request; the body is there to be read until this ends. Raises what the SDK raises."""
        import httpx2

        said = [{"role": message.role, "content": message.content} for message in messages]
        response = await self._openai.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            # Whole: the typed method walks through every message's fields, which for a long prompt takes longer than
            # all that comes after it.
            content=orjson.dumps({"model": self.endpoint.model, "messages": said} | options),
            options={"headers": HEADERS},
        )
        try:
            yield response
        finally:
            await response.aclose()


def _options(endpoint: Endpoint, sampling: Sampling) -> dict[str, object]:
    """Return the fields of the request beyond model and messages, the endpoint's own ones last."""
    extra: dict[str, object] = orjson.loads(endpoint.extra_body or b"{}")
    return _common_options(sampling) | _dialect_options(endpoint.dialect, sampling) | extra


def _common_options(sampling: Sampling) -> dict[str, object]:
    options: dict[str, object] = {"temperature": sampling.temperature}
    if sampling.top_p != 1.0:
        options["top_p"] = sampling.top_p
    if sampling.frequency_penalty:
        options["frequency_penalty"] = sampling.frequency_penalty
    return options


def _dialect_options(dialect: Dialect, sampling: Sampling) -> dict[str, object]:
    json_only: dict[str, object] = {"response_format": {"type": "json_object"}}
    if dialect is Dialect.OPENAI:
        return json_only | {"max_completion_tokens": sampling.max_tokens}
    if dialect is Dialect.SELF_HOSTED:
        # A server that holds the model to JSON doesn't let it think aloud first.
        return ({} if sampling.is_thinking else json_only) | {"max_tokens": sampling.max_tokens}
    thinking = "enabled" if sampling.is_thinking else "disabled"
    return json_only | {"max_tokens": sampling.max_tokens, "thinking": {"type": thinking}}


class _Reading:
    """One answer on its way from the body to `on_text`."""

    __slots__ = ("_on_text", "_patience", "_reply")

    def __init__(self, reply: StreamedReply, *, patience: Patience, on_text: OnText) -> None:
        self._reply = reply
        self._patience = patience
        self._on_text = on_text

    def take(self, data: bytes) -> float:
        """Take more of the body; return for how many seconds nobody will look at more."""
        reply, pause_seconds = self._reply, 0.0
        if text := reply.push(data):
            if not text.isspace():
                self._patience.restart()
            pause_seconds = self._on_text(text)
        if not reply.is_finished:
            return pause_seconds
        self._patience.end_within(CLOSING_SECONDS if reply.is_done else USAGE_SECONDS)
        return 0.0

    def end(self) -> None:
        """Take the end of the body."""
        if text := self._reply.end():
            self._on_text(text)


@contextmanager
def _llm_errors() -> Iterator[None]:
    """Turn what the layers below raise into an LLMError, without the words and headers that theirs carry."""
    from aiohttp import ClientError
    from httpx2 import HTTPError
    from openai import APIStatusError, OpenAIError

    try:
        yield
    except APIStatusError as error:
        if error.code == NO_BALANCE_CODE:
            raise LLMError(Kind.BALANCE, status=error.status_code) from None
        retry_after = error.response.headers.get("retry-after")
        complaint = f"{error.code} {error.message}"[:MAX_COMPLAINT_CHARS]
        raise status_error(error.status_code, retry_after=retry_after, complaint=complaint) from None
    except (OpenAIError, HTTPError, ClientError, OSError):
        # How the SDK, the client below it, the transport below that and the system say that a connection failed.
        raise LLMError(Kind.NETWORK) from None
