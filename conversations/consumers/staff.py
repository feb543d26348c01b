"""Sockets that only staff may open, from the admin's own pages, and only for as long as they may."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, parse_cookie
from typing_extensions import override

from conversations.database import persistently
from conversations.events.frames import to_json
from conversations.events.lane import Item, Kind
from conversations.text.origins import is_listed_origin, is_own_origin

SIGNED_OUT: Final = 4401
MAX_QUEUED_FRAMES: Final = 500


class Outbox:
    """Frames on their way to one page: in order, and bounded, whatever a slow page does."""

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self._send = send
        self._frames: deque[str] = deque()
        self._filled = asyncio.Event()
        self._task = asyncio.create_task(self._drain())

    def put(self, frame: str) -> None:
        """Queue a frame. A page that is too far behind gets `lost` instead of all it missed, and reads again."""
        if len(self._frames) >= MAX_QUEUED_FRAMES:
            self._frames.clear()
            frame = to_json({"type": "lost"})
        self._frames.append(frame)
        self._filled.set()

    def put_item(self, item: Item) -> None:
        """Queue what the hub hands out."""
        if item.kind is Kind.HEAD:
            self.put(to_json({"type": "head", "seq": item.seq, "owner_epoch": item.epoch, "run": item.run}))
        else:
            self.put(item.frame)

    async def stop(self) -> None:
        """Forget what hasn't left."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _drain(self) -> None:
        while True:
            await self._filled.wait()
            while self._frames:
                await self._send(self._frames.popleft())
            self._filled.clear()


def header(scope: Mapping[str, Any], name: bytes) -> str:
    """Return a header of the handshake, "" where it is missing or not text."""
    value: bytes = dict(scope["headers"]).get(name, b"")
    return value.decode("latin-1")


def is_own_page(scope: Mapping[str, Any]) -> bool:
    """Whether a page of this admin opens the socket: browsers send cookies to sockets from any site's page."""
    origin, host = header(scope, b"origin"), header(scope, b"host")
    return is_own_origin(origin, host=host) or is_listed_origin(origin, allowed=settings.CSRF_TRUSTED_ORIGINS)


class StaffConsumer(AsyncWebsocketConsumer, ABC):
    """One open page of the admin. `user` is None for who was not let in."""

    user: AbstractBaseUser | None = None
    outbox: Outbox
    _session_key = ""

    @staticmethod
    @abstractmethod
    def may_come(user: AbstractBaseUser) -> bool:
        """Whether this person may have such a page open now."""

    @abstractmethod
    async def begin(self, user: AbstractBaseUser) -> None:
        """Do what comes before the page is welcomed."""

    @abstractmethod
    async def end(self) -> None:
        """Leave nothing behind of what `begin` and the page's frames brought."""

    @abstractmethod
    async def hear(self, text: str | None, *, user: AbstractBaseUser) -> None:
        """Take a frame from the page; None for what isn't text."""

    @override
    async def connect(self) -> None:
        """Let in who may come, from our own pages only."""
        if not is_own_page(self.scope):
            await self.close()
            return
        cookies = parse_cookie(header(self.scope, b"cookie"))
        self._session_key = cookies.get(settings.SESSION_COOKIE_NAME, "")
        await self.accept()
        user = await persistently(self._whose)
        if user is None:
            await self.close(SIGNED_OUT)
            return
        self.outbox = Outbox(self.send)
        self.user = user
        await self.begin(user)
        self.put({"type": "welcome"})

    @override
    async def disconnect(self, code: int) -> None:
        """Leave nothing behind."""
        if self.user is not None:
            await self.end()
            await self.outbox.stop()

    @override
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Hear who was let in; what somebody says before they are put out is for nobody."""
        if self.user is not None:
            await self.hear(text_data, user=self.user)

    def put(self, frame: Mapping[str, object]) -> None:
        """Send a frame to the page, in order."""
        self.outbox.put(to_json(frame))

    async def may_stay(self) -> bool:
        """Say whether this is so; who was signed out or lost the right meanwhile is put out."""
        if await persistently(self._whose) is not None:
            return True
        await self.close(SIGNED_OUT)
        return False

    def _whose(self) -> AbstractBaseUser | None:
        request = HttpRequest()
        request.session = SessionStore(self._session_key)
        user = get_user(request)
        return user if isinstance(user, AbstractBaseUser) and self.may_come(user) else None
