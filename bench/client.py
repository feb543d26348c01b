"""A visitor of the widget protocol, version 1, who asks one question at a time and measures what comes back.

Times are seconds of the monotonic clock. A visitor notices what must never happen: a message twice, a gap in `seq`,
deltas that are no prefix of the stored text, bot text after a person took over.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import aiohttp
import orjson

from bench.websocket import WebSocket, WebSocketError, open_socket

SOCKET_PATH: Final = "/ws/widget/"
SESSIONS_PATH: Final = "/api/widget/sessions"
PROTOCOL_VERSION: Final = 1
QUESTIONS: Final = (
    "อยากทราบว่าเสื้อรุ่นนี้มีไซซ์ไหนเหลือบ้างคะ",
    "สั่งของไปเมื่อวานจะได้วันไหนครับ",
    "สินค้าที่ได้รับมีตำหนิ เปลี่ยนได้ไหมคะ",
    "ส่งฟรีต้องซื้อครบเท่าไหร่",
    "Do you have this shoe in size 42?",
)

Frame = dict[str, object]


class VisitorError(Exception):
    """The server refused something a visitor may do."""


@dataclass(frozen=True)
class Address:
    """Where a server of the widget protocol listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://{self.host}:{self.port}"


@dataclass(slots=True)
class Exchange:
    """One question and its answer."""

    marker: str
    client_id: str
    sent_at: float
    seq: int = 0
    acked_at: float = 0.0
    run_open_at: float = 0.0
    first_delta_at: float = 0.0
    told_to_wait_at: float = 0.0
    done_at: float = 0.0
    run: str = ""
    shown: str = ""
    text: str = ""
    sender: str = ""
    refusal: str = ""
    delta_gaps: int = 0
    deltas: int = 0

    @property
    def is_answered(self) -> bool:
        """Whether the bot answered this very question."""
        return self.sender == "bot" and self.marker in self.text

    @property
    def is_prefix_kept(self) -> bool:
        """Whether the deltas, joined, are a prefix of the stored text."""
        return self.delta_gaps == 0 and self.text.startswith(self.shown)


