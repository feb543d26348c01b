"""A model that tests script: an OpenAI-compatible HTTP server on loopback, in a thread of its own."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web

CHUNK_CHARS = 6


@dataclass(frozen=True)
class Pause:
    """Wait before going on."""

    seconds: float


@dataclass(frozen=True)
class Refuse:
    """Answer with this HTTP status instead of a reply."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class Raw:
    """Send these bytes as they are, `times` over with a pause after each: what no protocol asks for."""

    data: bytes
    times: int = 1
    pause: float = 0.0


class Cut:
    """Close the connection in the middle of the stream."""


@dataclass(frozen=True)
class Finish:
    """End the reply with this finish_reason."""

    reason: str = "stop"


@dataclass(frozen=True)
class UsageIs:
    """Tell this usage instead of the usual one, where the script gets to telling it."""

    usage: dict[str, Any]


class Hold:
    """Wait until the test calls `release` (or the client goes away)."""


Step: TypeAlias = str | Pause | Refuse | Raw | Cut | Finish | Hold | UsageIs
Script: TypeAlias = Sequence[Step]


def envelope(response: str, *, intent: str = "อื่นๆ", escalate: bool = False, action_required: bool = False) -> str:
    """Return a model's answer in the form that csbot asks for."""
    return json.dumps(
        {"intent": intent, "escalate": escalate, "action_required": action_required, "response": response},
        ensure_ascii=False,
    )


def streamed(text: str, *, pause: float = 0.0) -> list[Step]:
    """Return a script that streams a text in small pieces and finishes."""
    steps: list[Step] = []
    for start in range(0, len(text), CHUNK_CHARS):
        steps += [Pause(pause), text[start : start + CHUNK_CHARS]]
    return [*steps, Finish()]


@dataclass
class Call:
    """One request that the model got, and whether the client hung up before the end."""

    body: dict[str, Any]
    headers: dict[str, str]
    was_left: threading.Event = field(default_factory=threading.Event)

    @property
    def last_words(self) -> str:
        """Return the content of the last message."""
        return str(self.body["messages"][-1]["content"])

    @property
    def is_streamed(self) -> bool:
        """Whether the reply is to be streamed."""
        return bool(self.body.get("stream"))


class Model:
    """The server. `scripts` are used in the order of the calls; with none left, `default` makes one from the call."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.scripts: deque[Script] = deque()
        self.default: Callable[[Call], Script] = lambda call: streamed(envelope(f"คำตอบ: {call.last_words}"))
        self.base_url = ""
        self.at_once = self.most_at_once = 0
        self._release = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._arrival = threading.Condition()

    def will(self, *scripts: Script) -> None:
        """Answer the next calls with these scripts, one each."""
        self.scripts.extend(scripts)

    def release(self) -> None:
        """Let everything that holds go on."""
        self._loop.call_soon_threadsafe(self._release.set)

    def wait_for_calls(self, count: int, *, seconds: float = 10.0) -> None:
        """Wait until the model got this many calls."""
        with self._arrival:
            assert self._arrival.wait_for(lambda: len(self.calls) >= count, seconds), f"only {len(self.calls)} calls"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        call = Call(await request.json(), dict(request.headers))
        with self._arrival:
            self.calls.append(call)
            self._arrival.notify_all()
        script = self.scripts.popleft() if self.scripts else self.default(call)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await (self._stream if call.is_streamed else self._whole)(request, script)
        except (asyncio.CancelledError, ConnectionResetError):
            call.was_left.set()
            raise
        finally:
            self.at_once -= 1

    async def _stream(self, request: web.Request, script: Script) -> web.StreamResponse:
        if isinstance(script[0], Refuse):
            return refusal(script[0])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        async for frame in self._frames(script):
            if frame is None:
                assert request.transport is not None
                request.transport.abort()
                break
            await response.write(frame)
        return response

    async def _frames(self, script: Script) -> AsyncIterator[bytes | None]:
        for step in script:
            match step:
                case str():
                    yield event(chunk({"content": step}))
                case Raw(data, times, pause):
                    for _ in range(times):
                        yield data
                        await asyncio.sleep(pause)
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Hold():
                    await self._release.wait()
                case Cut():
                    yield None
                case Finish(reason):
                    yield event(chunk({}, finish_reason=reason))
                    yield event(json.dumps({"choices": [], "usage": usage_in(script)}).encode())
                    yield event(b"[DONE]")

    async def _whole(self, request: web.Request, script: Script) -> web.StreamResponse:
        if isinstance(script[0], Refuse):
            return refusal(script[0])
        if any(isinstance(step, Cut) for step in script):
            assert request.transport is not None
            request.transport.abort()
        reasons = [step.reason for step in script if isinstance(step, Finish)]
        message = {"role": "assistant", "content": "".join(step for step in script if isinstance(step, str))}
        choice = {"index": 0, "message": message, "finish_reason": reasons[0] if reasons else "stop"}
        return web.json_response(
            {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage_in(script)}
        )

    @contextmanager
    def running(self) -> Iterator["Model"]:
        """Serve in a thread until the block ends."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        runner = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/v1"
        return runner


USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_cache_hit_tokens": 60, "prompt_cache_miss_tokens": 40}


def usage_in(script: Script) -> dict[str, Any]:
    """Return the usage that a script tells."""
    return next((step.usage for step in script if isinstance(step, UsageIs)), USAGE)


def chunk(delta: dict[str, str], *, finish_reason: str | None = None) -> bytes:
    """Return one chunk of a stream as a provider sends it."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return json.dumps({"id": "1", "object": "chat.completion.chunk", "choices": [choice]}, ensure_ascii=False).encode()


def event(data: bytes) -> bytes:
    """Return data as a server-sent event."""
    return b"data: " + data + b"\n\n"


def refusal(step: Refuse) -> web.Response:
    """Return an error as a provider sends it."""
    if step.body.startswith("<"):
        return web.Response(text=step.body, content_type="text/html", status=step.status, headers=step.headers)
    return web.json_response({"error": {"message": step.body or "no"}}, status=step.status, headers=step.headers)
