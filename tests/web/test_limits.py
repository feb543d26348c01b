"""Token buckets, and whose address it is."""

import asyncio
import time

import pytest
from pytest_django import Settings

from conversations.limits import CONVERSATION, VISITOR, Charge, Limit, Limiter, LocalBuckets, client_address, subnet
from conversations.redis import new_async_client, redis_client

QUICK = Limit("quick", capacity=3, per_second=20)
TIGHT = Limit("tight", capacity=1, per_second=0.1)


@pytest.fixture(autouse=True)
def empty_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start with full buckets, and give Redis the time that a crowded machine takes."""
    monkeypatch.setattr("conversations.limits.REDIS_SECONDS", 10.0)
    for key in redis_client().scan_iter(match="csbot:credit:*"):
        redis_client().delete(key)


def spend(*charges: Charge, times: int = 1, pause: float = 0.0) -> list[float]:
    """Spend in Redis, several times."""

    async def run() -> list[float]:
        client = new_async_client()
        try:
            limiter = Limiter(client)
            waits = [await limiter.spend(*charges) for _ in range(times)]
            await asyncio.sleep(pause)
            return [*waits, await limiter.spend(*charges)]
        finally:
            await client.aclose()

    return asyncio.run(run())


def test_a_bucket_empties_says_how_long_to_wait_and_fills_again() -> None:
    waits = spend(Charge(QUICK, "a"), times=4, pause=0.2)
    assert waits[:3] == [0, 0, 0] and 0 < waits[3] <= 0.05 and waits[4] == 0


def test_the_same_bucket_in_this_process_behaves_alike() -> None:
    buckets = LocalBuckets()
    waits = [buckets.spend(Charge(QUICK, "a")) for _ in range(4)]
    assert waits[:3] == [0, 0, 0] and 0 < waits[3] <= 0.05
    time.sleep(0.2)
    assert buckets.spend(Charge(QUICK, "a")) == 0


def test_nothing_is_charged_where_one_bucket_lacks_credit() -> None:
    full, empty = Charge(QUICK, "full"), Charge(TIGHT, "empty")
    assert spend(empty)[0] == 0
    assert all(wait > 1 for wait in spend(full, empty, times=5))
    assert spend(full, times=2) == [0, 0, 0]


def test_acts_of_the_same_moment_are_one_round_trip_and_each_has_its_own_answer() -> None:
    async def run() -> list[float]:
        client = new_async_client()
        try:
            limiter = Limiter(client)
            acts = [(Charge(QUICK, "one"),), (Charge(TIGHT, "two"), Charge(QUICK, "one"))] * 2
            return list(await asyncio.gather(*(limiter.spend(*charges) for charges in acts)))
        finally:
            await client.aclose()

    first, second, third, fourth = asyncio.run(run())
    assert (first, second, third) == (0, 0, 0)
    # The second of the two took all that TIGHT holds; QUICK isn't charged for what is refused.
    assert fourth > 1
    assert spend(Charge(QUICK, "one"), times=1)[0] <= 0.05


def test_keys_vanish_by_themselves() -> None:
    spend(Charge(VISITOR, "a"), Charge(CONVERSATION, "b"))
    for key in redis_client().scan_iter(match="csbot:credit:*"):
        assert 0 < redis_client().ttl(key) < 60


def test_the_scale_multiplies_and_zero_means_none(settings: Settings) -> None:
    settings.CSBOT_RATE_LIMIT_SCALE = 2
    assert spend(Charge(QUICK, "twice"), times=6).count(0) >= 6
    settings.CSBOT_RATE_LIMIT_SCALE = 0
    assert spend(Charge(TIGHT, "none"), times=50) == [0] * 51
    assert LocalBuckets().spend(Charge(TIGHT, "none", credits=1000)) == 0


def test_without_redis_this_process_counts(settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    waits = spend(Charge(QUICK, "alone"), times=4)
    assert waits[:3] == [0, 0, 0] and waits[3] > 0


def test_local_buckets_keep_only_so_many() -> None:
    buckets = LocalBuckets(max_kept=10)
    for number in range(100):
        buckets.spend(Charge(TIGHT, str(number)))
    assert len(buckets.buckets) == 10
    assert buckets.spend(Charge(TIGHT, "99")) > 0


@pytest.mark.parametrize(
    ("trusted", "header", "address"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (2, "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "nonsense", "10.0.0.1"),
        (1, "unknown, _hidden", "10.0.0.1"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    settings: Settings, trusted: int, header: str, address: str
) -> None:
    settings.CSBOT_TRUSTED_PROXIES = trusted
    assert client_address("10.0.0.1", forwarded_for=header) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_neighbours_share_a_subnet(address: str, network: str) -> None:
    assert subnet(address) == network


def test_thousands_behind_one_address_are_served(settings: Settings) -> None:
    """A carrier's subnet in a flash sale: each shopper says a few things, and none of them is limited."""
    settings.CSBOT_RATE_LIMIT_SCALE = 1
    buckets = LocalBuckets(max_kept=100_000)
    for shopper in range(3000):
        visitor, talk = Charge(VISITOR, str(shopper)), Charge(CONVERSATION, str(shopper))
        assert not any(buckets.spend(visitor, talk) for _ in range(5))
