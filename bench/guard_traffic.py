"""Seeded traffic of a stable arm and a canary, and the rollouts that the guard makes of it (`guard`)."""

import random
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

from bench.figures import Checked, at_least, at_most, table
from conversations.gateway.guard import Policy, Standing, Verdict, decide
from conversations.gateway.guard_figures import ArmFigures, Stretch
from conversations.gateway.latency import BUCKETS, bucket_of
from conversations.gateway.models.guards import DecisionKind, DecisionReason
from conversations.gateway.models.rollouts import BUCKETS as RATIO_BUCKETS

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
TICK: Final = timedelta(minutes=5)
REPLIES_A_TICK: Final = 175
"""50,000 messages a day."""
DEADLINE: Final = timedelta(days=14)
MOST_FALSE_ALARMS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Habit:
    """How an arm behaves: shares of what goes wrong, the wait for the first word (log-normal), the cost."""

    failing: float = 0.005
    broken: float = 0.01
    invalid: float = 0.0
    escalating: float = 0.08
    first_token_ms: float = 420.0
    spread: float = 0.45
    cost: float = 0.00015
    cost_spread: float = 0.5


GOOD: Final = Habit()


@dataclass
class Gathered:
    """An arm's figures while they come in."""

    counts: Counter[str] = field(default_factory=Counter)
    cost: float = 0.0
    cost_squares: float = 0.0
    first_token: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, habit: Habit, chance: random.Random) -> None:
        """Add a reply."""
        counts = self.counts
        counts["replies"] += 1
        is_invalid = chance.random() < habit.invalid
        is_failing = chance.random() < habit.failing
        counts["failures"] += is_invalid or is_failing
        counts["broken"] += is_invalid or chance.random() < habit.broken
        counts["escalated"] += chance.random() < habit.escalating
        if is_failing:
            counts["silent"] += 1
        else:
            self.first_token[bucket_of(habit.first_token_ms * chance.lognormvariate(0, habit.spread))] += 1
        cost = habit.cost * chance.lognormvariate(0, habit.cost_spread)
        self.cost += cost
        self.cost_squares += cost * cost

    def figures(self) -> ArmFigures:
        """Return what came in."""
        replies = self.counts["replies"]
        names = ("replies", "failures", "broken", "escalated", "silent")
        return ArmFigures(
            **{name: self.counts[name] for name in names},
            messages=replies,
            priced=replies,
            cost=self.cost,
            cost_squares=self.cost_squares,
            currencies=frozenset({"USD"}),
            first_token=tuple(self.first_token),
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a rollout ended, after how long, and how many replies the canary gave until then."""

    kind: DecisionKind
    reason: DecisionReason
    took: timedelta
    canary_replies: int


def roll_out(
    stable: Habit, canary: Habit, *, seed: int, policy: Policy | None = None, turns_bad_at_step: int = 0
) -> Ending:
    """Run a rollout to its end; the canary is as good as the stable arm before it turns bad."""
    policy, chance = policy or Policy(), random.Random(seed)
    standing, now, past = Standing(0, START), START, list[Stretch]()
    arms, canary_replies = (Gathered(), Gathered()), 0
    while now - START < DEADLINE:
        now += TICK
        habit = canary if standing.step >= turns_bad_at_step else stable
        canary_replies += take_traffic(arms, habit, stable, ratio=policy.ratios[standing.step], chance=chance)
        now_step = Stretch(arms[0].figures(), arms[1].figures())
        verdict = decide(policy, standing, past=past, now_step=now_step, now=now)
        if verdict is None:
            continue
        if verdict.kind in (DecisionKind.PROMOTED, DecisionKind.ROLLED_BACK):
            return Ending(verdict.kind, verdict.reason, now - START, canary_replies)
        samples = now_step.canary.replies + sum(each.canary.replies for each in past)
        standing = after(verdict, standing, samples=samples, now=now)
        if verdict.kind is DecisionKind.ADVANCED:
            past.append(now_step)
        if verdict.kind in (DecisionKind.ADVANCED, DecisionKind.RESUMED):
            arms = (Gathered(), Gathered())
    return Ending(DecisionKind.PAUSED, DecisionReason.FEW, DEADLINE, canary_replies)


def after(verdict: Verdict, standing: Standing, *, samples: int, now: datetime) -> Standing:
    """Return how far the rollout is after a decision that didn't end it."""
    if verdict.has_looked:
        standing = replace(standing, looks=standing.looks + 1, looked_at_samples=samples)
    if verdict.kind is DecisionKind.ADVANCED:
        return replace(standing, step=standing.step + 1, step_started_at=now)
    if verdict.kind is DecisionKind.PAUSED:
        return replace(standing, paused_at=now)
    if verdict.kind is DecisionKind.RESUMED:
        return replace(standing, paused_at=None, step_started_at=now, looked_at_samples=0)
    return standing


def take_traffic(
    arms: tuple[Gathered, Gathered], canary: Habit, stable: Habit, *, ratio: int, chance: random.Random
) -> int:
    """Deal a tick's replies out to the arms; return how many the canary got."""
    number = 0
    for _ in range(REPLIES_A_TICK):
        is_canary = chance.randrange(RATIO_BUCKETS) < ratio
        arms[0 if is_canary else 1].add(canary if is_canary else stable, chance)
        number += is_canary
    return number


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of canary, and how often it should be rolled back in per cent."""

    name: str
    canary: Habit
    is_bad: bool
    policy: Policy = field(default_factory=Policy)
    turns_bad_at_step: int = 0


EXACTING: Final = Policy(success_drop=0, first_token_growth=0, cost_growth=0, escalation_rise=0, broken_rise=0)
CASES: Final = (
    Case("the same as the stable arm", GOOD, is_bad=False),
    Case("the same, and nothing worse is allowed", GOOD, is_bad=False, policy=EXACTING),
    Case("a little better", replace(GOOD, first_token_ms=180.0, cost=0.00003), is_bad=False),
    Case("5 % invalid JSON", replace(GOOD, invalid=0.05), is_bad=True),
    Case("twice as slow", replace(GOOD, first_token_ms=840.0), is_bad=True),
    Case("half as slow again", replace(GOOD, first_token_ms=630.0), is_bad=True),
    Case("twice as dear", replace(GOOD, cost=0.0003), is_bad=True),
    Case("8 points more escalations", replace(GOOD, escalating=0.16), is_bad=True),
    Case("down", replace(GOOD, failing=1.0), is_bad=True),
    Case("5 % invalid JSON from 25 % on", replace(GOOD, invalid=0.05), is_bad=True, turns_bad_at_step=2),
)


def run_case(case: Case, *, runs: int) -> list[Ending]:
    """Run a case with seeds 0, 1, 2 ..."""
    return [
        roll_out(GOOD, case.canary, seed=seed, policy=case.policy, turns_bad_at_step=case.turns_bad_at_step)
        for seed in range(runs)
    ]


def row_of(case: Case, endings: list[Ending]) -> tuple[str, ...]:
    """Return a case's line of the table."""
    kinds = Counter(ending.kind for ending in endings)
    reasons = Counter(ending.reason.value for ending in endings if ending.kind is DecisionKind.ROLLED_BACK)
    return (
        case.name,
        str(kinds[DecisionKind.PROMOTED]),
        str(kinds[DecisionKind.ROLLED_BACK]),
        str(kinds[DecisionKind.PAUSED]),
        f"{median(ending.took / HOUR for ending in endings):.1f}",
        f"{median(ending.canary_replies for ending in endings):,.0f}",
        ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
    )


def checked(case: Case, endings: list[Ending]) -> Checked:
    """Return a case's share of rollbacks beside its limit."""
    share = 100 * sum(ending.kind is DecisionKind.ROLLED_BACK for ending in endings) / len(endings)
    if case.is_bad:
        return at_least(f"rolled back: {case.name}", share, limit=95.0, unit="%")
    return at_most(f"false alarms: {case.name}", share, limit=MOST_FALSE_ALARMS, unit="%")


def measure(*, runs: int) -> int:
    """Run all cases; 1 if a limit was missed."""
    results = [(case, run_case(case, runs=runs)) for case in CASES]
    headers = ("canary", "promoted", "rolled back", "paused", "hours (median)", "its replies (median)", "because of")
    sys.stdout.write(table(headers, [row_of(case, endings) for case, endings in results]) + "\n\n")
    verdicts = [checked(case, endings) for case, endings in results]
    sys.stdout.write(table(("what", "measured", "limit", ""), [verdict.cells() for verdict in verdicts]) + "\n")
    return 0 if all(verdict.is_kept for verdict in verdicts) else 1
