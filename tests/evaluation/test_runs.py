"""Runs of a release over cases: through a worker's loop, the gateway and a simulated model."""

import time
from collections.abc import Callable
from threading import Event

import pytest
from django.contrib.auth.models import User

from conversations.gateway.models import LLMCall, Purpose, Route
from conversations.playbook.evaluation.claiming import cancel, claim, waiting_run
from conversations.playbook.evaluation.starting import Wish, start_check, start_run
from conversations.playbook.models import (
    CheckState,
    EvaluationCase,
    EvaluationResult,
    EvaluationRun,
    EvaluationSet,
    Example,
    Release,
)
from conversations.playbook.models.evaluation import Arm, Change, RunProblem, RunState, RunVerdict
from conversations.playbook.releases import RefusedError, freeze, publish
from tests.evaluation.conftest import RETURN, Workers, fresh

PATIENCE_SECONDS = 30.0


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look until it is so."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, "waited too long"
        Event().wait(0.02)


def ended(run: EvaluationRun, workers: Workers) -> EvaluationRun:
    """Let a worker do it, and return the run when it is over."""
    workers.start("one").evaluate()
    wait_until(lambda: fresh(run).is_over)
    return fresh(run)


def test_the_same_release_is_green_and_every_answer_is_kept(
    shop: Release, cases: EvaluationSet, workers: Workers, editor: User
) -> None:
    run = ended(start_check(shop, by=editor), workers)
    assert (run.state, run.verdict, run.by_name, run.worker) == (RunState.DONE, RunVerdict.GREEN, "somchai", "one")
    assert run.done == run.total == 10 * 2 * 2 == EvaluationResult.objects.count()
    assert set(run.items.values_list("change", flat=True)) == {Change.SAME}
    shop.refresh_from_db()
    assert (shop.check_state, shop.check_summary["baseline"], shop.check_summary["run"]) == (
        CheckState.GREEN,
        shop.number,
        run.pk,
    )


def test_a_draft_that_breaks_returns_is_stopped_and_can_only_be_published_with_a_reason(
    broken_returns: Release, workers: Workers, editor: User
) -> None:
    run = ended(start_check(broken_returns, by=editor), workers)
    assert run.verdict == RunVerdict.RED
    broken_returns.refresh_from_db()
    assert broken_returns.check_state == CheckState.RED
    assert {"group": "intent", "intent": RETURN, "drop": 1.0} in broken_returns.check_summary["losses"]
    assert set(run.items.filter(intent=RETURN).values_list("change", flat=True)) == {Change.WORSE}
    assert set(run.items.exclude(intent=RETURN).values_list("change", flat=True)) == {Change.SAME}
    with pytest.raises(RefusedError):
        publish(broken_returns, by=editor)


def test_a_draft_with_a_difference_of_no_weight_is_not_stopped(
    cases: EvaluationSet, workers: Workers, editor: User
) -> None:
    example = Example.objects.filter(intent__key=RETURN)[0]
    example.response += " ขอบคุณค่ะ"
    example.save()
    release = freeze(author=editor, comment="thanks")
    assert ended(start_check(release, by=editor), workers).verdict == RunVerdict.GREEN
    release.refresh_from_db()
    publish(release, by=editor)


def test_the_report_has_figures_for_both_sides(broken_returns: Release, workers: Workers, editor: User) -> None:
    figures = ended(start_check(broken_returns, by=editor), workers).figures
    assert figures["old"]["intent"]["value"] == 1.0
    assert figures["new"]["intent"]["value"] == pytest.approx(0.5)
    assert figures["new"]["intents"][RETURN]["value"] == 0.0
    assert figures["new"]["intents"]["จัดส่ง"]["value"] == 1.0
    assert figures["new"]["valid"]["value"] == 1.0
    assert figures["new"]["intent"]["low"] < 0.5 < figures["new"]["intent"]["high"]
    assert figures["new"]["first_token_ms"] is not None
    assert float(figures["new"]["cost_of_thousand"]["USD"]) > 0


def test_calls_are_metered_as_evaluation_and_name_their_release(
    broken_returns: Release, workers: Workers, editor: User
) -> None:
    ended(start_check(broken_returns, by=editor), workers)
    calls = LLMCall.objects.filter(purpose=Purpose.EVALUATION)
    assert calls.count() == 40
    versions = {release.version for release in Release.objects.all()}
    assert set(calls.values_list("playbook_version", flat=True)) == versions
    assert calls.filter(cost__gt=0).count() == 40


