"""Works through evaluations on a worker's loop: a few calls at once, each answer stored as it comes.

A run is held by a lease. A worker that is told to stop gives it back; one that dies leaves it to run out, and whoever
takes the run up asks only what has no answer yet.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.db import DatabaseError, transaction

from conversations.database import in_database
from conversations.gateway.budgets import is_out_of_budget, within_budgets
from conversations.gateway.catalog import Candidate
from conversations.gateway.metering import CallWatch, record_calls, within_columns
from conversations.gateway.reading import current_catalog
from conversations.gateway.routing import plan
from conversations.llm.requests import Usage
from conversations.playbook import reading as playbooks
from conversations.playbook.evaluation.cases import from_json
from conversations.playbook.evaluation.claiming import LEASE_SECONDS, claim, give_up, let_go, renew, waiting_run
from conversations.playbook.evaluation.finishing import arms_of, finish
from conversations.playbook.evaluation.scoring import Answer, failed_checks
from conversations.playbook.models import EvaluationResult, EvaluationRun
from conversations.playbook.models.evaluation import MAX_RAW_CHARS, Arm, RunProblem
from conversations.replies.asking import Answered, Asking, Sample, Surroundings
from conversations.replies.making import through_a_restart
from conversations.text.surrogates import mend

logger = logging.getLogger(__name__)

AT_ONCE: Final = 4
SHARE_OF_LIMITS: Final = 0.25
"""Of what an account allows at once or a minute, the most that evaluation takes: the rest is the customers'."""
MISSES_IN_A_ROW: Final = 12
RENEW_SECONDS: Final = LEASE_SECONDS / 10
MINUTE: Final = 60.0
ANY_CONVERSATION: Final = b"evaluation"


