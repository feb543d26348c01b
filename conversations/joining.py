"""Joins what many want at the same moment into one piece of work: one transaction, one query, one round trip for all.

Whoever comes while little is at work waits for nobody. Whoever comes meanwhile goes with the next piece, so that the
pieces grow with the load and what each of them costs is shared by more and more.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial, wraps
from typing import Generic, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

Q = TypeVar("Q")
A = TypeVar("A")
T = TypeVar("T")

Work: TypeAlias = Callable[[Sequence[Q]], Coroutine[None, None, Sequence[A]]]
"""Answers questions, in their order."""


class Joined(Generic[Q, A]):
    """One piece of work for many who ask. Belongs to one loop.

    `at_once` pieces may run side by side, each with at most `most` questions.
    """

    def __init__(self, work: Work[Q, A], *, at_once: int = 2, most: int = 100) -> None:
        self._work = work
        self._at_once = at_once
        self._most = most
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._pieces: set[asyncio.Future[Sequence[A]]] = set()
        self._is_due = False

    @property
    def waiting(self) -> int:
        """How many wait for a piece to begin."""
        return len(self._waiting)

    async def ask(self, question: Q) -> A:
        """Return the answer. Raises what the piece of work raises, to everybody in it."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        self._wake()
        return await answer

    def _wake(self) -> None:
        if self._waiting and not self._is_due and len(self._pieces) < self._at_once:
            self._is_due = True
            # After everything else of this turn of the loop, which may bring more of the same.
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._is_due = False
        piece, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        work = self._work([question for question, _ in piece])
        self._pieces.add(task := asyncio.get_running_loop().create_task(work))
        task.add_done_callback(partial(self._end, piece))
        self._wake()

    def _end(self, piece: Sequence[tuple[Q, asyncio.Future[A]]], task: asyncio.Future[Sequence[A]]) -> None:
        self._pieces.discard(task)
        self._wake()
        still_asking = [answer for _, answer in piece if not answer.done()]
        if task.cancelled():
            for answer in still_asking:
                answer.cancel()
        elif (error := task.exception()) is not None:
            for answer in still_asking:
                answer.set_exception(error)
        else:
            for (_, answer), found in zip(piece, task.result(), strict=True):
                if not answer.done():
                    answer.set_result(found)


def one_per_loop(make: Callable[[], T]) -> Callable[[], T]:
    """Return a function that gives the running loop's own one, made when first asked for."""
    made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    @wraps(make)
    def give() -> T:
        loop = asyncio.get_running_loop()
        if loop not in made:
            made[loop] = make()
        return made[loop]

    return give
