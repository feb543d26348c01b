"""The server's frames of the widget protocol (docs/protocol.md), as the JSON text that goes over the socket."""

from collections.abc import Mapping
from datetime import datetime
from typing import NotRequired, Required, TypedDict

import orjson

from conversations.models import Conversation, Message, Owner, Run, RunState, Sender

PROTOCOL_VERSION = 1


# When a person will answer: whether one is on duty, until or from when (ISO 8601), and that in a sentence.
Expect = TypedDict(
    "Expect", {"on_duty": bool, "until": NotRequired[str], "from": NotRequired[str], "message": Required[str]}
)


def to_json(frame: Mapping[str, object]) -> str:
    """Return a frame as JSON text."""
    return orjson.dumps(frame).decode()


def iso(moment: datetime) -> str:
    """Return a moment as ISO 8601 with its offset, to the millisecond."""
    return moment.isoformat(timespec="milliseconds")


def message_frame(message: Message) -> str:
    """Return the `message` frame of a stored message."""
    frame: dict[str, object] = {
        "type": "message",
        "seq": message.seq,
        "id": str(message.pk),
        "sender": message.sender,
        "text": message.text,
        "at": iso(message.created_at),
    }
    if message.client_id and message.sender == Sender.CUSTOMER:
        frame["client_id"] = str(message.client_id)
    if message.run_id:
        frame["run"] = str(message.run_id)
    if message.agent_name:
        frame["agent"] = message.agent_name
    if message.code:
        frame["code"] = message.code
    if message.is_stopped:
        frame["stopped"] = True
    return to_json(frame)


def run_frame(run: Run) -> str:
    """Return the `run` frame for the state the run is in."""
    return to_json(
        {
            "type": "run",
            "id": str(run.pk),
            "state": RunState(run.state).value,
            "reply_to": run.covers_seq,
            "owner_epoch": run.owner_epoch,
        }
    )


def delta_frame(run_id: int, *, offset: int, text: str) -> str:
    """Return a `delta` frame; `offset` counts characters (code points)."""
    return to_json({"type": "delta", "run": str(run_id), "offset": offset, "text": text})


def owner_frame(conversation: Conversation, *, agent_name: str, expect: Expect | None) -> str:
    """Return the `owner` frame for the conversation as it stands."""
    frame: dict[str, object] = {
        "type": "owner",
        "state": Owner(conversation.owner).value,
        "owner_epoch": conversation.owner_epoch,
    }
    if agent_name:
        frame["agent"] = agent_name
    if expect:
        frame["expect"] = expect
    return to_json(frame)


def typing_frame(who: str, *, ttl_seconds: int) -> str:
    """Return a `typing` frame; `ttl_seconds` 0 ends it."""
    return to_json({"type": "typing", "who": who, "ttl": ttl_seconds})