def test_a_worker_that_is_stopped_hands_the_run_on_and_no_case_is_asked_twice(
    shop: Release, cases: EvaluationSet, workers: Workers, editor: User
) -> None:
    EvaluationSet.objects.update(samples=6)
    run = start_check(shop, by=editor)
    first = workers.start("first")
    first.evaluate()
    wait_until(lambda: EvaluationResult.objects.count() >= 10)
    first.stop(grace_seconds=0)
    workers.loops.remove(first)
    left_at = EvaluationResult.objects.count()
    assert (fresh(run).state, fresh(run).lease_until) == (RunState.RUNNING, None)
    assert 10 <= left_at < run.total
    assert waiting_run() == run.pk
    done = ended(run, workers)
    assert (done.verdict, done.done, done.worker) == (RunVerdict.GREEN, 120, "one")
    # What was under way when the first worker stopped was not stored, so it is asked once more.
    assert LLMCall.objects.filter(purpose=Purpose.EVALUATION, outcome__in=("ok", "repaired")).count() == 120


def test_a_run_whose_worker_died_is_taken_up_when_its_lease_has_run_out(
    shop: Release, cases: EvaluationSet, workers: Workers, editor: User
) -> None:
    run = start_check(shop, by=editor)
    assert claim(run.pk, worker="dead")
    assert waiting_run() is None
    assert not claim(run.pk, worker="other")
    EvaluationRun.objects.update(lease_until="2020-01-01T00:00Z")
    assert waiting_run() == run.pk
    assert ended(run, workers).verdict == RunVerdict.GREEN


def test_a_run_that_staff_stop_ends_soon_and_decides_nothing(
    shop: Release, cases: EvaluationSet, workers: Workers, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.replies.evaluating.RENEW_SECONDS", 0.05)
    EvaluationSet.objects.update(samples=20)
    run = start_check(shop, by=editor)
    workers.start("one").evaluate()
    wait_until(EvaluationResult.objects.exists)
    assert cancel(run.pk)
    wait_until(lambda: not workers.loops[0]._evaluator._is_busy)
    assert fresh(run).state == RunState.CANCELLED
    assert EvaluationResult.objects.count() < run.total
    shop.refresh_from_db()
    assert shop.check_state == CheckState.UNCHECKED
    assert not cancel(run.pk)


def test_one_evaluation_is_under_way_at_a_time(shop: Release, cases: EvaluationSet, editor: User) -> None:
    first, second = (start_run(Wish(release=shop, baseline=shop, sets=[cases], samples=1), by=editor) for _ in range(2))
    assert claim(first.pk, worker="a")
    assert not claim(second.pk, worker="b")
    assert waiting_run() is None


def test_asking_for_the_same_check_twice_starts_it_once(shop: Release, cases: EvaluationSet, editor: User) -> None:
    assert start_check(shop, by=editor) == start_check(shop, by=editor)
    assert EvaluationRun.objects.count() == 1


def test_without_cases_there_is_no_check(shop: Release, editor: User) -> None:
    EvaluationSet.objects.all().delete()
    with pytest.raises(RefusedError):
        start_check(shop, by=editor)


def test_a_run_over_fewer_cases_than_publishing_needs_marks_nothing(
    shop: Release, cases: EvaluationSet, workers: Workers, editor: User
) -> None:
    other = EvaluationSet.objects.create(name="not needed", is_required=False)
    EvaluationCase.objects.create(evaluation_set=other, question="สวัสดีค่ะ", intent="อื่นๆ")
    run = ended(start_run(Wish(release=shop, baseline=shop, sets=[other]), by=editor), workers)
    assert (run.verdict, run.is_check) == (RunVerdict.GREEN, False)
    shop.refresh_from_db()
    assert shop.check_state == CheckState.UNCHECKED


def test_a_case_that_was_deleted_can_still_be_read_in_the_run(
    shop: Release, cases: EvaluationSet, workers: Workers, editor: User
) -> None:
    run = ended(start_check(shop, by=editor), workers)
    cases.delete()
    assert run.set_names == ["ten questions"]
    assert run.items.count() == 10
    assert run.items.filter(case=None, content__question="สวัสดีค่ะ").exists()


def test_without_a_model_the_run_says_so(shop: Release, cases: EvaluationSet, workers: Workers, editor: User) -> None:
    from_routes = start_check(shop, by=editor)
    Route.objects.update(is_on=False)
    run = ended(from_routes, workers)
    assert (run.state, run.problem) == (RunState.FAILED, RunProblem.NO_MODEL)


def test_a_release_without_baseline_is_only_told_about(
    shop: Release, cases: EvaluationSet, workers: Workers, editor: User
) -> None:
    run = ended(start_run(Wish(release=shop, baseline=None, sets=[cases], samples=1), by=editor), workers)
    assert (run.total, run.verdict, run.is_check) == (10, RunVerdict.GREEN, False)
    assert set(run.figures) == {Arm.NEW}
    assert set(run.items.values_list("change", flat=True)) == {""}
