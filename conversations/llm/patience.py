"""How long to wait for a model, by the wall clock: keep-alives, blanks and slow drips buy no time."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeAlias, TypeVar, cast

from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Deadlines

T = TypeVar("T")
Task: TypeAlias = "asyncio.Task[Any]"


class Patience:
    """The deadlines of one call, running from the moment it is made.

    One timer for the whole call, which is set anew only when it goes off: a timer for each chunk costs more than
    reading the chunk does. `close` takes it away; who forgets leaves a timer that goes off once and does nothing.
    """

    __slots__ = (
        "_between",
        "_clock",
        "_is_late",
        "_kind",
        "_loop",
        "_timer",
        "_timer_at",
        "_total_at",
        "_until",
        "_waiting",
    )

    def __init__(self, deadlines: Deadlines) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._between = deadlines.between_chunks_seconds
        self._total_at = self._clock() + deadlines.total_seconds
        self._until = self._clock() + deadlines.first_token_seconds
        self._kind = Kind.FIRST_TOKEN_TIMEOUT
        self._waiting: Task | None = None
        self._is_late = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def restart(self) -> None:
        """A word came: from here on count the silence after it."""
        self._until = self._clock() + self._between
        self._kind = Kind.STALLED

    def end_within(self, seconds: float) -> None:
        """Wait at most this much longer, for what is left when all words have come."""
        self._until = min(self._until, self._clock() + seconds)

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Await this, or raise the LLMError of the deadline that passes. What is there already is never late."""
        task = cast("Task", asyncio.current_task())
        cancelling = task.cancelling()
        self._waiting = task
        if self._timer is None or min(self._until, self._total_at) < self._timer_at:
            self._watch()
        try:
            return await awaitable
        except asyncio.CancelledError:
            # Ours, and not somebody else's at the same moment?
            if self._is_ours(task, cancelling):
                raise self._late() from None
            raise
        finally:
            self._waiting = None
            if self._is_late:
                self._is_late = False
                task.uncancel()

    def _is_ours(self, task: Task, cancelling: int) -> bool:
        if not self._is_late:
            return False
        self._is_late = False
        return task.uncancel() <= cancelling

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        """Let the timer go off at the deadline."""
        self.close()
        self._timer_at = min(self._until, self._total_at)
        self._timer = self._loop.call_at(self._timer_at, self._look)

    def _look(self) -> None:
        """End what is waited for, if it is late by now; else look again when it will be."""
        self._timer = None
        if self._waiting is None:
            return
        if min(self._until, self._total_at) > self._clock():
            self._watch()
            return
        self._is_late = True
        self._waiting.cancel()

    def _late(self) -> LLMError:
        return LLMError(Kind.TOTAL_TIMEOUT if self._total_at <= self._until else self._kind)
