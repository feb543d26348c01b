"""Drives a simulator over HTTP as a client that believes nothing: what arrived, and how it ended."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import orjson

from conversations.llm.simulator.delivery import Pace
from conversations.llm.simulator.server import Setup, Simulator, start

AT_ONCE = Pace(0.0, 0.0)
# What still comes comes within this time, even on a busy machine; what hangs is given up much earlier.
PATIENCE_SECONDS = 8.0
SILENCE_SECONDS = 0.8
QUESTION = "ร้านเปิดกี่โมงคะ"
ANSWER = (
    '{"intent":"อื่นๆ","escalate":false,"action_required":false,"response":"เปิด 9:00-18:00 น. ทุกวัน ยกเว้นวันอาทิตย์นะคะ"}'
)
PERSON = '{"intent":"อื่นๆ","escalate":true,"action_required":false,"response":"ส่งเรื่องให้เจ้าหน้าที่แล้วค่ะ"}'
SYSTEM = "Answer in json.\n\n# Shop facts\n- Fees\n  th: ค่าจัดส่งทั่วประเทศ 50 บาท\n  en: Shipping in Thailand is 50 baht\n"

T = TypeVar("T")
Body = dict[str, Any]


@dataclass
class Received:
    """What came over the wire."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    end: str = "complete"
    seconds: float = 0.0

    @property
    def events(self) -> list[dict[str, Any]]:
        """The stream's objects; what is no JSON is left out."""
        return [event for event in map(parsed, self.data.replace(b"\r\n", b"\n").split(b"\n\n")) if event is not None]

    @property
    def choices(self) -> list[dict[str, Any]]:
        """All choices of all events, or of the one body."""
        return [choice for event in self.events or [self.body] for choice in event.get("choices") or []]

    @property
    def body(self) -> dict[str, Any]:
        """The one JSON body; empty where it is none."""
        try:
            return dict(orjson.loads(self.data))
        except orjson.JSONDecodeError:
            return {}

    def said(self, key: str = "content") -> str:
        """Return the text of all pieces."""
        parts = (choice.get("delta") or choice.get("message") or {} for choice in self.choices)
        return "".join(part.get(key) or "" for part in parts)

    @property
    def finish(self) -> str:
        """Why the model stopped; nothing where it didn't say."""
        return next((str(choice["finish_reason"]) for choice in self.choices if choice.get("finish_reason")), "")

    @property
    def usage(self) -> dict[str, Any]:
        """The last usage that came."""
        return next((event["usage"] for event in reversed(self.events or [self.body]) if event.get("usage")), {})


def parsed(event: bytes) -> dict[str, Any] | None:
    """Return the object in an event's data lines."""
    lines = [line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")]
    try:
        return dict(orjson.loads(b"\n".join(lines)))
    except orjson.JSONDecodeError:
        return None


def request_body(*said: str, model: str = "csbot-simulator", stream: bool = True, **more: object) -> Body:
    """Return a request whose prompt has two examples and one fact; `said` are the customer's words."""
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": ANSWER},
        {"role": "user", "content": "ขอคุยกับพนักงานค่ะ"},
        {"role": "assistant", "content": PERSON},
        *({"role": "user", "content": words} for words in said or (QUESTION,)),
    ]
    return {"model": model, "messages": messages, "stream": stream, "thinking": {"type": "disabled"}} | more


@asynccontextmanager
async def serving(setup: Setup | None = None) -> AsyncIterator[tuple[Simulator, str]]:
    """Run a simulator on a free port; yields it and its address."""
    simulator = Simulator(setup or Setup(pace=AT_ONCE))
    runner, port = await start(simulator, host="127.0.0.1", port=0)
    try:
        yield simulator, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def post(address: str, body: Body, *, key: str = "any", patience: float = PATIENCE_SECONDS) -> Received:
    """Send a request and read until the end, a reset, or `patience` seconds without anything but keep-alives."""
    received = Received()
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with asyncio.timeout(patience) as silence, aiohttp.ClientSession() as session:
            sending = session.post(
                f"{address}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
            )
            async with sending as response:
                received.status, received.headers = response.status, dict(response.headers)
                async for chunk in response.content.iter_any():
                    if b"data" in chunk or b"{" in chunk:
                        silence.reschedule(clock() + patience)
                    received.data += chunk
    except TimeoutError:
        received.end = "silence"
    except aiohttp.ClientError:
        received.end = "reset"
    received.seconds = clock() - began
    return received


def run(work: Callable[[Simulator, str], Coroutine[Any, Any, T]], setup: Setup | None = None) -> T:
    """Run `work(simulator, address)` beside a simulator."""

    async def all_of_it() -> T:
        async with serving(setup) as (simulator, address):
            return await work(simulator, address)

    return asyncio.run(all_of_it())


def ask(body: Body, *, setup: Setup | None = None, patience: float = PATIENCE_SECONDS) -> Received:
    """Ask a fresh simulator once."""
    return run(lambda _, address: post(address, body, patience=patience), setup)
