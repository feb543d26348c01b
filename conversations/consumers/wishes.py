"""What a customer wants of the conversation: each frame after `hello` becomes one call, and perhaps a frame in answer.

Knows nothing of sockets. An answer is a frame for the one who asked; what everybody shall see comes over the lane.
"""

import time
from dataclasses import dataclass, field
from typing import Final, ParamSpec, TypeVar

from django.conf import settings

from conversations.actions.customers import ConflictError, NotResolvedError, Stored, mark_read, rate
from conversations.consumers.client_frames import AskHuman, ClientFrame, Hello, Ping, Rate, Read, Send, Stop, Typing
from conversations.consumers.reading import find_stored
from conversations.consumers.reception import loop_reception
from conversations.consumers.sentences import Code, sentence
from conversations.database import persistently
from conversations.events.frames import iso, to_json, typing_frame
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.live import loop_publisher
from conversations.intake import ask_human, stop_reply
from conversations.limits import CONVERSATION, VISITOR, Charge, loop_limiter
from conversations.models import Conversation
from conversations.text.checks import Problem, check_message

TYPING_SECONDS: Final = 6
TYPING_AGAIN_SECONDS: Final = 2.0
"""How long "is typing" lasts, and how often it is passed on."""
PONG: Final = to_json({"type": "pong"})
PROBLEMS: Final = {Problem.EMPTY: Code.EMPTY, Problem.TOO_LONG: Code.TOO_LONG, Problem.INVALID: Code.INVALID}

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Visitor:
    """Who is at the socket: `origin` names the socket, `visitor_key` the browser session."""

    conversation_id: int
    locale: str
    visitor_key: str
    origin: str
    is_typing: bool = False
    typing_told_at: float = field(default=0.0)

    def charges(self) -> tuple[Charge, ...]:
        """Return what an act costs that others have to deal with."""
        return Charge(VISITOR, self.visitor_key), Charge(CONVERSATION, str(self.conversation_id))


def error_frame(code: Code, *, locale: str, retry_after: float = 0) -> str:
    """Return an `error` frame."""
    frame: dict[str, object] = {"type": "error", "code": code.value, "message": sentence(code, locale=locale)}
    if retry_after:
        frame["retry_after"] = round(retry_after, 1)
    return to_json(frame)


def nack_frame(client_id: str, code: Code, *, locale: str, retry_after: float = 0) -> str:
    """Return a `nack` frame: this message isn't stored."""
    message = sentence(code, locale=locale, max_chars=settings.CSBOT_MAX_MESSAGE_CHARS)
    frame: dict[str, object] = {"type": "nack", "client_id": client_id, "code": code.value, "message": message}
    if retry_after:
        frame["retry_after"] = round(retry_after, 1)
    return to_json(frame)


def _ack_frame(client_id: str, stored: Stored) -> str:
    return to_json({"type": "ack", "client_id": client_id, "seq": stored.seq, "at": iso(stored.at)})


async def fulfil(frame: ClientFrame, *, visitor: Visitor) -> str | None:
    """Do what the frame asks and return the answer to it. Raises django.db.Error."""
    match frame:
        case Send():
            return await _send(frame, visitor=visitor)
        case Typing():
            await _typing(frame, visitor=visitor)
            return None
        case Read():
            await persistently(mark_read, visitor.conversation_id, seq=frame.seq)
            return None
        case Stop():
            await persistently(stop_reply, visitor.conversation_id, run_id=frame.run_id)
            return None
        case AskHuman():
            return await _ask_human(frame, visitor=visitor)
        case Rate():
            return await _rate(frame, visitor=visitor)
        case Ping():
            return PONG
        case Hello():
            return error_frame(Code.HELLO_AGAIN, locale=visitor.locale)


async def _send(frame: Send, *, visitor: Visitor) -> str:
    problem = check_message(frame.text, max_chars=settings.CSBOT_MAX_MESSAGE_CHARS)
    if problem is not None:
        return nack_frame(frame.echo, PROBLEMS[problem], locale=visitor.locale)
    wait = await loop_limiter().spend(*visitor.charges())
    try:
        if wait:
            return await _resent(frame, visitor=visitor, wait=wait)
        stored = await loop_reception().receive(visitor.conversation_id, client_id=frame.client_id, text=frame.text)
    except ConflictError:
        return nack_frame(frame.echo, Code.CONFLICT, locale=visitor.locale)
    except Conversation.DoesNotExist:
        return nack_frame(frame.echo, Code.CLOSED, locale=visitor.locale)
    return _ack_frame(frame.echo, stored)


async def _resent(frame: Send, *, visitor: Visitor, wait: float) -> str:
    """Answer a message beyond the limit: a nack says "not stored", so one that is stored is still acknowledged."""
    earlier = await persistently(find_stored, visitor.conversation_id, client_id=frame.client_id)
    if earlier is None:
        return nack_frame(frame.echo, Code.RATE_LIMITED, locale=visitor.locale, retry_after=wait)
    if earlier.text != frame.text:
        raise ConflictError
    return to_json({"type": "ack", "client_id": frame.echo, "seq": earlier.seq, "at": iso(earlier.created_at)})


async def _typing(frame: Typing, *, visitor: Visitor) -> None:
    now = time.monotonic()
    if frame.is_on == visitor.is_typing and now - visitor.typing_told_at < TYPING_AGAIN_SECONDS:
        return
    visitor.is_typing, visitor.typing_told_at = frame.is_on, now
    text = typing_frame("customer", ttl_seconds=TYPING_SECONDS if frame.is_on else 0)
    topic = conversation_topic(visitor.conversation_id)
    await loop_publisher().publish(Item(topic, Kind.LIVE, text, origin=visitor.origin))


async def _ask_human(frame: AskHuman, *, visitor: Visitor) -> str | None:
    if wait := await loop_limiter().spend(*visitor.charges()):
        return error_frame(Code.RATE_LIMITED, locale=visitor.locale, retry_after=wait)
    try:
        await persistently(ask_human, visitor.conversation_id, reason=frame.reason)
    except Conversation.DoesNotExist:
        return error_frame(Code.CLOSED, locale=visitor.locale)
    return None


async def _rate(frame: Rate, *, visitor: Visitor) -> str:
    if wait := await loop_limiter().spend(*visitor.charges()):
        return error_frame(Code.RATE_LIMITED, locale=visitor.locale, retry_after=wait)
    try:
        await persistently(rate, visitor.conversation_id, score=frame.score, comment=frame.comment)
    except NotResolvedError:
        return error_frame(Code.NOT_RESOLVED, locale=visitor.locale)
    except Conversation.DoesNotExist:
        return error_frame(Code.CLOSED, locale=visitor.locale)
    return to_json({"type": "rated", "score": frame.score})
