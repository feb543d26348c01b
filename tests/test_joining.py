"""What many want at the same moment is one piece of work; each gets its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from conversations.joining import Joined, one_per_loop


class Work:
    """Doubles numbers when it is let go, and keeps what it was asked together."""

    def __init__(self) -> None:
        self.pieces: list[list[int]] = []
        self.may_go = asyncio.Event()

    async def double(self, numbers: Sequence[int]) -> list[int]:
        self.pieces.append(list(numbers))
        await self.may_go.wait()
        if 13 in numbers:
            raise ValueError
        return [2 * number for number in numbers]


async def soon() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_comes_meanwhile_goes_together_with_the_next() -> None:
    async def run() -> tuple[list[list[int]], list[int]]:
        work = Work()
        joined = Joined(work.double, at_once=1)
        asking = [asyncio.ensure_future(joined.ask(1))]
        await soon()
        asking += [asyncio.ensure_future(joined.ask(number)) for number in (2, 3, 4)]
        await soon()
        assert joined.waiting == 3
        work.may_go.set()
        return work.pieces, list(await asyncio.gather(*asking))

    assert asyncio.run(run()) == ([[1], [2, 3, 4]], [2, 4, 6, 8])


def test_who_comes_in_the_same_turn_goes_together_in_pieces_of_a_bounded_size() -> None:
    async def run() -> list[list[int]]:
        work = Work()
        work.may_go.set()
        joined = Joined(work.double, at_once=2, most=2)
        await asyncio.gather(*map(joined.ask, range(5)))
        return work.pieces

    assert asyncio.run(run()) == [[0, 1], [2, 3], [4]]


def test_what_a_piece_raises_comes_to_those_in_it_only() -> None:
    async def run() -> list[int | BaseException]:
        work = Work()
        joined = Joined(work.double, most=2)
        work.may_go.set()
        return await asyncio.gather(*map(joined.ask, (13, 1, 2)), return_exceptions=True)

    first, second, third = asyncio.run(run())
    assert isinstance(first, ValueError) and isinstance(second, ValueError)
    assert third == 4


def test_one_who_goes_away_keeps_nobody_from_the_answer() -> None:
    async def run() -> int:
        work = Work()
        joined = Joined(work.double)
        leaving, staying = (asyncio.ensure_future(joined.ask(number)) for number in (1, 2))
        await soon()
        leaving.cancel()
        work.may_go.set()
        return await staying

    assert asyncio.run(run()) == 4


def test_a_stopped_piece_leaves_nobody_waiting_for_ever() -> None:
    async def run() -> None:
        work = Work()
        joined = Joined(work.double)
        asking = asyncio.ensure_future(joined.ask(1))
        await soon()
        others = asyncio.all_tasks() - {asyncio.current_task(), asking}
        for task in others:
            task.cancel()
        await asking

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_each_loop_has_its_own() -> None:
    give = one_per_loop(object)

    async def twice() -> tuple[object, object]:
        return give(), give()

    first, again = asyncio.run(twice())
    other, _ = asyncio.run(twice())
    assert first is again and first is not other
