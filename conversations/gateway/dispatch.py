"""Gives out leases: at once where circuits and limits allow it, else in fair turns, instead of a storm of 429s."""

import asyncio
from collections.abc import Sequence
from typing import Final

from conversations.gateway.admission import Admission, Lease, Wait
from conversations.gateway.catalog import Candidate
from conversations.gateway.fairness import FairQueue, Waiter
from conversations.gateway.settling import NOTHING_LEARNT, Settlement
from conversations.llm.errors import Kind, LLMError

MIN_PAUSE_SECONDS: Final = 0.005
MAX_PAUSE_SECONDS: Final = 0.25


class Dispatcher:
    """The only way to a lease, for the calls of one loop."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._queue = FairQueue()
        self._released = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._queue)

    async def acquire(
        self, candidates: Sequence[Candidate], *, conversation_id: int, tokens: int, patience_seconds: float
    ) -> Lease:
        """Return a lease of the best candidate that may be called now, waiting for limits if it must.

        Raises LLMError: RATE_LIMITED where the limits let nothing through in time, OVERLOADED where there is no
        candidate at all.
        """
        if not candidates:
            raise LLMError(Kind.OVERLOADED)
        if not self._queue:
            answer = await self._admission.admit(candidates, tokens=tokens)
            if isinstance(answer, Lease):
                self._queue.count(conversation_id)
                return answer
        return await self._wait(
            self._queue.join(conversation_id, candidates=candidates, tokens=tokens), seconds=patience_seconds
        )

    async def settle(self, lease: Lease, settlement: Settlement) -> None:
        """Take a lease back, with what its call told."""
        await self._admission.settle(lease, settlement)
        self._released.set()

    async def _wait(self, waiter: Waiter, *, seconds: float) -> Lease:
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        try:
            # Not the future itself: a lease that comes at the last moment must not get lost.
            await asyncio.wait([waiter.lease], timeout=seconds)
        except asyncio.CancelledError:
            if waiter.lease.done():
                await self._admission.settle(waiter.lease.result(), NOTHING_LEARNT)
            raise
        finally:
            self._queue.leave(waiter)
            waiter.lease.cancel()
        if waiter.lease.cancelled():
            raise LLMError(Kind.RATE_LIMITED)
        return waiter.lease.result()

    async def _serve(self) -> None:
        while self._queue:
            self._released.clear()
            pause = await self._serve_those_who_can()
            try:
                async with asyncio.timeout(min(max(pause, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS)):
                    await self._released.wait()
            except TimeoutError:
                continue

    async def _serve_those_who_can(self) -> float:
        """Give leases in fair order; return after how many seconds the next may be had."""
        refused: dict[tuple[int, ...], float] = {}
        for waiter in self._queue.in_order():
            if waiter.routes in refused:
                continue
            answer = await self._admission.admit(waiter.candidates, tokens=waiter.tokens)
            if isinstance(answer, Wait):
                refused[waiter.routes] = answer.seconds
            elif answer is not None:
                await self._hand_over(waiter, answer)
        return min(refused.values(), default=0.0)

    async def _hand_over(self, waiter: Waiter, lease: Lease) -> None:
        if waiter.lease.done():
            # It gave up while we asked for it.
            await self._admission.settle(lease, NOTHING_LEARNT)
            return
        self._queue.serve(waiter)
        waiter.lease.set_result(lease)
