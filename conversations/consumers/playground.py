"""The playground's socket: a question goes to up to three sides at once, and each answer is shown as it is written.

A page asks one thing at a time: the next question, `stop` or leaving ends the one before, and its calls with it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from typing_extensions import override

from conversations.actions.rights import may_try
from conversations.consumers.playground_frames import Ask, Cell, Ping, answer_frame, read_frame
from conversations.consumers.playground_sides import Prepared, RefusedError, prepare
from conversations.consumers.staff import StaffConsumer
from conversations.database import persistently
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


class PlaygroundConsumer(StaffConsumer):
    """One open playground."""

    asking: asyncio.Task[None] | None = None

    @staticmethod
    @override
    def may_come(user: AbstractBaseUser) -> bool:
        """Whether they may try answers out."""
        return may_try(user)

    @override
    async def begin(self, user: AbstractBaseUser) -> None:
        """Nothing is asked yet."""

    @override
    async def end(self) -> None:
        """Ask no more."""
        await self.stop()

    @override
    async def hear(self, text: str | None, *, user: AbstractBaseUser) -> None:
        """Do what the page asks, if whose page it is may still do so."""
        frame = read_frame(text)
        if frame is None:
            self.put({"type": "error", "code": "bad_frame"})
            return
        if not await self.may_stay():
            return
        if isinstance(frame, Ping):
            self.put({"type": "pong"})
            return
        await self.stop()
        if isinstance(frame, Ask):
            self.ask(frame, user)

    async def stop(self) -> None:
        """Give up what is being asked."""
        if self.asking is None:
            return
        asking, self.asking = self.asking, None
        asking.cancel()
        await asyncio.wait([asking])

    def ask(self, ask: Ask, user: AbstractBaseUser) -> None:
        """Let all sides answer; whatever breaks, the page hears of it."""
        self.asking = asyncio.create_task(self.answer(ask, user))
        self.asking.add_done_callback(lambda asking: self.conclude(ask, asking))

    def conclude(self, ask: Ask, asking: asyncio.Task[None]) -> None:
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
