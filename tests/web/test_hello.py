"""The first frame, and who is let in."""

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from conversations.models import Conversation, Site, WidgetSession
from tests.web.server import Client, Frame, WebProcess


def closed_with(client: Client, *, seconds: float = 12.0) -> tuple[list[Frame], int]:
    """Return what still came, and the code with which the server closed."""
    frames = []
    try:
        while True:
            frames.append(client.receive(seconds=seconds))
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return frames, closed.rcvd.code


@pytest.mark.parametrize("token", ["", "nonsense", "a:b", "ก" * 40, "x" * 5000])
def test_a_token_that_is_not_ours_is_refused(web: WebProcess, token: str) -> None:
    with web.socket() as client:
        client.say(type="hello", v=1, token=token, after_seq=0)
        frames, code = closed_with(client)
    assert [frame["code"] for frame in frames] == ["invalid_session"] and code == 4401


def test_an_expired_session_is_refused(web: WebProcess, session: Frame) -> None:
    WidgetSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with web.socket() as client:
        client.say(type="hello", v=1, token=session["token"], after_seq=0)
        frames, code = closed_with(client)
    assert (frames[0]["type"], frames[0]["code"], code) == ("error", "invalid_session", 4401)


def test_no_hello_within_ten_seconds_closes_the_socket(web: WebProcess) -> None:
    started = time.monotonic()
    with web.socket() as client:
        frames, code = closed_with(client)
    assert code == 4401 and frames[0]["code"] == "hello_timeout"
    assert 9.5 < time.monotonic() - started < 11.5


def test_another_frame_first_is_an_error_and_hello_still_works(web: WebProcess, session: Frame) -> None:
    with web.socket() as client:
        client.say(type="ping")
        assert client.receive()["code"] == "hello_first"
        client.connection.send("{")
        assert client.receive()["code"] == "bad_json"
        client.say(type="hello", v=1, token=session["token"], after_seq=0)
        assert client.receive()["type"] == "welcome"


def test_a_second_hello_is_an_error(widget: Client, session: Frame) -> None:
    widget.say(type="hello", v=1, token=session["token"], after_seq=0)
    assert widget.receive()["code"] == "hello_again"


def test_another_version_is_refused(web: WebProcess, session: Frame) -> None:
    with web.socket() as client:
        client.say(type="hello", v=2, token=session["token"], after_seq=0)
        frames, code = closed_with(client)
    assert frames[0]["code"] == "unsupported_version" and code == 4400


@pytest.mark.parametrize("fields", [{"token": 5}, {"after_seq": -1}, {"after_seq": "1"}, {"after_seq": True}, {}])
def test_a_hello_without_sense_is_an_error_and_can_be_said_again(
    web: WebProcess, session: Frame, fields: dict[str, object]
) -> None:
    good = {"type": "hello", "v": 1, "token": session["token"], "after_seq": 0}
    with web.socket() as client:
        client.say(**({**good, **fields} if fields else {"type": "hello", "v": 1}))
        assert client.receive()["code"] == "bad_frame"
        client.say(**good)
        assert client.receive()["type"] == "welcome"


def test_hello_can_change_the_language(web: WebProcess, session: Frame, talk: Conversation) -> None:
    with web.widget(session["token"], locale="th") as client:
        assert client.welcome["locale"] == "th"
        client.send("   ")
        assert re.search("[ก-๙]", client.next("nack")["message"])
    talk.refresh_from_db()
    assert talk.locale == "th"
    with web.widget(session["token"], locale="xx") as client:
        assert client.welcome["locale"] == "th"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil.example"])
def test_a_foreign_page_gets_no_socket(web: WebProcess, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        web.socket(origin=origin)
    assert refused.value.response.status_code == 403


def test_pages_of_the_shop_and_our_own_get_a_socket(web: WebProcess, session: Frame) -> None:
    for origin in ("https://shop.example", f"http://127.0.0.1:{web.port}", "HTTPS://Shop.Example:443"):
        with web.socket(origin=origin) as client:
            client.say(type="hello", v=1, token=session["token"], after_seq=0)
            assert client.receive()["type"] == "welcome"


def test_another_shops_page_gets_no_conversation_of_this_one(web: WebProcess, session: Frame) -> None:
    Site.objects.create(name="Other", allowed_origins=["https://other.example"])
    with web.socket(origin="https://other.example") as client:
        client.say(type="hello", v=1, token=session["token"], after_seq=0)
        frames, code = closed_with(client)
    assert frames[0]["code"] == "origin_not_allowed" and code == 4403


def test_an_unknown_address_is_refused_quietly(web: WebProcess) -> None:
    with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{web.port}/ws/nowhere/"):
        pass


def test_a_client_ahead_of_the_server_still_gets_what_comes(web: WebProcess, session: Frame) -> None:
    with web.widget(session["token"], after_seq=999) as client:
        assert client.welcome["head_seq"] == 0
        client.send("hello")
        assert client.next("message")["seq"] == 1
