"""A model's server that says exactly what a test tells it to, byte by byte, on a real socket."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from typing import TypeAlias, cast

from conversations.llm.client import Client
from conversations.llm.requests import ChatMessage, Deadlines, Dialect, Endpoint


class Act(Enum):
    """What a server may do beside sending bytes and waiting. Without either it closes the connection in good order."""

    HANG = auto()
    RESET = auto()
    REPEAT = auto()
    """Send the step before this again each 10 ms, for ever."""


Step: TypeAlias = bytes | float | Act

STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
MESSAGES = (ChatMessage("system", "Answer in JSON."), ChatMessage("user", "ส่งกี่วัน"))
PATIENT = Deadlines(first_token_seconds=10.0, between_chunks_seconds=10.0, total_seconds=20.0)


class Server:
    """Follows the steps for each request. `requests` are the bodies; `asked` and `left` tell of a client."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self.requests: list[dict[str, object]] = []
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.left_at = 0.0
        self.connections: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer all requests of one connection."""
        self.connections.add(cast("asyncio.Task[None]", asyncio.current_task()))
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._answer(reader, writer):
                    pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Follow the steps; say whether the connection stays open after them, as a whole chunked answer leaves it."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        self.requests.append(json.loads(await reader.readexactly(length)))
        self.asked.set()
        last = b""
        for step in self.steps:
            if isinstance(step, bytes):
                last = step
                writer.write(step)
                await writer.drain()
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif step is Act.RESET:
                _reset(writer)
            else:
                await self._until_left(reader, writer, again=last if step is Act.REPEAT else b"")
        return last.endswith(b"0\r\n\r\n")

    async def _until_left(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, again: bytes) -> None:
        async def repeat() -> None:
            while True:
                writer.write(again)
                await asyncio.sleep(0.01)

        repeating = asyncio.create_task(repeat())
        try:
            with suppress(ConnectionError):
                await reader.read(1)
        finally:
            self.left_at = asyncio.get_running_loop().time()
            self.left.set()
            repeating.cancel()


def _reset(writer: asyncio.StreamWriter) -> None:
    linger_for_nothing = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_nothing)
    writer.transport.abort()


@asynccontextmanager
async def serving(*steps: Step) -> AsyncIterator[tuple[Client, Server]]:
    """Run a server with these steps; give a client of it."""
    server = Server(steps)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    client = Client(Endpoint("test", base_url, "key", "model", Dialect.DEEPSEEK))
    try:
        yield client, server
    finally:
        await client.aclose()
        listener.close()
        for connection in server.connections:
            connection.cancel()
        await asyncio.gather(*server.connections, return_exceptions=True)
        await listener.wait_closed()


def frame(body: object, *, is_ascii: bool = False) -> bytes:
    """Return one event of a stream."""
    return b"data: " + json.dumps(body, ensure_ascii=is_ascii).encode() + b"\n\n"


def delta(text: str | None) -> bytes:
    """Return the event of one piece of text."""
    return frame({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], "usage": None})


def finish(reason: str = "stop", usage: dict[str, object] | None = None) -> bytes:
    """Return the event that ends the text."""
    return frame({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": reason}], "usage": usage})


DONE = b"data: [DONE]\n\n"


def response(status: str, body: bytes, *headers: str) -> bytes:
    """Return a whole HTTP response."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\nConnection: close\r\n\r\n" + body


def chunked(*pieces: bytes) -> bytes:
    """Return the body of an answer in HTTP chunks, with its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def bytewise(data: bytes) -> Iterable[Step]:
    """Send the bytes one at a time."""
    for index in range(len(data)):
        yield data[index : index + 1]
        yield 0.0005
