"""An evaluation takes what customers leave, and knows when to give up."""

import asyncio

import pytest
from django.contrib.auth.models import User

from conversations.gateway.dispatch import Dispatcher
from conversations.gateway.models import Budget, Provider, Route
from conversations.playbook.evaluation.starting import start_check
from conversations.playbook.models import EvaluationResult, EvaluationSet, Release
from conversations.playbook.models.evaluation import RunProblem, RunState, RunVerdict
from conversations.replies.asking import Asking
from conversations.replies.evaluating import Pace, read_plan
from tests.evaluation.conftest import Workers
from tests.evaluation.test_runs import ended


def test_it_takes_a_quarter_of_what_an_account_allows(shop: Release, cases: EvaluationSet, editor: User) -> None:
    run = start_check(shop, by=editor)
    assert read_plan(run.pk).at_once == 4
    assert read_plan(run.pk).pause_seconds(1000) == 0
    Route.objects.update(max_concurrency=8, requests_per_minute=60, tokens_per_minute=None)
    assert read_plan(run.pk).at_once == 2
    assert read_plan(run.pk).pause_seconds(1000) == 4.0
    Route.objects.update(max_concurrency=2, requests_per_minute=None, tokens_per_minute=60_000)
    assert read_plan(run.pk).at_once == 1
    assert read_plan(run.pk).pause_seconds(1000) == 4.0


def test_calls_leave_no_quicker_than_their_share() -> None:
    async def seconds_of_five() -> float:
        pace, clock = Pace(), asyncio.get_running_loop().time
        began = clock()
        await asyncio.gather(*[pace.wait(0.05) for _ in range(5)])
        return clock() - began

    assert asyncio.run(seconds_of_five()) >= 0.19


def test_no_place_is_asked_for_while_customers_wait(
    shop: Release, cases: EvaluationSet, editor: User, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line of customers is made up; what evaluation does about it is not."""
    waiting = [3, 2, 1]

    def line(_dispatcher: Dispatcher) -> int:
        return waiting.pop() if waiting else 0

    asked_while: list[int] = []
    free_place = Asking._free_place

    async def watched(asking: Asking) -> object:
        asked_while.append(len(waiting))
        return await free_place(asking)

    monkeypatch.setattr(Dispatcher, "waiting", property(line))
    monkeypatch.setattr(Asking, "_free_place", watched)
    run = ended(start_check(shop, by=editor), workers)
    assert run.verdict == RunVerdict.GREEN
    assert asked_while[0] == 0


def test_a_provider_that_is_away_ends_the_run_and_says_nothing_of_the_release(
    shop: Release, cases: EvaluationSet, editor: User, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.replies.asking.PAUSE_SECONDS", 0.0)
    Provider.objects.update(base_url="http://127.0.0.1:9/v1")
    run = ended(start_check(shop, by=editor), workers)
    assert (run.state, run.problem, run.verdict) == (RunState.FAILED, RunProblem.PROVIDER, "")
    assert not EvaluationResult.objects.filter(is_told=True).exists()
    shop.refresh_from_db()
    assert shop.check_state == "unchecked"


def test_a_budget_that_is_used_up_ends_the_run(
    shop: Release, cases: EvaluationSet, editor: User, workers: Workers
) -> None:
    assert ended(start_check(shop, by=editor), workers).verdict == RunVerdict.GREEN
    Budget.objects.create(cap="0.0001", step_down="people")
    run = ended(start_check(shop, by=editor), workers)
    assert (run.state, run.problem) == (RunState.FAILED, RunProblem.BUDGET)
