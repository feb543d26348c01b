"""Redis may die, hang or lose everything: messages are only delayed."""

import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conversations.actions.customers import add_customer_message
from conversations.models import Conversation
from tests.web.redis_server import RedisServer
from tests.web.server import Client, Frame, WebProcess


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A running Redis of this test's own."""
    with tempfile.TemporaryDirectory(prefix="csbot-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        yield server
        server.kill()


@pytest.fixture
def lone_web(start_web: Callable[..., WebProcess], web: WebProcess, redis_server: RedisServer) -> WebProcess:
    """A web process that hangs on that Redis."""
    return start_web(REDIS_URL=redis_server.url)


@pytest.fixture
def lone_session(lone_web: WebProcess) -> Frame:
    return lone_web.session()


@pytest.fixture
def client(lone_web: WebProcess, lone_session: Frame) -> Iterator[Client]:
    with lone_web.widget(lone_session["token"]) as client:
        client.send("before")
        assert {client.next("ack", "message")["type"] for _ in range(2)} == {"ack", "message"}
        yield client


def write_silently(conversation: str, text: str) -> None:
    """Store a message whose announcement goes to another Redis."""
    talk = Conversation.objects.get(public_id=conversation)
    add_customer_message(talk.pk, client_id=uuid.uuid4(), text=text)


def test_without_redis_messages_are_stored_acknowledged_and_shown(
    client: Client, lone_web: WebProcess, lone_session: Frame, redis_server: RedisServer
) -> None:
    redis_server.kill()
    started = time.monotonic()
    client.send("while it is dead")
    assert client.next("ack")["seq"] == 2
    assert time.monotonic() - started < 3
    assert client.next("message", seconds=6)["text"] == "while it is dead"
    write_silently(lone_session["conversation"], "by somebody else")
    assert client.next("message", seconds=6)["text"] == "by somebody else"
    with lone_web.widget(lone_session["token"]) as other:
        assert [other.next("message")["seq"] for _ in range(3)] == [1, 2, 3]
    assert lone_web.http("GET", "/readyz").json["redis"] != "ok"
    assert lone_web.http("POST", "/api/widget/sessions", body={}).status == 201


def test_after_a_restart_the_lane_is_live_again(client: Client, lone_session: Frame, redis_server: RedisServer) -> None:
    for round_number in range(3):
        redis_server.kill()
        write_silently(lone_session["conversation"], "lost on the way")
        redis_server.start()
        assert client.next("message", seconds=8)["text"] == "lost on the way"
        client.say(type="ping")
        client.next("pong")
        client.send("live")
        started = time.monotonic()
        assert client.next("message")["seq"] == 3 + 2 * round_number
    assert time.monotonic() - started < 1.5
    seqs = [frame["seq"] for frame in client.seen if frame["type"] == "message"]
    assert seqs == sorted(set(seqs))


def test_a_redis_that_hangs_holds_nobody_up_for_long(client: Client, redis_server: RedisServer) -> None:
    redis_server.signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        client.send("is anybody there?")
        assert client.next("ack", seconds=15)["seq"] == 2
        assert time.monotonic() - started < 15
    finally:
        redis_server.signal(signal.SIGCONT)
    client.send("it is back")
    assert client.next("ack", seconds=8)["seq"] == 3
    while len(seqs := [frame["seq"] for frame in client.seen if frame["type"] == "message"]) < 3:
        client.receive(seconds=8)
    assert seqs == [1, 2, 3]
