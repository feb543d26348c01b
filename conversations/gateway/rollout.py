"""A rollout's life: started, advanced, paused, resumed, promoted, rolled back; by the scheduler's guard or by hand.

Every change happens under the rollout's row lock, together with the row that says who decided it, why, and by which
figures. What can't be done from where the rollout stands is refused (`RefusedError`), never done halfway.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.gateway.guard import Policy, Standing, Verdict, decide
from conversations.gateway.guard_figures import Stretch
from conversations.gateway.models import (
    Decision,
    DecisionKind,
    DecisionReason,
    Guard,
    Rollout,
    RolloutState,
    Route,
)
from conversations.gateway.models.rollouts import LIVE_STATES
from conversations.gateway.rollout_figures import read_stretch

PERCENT: Final = 100
LAST_GROUP: Final = 32_767
STANDING: Final = ("step", "step_started_at", "paused_at", "is_held_by_hand", "looks", "looked_at_samples")


class RefusedError(Exception):
    """The rollout can't do that from where it stands; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Who decides, and why. Without a person it is the scheduler's guard."""

    by: AbstractBaseUser | None = None
    why: str = ""
    reason: DecisionReason = DecisionReason.BY_HAND
    figures: dict[str, Any] | None = None


def start(rollout_id: int, cause: Cause) -> None:
    """Send the first step's share of new conversations to the canary; shadowing ends."""
    try:
        with transaction.atomic():
            _start_locked(rollout_id, cause)
    except IntegrityError as error:
        raise RefusedError(_("Another rollout is running. One at a time.")) from error


def pause(rollout_id: int, cause: Cause) -> None:
    """Hold the rollout where it is: its share stays, and the guard still rolls back what does harm."""
    with transaction.atomic():
        rollout, guard = _locked(rollout_id, RolloutState.RUNNING)
        guard.paused_at, guard.is_held_by_hand = timezone.now(), cause.by is not None
        _change(rollout, guard, DecisionKind.PAUSED, cause, state=RolloutState.PAUSED, ratio=rollout.ratio)


def resume(rollout_id: int, cause: Cause) -> None:
    """Let a paused rollout go on; its step starts anew."""
    with transaction.atomic():
        rollout, guard = _locked(rollout_id, RolloutState.PAUSED)
        _begin_step(guard, guard.step)
        guard.looked_at_samples = 0
        _change(rollout, guard, DecisionKind.RESUMED, cause, state=RolloutState.RUNNING, ratio=guard.ratio(guard.step))


def advance(rollout_id: int, cause: Cause) -> None:
    """Take the next step."""
    with transaction.atomic():
        rollout, guard = _locked(rollout_id, *LIVE_STATES)
        if guard.step + 1 >= len(guard.steps):
            raise RefusedError(_("This was the last step: promote it, or roll it back."))
        cause = _with_figures(cause, rollout, guard)
        _begin_step(guard, guard.step + 1)
        _change(rollout, guard, DecisionKind.ADVANCED, cause, state=RolloutState.RUNNING, ratio=guard.ratio(guard.step))


def promote(rollout_id: int, cause: Cause) -> None:
    """Make the canary everybody's model: its routes come first, those that were first come next.

    A release it tried is published by whoever knows releases: nothing of it is done here.
    """
    with transaction.atomic():
        rollout, guard = _locked(rollout_id, *LIVE_STATES)
        cause = _with_figures(cause, rollout, guard)
        if rollout.canary_id is not None:
            others = Route.objects.exclude(model_id=rollout.canary_id)
            others.filter(group__lt=LAST_GROUP).update(group=F("group") + 1)
            Route.objects.filter(model_id=rollout.canary_id).update(group=1)
        _end(rollout, guard, DecisionKind.PROMOTED, cause, state=RolloutState.PROMOTED, ratio=rollout.ratio)


def roll_back(rollout_id: int, cause: Cause) -> None:
    """Send nobody to the canary any more; it answers only when nobody else can."""
    with transaction.atomic():
        rollout, guard = _locked(rollout_id, *LIVE_STATES)
        cause = _with_figures(cause, rollout, guard)
        others = Route.objects.exclude(model_id=rollout.canary_id).aggregate(last=Max("group"))["last"] or 0
        Route.objects.filter(model_id=rollout.canary_id, group__lte=others).update(group=min(others + 1, LAST_GROUP))
        _end(rollout, guard, DecisionKind.ROLLED_BACK, cause, state=RolloutState.ROLLED_BACK, ratio=0)


# The scheduler's part.


def watch_rollouts() -> None:
    """Judge the live rollout by what its arms did, and do what follows."""
    rollout = Rollout.objects.filter(state__in=LIVE_STATES).first()
    if rollout is not None:
        watch(rollout, now=timezone.now())


def watch(rollout: Rollout, *, now: datetime) -> Verdict | None:
    """Judge one rollout. Does nothing where somebody changed it meanwhile."""
    guard = guard_of(rollout)
    if guard.step_started_at is None:
        return None
    past, step = past_steps(rollout), step_figures(rollout, guard, now=now)
    verdict = decide(policy_of(guard), standing_of(guard), past=past, now_step=step, now=now)
    if verdict is None:
        return None
    if verdict.has_looked:
        samples = step.canary.replies + sum(each.canary.replies for each in past)
        if not _note_look(guard, samples=samples):
            return None
    cause = Cause(reason=verdict.reason, figures=figures_of(verdict, step))
    try:
        FOLLOW[verdict.kind](rollout.pk, cause)
    except RefusedError:
        return None
    return verdict


