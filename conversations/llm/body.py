"""The body of a streamed response, given on as it comes, past the queues, decoders and wake-ups in between.

Where aiohttp reads the socket a `Shortcut` stands before its protocol for as long as one body lasts. aiohttp stays in
charge of the connection: it is left out only for reads that are nothing but whole HTTP chunks, after one such read has
shown that it takes them for the same. All else goes through it, the end of the body too, so that the connection is
used again or closed as ever.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final, TypeAlias, cast

import aiohttp
import httpx2
from typing_extensions import override

Take: TypeAlias = Callable[[bytes], float]
"""Hears what came; says for how many seconds nobody wants more of it."""

MAX_SIZE_DIGITS: Final = 8
LINE_END: Final = b"\r\n"


async def pour(response: httpx2.Response, take: Take) -> None:
    """Give the whole body to `take`. Raises what `take` raises, and what the layers below do."""
    stream = cast("httpx2.AsyncByteStream", response.stream)
    answer = getattr(getattr(stream, "_stream", stream), "_aiohttp_response", None)
    if isinstance(answer, aiohttp.ClientResponse) and (shortcut := _shortcut(answer, take)):
        await shortcut.pour()
        return
    async for data in stream:
        if pause_seconds := take(data):
            await asyncio.sleep(pause_seconds)


def whole_chunks(data: bytes) -> bytes:
    """Return what is in these HTTP chunks; nothing where they aren't whole, or the last of a body is among them."""
    parts: list[bytes] = []
    at, length = 0, len(data)
    while at < length:
        line_end = data.find(LINE_END, at, at + MAX_SIZE_DIGITS + len(LINE_END))
        if line_end < 0 or not data[at:line_end].isalnum():
            return b""
        try:
            start, size = line_end + len(LINE_END), int(data[at:line_end], 16)
        except ValueError:
            return b""
        at = start + size + len(LINE_END)
        if not size or data[at - len(LINE_END) : at] != LINE_END:
            return b""
        parts.append(data[start : start + size])
    return parts[0] if len(parts) == 1 else b"".join(parts)


class Shortcut(asyncio.Protocol):
    """Stands before the protocol of a connection while one body is read from it."""

    def __init__(
        self, transport: asyncio.Transport, inner: asyncio.Protocol, body: aiohttp.StreamReader, take: Take
    ) -> None:
        self._transport = transport
        self._inner = inner
        self._body = body
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._to_reader = _ToReader(self._ended)
        self._rest: asyncio.TimerHandle | None = None
        self._is_chunked = False
        """Whether aiohttp stands between two HTTP chunks."""

    async def pour(self) -> None:
        """Read until the body ends."""
        self._transport.set_protocol(self)
        try:
            self._take_from_inner()
            await self._ended
        finally:
            self._leave()
            if self._ended.done() and not self._ended.cancelled():
                # Seen, also where who reads was cancelled meanwhile.
                self._ended.exception()

    @override
    def data_received(self, data: bytes) -> None:
        """Take what came, by the shortest way that is safe."""
        content = whole_chunks(data)
        if content and self._is_chunked:
            self._give(content)
            return
        self._inner.data_received(data)
        came = self._take_from_inner()
        self._is_chunked = bool(content) and content == came

    @override
    def eof_received(self) -> bool | None:
        """Let aiohttp know."""
        return self._inner.eof_received()

    @override
    def pause_writing(self) -> None:
        """Let aiohttp know."""
        self._inner.pause_writing()

    @override
    def resume_writing(self) -> None:
        """Let aiohttp know."""
        self._inner.resume_writing()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Let aiohttp judge whether that ends the body or breaks it."""
        self._inner.connection_lost(exc)
        self._take_from_inner()
        if not self._ended.done():
            self._ended.set_exception(aiohttp.ServerDisconnectedError())

    def _take_from_inner(self) -> bytes:
        """Take what aiohttp made of what it was given, and see whether the body is over."""
        data = b""
        with self._to_reader:
            data = self._body.read_nowait()
        if data:
            self._give(data)
        if self._body.at_eof() and not self._ended.done():
            # The connection may be given to the next call at once.
            self._leave()
            self._ended.set_result(None)
        return data

    def _give(self, data: bytes) -> None:
        if not self._ended.done():
            with self._to_reader:
                if pause_seconds := self._take(data):
                    self._pause(pause_seconds)

    def _pause(self, seconds: float) -> None:
        """Leave what comes to the system for a while: many small pieces then cost as much as one."""
        if self._rest is None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._rest = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _leave(self) -> None:
        self._resume()
        if self._transport.get_protocol() is self:
            self._transport.set_protocol(self._inner)


class _ToReader:
    """What goes wrong in here belongs to who reads, not to the event loop that brought the data."""

    def __init__(self, ended: asyncio.Future[None]) -> None:
        self._ended = ended

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if not self._ended.done():
            self._ended.set_exception(error)
        return True


def _shortcut(answer: aiohttp.ClientResponse, take: Take) -> Shortcut | None:
    """Return the way past aiohttp's queue; None where the whole body is there already, or somebody else reads."""
    connection = answer.connection
    transport, inner = (connection.transport, connection.protocol) if connection else (None, None)
    if transport is None or inner is None or transport.get_protocol() is not inner:
        return None
    return Shortcut(transport, inner, answer.content, take)
