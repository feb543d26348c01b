"""When something that failed is left alone, and when it is tried again: the rules, and one process's own view.

A circuit is closed (calls pass), open (none do) or half-open (one probe may find out). A pair of account and model
opens after failures in a row or a share of them within a minute; an account that is empty and a key that is refused
open at once. `lua/admit.lua` and `lua/settle.lua` are the same rules, shared by all workers; this view decides where
Redis is away.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

PROBE_WAIT_SECONDS: Final = 1.0
"""How much longer a circuit is taken to stay open while its probe is under way."""
SLOT_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Rules:
    """When a circuit opens and for how long; `window_seconds` 0: only failures in a row count."""

    row: int
    cooldown_seconds: float
    max_cooldown_seconds: float
    window_seconds: int = 0
    calls: int = 0
    share: float = 1.0


PAIR_RULES: Final = Rules(row=3, cooldown_seconds=5, max_cooldown_seconds=60, window_seconds=60, calls=5, share=0.5)
REFUSAL_RULES: Final = Rules(row=1, cooldown_seconds=60, max_cooldown_seconds=3600)
"""For keys and accounts: somebody has to do something, so a customer's call finds out only now and then."""


class Verdict(StrEnum):
    """What a call says about a circuit."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


@dataclass(slots=True)
class Circuit:
    """The state of one."""

    rules: Rules
    cooldown: float = 0.0
    until: float = 0.0
    probe: str = ""
    probe_until: float = 0.0
    row: int = 0
    paused_until: float = 0.0
    calls: dict[int, int] = field(default_factory=dict)
    failures: dict[int, int] = field(default_factory=dict)

    def shut_for(self, now: float) -> float:
        """Return for how many seconds no call passes; 0 where one does, perhaps as the probe."""
        if not self.cooldown:
            return 0.0
        if self.until > now:
            return self.until - now
        return PROBE_WAIT_SECONDS if self.probe_until > now else 0.0

    def begin(self, token: str, *, now: float, hold_seconds: float) -> None:
        """Let a call pass: where the circuit isn't closed it is the probe."""
        if self.cooldown:
            self.probe, self.probe_until = token, now + hold_seconds

    def settle(self, token: str, verdict: Verdict, *, now: float, is_forced: bool = False) -> float:
        """Learn what became of a call. Returns for how long the circuit opened, -1 where it closed, else 0."""
        is_probe = bool(self.probe) and self.probe == token
        if verdict is Verdict.NEUTRAL:
            if is_probe:
                self.probe, self.probe_until = "", 0.0
            return 0.0
        if self.cooldown:
            return self._settle_open(verdict, is_probe=is_probe, is_forced=is_forced, now=now)
        return self._settle_closed(verdict, now=now)

    def _settle_open(self, verdict: Verdict, *, is_probe: bool, is_forced: bool, now: float) -> float:
        if verdict is Verdict.SUCCESS:
            if not (is_probe or is_forced):
                return 0.0
            self._reset()
            return -1.0
        return self._open(min(self.cooldown * 2, self.rules.max_cooldown_seconds), now=now) if is_probe else 0.0

    def _settle_closed(self, verdict: Verdict, *, now: float) -> float:
        is_failure = verdict is Verdict.FAILURE
        self.row = self.row + 1 if is_failure else 0
        if is_failure and self.row >= self.rules.row:
            return self._open(self.rules.cooldown_seconds, now=now)
        calls, failures = self._count(is_failure=is_failure, now=now) if self.rules.window_seconds else (0, 0)
        if is_failure and self.rules.calls <= calls and failures >= self.rules.share * calls > 0:
            return self._open(self.rules.cooldown_seconds, now=now)
        return 0.0

    def _count(self, *, is_failure: bool, now: float) -> tuple[int, int]:
        newest = int(now // SLOT_SECONDS)
        oldest = newest - self.rules.window_seconds // SLOT_SECONDS
        for counts in (self.calls, self.failures):
            for slot in [slot for slot in counts if slot <= oldest]:
                del counts[slot]
        self.calls[newest] = self.calls.get(newest, 0) + 1
        if is_failure:
            self.failures[newest] = self.failures.get(newest, 0) + 1
        return sum(self.calls.values()), sum(self.failures.values())

    def _open(self, cooldown: float, *, now: float) -> float:
        self._reset()
        self.cooldown, self.until = cooldown, now + cooldown
        return cooldown

    def _reset(self) -> None:
        self.cooldown = self.until = self.probe_until = self.paused_until = 0.0
        self.probe, self.row = "", 0
        self.calls.clear()
        self.failures.clear()


class Circuits:
    """This process's own view of all circuits, by name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, Circuit] = {}

    def shut_for(self, *names: str) -> float:
        """Return for how many seconds no call passes all of these."""
        wait = 0.0
        for name in names:
            if circuit := self._known.get(name):
                wait = max(wait, circuit.shut_for(self._clock()))
        return wait

    def paused_for(self, name: str) -> float:
        """Return for how many seconds the other side asked for a pause."""
        circuit = self._known.get(name)
        return max(0.0, circuit.paused_until - self._clock()) if circuit else 0.0

    def begin(self, *names: str, token: str, hold_seconds: float) -> None:
        """Let a call pass all of these."""
        for name in names:
            if circuit := self._known.get(name):
                circuit.begin(token, now=self._clock(), hold_seconds=hold_seconds)

    def settle(self, name: str, token: str, verdict: Verdict, *, rules: Rules, is_forced: bool) -> float:
        """Learn what became of a call (see Circuit.settle)."""
        circuit = self._known.get(name)
        if circuit is None:
            if verdict is Verdict.NEUTRAL or (verdict is Verdict.SUCCESS and not rules.window_seconds):
                return 0.0
            circuit = self._known[name] = Circuit(rules)
        return circuit.settle(token, verdict, now=self._clock(), is_forced=is_forced)

    def pause(self, name: str, seconds: float) -> None:
        """Note that the other side asked for a pause."""
        circuit = self._known.setdefault(name, Circuit(PAIR_RULES))
        circuit.paused_until = max(circuit.paused_until, self._clock() + seconds)