def _looked(rollout_id: int, cause: Cause) -> None:
    with transaction.atomic():
        rollout, guard = _locked(rollout_id, *LIVE_STATES)
        _change(rollout, guard, DecisionKind.LOOKED, cause, state=RolloutState(rollout.state), ratio=rollout.ratio)


FOLLOW: Final[dict[DecisionKind, Callable[[int, Cause], None]]] = {
    DecisionKind.LOOKED: _looked,
    DecisionKind.ADVANCED: advance,
    DecisionKind.PAUSED: pause,
    DecisionKind.RESUMED: resume,
    DecisionKind.PROMOTED: promote,
    DecisionKind.ROLLED_BACK: roll_back,
}


def guard_of(rollout: Rollout) -> Guard:
    """Return the rollout's guard, made now where it has none."""
    return Guard.objects.get_or_create(rollout=rollout)[0]


def policy_of(guard: Guard) -> Policy:
    """Return what a guard's row allows."""
    return Policy(
        ratios=tuple(guard.ratio(step) for step in range(len(guard.steps))),
        hold=timedelta(minutes=guard.hold_minutes),
        patience=timedelta(minutes=guard.patience_minutes),
        min_samples=guard.min_samples,
        success_drop=guard.success_drop / PERCENT,
        first_token_growth=guard.first_token_growth / PERCENT,
        cost_growth=None if guard.cost_growth is None else guard.cost_growth / PERCENT,
        escalation_rise=guard.escalation_rise / PERCENT,
        broken_rise=guard.broken_rise / PERCENT,
    )


def standing_of(guard: Guard) -> Standing:
    """Return how far a guard's row says the rollout is."""
    return Standing(**{name: getattr(guard, name) for name in STANDING})


def step_figures(rollout: Rollout, guard: Guard, *, now: datetime) -> Stretch:
    """Return what the arms did in the current step."""
    return read_stretch(rollout.pk, since=guard.step_started_at or now, until=now)


def past_steps(rollout: Rollout) -> list[Stretch]:
    """Return what the arms did in the steps that are over, as the decisions that ended them keep it."""
    ended = Decision.objects.filter(rollout=rollout, kind__in=[DecisionKind.ADVANCED]).order_by("pk")
    kept = ended.values_list("figures", flat=True)
    return [Stretch.from_json(figures["step"]) for figures in kept if figures.get("step")]


def figures_of(verdict: Verdict | None, step: Stretch) -> dict[str, Any]:
    """Return figures as a decision's row keeps them."""
    judgments = [each.as_json() for each in verdict.judgments] if verdict else []
    return {"step": step.as_json(), "judgments": judgments}


def _start_locked(rollout_id: int, cause: Cause) -> None:
    rollout, guard = _locked(rollout_id, RolloutState.DRAFT)
    usable = Route.objects.filter(is_on=True, account__is_on=True, account__provider__is_on=True)
    if rollout.canary_id is not None:
        _refuse_without_routes(rollout, usable)
    rollout.started_at = timezone.now()
    _begin_step(guard, 0)
    _change(rollout, guard, DecisionKind.STARTED, cause, state=RolloutState.RUNNING, ratio=guard.ratio(0))


def _refuse_without_routes(rollout: Rollout, usable: QuerySet[Route]) -> None:
    if not usable.filter(model_id=rollout.canary_id).exists():
        raise RefusedError(_("No route that is on serves the canary's model."))
    if not usable.exclude(model_id=rollout.canary_id).exists():
        raise RefusedError(_("There is no other model to compare it with."))


def _locked(rollout_id: int, *states: RolloutState) -> tuple[Rollout, Guard]:
    rollout = Rollout.objects.select_for_update().get(pk=rollout_id)
    if rollout.state not in states:
        raise RefusedError(_("The rollout is %(state)s by now.") % {"state": rollout.get_state_display()})
    return rollout, guard_of(rollout)


def _begin_step(guard: Guard, step: int) -> None:
    guard.step, guard.step_started_at = step, timezone.now()
    guard.paused_at, guard.is_held_by_hand = None, False


def _end(rollout: Rollout, guard: Guard, kind: DecisionKind, cause: Cause, *, state: RolloutState, ratio: int) -> None:
    rollout.ended_at = timezone.now()
    _change(rollout, guard, kind, cause, state=state, ratio=ratio)


def _change(
    rollout: Rollout, guard: Guard, kind: DecisionKind, cause: Cause, *, state: RolloutState, ratio: int
) -> None:
    before = rollout.ratio
    if (rollout.state, rollout.ratio) != (state, ratio):
        rollout.state, rollout.ratio = state, ratio
        rollout.save(update_fields=["state", "ratio", "started_at", "ended_at"])
    guard.save(update_fields=STANDING)
    Decision.objects.create(
        rollout=rollout,
        kind=kind,
        reason=cause.reason,
        why=cause.why,
        by_id=cause.by.pk if cause.by else None,
        by_name=cause.by.get_username() if cause.by else "",
        step=guard.step,
        ratio_before=before,
        ratio_after=ratio,
        figures=cause.figures or {},
    )


def _with_figures(cause: Cause, rollout: Rollout, guard: Guard) -> Cause:
    if cause.figures is not None:
        return cause
    step = step_figures(rollout, guard, now=timezone.now())
    return Cause(cause.by, cause.why, cause.reason, figures_of(None, step))


def _note_look(guard: Guard, *, samples: int) -> bool:
    """Spend a look. False if somebody changed the step since the guard was read."""
    same = Guard.objects.filter(pk=guard.pk, step=guard.step, step_started_at=guard.step_started_at, looks=guard.looks)
    return bool(same.update(looks=guard.looks + 1, looked_at_samples=samples))
