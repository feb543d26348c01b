"""May this call leave now, and over which candidate? Circuits and limits of all workers, in one step in Redis.

Where Redis is away or slow, this process's own view decides: what it saw itself, and no more. A worker never waits for
Redis longer than PATIENCE_SECONDS, and then leaves it alone for a moment.
"""

import asyncio
import itertools
import logging
import os
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import NoScriptError, RedisError

from conversations.gateway.allowance import Allowances, flow_of
from conversations.gateway.catalog import Candidate, Key
from conversations.gateway.circuits import Circuits
from conversations.gateway.settling import Settlement

logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 0.5
DARK_SECONDS: Final = 1.0
HOLD_MARGIN_SECONDS: Final = 15.0
MAX_OWED: Final = 1000
KEEP_MS: Final = 2 * 3600 * 1000
MS: Final = 1000
SCRIPTS: Final = Path(__file__).parent / "lua"

GRANTED, LIMITED, FORCED = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to make one call, until it is settled. `is_forced`: all circuits were open, this was the least bad."""

    candidate: Candidate
    key: Key
    token: str
    tokens: int
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Only limits stand in the way: ask again after so many seconds."""

    seconds: float


class Script:
    """A Lua script by its digest."""

    def __init__(self, client: AsyncRedis, name: str) -> None:
        self._client = client
        self._text = (SCRIPTS / name).read_text()
        self._digest = ""

    async def run(self, keys: Sequence[str], argument: bytes) -> list[int]:
        """Run it; Redis forgets scripts when it restarts."""
        if not self._digest:
            self._digest = await self._client.script_load(self._text)
        try:
            answer: list[int] = await self._client.evalsha(self._digest, len(keys), *keys, argument)
        except NoScriptError:
            answer = await self._client.eval(self._text, len(keys), *keys, argument)
        return answer


