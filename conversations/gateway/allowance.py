"""What an account's limits allow per minute, as a bucket: a tenth of it at once, the rest evenly.

Within any minute no more than the limit leaves: the burst and what flows in during that minute add up to it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from conversations.gateway.catalog import Candidate, Pair

BURST_SHARE: Final = 0.1
SECONDS: Final = 60.0
SLOT_WAIT_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Flow:
    """A bucket's size, and what flows in each second."""

    burst: float
    per_second: float


def flow_of(per_minute: int) -> Flow:
    """Return the bucket for a limit a minute."""
    burst = per_minute * BURST_SHARE // 1
    if burst <= 1:
        # One at a time, evenly: nothing adds up.
        return Flow(1.0, per_minute / SECONDS)
    return Flow(burst, (per_minute - burst) / SECONDS)


@dataclass(slots=True)
class Bucket:
    """What may leave now. It may go below zero, where a call took more than was thought."""

    flow: Flow
    level: float
    at: float

    def missing_seconds(self, needed: float, *, now: float) -> float:
        """Return how long it takes until `needed` may leave, at most a full bucket; 0 where it may now."""
        self.level = min(self.flow.burst, self.level + (now - self.at) * self.flow.per_second)
        self.at = now
        return max(0.0, (min(needed, self.flow.burst) - self.level) / self.flow.per_second)


class Allowances:
    """This process's own view of the limits, for when Redis is away."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[Pair, set[str]] = {}
        self._requests: dict[Pair, Bucket] = {}
        self._tokens: dict[Pair, Bucket] = {}

    def wait_seconds(self, candidate: Candidate, *, tokens: int) -> float:
        """Return how long the limits want a call to wait; 0 where it may leave."""
        limits = candidate.limits
        if not limits:
            return 0.0
        pair, now, wait = candidate.pair, self._clock(), 0.0
        if limits.concurrency and len(self._held.get(pair, ())) >= limits.concurrency:
            wait = SLOT_WAIT_SECONDS
        if limits.requests_per_minute:
            bucket = self._bucket(self._requests, pair, per_minute=limits.requests_per_minute)
            wait = max(wait, bucket.missing_seconds(1, now=now))
        if limits.tokens_per_minute:
            bucket = self._bucket(self._tokens, pair, per_minute=limits.tokens_per_minute)
            wait = max(wait, bucket.missing_seconds(tokens, now=now))
        return wait

    def take(self, candidate: Candidate, token: str, *, tokens: int) -> None:
        """Count a call that leaves."""
        if not candidate.limits:
            return
        self._held.setdefault(candidate.pair, set()).add(token)
        if bucket := self._requests.get(candidate.pair):
            bucket.level -= 1
        if bucket := self._tokens.get(candidate.pair):
            bucket.level -= tokens

    def give_back(self, candidate: Candidate, token: str, *, more_tokens: int) -> None:
        """Count a call that ended, and the tokens it took beyond what was thought."""
        if held := self._held.get(candidate.pair):
            held.discard(token)
        if bucket := self._tokens.get(candidate.pair):
            bucket.level -= more_tokens

    def _bucket(self, buckets: dict[Pair, Bucket], pair: Pair, *, per_minute: int) -> Bucket:
        flow = flow_of(per_minute)
        bucket = buckets.get(pair)
        if bucket is None or bucket.flow != flow:
            bucket = buckets[pair] = Bucket(flow, level=flow.burst, at=self._clock())
        return bucket
