"""The guard's decisions: seeded rollouts to their end, and every way in which figures can fail to come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.guard_traffic import GOOD, Habit, roll_out
from conversations.gateway.guard import Policy, Standing, decide
from conversations.gateway.guard_figures import ArmFigures, Stretch
from conversations.gateway.latency import BUCKETS, bucket_of
from conversations.gateway.models import DecisionKind, DecisionReason

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Policy(ratios=(1_000, 5_000, 10_000), min_samples=100, hold=timedelta(minutes=10), patience=timedelta(hours=2))
LATER = START + timedelta(minutes=11)


def arm(replies: int, *, failures: int = 0, first_token_ms: float = 400, cost: float = 0.01, **more: int) -> ArmFigures:
    """Return figures in which all went alike."""
    histogram = [0] * BUCKETS
    histogram[bucket_of(first_token_ms)] = replies - more.get("silent", 0)
    histogram[bucket_of(first_token_ms) + 1] = replies // 20
    return ArmFigures(
        replies=replies,
        failures=failures,
        messages=replies,
        priced=more.pop("priced", replies),
        cost=cost * replies,
        cost_squares=cost * cost * replies,
        currencies=frozenset({"USD"}) if replies else frozenset(),
        first_token=tuple(histogram),
        **more,
    )


def decided(
    now_step: Stretch, *, standing: Standing | None = None, past: tuple[Stretch, ...] = (), now: datetime = LATER
) -> tuple[DecisionKind, DecisionReason] | None:
    """Return what the guard decides."""
    verdict = decide(POLICY, standing or Standing(0, START), past=past, now_step=now_step, now=now)
    return (verdict.kind, verdict.reason) if verdict else None


@pytest.mark.parametrize("seed", range(3))
def test_a_good_canary_reaches_everybody(seed: int) -> None:
    assert roll_out(GOOD, GOOD, seed=seed).kind is DecisionKind.PROMOTED


@pytest.mark.parametrize(
    ("habit", "reasons"),
    [
        (replace(GOOD, invalid=0.05), {DecisionReason.SUCCESS, DecisionReason.BROKEN}),
        (replace(GOOD, first_token_ms=GOOD.first_token_ms * 2), {DecisionReason.FIRST_TOKEN}),
        (replace(GOOD, cost=GOOD.cost * 2), {DecisionReason.COST}),
        (replace(GOOD, escalating=0.3), {DecisionReason.ESCALATION}),
        (replace(GOOD, broken=0.2), {DecisionReason.BROKEN}),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_canary_is_rolled_back_for_what_is_bad(habit: Habit, reasons: set[DecisionReason], seed: int) -> None:
    ending = roll_out(GOOD, habit, seed=seed)
    assert ending.kind is DecisionKind.ROLLED_BACK
    assert ending.reason in reasons


def test_one_that_turns_bad_late_is_rolled_back_too() -> None:
    ending = roll_out(GOOD, replace(GOOD, invalid=0.05), seed=1, turns_bad_at_step=2)
    assert ending.kind is DecisionKind.ROLLED_BACK


def test_a_stable_arm_that_is_worse_itself_is_no_reason_to_go_back() -> None:
    assert roll_out(replace(GOOD, failing=0.1, first_token_ms=900.0), GOOD, seed=3).kind is DecisionKind.PROMOTED


def test_a_step_needs_its_time_and_its_replies() -> None:
    enough = Stretch(arm(150), arm(900))
    advanced = (DecisionKind.ADVANCED, DecisionReason.ALL_WELL)
    looked = (DecisionKind.LOOKED, DecisionReason.ALL_WELL)
    assert decided(enough) == advanced
    assert decided(enough, now=START + timedelta(minutes=9)) == looked
    assert decided(Stretch(arm(99), arm(900))) == looked
    assert decided(Stretch(arm(150), arm(99))) == looked


def test_the_last_step_is_compared_with_the_one_before() -> None:
    before = Stretch(arm(500), arm(500))
    last = Standing(2, START)
    promoted = (DecisionKind.PROMOTED, DecisionReason.ALL_WELL)
    assert decided(Stretch(arm(500), arm(0)), standing=last, past=(before,)) == promoted
    bad = (DecisionKind.ROLLED_BACK, DecisionReason.SUCCESS)
    assert decided(Stretch(arm(500, failures=100), arm(0)), standing=last, past=(before,)) == bad


def test_no_look_is_spent_on_hardly_more_than_was_seen() -> None:
    standing = Standing(0, START, looks=3, looked_at_samples=90)
    assert decided(Stretch(arm(95), arm(900)), standing=standing) is None
    assert decided(Stretch(arm(98), arm(900)), standing=replace(standing, looked_at_samples=60)) is not None


def test_a_canary_of_which_nothing_is_heard_is_rolled_back() -> None:
    silent = (DecisionKind.ROLLED_BACK, DecisionReason.SILENT)
    assert decided(Stretch(arm(0), arm(449))) is None
    assert decided(Stretch(arm(0), arm(450))) == silent
    held = Standing(0, START, paused_at=START, is_held_by_hand=True)
    assert decided(Stretch(arm(0), arm(450)), standing=held) == silent


def test_a_quiet_shop_pauses_and_in_the_end_goes_back() -> None:
    quiet = Stretch(arm(3), arm(20))
    assert decided(quiet, now=START + timedelta(hours=2)) is None
    late = START + timedelta(hours=2, minutes=10)
    assert decided(quiet, now=late) == (DecisionKind.PAUSED, DecisionReason.FEW)
    paused = Standing(0, START, paused_at=late)
    assert decided(quiet, standing=paused, now=late + timedelta(minutes=119)) is None
    assert decided(quiet, standing=paused, now=late + timedelta(hours=2)) == (
        DecisionKind.ROLLED_BACK,
        DecisionReason.FEW,
    )


def test_missing_figures_pause_and_their_return_resumes() -> None:
    unpriced = Stretch(arm(150, priced=10), arm(900))
    assert decided(unpriced) == (DecisionKind.PAUSED, DecisionReason.UNKNOWN)
    paused = Standing(0, START, paused_at=LATER, looked_at_samples=100)
    assert decided(Stretch(arm(150), arm(900)), standing=paused) == (DecisionKind.RESUMED, DecisionReason.ALL_WELL)
    timeless = Stretch(replace(arm(150), first_token=(0,) * BUCKETS), arm(900))
    assert decided(timeless) == (DecisionKind.PAUSED, DecisionReason.UNKNOWN)


def test_two_currencies_cant_be_compared() -> None:
    baht = replace(arm(150), currencies=frozenset({"THB"}))
    assert decided(Stretch(baht, arm(900))) == (DecisionKind.PAUSED, DecisionReason.UNKNOWN)
    unwatched = decide(
        replace(POLICY, cost_growth=None), Standing(0, START), past=(), now_step=Stretch(baht, arm(900)), now=LATER
    )
    assert unwatched and unwatched.kind is DecisionKind.ADVANCED


def test_who_holds_it_by_hand_isnt_overruled_but_for_harm() -> None:
    held = Standing(0, START, paused_at=START, is_held_by_hand=True)
    well, days_later = Stretch(arm(150), arm(900)), START + timedelta(days=9)
    assert decided(well, standing=held, now=days_later) == (DecisionKind.LOOKED, DecisionReason.ALL_WELL)
    assert decided(Stretch(arm(3), arm(20)), standing=held, now=days_later) is None
    bad = Stretch(arm(150, failures=50), arm(900))
    assert decided(bad, standing=held) == (DecisionKind.ROLLED_BACK, DecisionReason.SUCCESS)


def test_doubt_takes_no_step() -> None:
    doubtful = Stretch(arm(200, failures=8), arm(900, failures=5))
    assert decided(doubtful, standing=Standing(0, START, looks=9)) == (DecisionKind.LOOKED, DecisionReason.SUCCESS)


def test_figures_come_back_from_a_row_as_they_were() -> None:
    stretch = Stretch(arm(150, silent=3), arm(900))
    assert Stretch.from_json(stretch.as_json()) == stretch