@dataclass(slots=True)
class Faults:
    """What must stay zero."""

    duplicates: int = 0
    seq_gaps: int = 0
    errors: int = 0
    bot_after_agent: int = 0
    details: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Return how many there were."""
        return self.duplicates + self.seq_gaps + self.errors + self.bot_after_agent


class Visitor:
    """One browser with one conversation."""

    def __init__(self, address: Address, *, token: str, name: str, locale: str = "th") -> None:
        self.address = address
        self.token = token
        self.name = name
        self.locale = locale
        self.after_seq = 0
        self.head_seq = 0
        self.owner = ""
        self.owner_epoch = 0
        self.conversation = ""
        self.faults = Faults()
        self.exchange: Exchange | None = None
        self.asked = 0
        self.messages = 0
        self.pongs = 0
        self.closed_at = 0.0
        self.caught_up_at = 0.0
        self.on_delta: Callable[[Exchange], None] | None = None
        self._socket: WebSocket | None = None
        self._welcome: asyncio.Future[None] | None = None
        self._caught_up: asyncio.Future[None] | None = None
        self._done: asyncio.Future[Exchange] | None = None
        self._readers: dict[str, Callable[[Frame], None]] = {
            "delta": self._read_delta,
            "message": self._read_message,
            "ack": self._read_ack,
            "nack": self._read_nack,
            "welcome": self._read_welcome,
            "owner": self._read_owner,
            "run": self._read_run,
            "error": self._read_error,
            "pong": self._read_pong,
        }

    @property
    def is_connected(self) -> bool:
        """Whether the socket is open."""
        return self._socket is not None

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that was missed has come."""
        return self._caught_up is not None and self._caught_up.done()

    async def connect(self) -> None:
        """Open the socket, say hello and wait until nothing is missed. Raises WebSocketError or OSError."""
        loop = asyncio.get_running_loop()
        self._welcome, self._caught_up = loop.create_future(), loop.create_future()
        host, port = self.address.host, self.address.port
        self._socket = await open_socket(
            host=host, port=port, path=SOCKET_PATH, on_text=self._read, on_close=self._closed
        )
        hello = {"type": "hello", "v": PROTOCOL_VERSION, "token": self.token, "after_seq": self.after_seq}
        self._send({**hello, "locale": self.locale})
        await self._welcome
        await self._caught_up
        self._resend()

    def ask(self) -> asyncio.Future[Exchange]:
        """Ask the next question; the future holds the exchange once it is answered, refused or escalated."""
        self.asked += 1
        marker = f"bench-{self.name}-{self.asked}"
        self._done = asyncio.get_running_loop().create_future()
        self.exchange = Exchange(marker, client_id=str(uuid4()), sent_at=time.monotonic())
        self._resend()
        return self._done

    def stop(self) -> float:
        """Stop the reply in progress; return when that was asked for."""
        if self.exchange:
            self._send({"type": "stop", "run": self.exchange.run})
        return time.monotonic()

    def ping(self) -> None:
        """Show a sign of life."""
        self._send({"type": "ping"})

    def close(self) -> None:
        """Close the socket in good order."""
        if self._socket:
            self._socket.close()

    def abort(self) -> None:
        """Lose the network."""
        if self._socket:
            self._socket.abort()

    def _resend(self) -> None:
        exchange = self.exchange
        if exchange and not exchange.acked_at and not exchange.done_at:
            self._send({"type": "send", "client_id": exchange.client_id, "text": self.words(exchange)})

    def words(self, exchange: Exchange) -> str:
        """Return what is asked: one of a few questions, with the marker by which its answer is known."""
        return f"{QUESTIONS[self.asked % len(QUESTIONS)]} {exchange.marker}"

    def _send(self, frame: Frame) -> None:
        if self._socket:
            self._socket.send_text(orjson.dumps(frame))

    def _closed(self, code: int) -> None:
        self._socket = None
        self.closed_at = time.monotonic()
        for waiting in (self._welcome, self._caught_up):
            if waiting and not waiting.done():
                waiting.set_exception(WebSocketError(f"closed with {code}"))
                # Nobody may wait for the second one; asyncio would complain about it.
                waiting.exception()

    def _read(self, payload: bytes) -> None:
        frame: Frame = orjson.loads(payload)
        reader = self._readers.get(str(frame["type"]))
        if reader:
            reader(frame)

    def _read_delta(self, frame: Frame) -> None:
        if self.owner == "agent":
            self._fault_of_late_bot("delta")
        exchange = self.exchange
        if exchange is None or exchange.done_at:
            return
        if not exchange.first_delta_at:
            exchange.first_delta_at, exchange.run = time.monotonic(), str(frame["run"])
        if exchange.run != frame["run"]:
            # The run before it was thrown away: its text too.
            exchange.run, exchange.shown = str(frame["run"]), ""
        exchange.deltas += 1
        exchange.delta_gaps += frame["offset"] != len(exchange.shown)
        exchange.shown += str(frame["text"])
        if self.on_delta:
            self.on_delta(exchange)

    def _read_message(self, frame: Frame) -> None:
        seq = int(str(frame["seq"]))
        self.faults.duplicates += seq <= self.after_seq
        self.messages += 1
        self.faults.seq_gaps += seq > self.after_seq + 1
        if seq != self.after_seq + 1:
            self.faults.details.append(f"message {seq} after {self.after_seq}")
        self.after_seq = max(self.after_seq, seq)
        self._check_caught_up()
        if self.owner == "agent" and frame["sender"] == "bot" and self.is_caught_up:
            self._fault_of_late_bot("message")
        exchange = self.exchange
        if exchange is None or exchange.done_at:
            return
        self._read_answer(exchange, frame)

    def _read_answer(self, exchange: Exchange, frame: Frame) -> None:
        if frame["sender"] == "customer":
            if frame.get("client_id") == exchange.client_id:
                exchange.seq = int(str(frame["seq"]))
        elif not exchange.seq or int(str(frame["seq"])) < exchange.seq:
            return
        elif frame.get("code") == "please_wait":
            exchange.told_to_wait_at = exchange.told_to_wait_at or time.monotonic()
        else:
            exchange.text, exchange.sender = str(frame["text"]), str(frame["sender"])
            self._finish(exchange)

    def _read_ack(self, frame: Frame) -> None:
        exchange = self.exchange
        if exchange and frame["client_id"] == exchange.client_id and not exchange.acked_at:
            exchange.acked_at, exchange.seq = time.monotonic(), int(str(frame["seq"]))

    def _read_nack(self, frame: Frame) -> None:
        exchange = self.exchange
        if exchange and frame["client_id"] == exchange.client_id:
            exchange.refusal = str(frame["code"])
            self._finish(exchange)

    def _finish(self, exchange: Exchange) -> None:
        exchange.done_at = time.monotonic()
        if self._done and not self._done.done():
            self._done.set_result(exchange)

    def _read_welcome(self, frame: Frame) -> None:
        self.head_seq = int(str(frame["head_seq"]))
        self.owner = str(frame["owner"])
        self.conversation = str(frame["conversation"])
        if self._welcome and not self._welcome.done():
            self._welcome.set_result(None)
        self._check_caught_up()

    def _check_caught_up(self) -> None:
        if self._caught_up and not self._caught_up.done() and self.after_seq >= self.head_seq:
            self.caught_up_at = time.monotonic()
            self._caught_up.set_result(None)

    def _read_owner(self, frame: Frame) -> None:
        self.owner, self.owner_epoch = str(frame["state"]), int(str(frame["owner_epoch"]))

    def _read_run(self, frame: Frame) -> None:
        if frame["state"] == "open" and self.exchange and not self.exchange.run:
            self.exchange.run = str(frame["id"])
            self.exchange.run_open_at = time.monotonic()

    def _read_error(self, frame: Frame) -> None:
        self.faults.errors += 1
        self.faults.details.append(f"error {frame.get('code')}")

    def _read_pong(self, _frame: Frame) -> None:
        self.pongs += 1

    def _fault_of_late_bot(self, what: str) -> None:
        self.faults.bot_after_agent += 1
        self.faults.details.append(f"bot {what} while an agent answers")


async def start_session(http: aiohttp.ClientSession, address: Address, *, locale: str = "th") -> str:
    """Return a new visitor's token. Raises VisitorError."""
    async with http.post(address.url + SESSIONS_PATH, json={"locale": locale}) as response:
        if response.status != 201:
            raise VisitorError(f"sessions answered {response.status}: {(await response.text())[:200]}")
        return str((await response.json())["token"])


async def start_visitors(address: Address, *, number: int, prefix: str, at_once: int = 20) -> list[Visitor]:
    """Return so many new visitors, not yet connected, each with a conversation of its own."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as http:
        tokens = await asyncio.gather(*(start_session(http, address) for _ in range(number)))
    return [Visitor(address, token=token, name=f"{prefix}{index}") for index, token in enumerate(tokens)]
