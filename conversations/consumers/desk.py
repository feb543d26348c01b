"""The staff's socket: tells open desks that the queue changed, and streams the conversation that a page shows.

Frames from the page: `watch` (a conversation, or null for none), `typing`, `ping`. Everything durable the page fetches
over HTTP; this socket only says that there is something, and carries what is being written right now.
"""

import logging
import secrets
from dataclasses import dataclass
from typing import Final

import orjson
from django.contrib.auth.models import AbstractBaseUser
from redis.exceptions import RedisError
from typing_extensions import override

from conversations.actions.ownership import is_held_by
from conversations.actions.people import display_name
from conversations.actions.rights import may_answer, may_read
from conversations.consumers.staff import StaffConsumer
from conversations.database import persistently
from conversations.events.frames import to_json, typing_frame
from conversations.events.hub import process_hub
from conversations.events.lane import DESK_TOPIC, Item, Kind, conversation_topic
from conversations.events.live import loop_publisher
from conversations.events.presence import TYPING_SECONDS, Page, note_absent, note_present, read_presence
from conversations.events.snapshots import read_snapshot
from conversations.models import Conversation, Run
from conversations.redis import loop_client

logger = logging.getLogger(__name__)

MAX_FRAME_CHARS: Final = 4096
FRAME_TYPES: Final = frozenset({"ping", "watch", "typing"})
LARGEST_ID: Final = 2**63 - 1


@dataclass(frozen=True)
class Frame:
    """What a page says."""

    type: str
    conversation: int | None = None
    on: bool = False
    is_public: bool = False


def read_frame(text: str | None) -> Frame | None:
    """Return the frame, or None for what isn't one."""
    if text is None or len(text) > MAX_FRAME_CHARS:
        return None
    try:
        data = orjson.loads(text)
    except ValueError:
        return None
    if not isinstance(data, dict) or data.get("type") not in FRAME_TYPES:
        return None
    conversation = data.get("conversation")
    is_id = isinstance(conversation, int) and 0 < conversation <= LARGEST_ID
    return Frame(
        type=data["type"],
        conversation=conversation if is_id else None,
        on=data.get("on") is True,
        is_public=data.get("public") is True,
    )


def open_run_id(conversation_id: int) -> int | None:
    """Return the id of the reply in progress, if there is one."""
    return Run.objects.open().filter(conversation_id=conversation_id).values_list("pk", flat=True).first()


def holds(user: AbstractBaseUser, *, conversation_id: int) -> bool:
    """Whether the customer expects this agent's words."""
    conversation = Conversation.objects.filter(pk=conversation_id).first()
    return conversation is not None and may_answer(user) and is_held_by(conversation, agent=user)


class DeskConsumer(StaffConsumer):
    """One open page of the desk."""

    watched: int | None = None
    page: Page

    @staticmethod
    @override
    def may_come(user: AbstractBaseUser) -> bool:
        """Whether they may read conversations."""
        return may_read(user)

    @override
    async def begin(self, user: AbstractBaseUser) -> None:
        """Hear of the queue."""
        self.page = Page(tab=secrets.token_urlsafe(8), user=user.pk, name=display_name(user))
        process_hub().subscribe(DESK_TOPIC, self.outbox.put_item)

    @override
    async def end(self) -> None:
        """Hear of nothing any more, and be seen nowhere."""
        process_hub().unsubscribe(DESK_TOPIC, self.outbox.put_item)
        await self.unwatch()

    @override
    async def hear(self, text: str | None, *, user: AbstractBaseUser) -> None:
        """Do what the page asks; what cannot be understood is told and costs nothing else."""
        frame = read_frame(text)
        if frame is None:
            self.put({"type": "error", "code": "bad_frame"})
        else:
            await self.obey(frame, user=user)

    async def obey(self, frame: Frame, *, user: AbstractBaseUser) -> None:
        """Carry out one frame."""
        if frame.type == "ping":
            await self.ping()
        elif frame.type == "watch":
            await self.unwatch()
            if frame.conversation is not None:
                await self.watch(frame.conversation)
        elif self.watched is not None:
            await self.type_in(self.watched, frame=frame, user=user)

    async def watch(self, conversation_id: int) -> None:
        """Stream the conversation to the page, beginning with the reply that is being written, if any."""
        # Subscribed before anything is read: what happens in between comes twice rather than never.
        self.watched = conversation_id
        process_hub().subscribe(conversation_topic(conversation_id), self.outbox.put_item)
        run_id = await persistently(open_run_id, conversation_id)
        run = run_id and {"id": str(run_id), "text": await read_snapshot(loop_client(), run_id)}
        self.put({"type": "watching", "conversation": conversation_id, "run": run})
        await self.tell_presence(conversation_id)

    async def unwatch(self) -> None:
        """Stop streaming the conversation that the page shows, if it shows one."""
        if self.watched is None:
            return
        conversation_id, self.watched = self.watched, None
        process_hub().unsubscribe(conversation_topic(conversation_id), self.outbox.put_item)
        try:
            await note_absent(loop_client(), self.page, conversation_id=conversation_id)
            await announce_presence(conversation_id)
        except RedisError as error:
            logger.warning("presence not told (%s)", type(error).__name__)

    async def ping(self) -> None:
        """Answer a heartbeat; who was signed out or lost the right meanwhile is put out."""
        if not await self.may_stay():
            return
        self.put({"type": "pong"})
        if self.watched is not None:
            await self.tell_presence(self.watched)

    async def type_in(self, conversation_id: int, *, frame: Frame, user: AbstractBaseUser) -> None:
        """Let colleagues see the typing, and the customer too where this agent answers and it isn't a note."""
        await self.tell_presence(conversation_id, is_typing=frame.on)
        if frame.is_public and await persistently(holds, user, conversation_id=conversation_id):
            typing = typing_frame("agent", ttl_seconds=TYPING_SECONDS if frame.on else 0)
            await loop_publisher().publish(Item(conversation_topic(conversation_id), Kind.LIVE, typing))

    async def tell_presence(self, conversation_id: int, *, is_typing: bool = False) -> None:
        """Renew this page's presence, and tell it to all pages that show the conversation."""
        try:
            await note_present(loop_client(), self.page, conversation_id=conversation_id, is_typing=is_typing)
            await announce_presence(conversation_id)
        except RedisError as error:
            logger.warning("presence not told (%s)", type(error).__name__)


async def announce_presence(conversation_id: int) -> None:
    """Tell everybody who shows the conversation who else does. Raises RedisError."""
    people = await read_presence(loop_client(), conversation_id=conversation_id)
    frame = to_json({"type": "presence", "conversation": conversation_id, "people": people})
    await loop_publisher().publish(Item(conversation_topic(conversation_id), Kind.STAFF, frame))
