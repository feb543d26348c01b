"""One OpenAI-compatible endpoint as typed events: the only place that speaks to a model.

Takes the raw bytes from the SDK and reads them itself: the SDK's own typed chunks cost nine times the CPU, lose a last
event that has no blank line after it, and take a cut stream for a finished one. It never retries: only the caller knows
what was shown already.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, contextmanager
from typing import Any, cast

import aiohttp
import httpx2
import orjson
from openai import APIStatusError, AsyncAPIResponse, AsyncOpenAI, DefaultAioHttpClient, OpenAIError

from conversations.llm.chunks import Completion, Finished, TextDelta, check_finish, parse_chunk
from conversations.llm.errors import Kind, LLMError, status_error
from conversations.llm.patience import Patience
from conversations.llm.requests import ChatMessage, Deadlines, Dialect, Endpoint, Sampling
from conversations.llm.streamed import StreamedReply

__all__ = ["Client", "Completion", "Finished", "TextDelta"]

CONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 20.0
MAX_CONNECTIONS = 1000
USAGE_SECONDS = 1.0
"""How long the usage may take once the model has finished."""
CLOSING_SECONDS = 0.1
"""How long the end of the body may take after `[DONE]`: only a connection that was read to its end is used again."""

NO_BALANCE_CODE = "insufficient_quota"
"""OpenAI's 429 that no waiting helps against."""
BROKEN = (OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError)
"""How the SDK, the client below it, the transport below that and the system say that a connection failed."""


class Client:
    """Long-lived, and bound to the event loop of its first call, as the connections that it keeps are."""

    def __init__(self, endpoint: Endpoint) -> None:
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
        # Not at the first call: the SDK imports for this, which takes longer than a customer should wait.
        self._completions = self._openai.chat.completions.with_streaming_response

    async def stream(
        self, messages: Sequence[ChatMessage], *, sampling: Sampling, deadlines: Deadlines
    ) -> AsyncGenerator[TextDelta | Finished, None]:
        """Yield the answer as it is written, then one Finished. Raises LLMError. Closing it closes the connection."""
        patience, reply = Patience(deadlines), StreamedReply()
        options = _options(self.endpoint, sampling) | {"stream_options": {"include_usage": True}}
        async with AsyncExitStack() as stack:
            stack.callback(patience.close)
            with _llm_errors():
                request = self._request(messages, options, is_streamed=True)
                response = await patience.wait(stack.enter_async_context(request))
                source = await stack.enter_async_context(aclosing(_raw_bytes(response)))
                while data := await _next(source, reply, patience):
                    if text := reply.push(data):
                        if not text.isspace():
                            patience.restart()
                        yield TextDelta(text)
                if text := reply.end():
                    yield TextDelta(text)
        yield reply.finished()

    async def complete(
        self, messages: Sequence[ChatMessage], *, sampling: Sampling, deadlines: Deadlines
    ) -> Completion:
        """Return the whole answer at once. Raises LLMError, also for an answer that is blank or was cut short."""
        patience = Patience(Deadlines(*[deadlines.total_seconds] * 3))
        async with AsyncExitStack() as stack:
            stack.callback(patience.close)
            with _llm_errors():
                request = self._request(messages, _options(self.endpoint, sampling), is_streamed=False)
                response = await patience.wait(stack.enter_async_context(request))
                chunk = parse_chunk(await patience.wait(response.read()))
        if chunk.finish_reason is None:
            raise LLMError(Kind.CUT, usage=chunk.usage)
        check_finish(chunk.finish_reason, chunk.usage)
        if not chunk.text.strip():
            raise LLMError(Kind.BLANK, usage=chunk.usage)
        return Completion(chunk.text, chunk.usage)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._openai.close()

    def _request(
        self, messages: Sequence[ChatMessage], options: dict[str, object], *, is_streamed: bool
    ) -> AbstractAsyncContextManager[AsyncAPIResponse[Any]]:
        said = [{"role": message.role, "content": message.content} for message in messages]
        return self._completions.create(
            model=self.endpoint.model,
            # The real ones are in the extra body: what goes through `messages` is walked through type by type, which
            # takes longer for a prompt of 30 messages (7 ms) than all that comes after it.
            messages=[],
            stream=is_streamed,
            extra_body=options | {"messages": said},
        )


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


def _raw_bytes(response: AsyncAPIResponse[Any]) -> AsyncGenerator[bytes, None]:
    """Return the bytes as they arrive, past the decoders and iterators that cost more than reading them."""
    stream = cast("httpx2.AsyncByteStream", response.http_response.stream)
    return cast("AsyncGenerator[bytes, None]", aiter(stream))


async def _next(source: AsyncIterator[bytes], reply: StreamedReply, patience: Patience) -> bytes:
    """Return the next bytes, none at the end. Nothing that fails after the model has finished is an error any more."""
    if reply.is_finished:
        patience.end_within(CLOSING_SECONDS if reply.is_done else USAGE_SECONDS)
    try:
        return await patience.wait(anext(source, b""))
    except (LLMError, *BROKEN):
        if reply.is_finished:
            return b""
        raise


@contextmanager
def _llm_errors() -> Iterator[None]:
    """Turn what the layers below raise into an LLMError, without the words and headers that theirs carry."""
    try:
        yield
    except APIStatusError as error:
        if error.code == NO_BALANCE_CODE:
            raise LLMError(Kind.BALANCE, status=error.status_code) from None
        raise status_error(error.status_code, retry_after=error.response.headers.get("retry-after")) from None
    except BROKEN:
        raise LLMError(Kind.NETWORK) from None
