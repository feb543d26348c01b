"""A run's report as its pages show it: the gate, the figures of both sides, the cases that went better or worse."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from conversations.desk.playbook import short
from conversations.gateway.models import Outcome
from conversations.playbook.evaluation.cases import Case as Asked
from conversations.playbook.evaluation.cases import from_json
from conversations.playbook.evaluation.finishing import arms_of
from conversations.playbook.evaluation.gate import ALPHA, MAY_LOSE_OF_ALL, MAY_LOSE_OF_GROUP, Finding, Group, Judgment
from conversations.playbook.evaluation.scoring import Check
from conversations.playbook.models import EvaluationItem, EvaluationResult, EvaluationRun
from conversations.playbook.models.evaluation import Arm, Change, RunProblem
from conversations.playbook.prompt import Speaker
from conversations.replies.asking import WRONG_FIGURES

NONE: Final = "-"
PER_PAGE: Final = 25
TOLD_FROM: Final = 10
"""Answers that must be there before it is said how long the others take."""
WRONG: Final = "wrong"
GROUPS: Final = {
    Group.ALL: gettext_lazy("All cases"),
    Group.PERSON: gettext_lazy("A person is called where one is needed"),
    Group.VALID: gettext_lazy("Answers in the right form"),
}
CHECKS: Final = {
    Check.VALID: gettext_lazy("no usable answer"),
    Check.INTENT: gettext_lazy("wrong intent"),
    Check.ESCALATE: gettext_lazy("person called or not, wrongly"),
    Check.ACTION: gettext_lazy("action marked or not, wrongly"),
    Check.MUST_SAY: gettext_lazy("words are missing"),
    Check.MUST_NOT_SAY: gettext_lazy("says what it must not"),
}
SPEAKERS: Final = {
    Speaker.CUSTOMER: gettext_lazy("Customer"),
    Speaker.BOT: gettext_lazy("Bot"),
    Speaker.AGENT: gettext_lazy("Agent"),
}
FILTERS: Final[dict[str, tuple[str | Promise, Q]]] = {
    "": (gettext_lazy("All"), Q()),
    Change.WORSE: (gettext_lazy("Worse"), Q(change=Change.WORSE)),
    Change.BETTER: (gettext_lazy("Better"), Q(change=Change.BETTER)),
    Change.SAME: (gettext_lazy("Same"), Q(change=Change.SAME)),
    WRONG: (gettext_lazy("Not all good"), Q(new_good__lt=F("new_told"))),
}
WORST_FIRST: Final = Case(
    When(change=Change.WORSE, then=Value(0)),
    When(change=Change.BETTER, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)


def report_page(run: EvaluationRun, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what a run's page shows; `asked` are the filters in its address."""
    judgment = Judgment.from_json(run.judgment) if run.judgment else None
    return {
        "problem": RunProblem(run.problem).label,
        "findings": [finding_line(finding) for finding in judgment.findings] if judgment else [],
        "missing": percent(judgment.missing) if judgment and judgment.missing else "",
        "limits": {"alpha": percent(ALPHA), "all": percent(MAY_LOSE_OF_ALL), "intent": percent(MAY_LOSE_OF_GROUP)},
        "has_baseline": run.baseline_id is not None,
        "figures": figure_lines(run.figures),
        "intents": intent_lines(run.figures),
        **item_list(run, asked),
    }


def standing(run: EvaluationRun) -> dict[str, Any]:
    """Return how far a run is, for a page that waits."""
    return {
        "state": run.state,
        "words": run.get_state_display(),
        "done": run.done,
        "total": run.total,
        "is_over": run.is_over,
        "left": time_left(run),
    }


def time_left(run: EvaluationRun) -> str:
    """Return about how long a run still takes, as fast as it went so far; "" where that can't be told yet."""
    if run.started_at is None or run.done < TOLD_FROM or run.is_over:
        return ""
    seconds = (timezone.now() - run.started_at).total_seconds() * (run.total - run.done) / run.done
    minutes = max(1, math.ceil(seconds / 60))
    return ngettext("about %(count)d minute left", "about %(count)d minutes left", minutes) % {"count": minutes}


# The gate and the figures.


