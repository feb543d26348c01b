"""What the pages of students show: figures in words, and which buttons are there."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext as _

from conversations.answers.student.drift import seen_lately
from conversations.answers.student.export.terms import terms_by_provider
from conversations.answers.student.models import StudentDay, StudentPolicy, StudentState, TrainedStudent
from conversations.answers.student.promotion import sentences_of
from conversations.answers.student.sensing import embeddings
from conversations.answers.student.shelf import student_of
from conversations.answers.student.tensors import ArtefactError
from conversations.desk.numbers import NONE, percent

DAYS: Final = 14
IN_HAND: Final = (StudentState.WANTED, StudentState.TRAINING)
USABLE: Final = (StudentState.READY, StudentState.REFUSED, StudentState.RETIRED)
TRAINING: Final = "allowed"


def at_work() -> dict[str, Any]:
    """Return what stands above the list: which student works, and whether one is being trained."""
    live = TrainedStudent.objects.live().first()
    return {
        "live": live,
        "warning": warning_of(live) if live else "",
        "is_stopped": bool(live and live.stopped_at),
        "is_steering": StudentPolicy.objects.filter(is_steering=True).exists(),
        "training": training_standing(),
        "lines": [*report_lines(live.report), *drift_lines(live)] if live else [],
    }


def training_standing() -> dict[str, Any]:
    """Return whether a training is under way, and in words how far it is."""
    newest = TrainedStudent.objects.without_artefact().filter(state__in=IN_HAND).order_by("-pk").first()
    return {"is_over": newest is None, "words": StudentState(newest.state).label if newest else ""}


def warning_of(student: TrainedStudent) -> str:
    """Return what is to be said of a student at work, if anything."""
    if student.stopped_at:
        return _(
            "It was stopped: what it was sure of differed from the models' labels too often. Until another one works, "
            "every question goes to the model."
        )
    if student.drift:
        return _("It agrees with the models less than at its training: customers ask differently now.")
    return ""


def student_page(student: TrainedStudent, *, question: str) -> dict[str, Any]:
    """Return what stands above a student's data."""
    return {
        "id": student.pk,
        "state": StudentState(student.state).label,
        "is_in_hand": student.state in IN_HAND,
        "problem": student.get_problem_display(),
        "warning": warning_of(student),
        "faults": sentences_of(student.comparison.get("faults", [])),
        "moves": moves_of(student),
        "lines": report_lines(student.report),
        "compared": compared_lines(student.report, student.comparison.get("figures") or {}),
        "compared_with": student.comparison.get("live"),
        "sources": [(source_name(name), f"{count:,}") for name, count in student.sources.items()],
        "intents": [intent_line(each) for each in student.report.get("intents", [])],
        "days": [day_line(day) for day in student.days.order_by("-day")[:DAYS]],
        "question": question,
        "judgement": judgement_lines(student, question) if question else [],
        "can_judge": bool(student.artefact_hash),
    }


def moves_of(student: TrainedStudent) -> list[dict[str, Any]]:
    """Return the buttons that a student has now."""
    moves = []
    if student.state in USABLE and student.artefact_hash:
        moves.append({"name": "promote", "title": _("Put it to work"), "is_grave": False})
    if student.state == StudentState.LIVE and student.stopped_at:
        moves.append({"name": "resume", "title": _("Let it work again"), "is_grave": False})
    if student.state == StudentState.LIVE:
        moves.append({"name": "retire", "title": _("Work without a student"), "is_grave": True})
    return moves


def report_lines(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return how a student did on questions held back at its training."""
    if not report:
        return []
    return [
        (_("Questions held back"), f"{report.get('rows', 0):,}"),
        (_("Judged right"), percent(report.get("accuracy"))),
        (_("Sure of"), percent(report.get("coverage"))),
        (_("Of those right"), percent(report.get("precision"))),
        (_("Mean over intents (F1)"), percent(report.get("macro_f1"))),
        (_("How far its probabilities are off"), percent(report.get("calibration_error"))),
        (_("Action required, found"), found_share(report.get("action"))),
        (_("Hand to a person, found"), found_share(report.get("escalate"))),
        (_("Time for a question, p99"), milliseconds(report.get("slowest_ms"))),
    ]


def found_share(flag: dict[str, int] | None) -> str:
    """Return how many of the questions with a flag were found."""
    return f"{flag['right']:,} / {flag['rows']:,}" if flag and flag["rows"] else NONE


def milliseconds(value: float | None) -> str:
    """Return a short time in words."""
    return NONE if value is None else f"{value:.2f} ms"


def drift_lines(student: TrainedStudent) -> list[tuple[str, str]]:
    """Return how a student did at work in the last two weeks."""
    seen = seen_lately(student)
    return [
        (_("Fresh labels, 14 days"), f"{seen.seen:,}"),
        (_("Agreed with"), percent(seen.agreed / seen.seen if seen.seen else None)),
        (_("Agreed with when sure"), percent(seen.sure_agreed / seen.sure if seen.sure else None)),
    ]


def compared_lines(mine: dict[str, Any], theirs: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return both students' figures on the same questions."""
    if not theirs:
        return []
    pairs = zip(report_lines(mine), report_lines(theirs), strict=True)
    return [(title, here, there) for (title, here), (_title, there) in pairs]


def source_name(name: str) -> str:
    """Return whose labels they are."""
    return {"model": _("Models' labels"), "people": _("Labels of staff")}.get(name, name)


def intent_line(figures: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return an intent's row: its questions, how many were found, how many of those judged so are."""
    found = percent(figures["right"] / figures["rows"] if figures["rows"] else None)
    precise = percent(figures["right"] / figures["judged"] if figures["judged"] else None)
    return figures["intent"], f"{figures['rows']:,}", found, precise


def day_line(day: StudentDay) -> tuple[date, str, str, str]:
    """Return a day's row."""
    agreed = percent(day.agreed / day.seen if day.seen else None)
    return day.day, f"{day.seen:,}", agreed, percent(day.sure_agreed / day.sure if day.sure else None)


def judgement_lines(student: TrainedStudent, question: str) -> list[tuple[str, str]]:
    """Return what a student makes of a question."""
    data = TrainedStudent.objects.filter(pk=student.pk).values_list("artefact", flat=True).first()
    try:
        read = student_of(bytes(data or b""), artefact_hash=student.artefact_hash)
    except ArtefactError:
        return [(_("Problem"), _("Its data was cleared away or is damaged."))]
    mine = read.judge(question, embeddings(read, [question])[0])
    return [
        (_("Intent"), mine.intent),
        (_("Probability"), percent(mine.probability)),
        (_("Sure"), yes_or_no(is_so=not mine.is_unsure)),
        (_("Action required"), yes_or_no(is_so=mine.action_required)),
        (_("Hand to a person"), yes_or_no(is_so=mine.escalate)),
    ]


def yes_or_no(*, is_so: bool) -> str:
    """Return yes or no in words."""
    return _("yes") if is_so else _("no")


def export_page() -> dict[str, Sequence[dict[str, Any]]]:
    """Return the providers whose answers an export may hold, and those on whose terms somebody has to decide."""
    terms = terms_by_provider(allowed=())
    rows = [
        {"name": name, "is_free": found.training == TRAINING, "words": found.words, "url": found.url}
        for name, found in sorted(terms.items())
    ]
    return {"providers": rows}
