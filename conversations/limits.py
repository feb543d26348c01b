"""How much a visitor may do: token buckets in Redis, one round trip for all the buckets that one act concerns.

By browser session and by conversation first. By subnet only far above what thousands of shoppers behind one address
of a mobile carrier reach, and never alone. Without Redis each process counts for itself: a limit is no reason for an
outage. Keys name ids and subnets, never tokens.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from django.conf import settings
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from conversations.joining import Joined, one_per_loop
from conversations.redis import loop_client

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket of `capacity` credits that fills by `per_second`."""

    name: str
    capacity: float
    per_second: float

    def scaled(self) -> "Limit":
        """Return the limit under CSBOT_RATE_LIMIT_SCALE."""
        return _scaled(self, settings.CSBOT_RATE_LIMIT_SCALE)


@lru_cache(maxsize=64)
def _scaled(limit: Limit, scale: float) -> Limit:
    """There are few, and every frame asks for one."""
    return Limit(limit.name, limit.capacity * scale, limit.per_second * scale)


VISITOR: Final = Limit("visitor", capacity=20, per_second=0.5)
"""What one browser session says: a person typing fast stays far below."""
CONVERSATION: Final = Limit("conversation", capacity=40, per_second=1)
"""The same over all the devices of one customer."""
IDENTITY: Final = Limit("identity", capacity=30, per_second=0.1)
"""Sessions opened for one customer whom the shop vouches for."""
SUBNET_SESSIONS: Final = Limit("subnet-sessions", capacity=3000, per_second=50)
"""Sessions opened from one subnet: a carrier's phones in a flash sale, not a flood."""
SUBNET_FRAMES: Final = Limit("subnet-frames", capacity=20000, per_second=2000)
"""Frames from one subnet into one web process."""
SOCKET_FRAMES: Final = Limit("socket-frames", capacity=200, per_second=20)
"""Frames of all kinds on one socket."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Credits that an act takes from one bucket."""

    limit: Limit
    key: str
    credits: float = 1

    @property
    def redis_key(self) -> str:
        """Where the bucket lies."""
        return f"csbot:credit:{self.limit.name}:{self.key}"


def secret_key(secret: str) -> str:
    """Return a bucket's key for something that must not be read in Redis."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


@dataclass(slots=True)
class Bucket:
    """A bucket in this process."""

    level: float
    filled_at: float

    def wait_seconds(self, limit: Limit, *, credits_: float, now: float) -> float:
        """Fill the bucket up to now and return how long until it holds `credits_` (0 = it does)."""
        self.level = min(limit.capacity, self.level + (now - self.filled_at) * limit.per_second)
        self.filled_at = now
        return max(0.0, (credits_ - self.level) / limit.per_second)


@dataclass
class LocalBuckets:
    """Buckets by key in this process; the ones not used for longest are forgotten above `max_kept`."""

    max_kept: int = 10_000
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def spend(self, *charges: Charge) -> float:
        """Take all charges and return 0, or take none and return the seconds to wait."""
        if settings.CSBOT_RATE_LIMIT_SCALE == 0:
            return 0.0
        now = time.monotonic()
        found = [(self._bucket(charge, now=now), charge) for charge in charges]
        wait = max(b.wait_seconds(c.limit.scaled(), credits_=c.credits, now=now) for b, c in found)
        if wait == 0:
            for bucket, charge in found:
                bucket.level -= charge.credits
        return wait

    def _bucket(self, charge: Charge, *, now: float) -> Bucket:
        bucket = self.buckets.pop(charge.redis_key, None)
        if bucket is None:
            bucket = Bucket(charge.limit.scaled().capacity, now)
            if len(self.buckets) >= self.max_kept:
                del self.buckets[next(iter(self.buckets))]
        self.buckets[charge.redis_key] = bucket
        return bucket


@cache
def local_buckets() -> LocalBuckets:
    """Return this process's buckets for what isn't worth a trip to Redis: frames."""
    return LocalBuckets()


# Each act in its turn: all its buckets are looked at before any is charged. A bucket vanishes by itself once it would
# be full again. KEYS: the buckets of all acts. ARGV: for each act how many buckets, then three numbers for each one.
SPEND: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local waits, first, at = {}, 0, 1
while at <= #ARGV do
  local many, wait, levels = tonumber(ARGV[at]), 0, {}
  for i = 1, many do
    local capacity, per_ms, credits = ARGV[at + 3 * i - 2] + 0, ARGV[at + 3 * i - 1] / 1000, ARGV[at + 3 * i] + 0
    local bucket = redis.call('GET', KEYS[first + i])
    local level = capacity
    if bucket then
      local then_level, then_at = bucket:match('^(%S+) (%S+)$')
      level = math.min(capacity, then_level + math.max(0, now - then_at) * per_ms)
    end
    levels[i] = level
    wait = math.max(wait, (credits - level) / per_ms)
  end
  for i = 1, wait > 0 and 0 or many do
    local capacity, per_ms, credits = ARGV[at + 3 * i - 2] + 0, ARGV[at + 3 * i - 1] / 1000, ARGV[at + 3 * i] + 0
    local full_after = math.ceil((capacity - levels[i] + credits) / per_ms) + 1000
    redis.call('SET', KEYS[first + i], string.format('%.6f %d', levels[i] - credits, now), 'PX', full_after)
  end
  waits[#waits + 1] = math.ceil(wait)
  first, at = first + many, at + 1 + 3 * many
end
return waits
"""

