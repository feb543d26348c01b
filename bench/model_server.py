"""A stand-in for the model: an OpenAI-compatible server that streams at an even pace and costs almost no CPU.

It notes when each request came, when its first tokens left and when its client went away (`/bench/records`), by the
monotonic clock that all processes of one machine share. Loopback only. Never used outside benchmarks.
"""

import argparse
import asyncio
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Final, cast

import orjson
import uvloop

from bench.replies import (
    CHUNK,
    Script,
    content_frame,
    envelope_script,
    first_frame,
    last_frames,
    marker_of,
    prose_script,
    usage_of,
)

STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
)
KEPT_RECORDS: Final = 200_000
HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True)
class Pace:
    """How fast the model is: until its first token, between two, and how many tokens an answer has."""

    first_token_seconds: float
    token_seconds: float
    tokens: int


@dataclass(slots=True)
class Record:
    """What became of one request, in seconds of the monotonic clock; 0 = has not happened."""

    marker: str
    received_at: float
    first_token_at: float = 0.0
    first_visible_at: float = 0.0
    ended_at: float = 0.0
    closed_at: float = 0.0
    tokens_sent: int = 0


class Model:
    """The pace, the records of all requests, and the pre-built chunks."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.records: deque[Record] = deque(maxlen=KEPT_RECORDS)
        self.live = 0
        self._frames: dict[Script, list[bytes]] = {}

    def script(self, body: bytes) -> Script:
        """Return what to answer: an envelope where JSON is asked for, else prose."""
        is_json = b'"json_object"' in body
        return envelope_script(self.pace.tokens) if is_json else prose_script(self.pace.tokens)

    def frames(self, script: Script) -> list[bytes]:
        """Return the script's chunks on the wire, all but the last, which holds the marker."""
        if script not in self._frames:
            first, *others = script.pieces
            self._frames[script] = [first_frame(first), *map(content_frame, others)]
        return self._frames[script]


class Stream:
    """One answer on its way: a timer per token, no task."""

    def __init__(self, transport: asyncio.Transport, *, model: Model, body: bytes, record: Record) -> None:
        self._transport = transport
        self._model = model
        self._script = model.script(body)
        self._frames = model.frames(self._script)
        self._prompt_bytes = len(body)
        self._record = record
        self._loop = asyncio.get_running_loop()
        self._next_at = self._loop.time() + model.pace.first_token_seconds
        self._timer = self._loop.call_at(self._next_at, self._send_next)
        model.live += 1
        transport.write(STREAM_HEAD)

    @property
    def is_live(self) -> bool:
        """Whether more tokens are to come."""
        return not (self._record.ended_at or self._record.closed_at)

    def _send_next(self) -> None:
        index = self._record.tokens_sent
        now = time.monotonic()
        if index == 0:
            self._record.first_token_at = now
        if index == self._script.first_visible:
            self._record.first_visible_at = now
        if index == len(self._frames):
            self._finish(now)
            return
        self._transport.write(self._frames[index])
        self._record.tokens_sent += 1
        self._next_at += self._model.pace.token_seconds
        self._timer = self._loop.call_at(self._next_at, self._send_next)

    def _finish(self, now: float) -> None:
        tokens = self._model.pace.tokens
        usage = usage_of(prompt_bytes=self._prompt_bytes, tokens=tokens)
        last = content_frame(f"{self._record.marker}{self._script.tail}")
        self._transport.write(last + last_frames(usage))
        self._record.tokens_sent = tokens
        self._record.ended_at = now
        self._model.live -= 1

    def abort(self) -> None:
        """Note that the client went away in the middle."""
        if self.is_live:
            self._record.closed_at = time.monotonic()
            self._timer.cancel()
            self._model.live -= 1


class Connection(asyncio.Protocol):
    """One client's connection: reads a request, answers it, reads the next."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._buffer = b""
        self._stream: Stream | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        """End what was being sent."""
        if self._stream:
            self._stream.abort()

    def data_received(self, data: bytes) -> None:
        """Collect a request; answer it once it is whole."""
        self._buffer += data
        while request := take_request(self._buffer):
            path, body, self._buffer = request
            self._answer(path, body)

    def _answer(self, path: str, body: bytes) -> None:
        if self._transport is None:
            return
        if path.endswith("/chat/completions"):
            self._chat(self._transport, body)
        elif path.startswith("/bench/records"):
            records = list(self._model.records)
            if path.endswith("?clear=1"):
                self._model.records.clear()
            self._transport.write(json_response([asdict(record) for record in records]))
        else:
            self._transport.write(json_response({"live": self._model.live, "object": "list", "data": []}))

    def _chat(self, transport: asyncio.Transport, body: bytes) -> None:
        record = Record(marker_of(body), received_at=time.monotonic())
        self._model.records.append(record)
        if b'"stream":true' in body.replace(b'"stream": true', b'"stream":true'):
            self._stream = Stream(transport, model=self._model, body=body, record=record)
            return
        script = self._model.script(body)
        delay = self._model.pace.first_token_seconds + self._model.pace.token_seconds * self._model.pace.tokens
        response = json_response(completion(script.text(record.marker)))
        asyncio.get_running_loop().call_later(delay, transport.write, response)


def completion(content: str) -> dict[str, object]:
    """Return a whole answer in one object."""
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return {**CHUNK, "object": "chat.completion", "choices": choices, "usage": usage_of(prompt_bytes=4000, tokens=60)}


def json_response(content: object) -> bytes:
    """Return a 200 response with JSON."""
    body = orjson.dumps(content)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def take_request(buffer: bytes) -> tuple[str, bytes, bytes] | None:
    """Return the first request's path, its body, and what follows it; None while it isn't whole."""
    head_length = buffer.find(HEAD_END)
    if head_length < 0:
        return None
    head, rest = buffer[:head_length], buffer[head_length + len(HEAD_END) :]
    path = head.split(b" ", 2)[1].decode()
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        taken = _take_chunks(rest)
        return (path, *taken) if taken else None
    length = _content_length(lowered)
    return (path, rest[:length], rest[length:]) if len(rest) >= length else None


def _content_length(head: bytes) -> int:
    _before, found, after = head.partition(b"content-length:")
    return int(after.split(b"\r\n", 1)[0]) if found else 0


def _take_chunks(rest: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while True:
        size_text, found, after = rest.partition(b"\r\n")
        size = int(size_text or b"0", 16)
        if not found or len(after) < size + 2:
            return None
        body, rest = body + after[:size], after[size + 2 :]
        if size == 0:
            return body, rest


async def serve(port: int, pace: Pace) -> None:
    """Serve on loopback until cancelled; says `ready` on a line of its own once it listens."""
    model = Model(pace)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(model), "127.0.0.1", port, backlog=1024, reuse_address=True
    )
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--first-token-ms", type=float, default=150)
    parser.add_argument("--token-ms", type=float, default=30)
    parser.add_argument("--tokens", type=int, default=60)
    arguments = parser.parse_args()
    pace = Pace(arguments.first_token_ms / 1000, arguments.token_ms / 1000, arguments.tokens)
    try:
        uvloop.run(serve(arguments.port, pace))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
