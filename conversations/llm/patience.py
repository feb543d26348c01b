"""How long to wait for a model, by the wall clock: keep-alives, blanks and slow drips buy no time."""

import asyncio
from types import TracebackType
from typing import Self

from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Deadlines


class Patience:
    """The deadlines of one call, running from the moment it is entered. Raises the LLMError of the one that passes."""

    __slots__ = ("_between", "_kind", "_loop", "_timeout", "_timer", "_total_at", "_until")

    def __init__(self, deadlines: Deadlines) -> None:
        self._loop = asyncio.get_running_loop()
        self._between = deadlines.between_chunks_seconds
        self._total_at = self._loop.time() + deadlines.total_seconds
        self._until = self._loop.time() + deadlines.first_token_seconds
        self._kind = Kind.FIRST_TOKEN_TIMEOUT
        self._timeout = asyncio.timeout_at(None)
        self._timer = self._loop.call_at(self._due_at(), self._look)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            if not self._timeout.expired():
                raise
            raise LLMError(Kind.TOTAL_TIMEOUT if self._total_at <= self._until else self._kind) from None

    def restart(self) -> None:
        """A word came: from here on count the silence after it."""
        # The timer stays where it is, and looks again when it goes off: a new one for each word costs more.
        self._until = self._loop.time() + self._between
        if self._kind is not Kind.STALLED:
            self._kind = Kind.STALLED
            # Only the first word can bring the deadline forward.
            self._rearm()

    def end_within(self, seconds: float) -> None:
        """Wait at most this much longer, for what is left when all words have come."""
        self._until = min(self._until, self._loop.time() + seconds)
        self._rearm()

    def _rearm(self) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_at(self._due_at(), self._look)

    def _due_at(self) -> float:
        return min(self._until, self._total_at)

    def _look(self) -> None:
        if self._due_at() > self._loop.time():
            self._timer = self._loop.call_at(self._due_at(), self._look)
        elif not self._timeout.expired():
            self._timeout.reschedule(self._loop.time())
