"""The staff's socket: tells open desks that the queue changed, and streams the conversation that a page shows.

Frames from the page: `watch` (a conversation, or null for none), `typing`, `ping`. Everything durable the page fetches
over HTTP; this socket only says that there is something, and carries what is being written right now.
"""

import logging
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, parse_cookie
from redis.exceptions import RedisError

from conversations.actions.ownership import is_held_by
from conversations.actions.people import display_name
from conversations.actions.rights import may_answer, may_read
from conversations.database import in_database
from conversations.events.frames import to_json, typing_frame
from conversations.events.lane import DESK_TOPIC, Item, Kind, conversation_topic
from conversations.events.live import loop_publisher
from conversations.events.presence import TYPING_SECONDS, Page, note_absent, note_present, read_presence
from conversations.events.snapshots import read_snapshot
from conversations.models import Conversation, Run
from conversations.redis import loop_client

logger = logging.getLogger(__name__)

SIGNED_OUT: Final = 4401
MAX_FRAME_CHARS: Final = 4096


def header(scope: Mapping[str, Any], name: bytes) -> str:
    """Return a header of the handshake, "" where it is missing or not text."""
    value: bytes = dict(scope["headers"]).get(name, b"")
    return value.decode("latin-1")


def is_own_origin(scope: Mapping[str, Any]) -> bool:
    """Whether a page of this admin opens the socket: browsers send cookies to sockets from any site's page."""
    origin = header(scope, b"origin")
    return urlsplit(origin).netloc == header(scope, b"host") != "" or origin in settings.CSRF_TRUSTED_ORIGINS


def staff_member(session_key: str) -> AbstractBaseUser | None:
    """Return whose session it is, if they may read conversations now."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = get_user(request)
    return user if isinstance(user, AbstractBaseUser) and may_read(user) else None


def open_run_id(conversation_id: int) -> int | None:
    """Return the id of the reply in progress, if there is one."""
    return Run.objects.open().filter(conversation_id=conversation_id).values_list("pk", flat=True).first()


def holds(user: AbstractBaseUser, *, conversation_id: int) -> bool:
    """Whether the customer expects this agent's words."""
    conversation = Conversation.objects.filter(pk=conversation_id).first()
    return conversation is not None and may_answer(user) and is_held_by(conversation, agent=user)


class DeskConsumer(AsyncWebsocketConsumer):
    """One open admin page."""

    session_key = ""
    watched: int | None = None
    page: Page

    async def connect(self) -> None:
        """Let in staff who may read conversations, from our own pages only."""
        if not is_own_origin(self.scope):
            await self.close()
            return
        cookies = parse_cookie(header(self.scope, b"cookie"))
        self.session_key = cookies.get(settings.SESSION_COOKIE_NAME, "")
        await self.accept()
        user = await in_database(staff_member, self.session_key)
        if user is None:
            await self.close(SIGNED_OUT)
            return
        self.page = Page(tab=secrets.token_urlsafe(8), user=user.pk, name=display_name(user))
        await self.send(to_json({"type": "welcome"}))
