"""A real web process under test, and a client that speaks the widget protocol to it over real sockets."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeAlias

from django.conf import settings
from django.db import connection
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import publish
from conversations.models import Conversation
from tests.ports import free_port
from tests.protocol_schema import assert_server_frame

Frame: TypeAlias = dict[str, Any]
START_SECONDS = 180.0
SOON = 10.0
MARK = "mark"
"""The type of a frame that only tests publish, to see how far the lane has come."""
TESTS_OWN = {MARK, "noise"}


def database_url() -> str:
    """Return the URL of the tests' database, as pytest-django named it."""
    name, now = str(settings.DATABASE_URL), str(connection.settings_dict["NAME"])
    base, question, query = name.partition("?")
    return f"{base.rpartition('/')[0]}/{now}{question}{query}"


@dataclass
class Answer:
    """What HTTP answered."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Frame:
        """The body as JSON."""
        found: Frame = json.loads(self.body)
        return found


@dataclass
class WebProcess:
    """`python -m csbot.web` on a port of its own."""

    log: Path
    changes: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "WebProcess":
        """Start and wait until it answers."""
        variables = {**os.environ, "DATABASE_URL": database_url(), "CSBOT_IS_LOOPBACK": "1", **self.changes}
        command = [sys.executable, "-m", "csbot.web", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                raise AssertionError(self.log.read_text())
            time.sleep(0.05)
        return self

    def is_up(self) -> bool:
        """Say whether it listens."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Stop it and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal_number)
        return self.process.wait(3 * SOON)

    def memory_kib(self) -> int:
        """Return the memory it holds."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    def http(self, method: str, path: str, *, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Make a request."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=SOON)) as connection:
            connection.request(method, path, body=data, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def session(self, **wanted: str) -> Frame:
        """Open a widget session."""
        answer = self.http("POST", "/api/widget/sessions", body=wanted)
        assert answer.status == 201, answer.body
        return answer.json

    def socket(self, *, origin: str | None = None, max_queue: int | None = None) -> "Client":
        """Open a socket without a word. One whose queue is full reads no more, not even that the server closes."""
        url = f"ws://127.0.0.1:{self.port}/ws/widget/"
        shown = Origin(origin) if origin else None
        return Client(connect(url, origin=shown, compression=None, max_size=None, max_queue=max_queue))

    def widget(self, token: str, *, after_seq: int = 0, **more: object) -> "Client":
        """Open a socket and say hello; the welcome is in `client.welcome`."""
        client = self.socket()
        client.say(type="hello", v=1, token=token, after_seq=after_seq, **more)
        client.welcome = client.next("welcome")
        return client


class Client:
    """One widget's end of a socket."""

    def __init__(self, connecting: AbstractContextManager[ClientConnection]) -> None:
        self._open = ExitStack()
        self.connection: ClientConnection = self._open.enter_context(connecting)
        self.welcome: Frame = {}
        self.seen: list[Frame] = []

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._open.close()

    def say(self, **frame: object) -> None:
        """Send a frame."""
        self.connection.send(json.dumps(frame))

    def send(self, text: str, *, client_id: str | None = None) -> str:
        """Send a customer's message and return its client_id."""
        client_id = client_id or str(uuid.uuid4())
        self.say(type="send", client_id=client_id, text=text)
        return client_id

    def receive(self, *, seconds: float = SOON) -> Frame:
        """Return the next frame, whatever it is. Raises TimeoutError, ConnectionClosed."""
        frame: Frame = json.loads(self.connection.recv(seconds))
        if frame["type"] not in TESTS_OWN:
            assert_server_frame(frame)
        self.seen.append(frame)
        return frame

    def next(self, *types: str, seconds: float = SOON) -> Frame:
        """Return the next frame of one of these types; others go by."""
        deadline = time.monotonic() + seconds
        while True:
            frame = self.receive(seconds=max(0.01, deadline - time.monotonic()))
            if frame["type"] in types:
                return frame

    def all_until_pong(self) -> list[Frame]:
        """Return everything that comes until the server has dealt with what we said."""
        self.say(type="ping")
        return self._all_until({"type": "pong"})

    def all_so_far(self) -> list[Frame]:
        """Return everything that comes until also what was published up to now has arrived."""
        frames = self.all_until_pong()
        conversation_id = Conversation.objects.values_list("pk", flat=True).get(public_id=self.welcome["conversation"])
        mark: Frame = {"type": MARK, "id": str(uuid.uuid4())}
        publish([Item(conversation_topic(conversation_id), Kind.LIVE, json.dumps(mark))])
        return frames + self._all_until(mark)

    def _all_until(self, last: Frame) -> list[Frame]:
        frames: list[Frame] = []
        while (frame := self.receive()) != last:
            frames.append(frame)
        return frames
