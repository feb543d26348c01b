"""Several workers ask for places at once, and Redis hangs or is away: what they share holds all the same."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence

from redis.asyncio import Redis as AsyncRedis

from conversations.gateway.admission import Admission, Lease, Wait
from conversations.gateway.catalog import Candidate, Limits
from conversations.redis import new_async_client
from tests.gateway.candidates import candidate
from tests.gateway.test_admission import BROKEN, FIRST, GOOD, SECOND, age_redis


def in_worker(work: Callable[[Admission], Awaitable[None]]) -> threading.Thread:
    """Run something with an admission of its own, as another worker would."""

    async def main() -> None:
        client = new_async_client()
        # Patient: on a busy machine 50 at once may wait longer for Redis than customers would.
        await work(Admission(client, hold_seconds=60, patience_seconds=10))
        await client.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    return thread


def open_and_cool_down() -> None:
    async def fail(admission: Admission) -> None:
        for _ in range(3):
            lease = await admission.admit([FIRST], tokens=1)
            assert isinstance(lease, Lease)
            await admission.settle(lease, BROKEN)

    in_worker(fail).join()
    age_redis(6)


def race(candidates: Sequence[Candidate], *, workers: int = 2, each: int = 25) -> list[Lease]:
    """Let workers ask at the same moment, each many times at once."""
    leases: list[Lease] = []
    start = threading.Barrier(workers)

    async def ask(admission: Admission) -> None:
        await admission.admit([], tokens=1)
        start.wait()
        answers = await asyncio.gather(*(admission.admit(candidates, tokens=1) for _ in range(each)))
        leases.extend(answer for answer in answers if isinstance(answer, Lease))

    for thread in [in_worker(ask) for _ in range(workers)]:
        thread.join()
    return leases


def test_of_two_workers_racing_for_the_half_open_probe_one_gets_it(clean_circuits: None) -> None:
    for _ in range(5):
        open_and_cool_down()
        leases = race([FIRST, SECOND])
        assert len(leases) == 50
        probes = [lease for lease in leases if lease.candidate is FIRST]
        assert len(probes) == 1

        async def fail(admission: Admission, probe: Lease = probes[0]) -> None:
            await admission.settle(probe, GOOD)

        in_worker(fail).join()


def test_two_workers_share_one_limit(clean_circuits: None) -> None:
    narrow = candidate(1, limits=Limits(concurrency=7))
    assert len(race([narrow])) == 7


def test_a_worker_learns_of_what_another_found_out(clean_circuits: None) -> None:
    open_and_cool_down()
    age_redis(-10)
    assert {lease.candidate for lease in race([FIRST, SECOND])} == {SECOND}


def test_a_redis_that_hangs_costs_a_moment_and_then_nothing(clean_circuits: None) -> None:
    async def ask_often(port: int) -> tuple[float, list[Lease | Wait | None]]:
        client = AsyncRedis.from_url(f"redis://127.0.0.1:{port}/0", socket_timeout=2)
        admission = Admission(client, hold_seconds=60)
        clock = asyncio.get_running_loop().time
        started = clock()
        answers = [await admission.admit([FIRST], tokens=1) for _ in range(50)]
        seconds = clock() - started
        await client.aclose()
        return seconds, answers

    with socket.create_server(("127.0.0.1", 0)) as silent:
        seconds, answers = asyncio.run(ask_often(silent.getsockname()[1]))
    assert all(isinstance(answer, Lease) for answer in answers)
    assert seconds < 1.0


def test_places_that_could_not_be_given_back_while_redis_was_away_are_given_back_later(clean_circuits: None) -> None:
    narrow = candidate(1, limits=Limits(concurrency=1))

    async def work(admission: Admission) -> None:
        lease = await admission.admit([narrow], tokens=1)
        assert isinstance(lease, Lease)
        admission._dark_until = time.monotonic() + 60
        await admission.settle(lease, GOOD)
        admission._dark_until = 0
        assert isinstance(await admission.admit([narrow], tokens=1), Wait)
        other = await admission.admit([SECOND], tokens=1)
        assert isinstance(other, Lease)
        await admission.settle(other, GOOD)
        assert isinstance(await admission.admit([narrow], tokens=1), Lease)

    failures: list[BaseException] = []

    async def guarded(admission: Admission) -> None:
        try:
            await work(admission)
        except AssertionError as error:
            failures.append(error)

    in_worker(guarded).join()
    assert not failures
