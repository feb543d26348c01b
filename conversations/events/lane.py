"""The one lane on which everything live travels: who it is for, how it is ordered, and its form in Redis.

One channel and one subscriber per web process keep the order in which things were published, whoever published them
(docs/decisions/0001). A lost item is no harm: items carry the conversation's newest `seq`, so a consumer sees what it
missed and reads the rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import orjson

LANE_CHANNEL: Final = "csbot:live"
CONTROL_CHANNEL: Final = "csbot:control"
DESK_TOPIC: Final = "desk"


class Kind(StrEnum):
    """What an item is, and so what a consumer does with it.

    HEAD never travels: the hub makes it from PostgreSQL, to tell how things stand, and its frame is empty.
    """

    HEAD = "h"
    MESSAGE = "m"
    DELTA = "d"
    OWNER = "o"
    RUN = "r"
    LIVE = "f"
    STAFF = "x"


@dataclass(frozen=True, slots=True)
class Item:
    """One frame on its way.

    `seq` is the conversation's head when the item was made (a message's own seq for MESSAGE; 0 = says nothing about
    it). `epoch` is the owner epoch it belongs to (0 = any). `run` and `end` place a DELTA: `end` is the offset, in
    characters, just after it. `frame` is the JSON text to send as it stands. `origin` names the socket that it came
    from and that shall not get it back (LIVE). A HEAD's `run` is the open run (0 = none).
    """

    topic: str
    kind: Kind
    frame: str
    seq: int = 0
    epoch: int = 0
    run: int = 0
    end: int = 0
    origin: str = ""


def conversation_topic(conversation_id: int) -> str:
    """Return the topic of one conversation."""
    return f"c{conversation_id}"


def topic_conversation(topic: str) -> int | None:
    """Return whose topic it is; None for one that isn't a conversation's."""
    return int(topic[1:]) if topic.startswith("c") else None


def encode(items: Iterable[Item]) -> bytes:
    """Return a batch in its form in Redis."""
    return orjson.dumps(
        [(item.topic, item.kind, item.frame, item.seq, item.epoch, item.run, item.end, item.origin) for item in items]
    )


def decode(batch: bytes) -> list[Item]:
    """Return the items of a batch. Raises ValueError for what another version may have sent."""
    try:
        return [
            Item(topic, Kind(kind), frame, seq=seq, epoch=epoch, run=run, end=end, origin=origin)
            for topic, kind, frame, seq, epoch, run, end, origin in orjson.loads(batch)
        ]
    except TypeError as error:
        raise ValueError("not a batch of items") from error
