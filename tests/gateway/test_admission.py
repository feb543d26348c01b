"""Circuits and limits, each scenario twice: shared through Redis, and on one worker's own view without it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import pytest
import redis
from django.conf import settings
from redis.asyncio import Redis as AsyncRedis

from conversations.gateway.admission import Admission, Lease, Wait
from conversations.gateway.catalog import Candidate, Limits
from conversations.gateway.settling import NOTHING_LEARNT, Settlement, failure, success
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Usage
from tests.gateway.candidates import candidate

NOWHERE: Final = "redis://127.0.0.1:1/0"
BROKEN: Final = failure(LLMError(Kind.SERVER))
GOOD: Final = success(Usage(100, 0, 20, 0))
TIMES: Final = ("until", "probe_until", "paused_until", "requests_at", "tokens_at")


@dataclass
class Gate:
    """An admission whose time a test turns on."""

    admission: Admission
    is_shared: bool
    now: list[float] = field(default_factory=lambda: [1000.0])

    @property
    def moment(self) -> float:
        """What time it is: Redis has a clock of its own, which goes on by itself."""
        return self.now[0] + (time.monotonic() if self.is_shared else 0.0)

    async def ask(self, *candidates: Candidate, tokens: int = 100) -> Lease | Wait | None:
        return await self.admission.admit(candidates, tokens=tokens)

    async def lease(self, *candidates: Candidate, tokens: int = 100) -> Lease:
        answer = await self.ask(*candidates, tokens=tokens)
        assert isinstance(answer, Lease), answer
        return answer

    async def call(self, settlement: Settlement, *candidates: Candidate) -> Lease:
        lease = await self.lease(*candidates)
        await self.admission.settle(lease, settlement)
        return lease

    async def open(self, *candidates: Candidate) -> None:
        for _ in range(3):
            await self.call(BROKEN, *candidates)

    def pass_time(self, seconds: float) -> None:
        self.now[0] += seconds
        if self.is_shared:
            age_redis(seconds)


def age_redis(seconds: float) -> None:
    """Make everything that Redis knows of circuits and limits older."""
    client = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)
    for name in [*client.scan_iter("csbot:circuit:*"), *client.scan_iter("csbot:buckets:*")]:
        for when in TIMES:
            if client.hexists(name, when):
                client.hincrbyfloat(name, when, -seconds * 1000)
    for name in client.scan_iter("csbot:slots:*"):
        for member in client.zrange(name, 0, -1):
            client.zincrby(name, -seconds * 1000, str(member))
    client.close()


Scenario = Callable[[Gate], Awaitable[None]]


@pytest.fixture(params=["shared", "alone"])
def play(request: pytest.FixtureRequest, clean_circuits: None) -> Callable[[Scenario], None]:
    is_shared = request.param == "shared"

    def run(scenario: Scenario) -> None:
        async def main() -> None:
            client = AsyncRedis.from_url(settings.REDIS_URL if is_shared else NOWHERE)
            now = [1000.0]
            gate = Gate(Admission(client, hold_seconds=60, clock=lambda: now[0]), is_shared, now)
            try:
                await scenario(gate)
            finally:
                await client.aclose()

        asyncio.run(main())

    return run


FIRST, SECOND = candidate(1), candidate(2)


def test_three_failures_in_a_row_open_a_circuit(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        for settlement in (BROKEN, BROKEN, GOOD, BROKEN, BROKEN):
            assert (await gate.call(settlement, FIRST, SECOND)).candidate is FIRST
        await gate.call(BROKEN, FIRST, SECOND)
        assert (await gate.lease(FIRST, SECOND)).candidate is SECOND

    play(scenario)


def test_half_of_five_calls_open_a_circuit(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        for settlement in (GOOD, BROKEN, BROKEN, GOOD, BROKEN):
            assert (await gate.call(settlement, FIRST, SECOND)).candidate is FIRST
        assert (await gate.lease(FIRST, SECOND)).candidate is SECOND

    play(scenario)


def test_a_broken_call_now_and_then_opens_nothing(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        for _ in range(12):
            for settlement in (GOOD, GOOD, BROKEN):
                assert (await gate.call(settlement, FIRST, SECOND)).candidate is FIRST

    play(scenario)


def test_what_we_asked_wrongly_or_gave_up_opens_nothing(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        for kind in (Kind.BAD_REQUEST, Kind.UNPROCESSABLE, Kind.REFUSED, Kind.FILTERED, Kind.TOO_LONG) * 4:
            assert (await gate.call(failure(LLMError(kind)), FIRST, SECOND)).candidate is FIRST
        for _ in range(5):
            await gate.call(NOTHING_LEARNT, FIRST, SECOND)
        assert (await gate.lease(FIRST, SECOND)).candidate is FIRST

    play(scenario)


def test_after_its_cooldown_exactly_one_probe_passes_and_heals_it(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        await gate.open(FIRST)
        gate.pass_time(4.5)
        assert (await gate.lease(FIRST, SECOND)).candidate is SECOND
        gate.pass_time(1)
        probe = await gate.lease(FIRST, SECOND)
        assert probe.candidate is FIRST
        assert [(await gate.lease(FIRST, SECOND)).candidate for _ in range(3)] == [SECOND] * 3
        await gate.admission.settle(probe, GOOD)
        assert [(await gate.lease(FIRST, SECOND)).candidate for _ in range(3)] == [FIRST] * 3

    play(scenario)


def test_the_cooldown_doubles_up_to_a_minute(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        await gate.open(FIRST)
        for cooldown in (5, 10, 20, 40, 60, 60):
            gate.pass_time(cooldown - 0.5)
            assert (await gate.lease(FIRST, SECOND)).candidate is SECOND
            gate.pass_time(1)
            assert (await gate.call(BROKEN, FIRST, SECOND)).candidate is FIRST

    play(scenario)


def test_a_probe_that_is_given_up_lets_the_next_one_try(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        await gate.open(FIRST)
        gate.pass_time(6)
        await gate.call(NOTHING_LEARNT, FIRST, SECOND)
        assert (await gate.lease(FIRST, SECOND)).candidate is FIRST

    play(scenario)


def test_a_probe_whose_worker_died_blocks_nobody_for_ever(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        await gate.open(FIRST)
        gate.pass_time(6)
        await gate.lease(FIRST, SECOND)
        gate.pass_time(70)
        assert (await gate.lease(FIRST, SECOND)).candidate is SECOND
        gate.pass_time(10)
        assert (await gate.lease(FIRST, SECOND)).candidate is FIRST

    play(scenario)


def test_calls_that_left_before_change_nothing_about_an_open_circuit(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        early = [await gate.lease(FIRST) for _ in range(4)]
        await gate.open(FIRST)
        for lease, settlement in zip(early, (GOOD, BROKEN, GOOD, BROKEN), strict=True):
            await gate.admission.settle(lease, settlement)
        assert (await gate.lease(FIRST, SECOND)).candidate is SECOND
        gate.pass_time(5.5)
        assert (await gate.lease(FIRST, SECOND)).candidate is FIRST

    play(scenario)


def test_with_all_circuits_open_the_one_that_heals_first_is_used_and_may_close(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(gate: Gate) -> None:
        await gate.open(SECOND)
        gate.pass_time(2)
        await gate.open(FIRST)
        forced = await gate.lease(FIRST, SECOND)
        assert forced.is_forced and forced.candidate is SECOND
        await gate.admission.settle(forced, GOOD)
        again = await gate.lease(FIRST, SECOND)
        assert again.candidate is SECOND and not again.is_forced

    play(scenario)


def test_a_refused_key_is_left_out_and_tried_again_now_and_then(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        two_keys = candidate(1, keys=("a", "b"))
        assert (await gate.call(failure(LLMError(Kind.AUTH)), two_keys)).key.fingerprint == "a"
        assert {(await gate.call(GOOD, two_keys)).key.fingerprint for _ in range(5)} == {"b"}
        await gate.call(failure(LLMError(Kind.AUTH)), two_keys)
        assert (await gate.lease(two_keys, SECOND)).candidate is SECOND
        gate.pass_time(61)
        assert (await gate.lease(two_keys, SECOND)).candidate is two_keys

    play(scenario)


def test_an_empty_account_is_out_with_all_its_models(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        sibling = candidate(3, account=1)
        await gate.call(failure(LLMError(Kind.BALANCE)), FIRST)
        assert (await gate.lease(FIRST, sibling, SECOND)).candidate is SECOND

    play(scenario)


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [(2.0, 2.0), (3600.0, 10.0), (0.0, 0.05), (None, 1.0)], ids=["2", "huge", "0", "none"]
)
def test_a_429_pauses_the_pair_for_as_long_as_it_asks_within_reason(
    play: Callable[[Scenario], None], retry_after: float | None, seconds: float
) -> None:
    async def scenario(gate: Gate) -> None:
        await gate.call(failure(LLMError(Kind.RATE_LIMITED, retry_after_seconds=retry_after)), FIRST)
        answer = await gate.ask(FIRST)
        assert isinstance(answer, Wait) and seconds - 0.2 <= answer.seconds <= seconds + 0.6
        assert (await gate.lease(FIRST, SECOND)).candidate is SECOND
        gate.pass_time(seconds + 0.6)
        assert (await gate.lease(FIRST, SECOND)).candidate is FIRST

    play(scenario)


def test_after_a_429_the_next_key_is_used(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        two_keys = candidate(1, keys=("a", "b"))
        limited = failure(LLMError(Kind.RATE_LIMITED, retry_after_seconds=0.05))
        assert (await gate.call(limited, two_keys)).key.fingerprint == "a"
        gate.pass_time(1)
        assert (await gate.lease(two_keys)).key.fingerprint == "b"

    play(scenario)


def test_no_more_calls_at_once_than_the_account_allows(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        narrow = candidate(1, limits=Limits(concurrency=2))
        first, _second = await gate.lease(narrow), await gate.lease(narrow)
        assert isinstance(await gate.ask(narrow), Wait)
        await gate.admission.settle(first, GOOD)
        await gate.lease(narrow)
        assert isinstance(await gate.ask(narrow), Wait)

    play(scenario)


@pytest.mark.parametrize("per_minute", [1, 7, 60, 600])
def test_within_any_minute_no_more_requests_leave_than_allowed(
    play: Callable[[Scenario], None], per_minute: int
) -> None:
    async def scenario(gate: Gate) -> None:
        limited = candidate(1, limits=Limits(requests_per_minute=per_minute))
        left: list[float] = []
        steps = 150
        for _ in range(steps):
            while isinstance(await gate.ask(limited), Lease):
                left.append(gate.moment)
            gate.pass_time(1)
        busiest = max(sum(start <= moment < start + 60 for moment in left) for start in left)
        assert busiest <= per_minute
        assert len(left) >= 0.8 * per_minute * steps / 60 - 1

    play(scenario)


def test_tokens_are_counted_as_guessed_and_then_as_they_were(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        limited = candidate(1, limits=Limits(tokens_per_minute=10_000))
        lease = await gate.lease(limited, tokens=600)
        assert isinstance(await gate.ask(limited, tokens=600), Wait)
        await gate.admission.settle(lease, success(Usage(80, 0, 20, 0)))
        await gate.lease(limited, tokens=600)

    play(scenario)


def test_a_full_account_gives_way_to_the_next_one(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        narrow = candidate(1, limits=Limits(concurrency=1))
        await gate.lease(narrow, SECOND)
        assert (await gate.lease(narrow, SECOND)).candidate is SECOND

    play(scenario)


def test_without_candidates_there_is_no_lease(play: Callable[[Scenario], None]) -> None:
    async def scenario(gate: Gate) -> None:
        assert await gate.ask() is None

    play(scenario)
