"""Putting students to work and sending them home. Each change is written down with who and why."""

import logging
from collections.abc import Sequence
from typing import Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.answers.student.examining import Fault
from conversations.answers.student.models import StudentPolicy, StudentState, TrainedStudent
from conversations.answers.student.shelf import SHELF
from conversations.models import Message
from conversations.playbook.audit import record
from conversations.playbook.models import Verb

logger = logging.getLogger(__name__)

WATCHED: Final = ("stopped_at", "drift", "watched_message_id")
USABLE: Final = (StudentState.READY, StudentState.REFUSED, StudentState.RETIRED)


class NotUsableError(ValueError):
    """This student can't be put to work."""


@transaction.atomic
def promote(student_id: int, *, by: AbstractBaseUser | None, reason: str = "") -> None:
    """Put a student to work in place of the one that is. Raises NotUsableError.

    One that wasn't found good enough needs a reason.
    """
    live = TrainedStudent.objects.live().select_for_update().first()
    student = TrainedStudent.objects.without_artefact().select_for_update().get(pk=student_id)
    if student.state not in USABLE or not student.artefact_hash or not has_artefact(student):
        raise NotUsableError(_("This student can't be put to work: it isn't trained, or its data was cleared away."))
    if student.state == StudentState.REFUSED and not reason:
        raise NotUsableError(_("It wasn't found good enough. To put it to work all the same, say why."))
    if live:
        send_home(live)
    verb = Verb.OVERRIDE if student.state == StudentState.REFUSED else Verb.PUBLISH
    student.state, student.live_from, student.live_until = StudentState.LIVE, timezone.now(), None
    start_watching(student)
    student.save(update_fields=["state", "live_from", "live_until", *WATCHED])
    changes = {"live": (str(live.pk) if live else None, str(student.pk))}
    record(by, verb, student, changes=changes, reason=reason)
    transaction.on_commit(SHELF.forget)
    logger.info("student %d is at work", student.pk)


def start_watching(student: TrainedStudent) -> None:
    """Count from now on; what was seen of it before counts no more."""
    student.days.all().delete()
    student.stopped_at, student.drift = None, {}
    student.watched_message_id = Message.objects.aggregate(newest=Max("pk"))["newest"] or 0


def has_artefact(student: TrainedStudent) -> bool:
    """Whether its bytes are still there."""
    return TrainedStudent.objects.filter(pk=student.pk, artefact__isnull=False).exists()


def send_home(live: TrainedStudent) -> None:
    """End a student's work. Its row and its bytes stay, so that it can come back."""
    live.state, live.live_until = StudentState.RETIRED, timezone.now()
    live.save(update_fields=["state", "live_until"])


@transaction.atomic
def retire(student_id: int, *, by: AbstractBaseUser | None, reason: str) -> None:
    """Work without a student. Raises NotUsableError where this one isn't at work."""
    live = TrainedStudent.objects.live().select_for_update().filter(pk=student_id).first()
    if live is None:
        raise NotUsableError(_("This student isn't at work."))
    send_home(live)
    record(by, Verb.ROLLBACK, live, changes={"live": (str(live.pk), None)}, reason=reason)
    transaction.on_commit(SHELF.forget)


@transaction.atomic
def resume(student_id: int, *, by: AbstractBaseUser | None, reason: str) -> None:
    """Let a student that drifted, and so was stopped, work again; what was counted so far counts no more."""
    live = TrainedStudent.objects.live().select_for_update().filter(pk=student_id, stopped_at__isnull=False).first()
    if live is None:
        raise NotUsableError(_("This student wasn't stopped."))
    start_watching(live)
    live.save(update_fields=WATCHED)
    record(by, Verb.APPROVE, live, reason=reason)
    transaction.on_commit(SHELF.forget)


def sentence_of(fault: str) -> str:
    """Return in words what keeps a student from going live."""
    sentences = {
        Fault.TOO_FEW: _("Too few questions were held back to examine it on."),
        Fault.NO_BETTER_THAN_GUESSING: _("It is hardly better than always guessing the most frequent intent."),
        Fault.LESS_ACCURATE: _("It is right less often than the one at work."),
        Fault.NOT_PRECISE: _("What it is sure of is wrong more often than wanted."),
        Fault.LESS_PRECISE: _("What it is sure of is wrong more often than wanted, and than with the one at work."),
        Fault.SURE_OF_LESS: _("It is sure of fewer questions than the one at work."),
        Fault.MISSES_FLAGS: _("It misses more questions that need an action or a person than the one at work."),
    }
    return sentences.get(Fault(fault), "") if fault in set(Fault) else ""


def sentences_of(faults: Sequence[str]) -> list[str]:
    """Return in words what keeps a student from going live."""
    return [sentence_of(fault) for fault in faults]


@transaction.atomic
def let_steer(*, is_steering: bool, by: AbstractBaseUser | None) -> None:
    """Let the student at work choose models and profiles for simple questions, or no more."""
    policy, _is_new = StudentPolicy.objects.select_for_update().get_or_create(pk=1)
    if policy.is_steering == is_steering:
        return
    policy.is_steering = is_steering
    policy.save(update_fields=["is_steering"])
    record(by, Verb.CHANGE, policy, changes={"is_steering": (not is_steering, is_steering)})
    transaction.on_commit(SHELF.forget)
