"""The client's frames of the widget protocol (docs/protocol.md): from hostile text to typed values.

A frame that can't be understood raises BadFrameError with a code. Unknown fields are ignored, so that newer clients
can talk to an older server.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

import orjson

from conversations.events.frames import PROTOCOL_VERSION
from conversations.models import Locale
from conversations.text.checks import UNSTORABLE

MAX_FRAME_BYTES: Final = 64 * 1024
MAX_SEQ: Final = 2**31 - 1
MAX_RUN_ID: Final = 2**63 - 1
REASON_CHARS: Final = 500
COMMENT_CHARS: Final = 1000
LOWEST_SCORE, HIGHEST_SCORE = 1, 5

CANONICAL_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")

Json: TypeAlias = Mapping[str, object]


class BadFrameError(Exception):
    """A frame that isn't one of ours; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame: who it is, and the last message it has."""

    token: str
    after_seq: int
    locale: str | None


@dataclass(frozen=True, slots=True)
class Send:
    """A customer's message. `echo` is `client_id` as the client wrote it."""

    client_id: UUID
    echo: str
    text: str


@dataclass(frozen=True, slots=True)
class Typing:
    """The customer began or stopped typing."""

    is_on: bool


@dataclass(frozen=True, slots=True)
class Read:
    """The customer saw all messages up to `seq`."""

    seq: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The customer wants no more of this reply."""

    run_id: int


@dataclass(frozen=True, slots=True)
class AskHuman:
    """The customer wants a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rate:
    """How content the customer is."""

    score: int
    comment: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Is anybody there?"""


ClientFrame: TypeAlias = Hello | Send | Typing | Read | Stop | AskHuman | Rate | Ping


def parse_frame(text: str | None) -> ClientFrame:
    """Return the frame. Raises BadFrameError: `too_large`, `bad_json`, `unknown_type`, `bad_frame`, ..."""
    if text is None:
        raise BadFrameError("bad_json")
    if is_too_large(text):
        raise BadFrameError("too_large")
    frame = _json(text)
    if not isinstance(frame, dict):
        raise BadFrameError("bad_json")
    frame_type = frame.get("type")
    parser = PARSERS.get(frame_type) if isinstance(frame_type, str) else None
    if parser is None:
        raise BadFrameError("unknown_type")
    return parser(frame)


def is_too_large(text: str) -> bool:
    """Say whether the frame is over 64 KiB."""
    return len(text) > MAX_FRAME_BYTES or (
        len(text) > MAX_FRAME_BYTES // 4 and len(text.encode(errors="surrogatepass")) > MAX_FRAME_BYTES
    )


def _json(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if not ESCAPED_SURROGATE.search(text):
            raise BadFrameError("bad_json") from None
    # orjson refuses half a surrogate pair; a message with one is still a frame, and is refused with its client_id.
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrameError("bad_json") from None


def _hello(frame: Json) -> Hello:
    version = frame.get("v")
    if type(version) is not int or version != PROTOCOL_VERSION:
        raise BadFrameError("unsupported_version")
    token = _text(frame, "token")
    locale = frame.get("locale")
    after_seq = _whole(frame, "after_seq", lowest=0, highest=MAX_SEQ)
    return Hello(token, after_seq, locale if isinstance(locale, str) and locale in Locale.values else None)


def _send(frame: Json) -> Send:
    echo = _text(frame, "client_id")
    if not CANONICAL_UUID.fullmatch(echo):
        raise BadFrameError("bad_frame")
    return Send(UUID(echo), echo, _text(frame, "text"))


def _typing(frame: Json) -> Typing:
    is_on = frame.get("on")
    if not isinstance(is_on, bool):
        raise BadFrameError("bad_frame")
    return Typing(is_on)


def _read(frame: Json) -> Read:
    return Read(_whole(frame, "seq", lowest=0, highest=MAX_SEQ))


def _stop(frame: Json) -> Stop:
    run_id = frame.get("run")
    if isinstance(run_id, str) and run_id.isascii() and run_id.isdecimal():
        run_id = int(run_id[:20])
    return Stop(_whole({"run": run_id}, "run", lowest=1, highest=MAX_RUN_ID))


def _ask_human(frame: Json) -> AskHuman:
    return AskHuman(_words(frame, "reason")[:REASON_CHARS])


def _rate(frame: Json) -> Rate:
    score = _whole(frame, "score", lowest=LOWEST_SCORE, highest=HIGHEST_SCORE)
    return Rate(score, _words(frame, "comment")[:COMMENT_CHARS])


def _ping(_frame: Json) -> Ping:
    return Ping()


PARSERS: Final[Mapping[str, Callable[[Json], ClientFrame]]] = {
    "hello": _hello,
    "send": _send,
    "typing": _typing,
    "read": _read,
    "stop": _stop,
    "ask_human": _ask_human,
    "rate": _rate,
    "ping": _ping,
}


def _text(frame: Json, name: str) -> str:
    value = frame.get(name)
    if not isinstance(value, str):
        raise BadFrameError("bad_frame")
    return value


def _words(frame: Json, name: str) -> str:
    """Return an optional text that PostgreSQL can store."""
    value = frame.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or UNSTORABLE.search(value):
        raise BadFrameError("bad_frame")
    return value


def _whole(frame: Json, name: str, *, lowest: int, highest: int) -> int:
    value = frame.get(name)
    # JSON's true is an int to Python, and 3.0 the same number as 3 to JavaScript.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not lowest <= value <= highest:
        raise BadFrameError("bad_frame")
    return value
