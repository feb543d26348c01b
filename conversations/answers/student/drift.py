"""Watching the student at work: does it still agree with the labels that models give to the same questions?

Every fresh label is compared once. Where it agrees less often than it did on the rows held back at its training, beyond
chance, staff are told; where what it is *sure* of is wrong more often than was wanted, beyond chance, it is stopped,
and everything that rests on it passes through to the model.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from conversations.answers.student.examining import is_below
from conversations.answers.student.labels import turns_after
from conversations.answers.student.models import StudentDay, TrainedStudent
from conversations.answers.student.reading import Embedding, Student
from conversations.answers.student.rows import Labelled
from conversations.answers.student.sensing import embeddings
from conversations.answers.student.shelf import SHELF, current_student

logger = logging.getLogger(__name__)

BATCH: Final = 500
SPAN: Final = timedelta(days=14)
MIN_SEEN: Final = 50
CHANCE: Final = 0.001
"""How unlikely what was seen must be by chance alone. It is looked at often, so this has to be small."""
LOWER: Final = 0.03
"""Fresh questions are never quite like those held back; so much less agreement is no news."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How often the student agreed with fresh labels."""

    seen: int = 0
    agreed: int = 0
    sure: int = 0
    sure_agreed: int = 0


def watch_student() -> None:
    """Compare the student at work with the labels that came since the last time, and judge."""
    live = TrainedStudent.objects.live().filter(stopped_at=None).first()
    student = current_student()
    if live is None or student is None or SHELF.number() != live.pk:
        return
    page = turns_after(live.watched_message_id, limit=BATCH)
    if page.last_message_id:
        embedded = embeddings(student, [row.text for row in page.rows])
        note(live, compared(student, page.rows, embedded), until=page.last_message_id)
        judge_drift(live)


def compared(student: Student, rows: Sequence[Labelled], embedded: Sequence[Embedding | None]) -> Seen:
    """Return how often the student agrees with these labels. One of an intent that it wasn't taught counts as well."""
    pairs = [(student.judge(row.text, embedding), row) for row, embedding in zip(rows, embedded, strict=True)]
    agreed = [mine.intent == row.intent for mine, row in pairs]
    sure = [not mine.is_unsure for mine, _row in pairs]
    return Seen(len(pairs), sum(agreed), sum(sure), sum(each and how for each, how in zip(agreed, sure, strict=True)))


@transaction.atomic
def note(live: TrainedStudent, seen: Seen, *, until: int) -> None:
    """Add to today's counts, unless somebody else has counted the same labels."""
    ours = TrainedStudent.objects.filter(pk=live.pk, watched_message_id=live.watched_message_id)
    if not ours.update(watched_message_id=until):
        return
    live.watched_message_id = until
    day, _is_new = StudentDay.objects.get_or_create(student=live, day=timezone.localdate())
    StudentDay.objects.filter(pk=day.pk).update(
        seen=F("seen") + seen.seen,
        agreed=F("agreed") + seen.agreed,
        sure=F("sure") + seen.sure,
        sure_agreed=F("sure_agreed") + seen.sure_agreed,
    )


def seen_lately(live: TrainedStudent) -> Seen:
    """Return the counts of the last two weeks."""
    days = live.days.filter(day__gte=timezone.localdate() - SPAN)
    sums = days.aggregate(**{name: Sum(name, default=0) for name in Seen.__dataclass_fields__})
    return Seen(**sums)


def judge_drift(live: TrainedStudent) -> None:
    """Tell staff of a student that agrees less than it did; stop one whose certainty can't be trusted."""
    lately = seen_lately(live)
    drift = drift_of(lately, report=live.report, precision=live.precision)
    if drift == live.drift:
        return
    live.drift = drift
    if drift.get("is_unsafe"):
        live.stopped_at = timezone.now()
        logger.error(
            "student %d was stopped: of %d sure judgements %d agreed", live.pk, lately.sure, lately.sure_agreed
        )
    live.save(update_fields=["drift", "stopped_at"])
    SHELF.forget()


def drift_of(lately: Seen, *, report: dict[str, Any], precision: float) -> dict[str, Any]:
    """Return what drifted, as JSON values; nothing where all is well or too little was seen."""
    # Vectors may have been away for some of these questions, so what it can do without them is all that is expected.
    shares = (report, report.get("without_vectors", report))
    expected = max(min(each.get("accuracy", 0.0) for each in shares) - LOWER, 0.0)
    is_lower = is_drift(lately.agreed, of=lately.seen, share=expected)
    is_unsafe = is_drift(lately.sure_agreed, of=lately.sure, share=max(precision - LOWER, 0.0))
    return {"is_lower": is_lower, "is_unsafe": is_unsafe} if is_lower or is_unsafe else {}


def is_drift(successes: int, *, of: int, share: float) -> bool:
    """Whether so few successes are too few to be chance, if each has this share's chance."""
    return of >= MIN_SEEN and is_below(successes, of=of, share=share, chance=CHANCE)
