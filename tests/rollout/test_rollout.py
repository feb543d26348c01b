"""A rollout through the scheduler's job and by hand: what changes, what is written down, what is refused."""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from conversations.gateway.models import (
    Arm,
    Decision,
    DecisionKind,
    DecisionReason,
    Guard,
    Outcome,
    Rollout,
    RolloutState,
    Route,
)
from conversations.gateway.reading import current_catalog
from conversations.gateway.rollout import (
    Cause,
    RefusedError,
    advance,
    guard_of,
    pause,
    promote,
    resume,
    roll_back,
    start,
    watch,
    watch_rollouts,
)
from conversations.gateway.rollout_figures import read_stretch
from conversations.gateway.routing import plan
from conversations.playbook.models import AuditEntry
from conversations.upkeep import watch_live_rollout
from tests.rollout.conftest import Trial, new_call

CONVERSATION = b"0" * 16


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_user("boss", is_staff=True)


def step_time(trial: Trial) -> datetime:
    """Return a moment at which the step's hold is over."""
    guard = Guard.objects.get(rollout=trial.rollout)
    assert guard.step_started_at is not None
    return guard.step_started_at + timedelta(minutes=guard.hold_minutes + 1)


def run_step(
    trial: Trial, *, canary: int = 300, stable: int = 600, details: Mapping[str, object] | None = None
) -> DecisionKind | None:
    """Let both arms answer through a step, and the job look at the end of it."""
    at = step_time(trial)
    trial.add_calls(Arm.CANARY, canary, at=at, **(details or {}))
    trial.add_calls(Arm.STABLE, stable, at=at)
    trial.rollout.refresh_from_db()
    verdict = watch(trial.rollout, now=at)
    trial.rollout.refresh_from_db()
    return verdict.kind if verdict else None


def first_model() -> int:
    """Return whose model a new conversation meets first."""
    return plan(current_catalog(), conversation=CONVERSATION).candidates[0].model_id


def test_a_good_canary_reaches_everybody_step_by_step(trial: Trial, boss: User) -> None:
    start(trial.rollout.pk, Cause(by=boss, why="cheaper"))
    ratios = []
    for _ in range(5):
        trial.rollout.refresh_from_db()
        ratios.append(trial.rollout.ratio)
        run_step(trial)
    assert ratios == [100, 500, 2_500, 5_000, 10_000]
    assert trial.rollout.state == RolloutState.PROMOTED
    assert trial.rollout.ended_at is not None
    assert first_model() == trial.canary.model_id
    kinds = list(Decision.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["started", "advanced", "advanced", "advanced", "advanced", "promoted"]


def test_every_decision_says_who_why_and_by_which_figures(trial: Trial, boss: User) -> None:
    start(trial.rollout.pk, Cause(by=boss, why="cheaper"))
    run_step(trial)
    started, advanced = Decision.objects.order_by("pk")
    assert (started.by, started.by_name, started.why, started.reason) == (boss, "boss", "cheaper", "by_hand")
    assert (started.ratio_before, started.ratio_after) == (0, 100)
    assert (advanced.by, advanced.by_name, advanced.reason) == (None, "", "all_well")
    assert (advanced.ratio_before, advanced.ratio_after) == (100, 500)
    assert advanced.figures["step"]["canary"]["replies"] == 300
    assert advanced.figures["step"]["stable"]["replies"] == 600
    guardrails = {judgment["guardrail"] for judgment in advanced.figures["judgments"]}
    assert guardrails == {"success", "broken", "escalation", "first_token", "cost"}


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"outcome": Outcome.INVALID}, DecisionReason.SUCCESS),
        ({"is_switched": True}, DecisionReason.SUCCESS),
        ({"outcome": Outcome.REPAIRED}, DecisionReason.BROKEN),
        ({"first_token_ms": 2_000}, DecisionReason.FIRST_TOKEN),
        ({"cost": "0.001"}, DecisionReason.COST),
        ({"has_escalated": True}, DecisionReason.ESCALATION),
    ],
)
def test_a_bad_canary_is_rolled_back_and_comes_last(
    trial: Trial, details: dict[str, object], reason: DecisionReason
) -> None:
    start(trial.rollout.pk, Cause())
    assert run_step(trial, details=details) is DecisionKind.ROLLED_BACK
    assert (trial.rollout.state, trial.rollout.ratio) == (RolloutState.ROLLED_BACK, 0)
    assert Decision.objects.latest("pk").reason == reason
    assert current_catalog().rollout is None
    assert first_model() == trial.stable.model_id
    trial.canary.refresh_from_db()
    assert trial.canary.group > trial.stable.group


def test_a_canary_turns_bad_after_two_good_steps(trial: Trial) -> None:
    start(trial.rollout.pk, Cause())
    assert run_step(trial) is DecisionKind.ADVANCED
    assert run_step(trial) is DecisionKind.ADVANCED
    assert run_step(trial, details={"first_token_ms": 3_000}) is DecisionKind.ROLLED_BACK


def test_nothing_heard_of_the_canary_goes_back(trial: Trial) -> None:
    start(trial.rollout.pk, Cause())
    assert run_step(trial, canary=0, stable=5_000) is DecisionKind.ROLLED_BACK
    assert Decision.objects.latest("pk").reason == DecisionReason.SILENT


def test_missing_prices_pause(trial: Trial) -> None:
    start(trial.rollout.pk, Cause())
    assert run_step(trial, details={"cost": None}) is DecisionKind.PAUSED
    assert (trial.rollout.state, trial.rollout.ratio) == (RolloutState.PAUSED, 100)


