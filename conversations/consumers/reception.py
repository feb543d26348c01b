"""Where what customers write comes in: what comes at the same moment is stored, queued and announced together.

Each message waits for at most the piece of work that is at it when it comes. What isn't the usual course, and whatever
a piece fails at, is received by itself (`intake.receive_message`), so that no message can harm another.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError

from conversations.actions.customers import Asked, Stored
from conversations.actions.overload import ask_to_wait
from conversations.database import persistently
from conversations.events.counts import MESSAGES_TOGETHER
from conversations.intake import receive_message, receive_messages
from conversations.joining import Joined, one_per_loop

logger = logging.getLogger(__name__)


class Reception:
    """Receives messages on one loop. Made by `loop_reception`."""

    def __init__(self) -> None:
        self._asked: Joined[Asked, Stored | None] = Joined(self._receive_together)
        self._doubtful: Joined[Mapping[int, int], None] = Joined(self._look_after, at_once=1)
        self._looks: set[asyncio.Task[None]] = set()

    async def receive(self, conversation_id: int, *, client_id: UUID, text: str) -> Stored:
        """Store a message and see to it that it is answered. Raises ConflictError, DoesNotExist, django.db.Error."""
        stored = await self._asked.ask(Asked(conversation_id, client_id, text))
        if stored is not None:
            return stored
        return await persistently(receive_message, conversation_id, client_id=client_id, text=text)

    async def _receive_together(self, asked: Sequence[Asked]) -> Sequence[Stored | None]:
        MESSAGES_TOGETHER.observe(len(asked))
        try:
            received = await persistently(receive_messages, asked)
        except DatabaseError as error:
            logger.warning("%d messages not stored together (%s)", len(asked), type(error).__name__)
            return [None] * len(asked)
        if received.doubtful:
            self._look_later(received.doubtful)
        return received.stored

    def _look_later(self, doubtful: Mapping[int, int]) -> None:
        asyncio.get_running_loop().call_later(settings.CSBOT_BUSY_QUEUE_SECONDS, self._look, doubtful)

    def _look(self, doubtful: Mapping[int, int]) -> None:
        task = asyncio.create_task(self._doubtful.ask(doubtful))
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    async def _look_after(self, doubtful: Sequence[Mapping[int, int]]) -> Sequence[None]:
        """Ask those to wait whom nobody answers yet."""
        try:
            await persistently(ask_to_wait, {pk: seq for each in doubtful for pk, seq in each.items()})
        except DatabaseError as error:
            # The scheduler tells them.
            logger.warning("customers not asked to wait (%s)", type(error).__name__)
        return [None] * len(doubtful)


@one_per_loop
def loop_reception() -> Reception:
    """Return the running loop's reception."""
    return Reception()
