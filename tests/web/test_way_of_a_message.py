"""The thin path: session, hello, welcome, send, ack, message."""

from conversations.models import Conversation
from tests.web.server import Client, Frame, WebProcess


def test_a_message_is_acknowledged_and_shown(widget: Client, talk: Conversation) -> None:
    client_id = widget.send("สวัสดีค่ะ")
    frames = {frame["type"]: frame for frame in (widget.next("ack", "message"), widget.next("ack", "message"))}
    stored = talk.messages.get()
    assert frames["ack"] == {"type": "ack", "client_id": client_id, "seq": 1, "at": frames["message"]["at"]}
    assert frames["message"]["text"] == stored.text == "สวัสดีค่ะ"
    assert frames["message"]["client_id"] == client_id and frames["message"]["sender"] == "customer"


def test_a_welcome_tells_how_things_stand(widget: Client, session: Frame) -> None:
    assert widget.welcome == {
        "type": "welcome",
        "v": 1,
        "conversation": session["conversation"],
        "head_seq": 0,
        "read_seq": 0,
        "owner": "bot",
        "owner_epoch": 1,
        "locale": "en",
        "limits": {"max_chars": 2000},
        "run": None,
        "simulated": True,
    }


def test_healthz_answers(web: WebProcess) -> None:
    assert web.http("GET", "/healthz").status == 200
