"""How long to wait for a model, by the wall clock: keep-alives, blanks and slow drips buy no time."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Deadlines

T = TypeVar("T")


class Patience:
    """The deadlines of one call, running from the moment it is made."""

    __slots__ = ("_between", "_clock", "_kind", "_total_at", "_until")

    def __init__(self, deadlines: Deadlines) -> None:
        self._clock = asyncio.get_running_loop().time
        self._between = deadlines.between_chunks_seconds
        self._total_at = self._clock() + deadlines.total_seconds
        self._until = self._clock() + deadlines.first_token_seconds
        self._kind = Kind.FIRST_TOKEN_TIMEOUT

    def restart(self) -> None:
        """A word came: from here on count the silence after it."""
        self._until = self._clock() + self._between
        self._kind = Kind.STALLED

    def end_within(self, seconds: float) -> None:
        """Wait at most this much longer, for what is left when all words have come."""
        self._until = min(self._until, self._clock() + seconds)

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Await this, or raise the LLMError of the deadline that passes. What is there already is never late."""
        is_total = self._total_at <= self._until
        try:
            async with asyncio.timeout_at(self._total_at if is_total else self._until) as timeout:
                return await awaitable
        except TimeoutError:
            if timeout.expired():
                raise LLMError(Kind.TOTAL_TIMEOUT if is_total else self._kind) from None
            raise
