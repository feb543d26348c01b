"""The end of a run: its answers are counted, judged and written down, and the release is marked, all at once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from conversations.playbook.evaluation.cases import Case, from_json
from conversations.playbook.evaluation.figures import Told, side_of
from conversations.playbook.evaluation.gate import Judgment, Outcome, Verdict, judge
from conversations.playbook.evaluation.statistics import Pair
from conversations.playbook.models import EvaluationItem, EvaluationResult, EvaluationRun, RunState
from conversations.playbook.models.evaluation import Arm, Change
from conversations.playbook.releases import mark_checked

REPAIRED: Final = "repaired"
TALLIES: Final = ("change", "new_good", "new_told", "old_good", "old_told")


@dataclass(frozen=True, slots=True)
class Asked:
    """A case and its answers that say something about the release, by arm."""

    item: EvaluationItem
    case: Case
    answers: Mapping[str, Sequence[EvaluationResult]]

    def pair(self, good: str) -> Pair:
        """Return how often something was so, on both sides; `good` is a field of the answers."""
        counts = Counter({arm: sum(getattr(each, good) for each in told) for arm, told in self.answers.items()})
        new, old = self.answers.get(Arm.NEW, ()), self.answers.get(Arm.OLD, ())
        return Pair(counts[Arm.NEW], len(new), counts[Arm.OLD], len(old))

    @property
    def outcome(self) -> Outcome:
        """What the gate hears of it."""
        wants_person = self.case.expected.escalate is True
        return Outcome(
            intent=self.case.expected.intent,
            good=self.pair("is_good"),
            valid=self.pair("is_valid"),
            person=self.pair("escalate") if wants_person else None,
        )


@transaction.atomic
def finish(run_id: int, *, worker: str) -> bool:
    """Judge a run whose answers are all there. False if it was stopped, or somebody else has it."""
    ours = EvaluationRun.objects.select_for_update(of=("self",)).filter(
        pk=run_id, worker=worker, state=RunState.RUNNING
    )
    run = ours.first()
    if run is None:
        return False
    results = list(EvaluationResult.objects.filter(item__run=run).order_by("item_id", "arm", "sample"))
    asked = read_asked(run, results)
    judgment = judged(run, asked, results)
    tally(asked)
    run.state, run.verdict, run.ended_at = RunState.DONE, judgment.verdict.value, timezone.now()
    run.done, run.judgment = len(results), judgment.to_json()
    run.figures = {arm.value: side_of(told_of(asked, arm)).to_json() for arm in arms_of(run)}
    run.save()
    if run.is_check and judgment.verdict is not Verdict.UNKNOWN:
        mark_checked(run.release_id, is_green=judgment.verdict is Verdict.GREEN, summary=summary_of(run, judgment))
    return True


def arms_of(run: EvaluationRun) -> tuple[Arm, ...]:
    """Return the sides that a run asks."""
    return (Arm.NEW, Arm.OLD) if run.baseline_id else (Arm.NEW,)


def read_asked(run: EvaluationRun, results: Iterable[EvaluationResult]) -> list[Asked]:
    """Return the run's cases with their answers."""
    told: defaultdict[int, defaultdict[str, list[EvaluationResult]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        if result.is_told:
            told[result.item_id][result.arm].append(result)
    return [Asked(item, from_json(item.content), told[item.pk]) for item in run.items.order_by("number")]


def judged(run: EvaluationRun, asked: Sequence[Asked], results: Sequence[EvaluationResult]) -> Judgment:
    """Return what the gate says. Where nothing is live there is nothing to lose: a whole run is green."""
    missing = 1 - sum(result.is_told for result in results) / run.total if run.total else 1.0
    if run.baseline_id is None:
        return judge([beside_itself(each.outcome) for each in asked], missing=missing)
    return judge([each.outcome for each in asked], missing=missing)


def beside_itself(outcome: Outcome) -> Outcome:
    """Return an outcome that is compared with nothing as if with its own like."""
    return Outcome(
        intent=outcome.intent,
        good=twice(outcome.good),
        valid=twice(outcome.valid),
        person=twice(outcome.person) if outcome.person else None,
    )


def twice(pair: Pair) -> Pair:
    """Return a side as both sides."""
    return Pair(pair.new_good, pair.new, pair.new_good, pair.new)


def tally(asked: Iterable[Asked]) -> None:
    """Write down how each case went."""
    items = []
    for each in asked:
        pair, item = each.pair("is_good"), each.item
        item.new_good, item.new_told, item.old_good, item.old_told = pair.new_good, pair.new, pair.old_good, pair.old
        item.change = change_of(pair)
        items.append(item)
    EvaluationItem.objects.bulk_update(items, TALLIES, batch_size=500)


def change_of(pair: Pair) -> Change:
    """Return how a case went compared with the baseline."""
    if not pair.is_whole:
        return Change.NONE
    if pair.drop == 0:
        return Change.SAME
    return Change.WORSE if pair.drop > 0 else Change.BETTER


def told_of(asked: Iterable[Asked], arm: Arm) -> list[Told]:
    """Return one side's answers for the figures."""
    return [told(each, result) for each in asked for result in each.answers.get(arm, ())]


def told(asked: Asked, result: EvaluationResult) -> Told:
    """Return one answer for the figures."""
    return Told(
        case=asked.item.pk,
        expected=asked.case.expected,
        is_valid=result.is_valid,
        is_repaired=result.outcome == REPAIRED,
        is_good=result.is_good,
        failed=tuple(result.failed),
        escalate=result.escalate,
        first_token_ms=result.first_token_ms,
        total_ms=result.total_ms,
        prompt_tokens=result.prompt_tokens,
        cached_tokens=result.cached_tokens,
        completion_tokens=result.completion_tokens,
        cost=result.cost,
        currency=result.currency,
    )


def summary_of(run: EvaluationRun, judgment: Judgment) -> dict[str, Any]:
    """Return what the release's page says of its check."""
    changes = Counter(run.items.values_list("change", flat=True))
    return {
        "run": run.pk,
        "baseline": run.baseline.number if run.baseline else None,
        "sets": run.set_names,
        "cases": sum(changes.values()),
        "better": changes[Change.BETTER],
        "worse": changes[Change.WORSE],
        "losses": [{"group": loss.group.value, "intent": loss.intent, "drop": loss.drop} for loss in judgment.losses],
    }