class StuckError(Exception):
    """The run can't go on."""

    def __init__(self, problem: RunProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Plan:
    """What is left to ask, and whom."""

    samples: tuple[Sample, ...]
    candidates: tuple[Candidate, ...]

    @property
    def at_once(self) -> int:
        """How many calls may be under way together."""
        allowed = self.candidates[0].limits.concurrency
        return min(AT_ONCE, max(1, int(allowed * SHARE_OF_LIMITS))) if allowed else AT_ONCE

    def pause_seconds(self, tokens: int) -> float:
        """Return the time that one call's share of the limits a minute takes."""
        limits = self.candidates[0].limits
        shares = ((1, limits.requests_per_minute), (tokens, limits.tokens_per_minute))
        return max((MINUTE * taken / (allowed * SHARE_OF_LIMITS) for taken, allowed in shares if allowed), default=0.0)


class Pace:
    """Lets calls leave no quicker than evaluation's share of the limits allows."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def wait(self, seconds: float) -> None:
        """Wait until a call may leave that takes its share for so many seconds."""
        now = time.monotonic()
        leaves_at = max(now, self._free_at)
        self._free_at = leaves_at + seconds
        await asyncio.sleep(leaves_at - now)


class Evaluator:
    """The evaluations of one process: one at a time."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._is_busy = False
        self._misses = 0

    def offer(self) -> Coroutine[None, None, None] | None:
        """Return the work of taking up what waits, or None where this process is at something."""
        return None if self._is_busy else self._take_up()

    async def _take_up(self) -> None:
        self._is_busy = True
        try:
            run_id = await in_database(waiting_run)
            if run_id is not None:
                await self.work(run_id)
        finally:
            self._is_busy = False

    async def work(self, run_id: int) -> bool:
        """Work through a run. False if somebody else is at it, or it is over."""
        if not await in_database(claim, run_id, worker=self._around.worker):
            return False
        logger.info("evaluation %d taken up", run_id)
        self._misses = 0
        try:
            await self._work_held(run_id)
        except StuckError as stuck:
            logger.warning("evaluation %d can't go on: %s", run_id, stuck)
            await through_a_restart(partial(give_up, run_id, worker=self._around.worker, problem=stuck.problem.value))
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.ensure_future(in_database(let_go, run_id, worker=self._around.worker)))
            raise
        return True

    async def _work_held(self, run_id: int) -> None:
        asking = asyncio.ensure_future(self._ask_all(run_id))
        holding = asyncio.ensure_future(self._hold(run_id))
        try:
            await asyncio.wait((asking, holding), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await ended((asking, holding))
        for task in (holding, asking):
            if not task.cancelled() and (error := task.exception()) is not None:
                raise as_stuck(error, run_id=run_id)

    async def _hold(self, run_id: int) -> None:
        """Keep the lease; return when it is lost, also because somebody stopped the run."""
        while await in_database(renew, run_id, worker=self._around.worker):
            if await in_database(has_no_budget):
                raise StuckError(RunProblem.BUDGET)
            await asyncio.sleep(RENEW_SECONDS)

    async def _ask_all(self, run_id: int) -> None:
        planned = await in_database(read_plan, run_id)
        samples, pace = iter(planned.samples), Pace()
        asking = [asyncio.ensure_future(self._ask_some(samples, planned, pace)) for _ in range(planned.at_once)]
        try:
            await asyncio.gather(*asking)
        finally:
            await ended(asking)
        await through_a_restart(partial(finish, run_id, worker=self._around.worker))
        logger.info("evaluation %d ended after %d answers", run_id, len(planned.samples))

    async def _ask_some(self, samples: Iterator[Sample], planned: Plan, pace: Pace) -> None:
        for sample in samples:
            asking = Asking(sample, planned.candidates, self._around)
            await pace.wait(planned.pause_seconds(asking.tokens))
            answered = await asking.ask()
            await through_a_restart(partial(store, sample, answered))
            self._misses = 0 if answered.is_told else self._misses + 1
            if self._misses >= MISSES_IN_A_ROW:
                raise StuckError(RunProblem.PROVIDER)


async def ended(tasks: Collection[asyncio.Future[None]]) -> None:
    """Stop what is still under way, and wait until it has given its places back."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def as_stuck(error: BaseException, *, run_id: int) -> BaseException:
    """Return what ends a run for good; without a database it is only left, for others to take up."""
    if isinstance(error, StuckError | DatabaseError):
        return error
    # The text of an error may hold what somebody wrote.
    logger.error("evaluation %d broke: %s", run_id, type(error).__name__)
    return StuckError(RunProblem.BROKEN)


def has_no_budget() -> bool:
    """Say whether no model may answer any more."""
    return is_out_of_budget(current_catalog())


def read_plan(run_id: int) -> Plan:
    """Return what is left of a run; the model that was chosen at first stays. Raises StuckError."""
    run = EvaluationRun.objects.slim().get(pk=run_id)
    candidates = candidates_of(run)
    books = {Arm.NEW: run.release_id, Arm.OLD: run.baseline_id}
    known = {arm: playbooks.playbook_of_release(pk) for arm, pk in books.items() if pk is not None}
    done = set(EvaluationResult.objects.filter(item__run=run).values_list("item_id", "arm", "sample"))
    items = [(item.pk, from_json(item.content)) for item in run.items.order_by("number")]
    # Both sides of a case right after each other: what changes at the provider meanwhile meets both.
    samples = (
        Sample(item_id, arm.value, number, case, known[arm])
        for number in range(run.samples)
        for item_id, case in items
        for arm in arms_of(run)
        if (item_id, arm.value, number) not in done
    )
    return Plan(tuple(samples), candidates)


def candidates_of(run: EvaluationRun) -> tuple[Candidate, ...]:
    """Return who is asked: one model for the whole run, over any of its accounts."""
    known = current_catalog()
    if is_out_of_budget(known):
        raise StuckError(RunProblem.BUDGET)
    ordered = plan(within_budgets(known), conversation=ANY_CONVERSATION).candidates
    model_id = run.model_id or next((each.model_id for each in ordered), None)
    chosen = tuple(each for each in ordered if each.model_id == model_id)
    if not chosen:
        raise StuckError(RunProblem.NO_MODEL)
    if run.model_id is None:
        EvaluationRun.objects.filter(pk=run.pk).update(model_id=model_id)
    return chosen


@transaction.atomic
def store(sample: Sample, answered: Answered) -> None:
    """Write an answer down, and its calls; one that is there already stays as it is."""
    result = result_of(sample, answered)
    EvaluationResult.objects.bulk_create([result], ignore_conflicts=True)
    record_calls(None, answered.calls)


def result_of(sample: Sample, answered: Answered) -> EvaluationResult:
    """Return an answer as a row, with what is wrong with it."""
    failed = failed_checks(
        sample.case.expected,
        Answer(
            intent=answered.intent,
            escalate=answered.escalate,
            action_required=answered.action_required,
            response=answered.response,
            is_valid=answered.is_valid,
        ),
    )
    result = EvaluationResult(
        item_id=sample.item_id,
        arm=sample.arm,
        sample=sample.number,
        outcome=answered.outcome,
        is_told=answered.is_told,
        is_valid=answered.is_valid,
        is_good=answered.is_told and not failed,
        failed=[check.value for check in failed],
        intent=answered.intent,
        escalate=answered.escalate,
        action_required=answered.action_required,
        response=answered.response,
        raw=mend(answered.raw).replace("\x00", "")[:MAX_RAW_CHARS],
        calls=len(answered.calls),
    )
    if answered.calls:
        add_figures(result, answered.calls)
    return result


def add_figures(result: EvaluationResult, calls: list[CallWatch]) -> None:
    """Add what an answer took: all of its calls cost, the time is that of the one that gave it."""
    usages = [within_columns(call.usage or Usage()) for call in calls]
    rows = [call.row(run_id=None) for call in calls]
    costs = [row.cost for row in rows if row.cost is not None]
    result.first_token_ms, result.total_ms = calls[-1].first_token_ms, calls[-1].total_ms
    result.prompt_tokens = sum(usage.prompt_tokens for usage in usages)
    result.cached_tokens = sum(usage.cached_tokens for usage in usages)
    result.completion_tokens = sum(usage.completion_tokens for usage in usages)
    result.cost = sum(costs) if costs else None
    result.currency = rows[-1].currency
