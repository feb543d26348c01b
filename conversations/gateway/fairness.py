"""Who goes next when calls have to wait: start-time fair queueing, each conversation a flow of its own.

Every call of a conversation is due one step after its last one, but never earlier than the queue is: who writes a lot
stands behind those who ask for the first time, and gets everything that nobody else wants.
(Goyal, Vin, Cheng: Start-time Fair Queueing, 1996, with packets of one length.)
"""

import asyncio
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
        due = max(self._now, self._next_due.get(conversation_id, 0.0))
        future: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        waiter = Waiter(conversation_id, candidates, tokens, due=due, arrival=self._arrivals, lease=future)
        self._waiting.append(waiter)
        self._waiting.sort(key=lambda each: (each.due, each.arrival))
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Stand in line no longer, served or not."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def serve(self, waiter: Waiter) -> None:
        """Count the waiter as served: the next call of its conversation is due later."""
        self.leave(waiter)
        self._now = max(self._now, waiter.due)
        self.count(waiter.conversation_id)

    def count(self, conversation_id: int) -> None:
        """Count a call of the conversation that leaves."""
        self._next_due[conversation_id] = max(self._now, self._next_due.get(conversation_id, 0.0)) + 1
        if len(self._next_due) > MAX_REMEMBERED:
            # Who is not ahead of the queue is as good as unknown.
            self._now += 1
            self._next_due = {key: due for key, due in self._next_due.items() if due > self._now}

    def in_order(self) -> Iterator[Waiter]:
        """Yield those who wait, who is due first first."""
        yield from tuple(self._waiting)