REDIS_SECONDS: Final = 0.25
ALONE_SECONDS: Final = 3.0
"""How long Redis may take for an answer, and how long it isn't asked after it gave none."""


class Limiter:
    """Spends credits in Redis, or in this process while Redis is away. Belongs to one loop.

    What many spend at the same moment is one round trip.
    """

    def __init__(self, client: AsyncRedis) -> None:
        self._script = client.register_script(SPEND)
        self._local = LocalBuckets()
        self._alone_until = 0.0
        self._acts: Joined[tuple[Charge, ...], float] = Joined(self._spend_together)

    async def spend(self, *charges: Charge) -> float:
        """Take all charges and return 0, or take none and return the seconds to wait."""
        if settings.CSBOT_RATE_LIMIT_SCALE == 0:
            return 0.0
        return await self._acts.ask(charges)

    async def _spend_together(self, acts: Sequence[tuple[Charge, ...]]) -> list[float]:
        if time.monotonic() >= self._alone_until:
            with suppress(RedisError, OSError, TimeoutError):
                return await self._spend_in_redis(acts)
            self._alone_until = time.monotonic() + ALONE_SECONDS
            logger.warning("limits counted in this process: Redis gave no answer")
        return [self._local.spend(*charges) for charges in acts]

    async def _spend_in_redis(self, acts: Sequence[tuple[Charge, ...]]) -> list[float]:
        scale = settings.CSBOT_RATE_LIMIT_SCALE
        keys = [charge.redis_key for charges in acts for charge in charges]
        arguments = [argument for charges in acts for argument in script_arguments(charges, scale=scale)]
        async with asyncio.timeout(REDIS_SECONDS):
            waits_ms: list[int] = await self._script(keys=keys, args=arguments)
        return [wait_ms / 1000 for wait_ms in waits_ms]


def script_arguments(charges: Sequence[Charge], *, scale: float = 1.0) -> Iterator[float]:
    """Return what `SPEND` is told of one act."""
    yield len(charges)
    for charge in charges:
        yield charge.limit.capacity * scale
        yield charge.limit.per_second * scale
        yield charge.credits


@one_per_loop
def loop_limiter() -> Limiter:
    """Return the running loop's limiter."""
    return Limiter(loop_client())


UNKNOWN_ADDRESS: Final = "unknown"


def client_address(peer: str | None, *, forwarded_for: str) -> str:
    """Return the client's address: the entry of X-Forwarded-For that the outermost of our own proxies wrote.

    Whatever stands further left is the client's own claim, and isn't looked at. With no proxies of ours
    (CSBOT_TRUSTED_PROXIES = 0) the whole header is a claim.
    """
    entries = [entry.strip() for entry in forwarded_for.split(",") if entry.strip()]
    trusted: int = settings.CSBOT_TRUSTED_PROXIES
    if trusted and len(entries) >= trusted:
        return _plain_address(entries[-trusted]) or peer or UNKNOWN_ADDRESS
    return peer or UNKNOWN_ADDRESS


def subnet(address: str) -> str:
    """Return the address's network, as far as one subscriber or office reaches: /24 of IPv4, /64 of IPv6."""
    try:
        ip = ip_address(address)
    except ValueError:
        return UNKNOWN_ADDRESS
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    bits = 64 if ip.version == 6 else 24
    return str(ip_network((ip, bits), strict=False))


def _plain_address(entry: str) -> str | None:
    """Return an X-Forwarded-For entry without port and brackets; None for what isn't an address."""
    host = entry.partition("]")[0].removeprefix("[") if entry.startswith("[") else entry
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ip_address(host))
    except ValueError:
        return None
