"""The playground's socket: a question goes to up to three sides at once, and each answer is shown as it is written.

A page asks one thing at a time: the next question, `stop` or leaving ends the one before, and its calls with it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, parse_cookie
from typing_extensions import override

from conversations.actions.rights import may_try
from conversations.consumers.desk import SIGNED_OUT, Outbox, header, is_own_page
from conversations.consumers.playground_frames import Ask, Cell, Ping, answer_frame, read_frame
from conversations.consumers.playground_sides import Prepared, RefusedError, prepare
from conversations.database import persistently
from conversations.events.frames import to_json
from conversations.gateway.admission import Admission
from conversations.gateway.dispatch import Dispatcher
from conversations.llm.client import Client, load_sdk
from conversations.llm.requests import Endpoint
from conversations.redis import loop_client
from conversations.replies.opening import Question
from conversations.replies.trying import Trying

logger = logging.getLogger(__name__)

AT_ONCE: Final = 3
"""Calls under way together: what is tried takes places that customers' calls need too."""


@dataclass(slots=True)
class Workshop:
    """What answers are tried with, for one question: its connections end with it."""

    dispatcher: Dispatcher
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    clients: dict[Endpoint, Client] = field(default_factory=dict)

    def client(self, endpoint: Endpoint) -> Client:
        """Return the endpoint's client."""
        if endpoint not in self.clients:
            self.clients[endpoint] = Client(endpoint)
        return self.clients[endpoint]

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self.clients.values():
            await client.aclose()


def person_of(session_key: str) -> AbstractBaseUser | None:
    """Return whose session it is, if they may use the playground now."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = get_user(request)
    return user if isinstance(user, AbstractBaseUser) and may_try(user) else None


class PlaygroundConsumer(AsyncWebsocketConsumer):
    """One open playground."""

    user: AbstractBaseUser | None = None
    session_key = ""
    asking: asyncio.Task[None] | None = None
    outbox: Outbox

    @override
    async def connect(self) -> None:
        """Let in staff who may try answers out, from our own pages only."""
        if not is_own_page(self.scope):
            await self.close()
            return
        cookies = parse_cookie(header(self.scope, b"cookie"))
        self.session_key = cookies.get(settings.SESSION_COOKIE_NAME, "")
        await self.accept()
        self.user = await persistently(person_of, self.session_key)
        if self.user is None:
            await self.close(SIGNED_OUT)
            return
        self.outbox = Outbox(self.send)
        self.put({"type": "welcome"})

    @override
    async def disconnect(self, code: int) -> None:
        """Leave nothing behind."""
        if self.user is None:
            return
        await self.stop()
        await self.outbox.stop()

    @override
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Do what the page asks, if whose page it is may still do so."""
        frame = read_frame(text_data)
        if self.user is None:
            return
        if frame is None:
            self.put({"type": "error", "code": "bad_frame"})
            return
        if await persistently(person_of, self.session_key) is None:
            await self.close(SIGNED_OUT)
            return
        if isinstance(frame, Ping):
            self.put({"type": "pong"})
            return
        await self.stop()
        if isinstance(frame, Ask):
            self.begin(frame, self.user)

    def put(self, frame: dict[str, object]) -> None:
        """Send a frame to the page, in order."""
        self.outbox.put(to_json(frame))

    async def stop(self) -> None:
        """Give up what is being asked."""
        if self.asking is None:
            return
        asking, self.asking = self.asking, None
        asking.cancel()
        await asyncio.wait([asking])

    def begin(self, ask: Ask, user: AbstractBaseUser) -> None:
        """Let all sides answer; whatever breaks, the page hears of it."""
        self.asking = asyncio.create_task(self.answer(ask, user))
        self.asking.add_done_callback(lambda asking: self.end(ask, asking))

    def end(self, ask: Ask, asking: asyncio.Task[None]) -> None:
        """Say that all is done, or why not."""
        error = None if asking.cancelled() else asking.exception()
        if error is None:
            self.put({"type": "done", "id": ask.id})
        elif isinstance(error, RefusedError):
            self.put({"type": "refused", "id": ask.id, "code": error.code})
        else:
            # The text of an error may hold what somebody wrote.
            logger.error("the playground broke: %s", type(error).__name__)
            self.put({"type": "refused", "id": ask.id, "code": "failed"})

    async def answer(self, ask: Ask, user: AbstractBaseUser) -> None:
        """Let all sides answer. Raises RefusedError."""
        await asyncio.to_thread(load_sdk)
        await self.answer_prepared(ask, await persistently(prepare, ask, user))

    async def answer_prepared(self, ask: Ask, prepared: list[Prepared]) -> None:
        """Make all answers, a few at once: first one of each side, so that they can be compared soon."""
        for side in prepared:
            self.put(side.frame)
        hold_seconds = settings.CSBOT_ANSWER_SECONDS
        workshop = Workshop(Dispatcher(Admission(loop_client(), hold_seconds=hold_seconds)))
        cells = [Cell(ask.id, side, sample) for sample in range(ask.samples) for side in range(len(prepared))]
        try:
            async with asyncio.TaskGroup() as group:
                for cell in cells:
                    group.create_task(self.try_out(cell, prepared[cell.side].question, workshop))
        finally:
            await asyncio.shield(asyncio.ensure_future(workshop.aclose()))

    async def try_out(self, cell: Cell, question: Question, workshop: Workshop) -> None:
        """Make one answer."""
        async with workshop.places:
            self.put({"type": "begin", **cell.values()})
            tried = await Trying(question, workshop, self.teller(cell)).run()
            self.put(answer_frame(cell, tried))

    def teller(self, cell: Cell) -> Callable[[str], None]:
        """Return what shows the next piece of this answer."""
        place = {"type": "delta", **cell.values()}
        return lambda text: self.put({**place, "text": text})
