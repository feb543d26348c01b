"""A worker lets in what its loop carries on time, whatever that is on this machine at this hour."""

import asyncio
import threading
import time

from conversations.replies.capacity import FEWEST, LATE_SECONDS, Capacity

LATE = 2 * LATE_SECONDS


def fill(capacity: Capacity) -> int:
    """Take all places there are; return how many."""
    taken = 0
    while capacity.take(timeout_seconds=0):
        taken += 1
    return taken


def test_no_more_are_let_in_than_was_set_and_a_place_given_back_is_given_again() -> None:
    capacity = Capacity(3)
    assert fill(capacity) == 3
    threading.Timer(0.1, capacity.give_back).start()
    assert capacity.take(timeout_seconds=10)
    assert not capacity.take(timeout_seconds=0)


def test_nothing_is_let_in_while_the_loop_is_late() -> None:
    capacity = Capacity(110)
    for _ in range(40):
        assert capacity.take(timeout_seconds=0)
    capacity.note_lateness(LATE, now=10.0)
    assert fill(capacity) == 0
    capacity.note_lateness(0.0, now=10.05)
    # 40 were too many: it shrank below them, and what is in progress goes on.
    assert fill(capacity) == 0 and capacity.limit < 40


def test_the_limit_shrinks_once_a_second_and_grows_while_places_are_wanted() -> None:
    capacity = Capacity(110)
    fill(capacity)
    for tick in range(10):
        capacity.note_lateness(LATE, now=10.0 + tick / 20)
    shrunk = capacity.limit
    assert shrunk == int(110 * 0.85)
    capacity.note_lateness(LATE, now=11.0)
    assert capacity.limit < shrunk
    for tick in range(1000):
        capacity.note_lateness(0.0, now=12.0 + tick / 20)
    assert capacity.limit == 110


def test_a_few_are_always_let_in_for_they_cannot_be_what_makes_it_late() -> None:
    capacity = Capacity(110)
    for second in range(60):
        capacity.note_lateness(LATE, now=float(second))
    assert fill(capacity) >= FEWEST


def test_a_quiet_hour_proves_nothing() -> None:
    capacity = Capacity(110)
    for _ in range(40):
        capacity.take(timeout_seconds=0)
    capacity.note_lateness(LATE, now=0.0)
    shrunk = capacity.limit
    for _ in range(40):
        capacity.give_back()
    for tick in range(1000):
        capacity.note_lateness(0.0, now=1.0 + tick / 20)
    assert capacity.limit == shrunk


def test_a_blocked_loop_is_seen() -> None:
    capacity = Capacity(110)
    for _ in range(40):
        capacity.take(timeout_seconds=0)

    async def block() -> None:
        watching = asyncio.create_task(capacity.watch_loop())
        await asyncio.sleep(0.01)
        time.sleep(0.5)  # noqa: ASYNC251 (that is what is to be seen)
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        watching.cancel()

    asyncio.run(block())
    assert capacity.limit < 40