def test_the_job_leaves_a_step_alone_that_has_just_begun(trial: Trial) -> None:
    start(trial.rollout.pk, Cause())
    watch_rollouts()
    assert Decision.objects.count() == 1


def test_what_the_guard_decides_is_in_the_audit_log(trial: Trial) -> None:
    start(trial.rollout.pk, Cause())
    guard = Guard.objects.get(rollout=trial.rollout)
    now = timezone.now()
    guard.step_started_at = now - timedelta(minutes=guard.hold_minutes + 2)
    guard.save()
    trial.add_calls(Arm.CANARY, 300, at=now - timedelta(minutes=1), outcome=Outcome.INVALID)
    trial.add_calls(Arm.STABLE, 600, at=now - timedelta(minutes=1))
    watch_live_rollout()
    entry = AuditEntry.objects.get(object_type="rollout")
    assert (entry.actor_name, entry.object_id) == ("", str(trial.rollout.pk))
    assert (entry.changes["ratio"], entry.changes["state"][1]) == ([100, 0], "rolled_back")
    watch_live_rollout()
    assert AuditEntry.objects.filter(object_type="rollout").count() == 1


def test_calls_that_we_gave_up_say_nothing_and_a_retried_one_counts_once(trial: Trial) -> None:
    start(trial.rollout.pk, Cause())
    now = timezone.now()
    details = {"rollout_id": trial.rollout.pk, "started_at": now}
    rows = [
        new_call(trial.canary, Arm.CANARY, run_id=1, number=0, outcome=Outcome.CANCELLED, **details),
        new_call(trial.canary, Arm.CANARY, run_id=1, number=1, first_token_ms=150, **details),
        new_call(trial.canary, Arm.CANARY, run_id=2, number=0, outcome=Outcome.STALLED, first_token_ms=None, **details),
        new_call(trial.stable, Arm.CANARY, run_id=2, number=1, is_switched=True, has_escalated=True, **details),
        new_call(trial.canary, Arm.CANARY, run_id=3, number=0, outcome=Outcome.CANCELLED, **details),
        new_call(trial.canary, Arm.CANARY, run_id=4, number=0, purpose="test", **details),
    ]
    for row in rows:
        row.save()
    figures = read_stretch(trial.rollout.pk, since=now - timedelta(1), until=now + timedelta(1)).canary
    assert (figures.replies, figures.failures, figures.silent, figures.escalated) == (2, 1, 1, 1)
    assert (figures.messages, figures.priced, sum(figures.first_token)) == (3, 3, 1)
    assert figures.cost == pytest.approx(0.0005)


def test_people_pause_resume_advance_and_promote(trial: Trial, boss: User) -> None:
    pk, cause = trial.rollout.pk, Cause(by=boss, why="because")
    start(pk, cause)
    pause(pk, cause)
    assert run_step(trial) is DecisionKind.LOOKED
    assert trial.rollout.state == RolloutState.PAUSED
    resume(pk, cause)
    advance(pk, cause)
    promote(pk, cause)
    trial.rollout.refresh_from_db()
    assert trial.rollout.state == RolloutState.PROMOTED
    kinds = list(Decision.objects.filter(by=boss).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["started", "paused", "resumed", "advanced", "promoted"]


def test_what_is_over_stays_over(trial: Trial) -> None:
    with pytest.raises(RefusedError):
        roll_back(trial.rollout.pk, Cause())
    start(trial.rollout.pk, Cause())
    roll_back(trial.rollout.pk, Cause())
    for action in (start, pause, resume, advance, promote, roll_back):
        with pytest.raises(RefusedError):
            action(trial.rollout.pk, Cause())
    assert Decision.objects.count() == 2


def test_the_last_step_cant_be_advanced(trial: Trial) -> None:
    start(trial.rollout.pk, Cause())
    for _ in range(4):
        advance(trial.rollout.pk, Cause())
    with pytest.raises(RefusedError):
        advance(trial.rollout.pk, Cause())


def test_only_one_rollout_runs(trial: Trial) -> None:
    start(trial.rollout.pk, Cause())
    other = Rollout.objects.create(name="another", canary=trial.stable.model)
    with pytest.raises(RefusedError):
        start(other.pk, Cause())


def test_a_canary_that_nobody_serves_cant_start(trial: Trial) -> None:
    Route.objects.filter(pk=trial.canary.pk).update(is_on=False)
    with pytest.raises(RefusedError):
        start(trial.rollout.pk, Cause())


def test_without_a_stable_model_there_is_nothing_to_compare(trial: Trial) -> None:
    Route.objects.filter(pk=trial.stable.pk).update(is_on=False)
    with pytest.raises(RefusedError):
        start(trial.rollout.pk, Cause())


def test_two_who_roll_back_at_once_do_it_once(transactional_db: None, trial: Trial) -> None:
    start(trial.rollout.pk, Cause())
    refused = []

    def go_back() -> None:
        try:
            roll_back(trial.rollout.pk, Cause())
        except RefusedError:
            refused.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=go_back) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    assert Decision.objects.filter(kind=DecisionKind.ROLLED_BACK).count() == 1


def test_steps_have_to_rise(trial: Trial) -> None:
    guard = guard_of(trial.rollout)
    guard.full_clean()
    for steps in ([], [5, 5], [0, 10], [10, 5]):
        guard.steps = [Decimal(step) for step in steps]
        with pytest.raises(ValidationError):
            guard.full_clean()
