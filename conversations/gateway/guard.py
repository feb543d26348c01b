"""The guard of a rollout: from figures to a decision. Pure, without clock or database, so that a simulation drives it.

Five guardrails compare the canary with the stable arm, over the step and over the whole rollout. All together, over
all looks that a rollout ever gets, they roll a harmless canary back with a chance of at most `FALSE_ALARMS`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from conversations.gateway.guard_figures import Stretch, summed
from conversations.gateway.guard_statistics import Counts, mean_p_value, share_p_value, spent_on_look
from conversations.gateway.models.guards import DecisionKind, DecisionReason
from conversations.gateway.models.rollouts import BUCKETS

FALSE_ALARMS: Final = 0.05
GUARDRAILS: Final = 5
VIEWS: Final = 2
ALARM_BUDGET: Final = FALSE_ALARMS / (GUARDRAILS * VIEWS)
FIRST_LOOK: Final = 50
LOOK_GROWTH: Final = 1.5
"""A look when there are half as many replies again: looks stay few, and what is clearly bad is seen early."""
NEXT_LOOK_GROWTH: Final = 1.1
"""The same for a step that is over and waits for a good look."""
DOUBT: Final = 0.01
"""A p-value below this is no breach, but with it no step is taken: more replies will tell."""
SILENT_AFTER: Final = 50
"""Replies that the canary should have given by its share, and none came."""
SLOW: Final = 0.95
PRICED_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed: shares as fractions (0.01 is a point), growth as fractions of the stable arm's figure."""

    ratios: tuple[int, ...] = (100, 500, 2_500, 5_000, 10_000)
    hold: timedelta = timedelta(minutes=30)
    patience: timedelta = timedelta(hours=12)
    min_samples: int = 200
    success_drop: float = 0.01
    first_token_growth: float = 0.25
    cost_growth: float | None = 0.25
    escalation_rise: float = 0.03
    broken_rise: float = 0.02


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a rollout is."""

    step: int
    step_started_at: datetime
    looks: int = 0
    looked_at_samples: int = 0
    paused_at: datetime | None = None
    is_held_by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Judgment:
    """What one guardrail says: p-value, the canary's and the stable arm's figure; `p_value` None: can't be said."""

    reason: DecisionReason
    p_value: float | None
    canary: float | None
    stable: float | None
    is_breach: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as a decision's row keeps it."""
        return {
            "guardrail": self.reason.value,
            "p_value": self.p_value,
            "canary": self.canary,
            "stable": self.stable,
            "is_breach": self.is_breach,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, why, and what led to it. `has_looked`: a look was spent."""

    kind: DecisionKind
    reason: DecisionReason
    judgments: tuple[Judgment, ...] = ()
    has_looked: bool = False


def decide(
    policy: Policy, standing: Standing, *, past: Sequence[Stretch], now_step: Stretch, now: datetime
) -> Verdict | None:
    """Return what to do now, or None where there is nothing to do. `past`: the finished steps; `now_step`: this one."""
    step, *earlier = reversed(comparable(policy, standing, past=past, now_step=now_step))
    samples = now_step.canary.replies + sum(stretch.canary.replies for stretch in past)
    is_ready = is_step_over(policy, standing, step, now=now)
    if not is_look_due(standing, samples, is_ready=is_ready):
        return without_look(policy, standing, now_step=now_step, now=now)
    judgments = judge(policy, past=earlier, now_step=step, look=standing.looks + 1)
    breach = next((each for each in judgments if each.is_breach), None)
    if breach:
        return Verdict(DecisionKind.ROLLED_BACK, breach.reason, judgments, has_looked=True)
    return after_good_look(policy, standing, judgments, is_ready=is_ready)


def comparable(policy: Policy, standing: Standing, *, past: Sequence[Stretch], now_step: Stretch) -> list[Stretch]:
    """Return all stretches, this step last. Where nobody new is on the stable arm, the step before is part of it."""
    if past and policy.ratios[standing.step] >= BUCKETS and now_step.stable.replies < policy.min_samples:
        before = past[-1]
        return [*past[:-1], Stretch(before.canary + now_step.canary, before.stable + now_step.stable)]
    return [*past, now_step]


def is_step_over(policy: Policy, standing: Standing, step: Stretch, *, now: datetime) -> bool:
    """Whether the step was held long enough and gave enough figures, and nobody holds it."""
    if standing.paused_at is not None or now - standing.step_started_at < policy.hold:
        return False
    return min(step.canary.replies, step.stable.replies) >= policy.min_samples


def is_look_due(standing: Standing, samples: int, *, is_ready: bool) -> bool:
    """Whether there is so much more to see that a look is worth its share of false alarms."""
    growth = NEXT_LOOK_GROWTH if is_ready else LOOK_GROWTH
    return samples >= max(FIRST_LOOK, standing.looked_at_samples * growth)


def without_look(policy: Policy, standing: Standing, *, now_step: Stretch, now: datetime) -> Verdict | None:
    """Return what follows from figures that don't come."""
    ratio = policy.ratios[standing.step]
    others = BUCKETS - ratio
    expected = now_step.stable.replies * ratio / others if others else 0.0
    if not now_step.canary.replies and expected >= SILENT_AFTER:
        return Verdict(DecisionKind.ROLLED_BACK, DecisionReason.SILENT)
    if standing.is_held_by_hand:
        return None
    reason = DecisionReason.FEW if now_step.canary.replies < policy.min_samples else DecisionReason.DOUBT
    if standing.paused_at is not None:
        is_lost = now - standing.paused_at >= policy.patience
        return Verdict(DecisionKind.ROLLED_BACK, reason) if is_lost else None
    is_late = now - standing.step_started_at >= policy.hold + policy.patience
    return Verdict(DecisionKind.PAUSED, reason) if is_late else None


def after_good_look(policy: Policy, standing: Standing, judgments: tuple[Judgment, ...], *, is_ready: bool) -> Verdict:
    """Return what follows from a look that found no breach."""
    if any(each.p_value is None for each in judgments):
        kind = DecisionKind.PAUSED if is_ready else DecisionKind.LOOKED
        return Verdict(kind, DecisionReason.UNKNOWN, judgments, has_looked=True)
    doubt = next((each for each in judgments if each.p_value is not None and each.p_value < DOUBT), None)
    if doubt:
        return Verdict(DecisionKind.LOOKED, doubt.reason, judgments, has_looked=True)
    kind = DecisionKind.LOOKED
    if standing.paused_at is not None and not standing.is_held_by_hand:
        kind = DecisionKind.RESUMED
    elif is_ready:
        is_last = standing.step + 1 >= len(policy.ratios)
        kind = DecisionKind.PROMOTED if is_last else DecisionKind.ADVANCED
    return Verdict(kind, DecisionReason.ALL_WELL, judgments, has_looked=True)


def judge(policy: Policy, *, past: Sequence[Stretch], now_step: Stretch, look: int) -> tuple[Judgment, ...]:
    """Return what every guardrail says about the step and, where there were others before, about all of them."""
    bound = spent_on_look(look, total=ALARM_BUDGET)
    views = [[now_step], [*past, now_step]] if past else [[now_step]]
    return tuple(judgment for view in views for judgment in judge_view(policy, view, bound=bound))


def judge_view(policy: Policy, view: Sequence[Stretch], *, bound: float) -> Iterator[Judgment]:
    """Yield the guardrails' judgments of some stretches; `bound`: the p-value below which one is a breach."""
    shares = (
        (DecisionReason.SUCCESS, "failures", policy.success_drop),
        (DecisionReason.BROKEN, "broken", policy.broken_rise),
        (DecisionReason.ESCALATION, "escalated", policy.escalation_rise),
    )
    for reason, name, margin in shares:
        yield judge_share([counted(stretch, name) for stretch in view], reason, margin=margin, bound=bound)
    yield judge_first_token(view, growth=policy.first_token_growth, bound=bound)
    if policy.cost_growth is not None:
        yield judge_cost(view, growth=policy.cost_growth, bound=bound)


def counted(stretch: Stretch, name: str) -> Counts:
    """Return how often something bad happened to each arm."""
    canary, stable = stretch.canary, stretch.stable
    return Counts(getattr(canary, name), canary.replies, getattr(stable, name), stable.replies)


def judge_share(strata: Sequence[Counts], reason: DecisionReason, *, margin: float, bound: float) -> Judgment:
    """Return what is said about the share of something bad."""
    canary, stable = sum(each.canary for each in strata), sum(each.stable for each in strata)
    if not canary or not stable:
        return Judgment(reason, None, None, None)
    p_value = share_p_value(strata, margin=margin)
    canary_share = sum(each.canary_bad for each in strata) / canary
    stable_share = sum(each.stable_bad for each in strata) / stable
    return Judgment(reason, p_value, canary_share, stable_share, is_breach=p_value < bound)


def judge_first_token(view: Sequence[Stretch], *, growth: float, bound: float) -> Judgment:
    """Return what is said about the slowest twentieth.

    A test of quantiles by counting (as in Conover, Practical Nonparametric Statistics, 3.2): of the stable arm 5 % take
    longer than its 95th percentile; is it more of the canary that take longer than that and the allowed growth?
    """
    canary, stable = summed(each.canary for each in view), summed(each.stable for each in view)
    slowest = stable.first_token_ms(SLOW)
    figures = canary.first_token_ms(SLOW), slowest
    if slowest is None or not canary.timed:
        # Where more than a twentieth of the stable arm's replies never said a word, nobody can be slower.
        is_known = stable.timed > 0 and sum(canary.first_token) > 0
        return Judgment(DecisionReason.FIRST_TOKEN, 1.0 if is_known else None, *figures)
    strata = [
        Counts(
            each.canary.slower_than(slowest * (1 + growth)),
            each.canary.timed,
            each.stable.slower_than(slowest),
            each.stable.timed,
        )
        for each in view
    ]
    judgment = judge_share(strata, DecisionReason.FIRST_TOKEN, margin=0.0, bound=bound)
    return Judgment(DecisionReason.FIRST_TOKEN, judgment.p_value, *figures, is_breach=judgment.is_breach)


def judge_cost(view: Sequence[Stretch], *, growth: float, bound: float) -> Judgment:
    """Return what is said about the cost of a message."""
    canary, stable = summed(each.canary for each in view), summed(each.stable for each in view)
    is_known = all(arm.priced >= max(2, arm.messages * PRICED_SHARE) for arm in (canary, stable))
    if not is_known or len(canary.currencies | stable.currencies) != 1:
        return Judgment(DecisionReason.COST, None, None, None)
    p_value = mean_p_value(canary.costs, stable.costs, growth=growth)
    return Judgment(DecisionReason.COST, p_value, canary.costs.mean, stable.costs.mean, is_breach=p_value < bound)
