"""A web process that is told to stop lets its clients go, and loses nothing."""

import signal
import time
from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosed

from tests.web.server import WebProcess


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_says_go_away_and_closes(start_web: Callable[..., WebProcess], web: WebProcess, number: int) -> None:
    stopping = start_web()
    clients = [stopping.widget(stopping.session()["token"]) for _ in range(5)]
    waiting = stopping.socket()
    clients[0].send("at the last moment")
    started = time.monotonic()
    assert stopping.stop(number) == 0
    assert time.monotonic() - started < 5
    assert clients[0].next("ack")["seq"] == 1
    for client in (*clients, waiting):
        with client, pytest.raises(ConnectionClosed) as closed:
            while True:
                client.receive()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012
        if client is not waiting:
            delay = next(frame["delay"] for frame in client.seen if frame["type"] == "go_away")
            assert 1 <= delay <= 8
    assert "Traceback" not in stopping.log.read_text(), stopping.log.read_text()


def test_idle_and_busy_http_connections_do_not_hold_up_a_stop(
    start_web: Callable[..., WebProcess], web: WebProcess
) -> None:
    stopping = start_web()
    assert stopping.http("GET", "/healthz").status == 200
    started = time.monotonic()
    assert stopping.stop() == 0
    assert time.monotonic() - started < 5
