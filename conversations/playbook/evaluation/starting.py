"""Starting runs: which cases a release is asked, beside which baseline, and whether the outcome decides on publishing.

Nothing is put into a queue here: the scheduler finds runs that wait (see `claiming`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from conversations.playbook.audit import Actor, name_of
from conversations.playbook.evaluation.cases import CASE, Case, Expectation, to_json
from conversations.playbook.models import EvaluationCase, EvaluationItem, EvaluationRun, EvaluationSet, Release
from conversations.playbook.releases import RefusedError, live_release

MAX_ANSWERS: Final = 20_000
"""More are most likely a slip of the pen, and cost real money."""
ARMS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to be evaluated. `samples` None: as often as the sets say."""

    release: Release
    baseline: Release | None
    sets: Sequence[EvaluationSet]
    samples: int | None = None
    model_id: int | None = None


def start_check(release: Release, *, by: Actor) -> EvaluationRun:
    """Ask a release all that publishing needs, beside the live one; return the run, which decides on publishing.

    A check of the same two that is under way already is that one. Raises RefusedError where there are no cases.
    """
    live = live_release()
    under_way = EvaluationRun.objects.open().filter(release=release, baseline=live, is_check=True).first()
    return under_way or start_run(Wish(release=release, baseline=live, sets=required_sets()), by=by)


def required_sets() -> list[EvaluationSet]:
    """Return the sets that publishing needs; all of them where none is marked."""
    sets = list(EvaluationSet.objects.filter(cases__is_on=True).distinct())
    return [each for each in sets if each.is_required] or sets


@transaction.atomic
def start_run(wish: Wish, *, by: Actor) -> EvaluationRun:
    """Write down a run with its own copy of each case. Raises RefusedError for nothing to ask, or too much."""
    if problem := problem_with(wish):
        raise RefusedError(problem)
    cases = list(cases_of(wish))
    run = EvaluationRun.objects.create(
        release=wish.release,
        baseline=wish.baseline,
        model_id=wish.model_id,
        set_names=[each.name for each in wish.sets],
        samples=samples_of(wish),
        is_check=decides(wish),
        total=total_of(wish, len(cases)),
        by_id=by.pk if by else None,
        by_name=name_of(by),
    )
    run.sets.set(wish.sets)
    EvaluationItem.objects.bulk_create(items_of(run, cases))
    return run


def problem_with(wish: Wish) -> str:
    """Return why a wish can't be done; "" where it can."""
    total = total_of(wish, cases_of(wish).count())
    if not total:
        return _("There are no cases to ask. Add some first.")
    if total > MAX_ANSWERS:
        return _("That would be %(total)d answers; more than %(most)d are not asked for at once.") % {
            "total": total,
            "most": MAX_ANSWERS,
        }
    return ""


def cases_of(wish: Wish) -> QuerySet[EvaluationCase]:
    """Return the cases to ask."""
    return EvaluationCase.objects.on().filter(evaluation_set__in=wish.sets).select_related("evaluation_set")


def samples_of(wish: Wish) -> int:
    """Return how often each case is asked."""
    return wish.samples or max((each.samples for each in wish.sets), default=1)


def total_of(wish: Wish, cases: int) -> int:
    """Return how many answers so many cases take."""
    return cases * samples_of(wish) * (ARMS if wish.baseline else 1)


def decides(wish: Wish) -> bool:
    """Say whether a run is what publishing asks for: all that is needed, beside what is live.

    A run over another model says how that model does, not what customers would meet.
    """
    live = live_release()
    is_beside_live = (wish.baseline.pk if wish.baseline else None) == (live.pk if live else None)
    needed = {each.pk for each in required_sets()}
    return is_beside_live and wish.model_id is None and needed <= {each.pk for each in wish.sets}


def items_of(run: EvaluationRun, cases: Iterable[EvaluationCase]) -> Iterator[EvaluationItem]:
    """Yield the run's own copies of the cases."""
    for number, row in enumerate(cases, start=1):
        yield EvaluationItem(
            run=run,
            number=number,
            case=row,
            set_name=row.evaluation_set.name,
            intent=row.intent,
            content=to_json(case_of(row)),
        )


def case_of(row: EvaluationCase) -> Case:
    """Return what a row asks and expects."""
    return Case(
        question=row.question,
        locale=row.locale,
        dialogue=CASE.validate_python({"question": row.question, "dialogue": row.dialogue}).dialogue,
        expected=Expectation(
            intent=row.intent,
            escalate=row.escalate,
            action_required=row.action_required,
            must_say=tuple(row.must_say),
            must_not_say=tuple(row.must_not_say),
        ),
        reference=row.reference,
    )
