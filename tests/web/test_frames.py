"""Frames that make no sense never take the consumer down, and cost credit."""

import json
import uuid
from collections.abc import Callable

import pytest
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode

from conversations.models import Conversation
from tests.web.server import Client, WebProcess


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        ("null", "bad_json"),
        ("[]", "bad_json"),
        ('"ping"', "bad_json"),
        ("[" * 30000, "bad_json"),
        ('{"a":' * 10000, "bad_json"),
        ('["\\ud800",' + "[" * 20000, "bad_json"),
        ("NaN", "bad_json"),
        (b"\x00\x01\x02", "bad_json"),
        (b'{"type":"ping"}', "bad_json"),
        ("{}", "unknown_type"),
        ('{"type":"nonsense"}', "unknown_type"),
        ('{"type":["send"]}', "unknown_type"),
        ('{"type":{"a":1}}', "unknown_type"),
        ('{"type":"__class__"}', "unknown_type"),
        ('{"type":"send"}', "bad_frame"),
        ('{"type":"send","client_id":"x","text":"a"}', "bad_frame"),
        ('{"type":"send","client_id":"5","text":5}', "bad_frame"),
        ('{"type":"typing","on":1}', "bad_frame"),
        ('{"type":"read","seq":-1}', "bad_frame"),
        ('{"type":"read","seq":99999999999999999999999}', "bad_frame"),
        ('{"type":"read","seq":1e400}', "bad_json"),
        ('{"type":"stop","run":"abc"}', "bad_frame"),
        ('{"type":"stop","run":"٣"}', "bad_frame"),
        ('{"type":"stop"}', "bad_frame"),
        ('{"type":"rate","score":0}', "bad_frame"),
        ('{"type":"rate","score":6}', "bad_frame"),
        ('{"type":"rate","score":2.5}', "bad_frame"),
        ('{"type":"rate","score":5,"comment":"\\u0000"}', "bad_frame"),
        ('{"type":"ask_human","reason":5}', "bad_frame"),
        ("x" * (64 * 1024 + 1), "too_large"),
        (json.dumps({"type": "ping", "padding": "ก" * 30000}, ensure_ascii=False), "too_large"),
        (json.dumps({"type": "ping", "padding": "x" * 1_000_000}), "too_large"),
    ],
)
def test_an_odd_frame_is_answered_by_an_error_and_the_socket_lives(
    widget: Client, text: str | bytes, code: str
) -> None:
    widget.connection.send(text)
    error = widget.receive()
    assert (error["type"], error["code"]) == ("error", code) and error["message"]
    widget.say(type="ping")
    assert widget.receive() == {"type": "pong"}


def test_text_that_is_not_utf8_is_an_error_too(widget: Client) -> None:
    with widget.connection.send_context():
        widget.connection.protocol.send_frame(WireFrame(Opcode.TEXT, b'{"type":"\xff\xfe"}'))
    assert widget.receive()["code"] == "bad_json"
    widget.say(type="ping")
    assert widget.receive() == {"type": "pong"}


def test_a_message_in_pieces_is_one_frame(widget: Client) -> None:
    widget.connection.send(['{"type":', '"ping"', "}"])
    assert widget.receive() == {"type": "pong"}


def test_unknown_fields_are_ignored(widget: Client) -> None:
    widget.say(type="ping", colour="blue", v=99)
    assert widget.receive() == {"type": "pong"}


def test_a_frame_of_64_kib_is_read(widget: Client) -> None:
    empty = len(json.dumps({"type": "ping", "padding": ""}))
    widget.say(type="ping", padding="x" * (64 * 1024 - empty))
    assert widget.receive() == {"type": "pong"}


def test_bad_frames_cost_the_credit_that_messages_need(widget: Client, talk: Conversation) -> None:
    codes = []
    for _ in range(25):
        widget.connection.send("{")
        codes.append(widget.receive()["code"])
    assert codes[0] == "bad_json" and codes[-1] == "rate_limited"
    widget.send("a real message")
    nack = widget.receive()
    assert (nack["type"], nack["code"]) == ("nack", "rate_limited") and nack["retry_after"] > 0
    assert not talk.messages.exists()


def test_without_limits_nothing_is_limited(start_web: Callable[..., WebProcess], web: WebProcess) -> None:
    free = start_web(CSBOT_RATE_LIMIT_SCALE="0")
    with free.widget(free.session()["token"]) as client:
        for _ in range(300):
            client.connection.send("{")
        assert {client.receive()["code"] for _ in range(300)} == {"bad_json"}
        for _ in range(60):
            client.send(str(uuid.uuid4()))
        assert [client.next("ack", "nack")["type"] for _ in range(60)] == ["ack"] * 60
