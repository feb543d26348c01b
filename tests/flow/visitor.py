"""A customer's widget without a screen: it keeps what was not acknowledged, comes back after each loss, and complains
about whatever the protocol forbids."""

import asyncio
import json
import random
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

Frame: TypeAlias = dict[str, Any]

CONNECT_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 0.4
RESEND_SECONDS: Final = 3.0


class Visitor:
    """One customer. Use as an asynchronous context manager: connected inside, gone outside."""

    def __init__(self, url: str, *, locale: str = "th") -> None:
        self.url = url
        self.locale = locale
        self.token = ""
        self.conversation = ""
        self.frames: list[Frame] = []
        self.messages: dict[int, Frame] = {}
        self.acks: dict[str, Frame] = {}
        self.outbox: dict[str, str] = {}
        self.shown: dict[str, str] = {}
        self.complaints: list[str] = []
        self.socket: ClientConnection | None = None
        self._changed = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Visitor":
        await self.begin()
        self._tasks = [asyncio.create_task(self._stay_connected()), asyncio.create_task(self._send_again())]
        await self.wait_for(lambda: self.last("welcome") is not None)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert not self.complaints, self.complaints

    async def begin(self) -> None:
        """Get a token; a server that is away is asked again."""
        while not self.token:
            with suppress(OSError):
                answer = await asyncio.to_thread(self._post_session)
                self.token, self.conversation = answer["token"], answer["conversation"]
                return
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))

    def _post_session(self) -> Frame:
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.url}/api/widget/sessions",
            data=json.dumps({"locale": self.locale}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=CONNECT_SECONDS) as answer:  # noqa: S310 - our own address
            result: Frame = json.load(answer)
        return result

    @property
    def after_seq(self) -> int:
        """The highest number up to which every message is here."""
        seq = 0
        while seq + 1 in self.messages:
            seq += 1
        return seq

    async def ask(self, text: str, *, client_id: str = "") -> str:
        """Say something; return its id. It is kept, and sent again, until it is acknowledged."""
        client_id = client_id or str(uuid.uuid4())
        self.outbox[client_id] = text
        await self.send({"type": "send", "client_id": client_id, "text": text})
        return client_id

    async def send(self, frame: Frame) -> None:
        """Send a frame if there is a connection."""
        if self.socket:
            with suppress(WebSocketException):
                await self.socket.send(json.dumps(frame))

    async def wait_for(self, is_true: Callable[[], bool], *, seconds: float = 20.0) -> None:
        """Wait until something is true after some frame."""
        async with self._changed:
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait_for(is_true)
            except TimeoutError:
                raise AssertionError(f"not within {seconds:.0f} s; last frames: {self.frames[-12:]}") from None

    async def answer_to(self, client_id: str, *, seconds: float = 20.0) -> Frame:
        """Wait for the reply that covers a message of ours and return it."""
        await self.wait_for(lambda: self.reply_after(client_id) is not None, seconds=seconds)
        reply = self.reply_after(client_id)
        assert reply is not None
        return reply

    def reply_after(self, client_id: str) -> Frame | None:
        """Return the first message of the bot after a message of ours."""
        ack = self.acks.get(client_id)
        later = [seq for seq in sorted(self.messages) if ack and seq > ack["seq"]]
        return next((self.messages[seq] for seq in later if self.messages[seq]["sender"] == "bot"), None)

    def last(self, kind: str) -> Frame | None:
        """Return the newest frame of a type."""
        return next((frame for frame in reversed(self.frames) if frame["type"] == kind), None)

    def all(self, kind: str) -> list[Frame]:
        """Return all frames of a type, oldest first."""
        return [frame for frame in self.frames if frame["type"] == kind]

    def said_by(self, sender: str) -> list[Frame]:
        """Return all messages of a sender, oldest first."""
        return [self.messages[seq] for seq in sorted(self.messages) if self.messages[seq]["sender"] == sender]

    async def lose_connection(self) -> None:
        """Drop the connection without a word, as a phone in a lift does."""
        if self.socket:
            self.socket.transport.abort()

    async def _stay_connected(self) -> None:
        while True:
            with suppress(OSError, WebSocketException, TimeoutError, EOFError):
                async with connect(
                    f"{self.url.replace('http', 'ws', 1)}/ws/widget/",
                    origin=self.url,  # type: ignore[arg-type]  # a NewType of str that says nothing more
                    compression=None,
                    open_timeout=CONNECT_SECONDS,
                    close_timeout=0.2,
                ) as socket:
                    await self._converse(socket)
            self.socket = None
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))

    async def _converse(self, socket: ClientConnection) -> None:
        hello = {"type": "hello", "v": 1, "token": self.token, "after_seq": self.after_seq, "locale": self.locale}
        await socket.send(json.dumps(hello))
        async for text in socket:
            frame: Frame = json.loads(text)
            if frame["type"] == "welcome":
                self.socket = socket
                await self._send_outbox()
            if frame["type"] == "go_away":
                return
            async with self._changed:
                self.frames.append(frame)
                self._take(frame)
                self._changed.notify_all()

    async def _send_again(self) -> None:
        while True:
            await asyncio.sleep(RESEND_SECONDS)
            await self._send_outbox()

    async def _send_outbox(self) -> None:
        for client_id, text in list(self.outbox.items()):
            await self.send({"type": "send", "client_id": client_id, "text": text})

    def _take(self, frame: Frame) -> None:
        match frame["type"]:
            case "message":
                self._take_message(frame)
            case "ack":
                self._take_ack(frame)
            case "nack":
                self.outbox.pop(frame["client_id"], None)
            case "delta":
                self._take_delta(frame)
            case "welcome" if frame["run"]:
                self.shown[frame["run"]["id"]] = frame["run"]["text"]
            case _:
                pass

    def _take_message(self, frame: Frame) -> None:
        known = self.messages.setdefault(frame["seq"], frame)
        if known["id"] != frame["id"] or known["text"] != frame["text"]:
            self.complaints.append(f"two different messages with number {frame['seq']}")
        shown = self.shown.get(frame.get("run", ""), "")
        if not frame["text"].startswith(shown):
            self.complaints.append(f"shown {shown!r}, stored {frame['text']!r}")

    def _take_ack(self, frame: Frame) -> None:
        known = self.acks.setdefault(frame["client_id"], frame)
        if known["seq"] != frame["seq"]:
            self.complaints.append(f"a resend got number {frame['seq']} after {known['seq']}")
        self.outbox.pop(frame["client_id"], None)

    def _take_delta(self, frame: Frame) -> None:
        shown = self.shown.setdefault(frame["run"], "")
        if frame["offset"] <= len(shown):
            self.shown[frame["run"]] = shown[: frame["offset"]] + frame["text"]
