"""Who goes next when calls have to wait: start-time fair queueing, each conversation a flow of its own.

Every call of a conversation is due one step after its last one, but never earlier than the queue is: who writes a lot
stands behind those who ask for the first time, and gets everything that nobody else wants.
(Goyal, Vin, Cheng: Start-time Fair Queueing, 1996, with packets of one length.)
"""

import asyncio
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conversations.gateway.admission import Lease
from conversations.gateway.catalog import Candidate

MAX_REMEMBERED = 10_000


@dataclass(eq=False, slots=True)
class Waiter:
    """A call that waits."""

    conversation_id: int
    candidates: Sequence[Candidate]
    tokens: int
    due: float
    arrival: int
    lease: asyncio.Future[Lease]

    @property
    def routes(self) -> tuple[int, ...]:
        """What it waits for: calls that wait for the same are refused together."""
        return tuple(candidate.route_id for candidate in self.candidates)


class FairQueue:
    """The calls of one process that wait."""

    def __init__(self) -> None:
        self._waiting: list[Waiter] = []
        self._now = 0.0
        self._next_due: dict[int, float] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, conversation_id: int, *, candidates: Sequence[Candidate], tokens: int) -> Waiter:
        """Stand in line."""
        self._arrivals += 1
        future: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        due = self.count(conversation_id)
        waiter = Waiter(conversation_id, candidates, tokens, due=due, arrival=self._arrivals, lease=future)
        insort(self._waiting, waiter, key=lambda each: (each.due, each.arrival))
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Stand in line no longer; who was not served keeps no debt from it."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)
            self._next_due[waiter.conversation_id] = max(waiter.due, self._next_due[waiter.conversation_id] - 1)

    def serve(self, waiter: Waiter) -> None:
        """Let the waiter go: from now on nobody who comes is due earlier."""
        self._waiting.remove(waiter)
        self._now = max(self._now, waiter.due)

    def count(self, conversation_id: int) -> float:
        """Count a call of the conversation; return when it is due. The next one is due a step later."""
        due = max(self._now, self._next_due.get(conversation_id, 0.0))
        self._next_due[conversation_id] = due + 1
        if len(self._next_due) > MAX_REMEMBERED:
            # Who is not ahead of the queue is as good as unknown.
            self._now += 1
            waiting = {waiter.conversation_id for waiter in self._waiting}
            self._next_due = {key: due for key, due in self._next_due.items() if due > self._now or key in waiting}
        return due

    def in_order(self) -> Iterator[Waiter]:
        """Yield those who wait, who is due first first."""
        yield from tuple(self._waiting)