def finding_line(finding: Finding) -> dict[str, Any]:
    """Return what the gate says of a group."""
    return {
        "title": GROUPS.get(finding.group) or _("Intent: %(intent)s") % {"intent": finding.intent},
        "cases": finding.cases,
        "old": percent(finding.old),
        "new": percent(finding.new),
        "difference": f"{round(-finding.lost_cases, 1) or 0:+.1f}",
        "p_value": f"{finding.p_value:.2g}",
        "is_loss": finding.is_loss,
    }


def figure_lines(figures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the figures of both sides beside each other."""
    if not figures:
        return []
    new, old = figures.get(Arm.NEW, {}), figures.get(Arm.OLD, {})
    rows = (
        (_("Good answers"), share_cell, "good"),
        (_("Right intent"), share_cell, "intent"),
        (_("Calls for a person that were right (precision)"), share_cell, "person_precision"),
        (_("Needed persons that were called (recall)"), share_cell, "person_recall"),
        (_("Answers in the right form"), share_cell, "valid"),
        (_("of which repaired"), percent, "repaired"),
        (_("First words, median and p95"), times_cell, "first_token_ms"),
        (_("Whole answer, median and p95"), times_cell, "total_ms"),
        (_("Tokens: prompt, of it cached, answer"), tokens_cell, "tokens"),
        (_("Cost of 1,000 messages"), cost_cell, "cost_of_thousand"),
    )
    return [(title, cell(new.get(name)), cell(old.get(name))) for title, cell, name in rows]


def intent_lines(figures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return how often each intent was named rightly, on both sides."""
    new, old = (figures.get(arm, {}).get("intents", {}) for arm in (Arm.NEW, Arm.OLD))
    return [(intent, share_cell(new.get(intent)), share_cell(old.get(intent))) for intent in sorted({*new, *old})]


def percent(value: float | None) -> str:
    """Return a share in per cent."""
    return NONE if value is None else f"{value * 100:.1f} %".replace(".0 %", " %")


def share_cell(share: Mapping[str, float] | None) -> str:
    """Return a share with its interval."""
    if share is None:
        return NONE
    return f"{percent(share['value'])} ({share['low'] * 100:.0f}-{share['high'] * 100:.0f} %)"


def times_cell(times: tuple[int, int] | None) -> str:
    """Return two times."""
    return f"{times[0]:,} ms, {times[1]:,} ms" if times else NONE


def tokens_cell(tokens: tuple[float, float, float] | None) -> str:
    """Return three counts."""
    return ", ".join(f"{count:,.0f}" for count in tokens) if tokens else NONE


def cost_cell(costs: Mapping[str, str] | None) -> str:
    """Return what 1,000 messages cost, in each currency."""
    return ", ".join(f"{amount} {currency}" for currency, amount in costs.items()) if costs else NONE


# The cases.


def item_list(run: EvaluationRun, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return the cases that the filters let through, worst first, a page of them."""
    chosen = {name: asked.get(name, "") for name in ("change", "intent", "set")}
    if chosen["change"] not in FILTERS:
        chosen["change"] = ""
    page = Paginator(items_of(run, chosen), PER_PAGE).get_page(asked.get("page"))
    return {
        "chosen": chosen,
        "filters": [(key, title, run.items.filter(test).count()) for key, (title, test) in FILTERS.items()],
        "intent_choices": list(
            run.items.exclude(intent="").order_by("intent").values_list("intent", flat=True).distinct()
        ),
        "page": page,
        "items": [item_line(run, item) for item in page.object_list],
    }


def items_of(run: EvaluationRun, chosen: Mapping[str, str]) -> QuerySet[EvaluationItem]:
    """Return the cases that the filters let through."""
    items = run.items.filter(FILTERS[chosen["change"]][1]).order_by(WORST_FIRST, "number")
    if chosen["intent"]:
        items = items.filter(intent=chosen["intent"])
    return items.filter(set_name=chosen["set"]) if chosen["set"] else items


def item_line(run: EvaluationRun, item: EvaluationItem) -> dict[str, Any]:
    """Return a case as the list shows it."""
    return {
        "number": item.number,
        "url": reverse("admin:evaluation-item", args=[run.pk, item.number]),
        "question": short(item.content["question"]),
        "intent": item.intent or NONE,
        "change": item.change,
        "change_title": Change(item.change).label,
        "new": f"{item.new_good}/{item.new_told}",
        "old": f"{item.old_good}/{item.old_told}" if run.baseline_id else NONE,
    }


# One case.


def item_page(run: EvaluationRun, item: EvaluationItem) -> dict[str, Any]:
    """Return what a case's page shows: what was asked and expected, and both sides' answers."""
    case = from_json(item.content)
    results = list(EvaluationResult.objects.filter(item=item).order_by("sample"))
    numbers = run.items.order_by("number").values_list("number", flat=True)
    return {
        "item": item,
        "change_title": Change(item.change).label,
        "case": case,
        "case_url": case_url(item),
        "dialogue": [(SPEAKERS[line.speaker], line.text) for line in case.dialogue],
        "expected": list(expected_lines(case)),
        "sides": [side_of(run, arm, results) for arm in arms_of(run)],
        "back_url": reverse("admin:conversations_evaluationrun_change", args=[run.pk]),
        "before_url": neighbour(run, numbers.filter(number__lt=item.number).last()),
        "after_url": neighbour(run, numbers.filter(number__gt=item.number).first()),
    }


def case_url(item: EvaluationItem) -> str:
    """Return where the case itself is edited; "" where it is gone."""
    return reverse("admin:conversations_evaluationcase_change", args=[item.case_id]) if item.case_id else ""


def neighbour(run: EvaluationRun, number: int | None) -> str:
    """Return where another case of the run is shown."""
    return reverse("admin:evaluation-item", args=[run.pk, number]) if number else ""


def expected_lines(case: Asked) -> Iterator[tuple[str, str]]:
    """Yield what a good answer is."""
    expected = case.expected
    if expected.intent:
        yield _("Intent"), expected.intent
    if expected.escalate is not None:
        yield _("Hand to a person"), yes_or_no(expected.escalate)
    if expected.action_required is not None:
        yield _("Action required"), yes_or_no(expected.action_required)
    for words in expected.must_say:
        yield _("Must say"), words
    for words in expected.must_not_say:
        yield _("Must not say"), words
    if case.reference:
        yield _("A good answer"), case.reference


def side_of(run: EvaluationRun, arm: Arm, results: list[EvaluationResult]) -> dict[str, Any]:
    """Return one side's answers."""
    title, release = (_("Now"), run.release) if arm is Arm.NEW else (_("Before"), run.baseline)
    return {
        "title": f"{title}: {release}",
        "arm": arm.value,
        "answers": [answer_lines(result) for result in results if result.arm == arm],
    }


def answer_lines(result: EvaluationResult) -> dict[str, Any]:
    """Return one answer with what is right and wrong about it."""
    return {
        "is_good": result.is_good,
        "is_told": result.is_told,
        "wrong": [CHECKS[Check(check)] for check in result.failed] if result.is_told else [],
        "response": result.response,
        "outcome": "" if result.is_valid else outcome_title(result.outcome),
        "raw": result.raw if result.raw != result.response else "",
        "facts": list(answer_facts(result)) if result.is_valid else [],
    }


def answer_facts(result: EvaluationResult) -> Iterator[tuple[str, str]]:
    """Yield what the model decided, and what it took."""
    yield _("Intent"), result.intent
    yield _("Hand to a person"), yes_or_no(result.escalate)
    yield _("Action required"), yes_or_no(result.action_required)
    yield _("First words"), f"{result.first_token_ms:,} ms" if result.first_token_ms is not None else NONE
    yield _("Cost"), f"{result.cost.normalize():f} {result.currency}" if result.cost is not None else NONE


def outcome_title(outcome: str) -> str:
    """Return in words why there is no answer."""
    if outcome == WRONG_FIGURES:
        return _("Its figures were wrong twice: a person would have answered.")
    return str(Outcome(outcome).label) if outcome in Outcome.values else outcome


def yes_or_no(is_so: bool) -> str:  # noqa: FBT001 - a value to show, not a switch
    """Return a flag in a word."""
    return _("yes") if is_so else _("no")