class Admission:
    """The gate of one loop's calls.

    `hold_seconds`: how long a call that is never settled keeps its places; `patience_seconds`: how long Redis is
    waited for.
    """

    def __init__(
        self,
        client: AsyncRedis,
        *,
        hold_seconds: float,
        patience_seconds: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._admit = Script(client, "admit.lua")
        self._settle = Script(client, "settle.lua")
        self._patience = patience_seconds
        self._hold = hold_seconds + HOLD_MARGIN_SECONDS
        self._circuits = Circuits(clock)
        self._allowances = Allowances(clock)
        self._turns: Counter[int] = Counter()
        self._owed: deque[tuple[Lease, Settlement]] = deque(maxlen=MAX_OWED)
        self._dark_until = 0.0
        own_name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._names = (f"{own_name}-{number}" for number in itertools.count())

    async def admit(self, candidates: Sequence[Candidate], *, tokens: int) -> Lease | Wait | None:
        """Return a lease of the first candidate that may be called, or how long to wait. None: there is no candidate.

        Where all circuits are open it is the one that is to heal first. `tokens`: how many the call is likely to take.
        """
        token = next(self._names)
        if not self._is_dark():
            try:
                async with asyncio.timeout(self._patience):
                    return await self._admit_together(candidates, token, tokens=tokens)
            except (RedisError, OSError, TimeoutError) as error:
                self._go_dark(error)
        return self._admit_alone(candidates, token, tokens=tokens)

    async def settle(self, lease: Lease, settlement: Settlement) -> None:
        """Give the lease's places back, and learn from its call."""
        candidate = lease.candidate
        if settlement.turns_key:
            self._turns[candidate.account_id] += 1
        self._settle_alone(lease, settlement)
        self._owed.append((lease, settlement))
        # What could not be told while Redis was away is told now: its places are still taken there.
        while self._owed and not self._is_dark():
            await self._tell(*self._owed.popleft())

    async def _tell(self, lease: Lease, settlement: Settlement) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._settle_together(lease, settlement)
        except (RedisError, OSError, TimeoutError) as error:
            self._go_dark(error)
            self._owed.appendleft((lease, settlement))

    # With all workers.

    async def _admit_together(self, candidates: Sequence[Candidate], token: str, *, tokens: int) -> Lease | Wait | None:
        if len(candidates) > 1 and not self._shut_for(candidates[0])[0]:
            # Nearly always the first one may be called, and asking for one is quicker than for all.
            answer = await self._ask(candidates[:1], token, tokens=tokens, may_force=False)
            if isinstance(answer, Lease):
                return answer
        return await self._ask(candidates, token, tokens=tokens, may_force=True)

    async def _ask(
        self, candidates: Sequence[Candidate], token: str, *, tokens: int, may_force: bool
    ) -> Lease | Wait | None:
        ask = {
            "candidates": [self._shape(candidate) for candidate in candidates],
            "token": token,
            "tokens": tokens,
            "hold": round(self._hold * MS),
            "keep": KEEP_MS,
            "force": may_force,
        }
        keys = [name for candidate in candidates for name in candidate.names.all]
        verdict, number, key, wait = await self._admit.run(keys, orjson.dumps(ask))
        if verdict == LIMITED:
            return Wait(wait / MS)
        if not number:
            return None
        candidate = candidates[number - 1]
        self._allowances.take(candidate, token, tokens=tokens)
        return Lease(candidate, candidate.keys[key - 1], token, tokens, is_forced=verdict == FORCED)

    def _shape(self, candidate: Candidate) -> dict[str, object]:
        limits = candidate.limits
        shape: dict[str, object] = {"keys": len(candidate.keys), "first": self._first_key(candidate)}
        if limits.concurrency:
            shape["slots"] = limits.concurrency
        for name, per_minute in (("requests", limits.requests_per_minute), ("tokens", limits.tokens_per_minute)):
            if per_minute:
                flow = flow_of(per_minute)
                shape[name] = {"burst": flow.burst, "rate": flow.per_second / MS}
        return shape

    async def _settle_together(self, lease: Lease, settlement: Settlement) -> None:
        circuits = settlement.circuits(lease.candidate, lease.key)
        settled = {
            "token": lease.token,
            "forced": lease.is_forced,
            "kind": settlement.kind,
            "pause": round(settlement.pause_seconds * MS),
            "tokens": settlement.tokens - lease.tokens if settlement.tokens else 0,
            "keep": KEEP_MS,
            "circuits": [
                {
                    "verdict": verdict.value,
                    "row": rules.row,
                    "cooldown": rules.cooldown_seconds * MS,
                    "max_cooldown": rules.max_cooldown_seconds * MS,
                    "window": rules.window_seconds * MS,
                    "calls": rules.calls,
                    "share": rules.share,
                }
                for _name, verdict, rules in circuits
            ],
        }
        names = [name for name, _verdict, _rules in circuits]
        keys = [*names, lease.candidate.names.slots, lease.candidate.names.buckets]
        changes = await self._settle.run(keys, orjson.dumps(settled))
        for name, change in zip(names, changes, strict=True):
            log_change(name, seconds=change / MS if change > 0 else change, kind=settlement.kind)

    # Alone.

    def _admit_alone(self, candidates: Sequence[Candidate], token: str, *, tokens: int) -> Lease | Wait | None:
        least: tuple[float, Candidate, Key] | None = None
        waits: list[float] = []
        for candidate in candidates:
            shut, key = self._shut_for(candidate)
            if shut > 0:
                least = min(least or (shut, candidate, key), (shut, candidate, key), key=lambda found: found[0])
                continue
            pause = self._circuits.paused_for(candidate.names.pair)
            wait = max(pause, self._allowances.wait_seconds(candidate, tokens=tokens))
            if wait <= 0:
                names = candidate.names
                circuits = (names.pair, names.account, names.keys[key.fingerprint])
                self._circuits.begin(*circuits, token=token, hold_seconds=self._hold)
                self._allowances.take(candidate, token, tokens=tokens)
                return Lease(candidate, key, token, tokens)
            waits.append(wait)
        if waits:
            return Wait(min(waits))
        return Lease(least[1], least[2], token, tokens, is_forced=True) if least else None

    def _shut_for(self, candidate: Candidate) -> tuple[float, Key]:
        names, keys, first = candidate.names, candidate.keys, self._first_key(candidate)
        shut = self._circuits.shut_for(names.pair, names.account)
        best = keys[first]
        wait = self._circuits.shut_for(names.keys[best.fingerprint])
        for key in keys[first + 1 :] + keys[:first] if wait else ():
            if (other := self._circuits.shut_for(names.keys[key.fingerprint])) < wait:
                best, wait = key, other
        return max(shut, wait), best

    def _settle_alone(self, lease: Lease, settlement: Settlement) -> None:
        more_tokens = settlement.tokens - lease.tokens if settlement.tokens else 0
        self._allowances.give_back(lease.candidate, lease.token, more_tokens=more_tokens)
        for name, verdict, rules in settlement.circuits(lease.candidate, lease.key):
            change = self._circuits.settle(name, lease.token, verdict, rules=rules, is_forced=lease.is_forced)
            if self._is_dark():
                log_change(name, seconds=change, kind=settlement.kind)
        if settlement.pause_seconds:
            self._circuits.pause(lease.candidate.names.pair, settlement.pause_seconds)

    def _first_key(self, candidate: Candidate) -> int:
        return self._turns.get(candidate.account_id, 0) % len(candidate.keys)

    def _is_dark(self) -> bool:
        return time.monotonic() < self._dark_until

    def _go_dark(self, error: Exception) -> None:
        if not self._is_dark():
            logger.warning("routing on its own view for a moment: %s", type(error).__name__)
        self._dark_until = time.monotonic() + DARK_SECONDS


def log_change(name: str, *, seconds: float, kind: str) -> None:
    """Say in the log that a circuit opened or closed."""
    if seconds > 0:
        logger.warning("%s is left alone for %g s: %s", name, seconds, kind)
    elif seconds < 0:
        logger.warning("%s works again", name)
