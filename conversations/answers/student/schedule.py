"""When students are trained: after somebody asked, when the one at work agrees less than it did, or when
the operator has chosen another encoder than it was taught with.

The training itself is another process: it takes minutes of a processor, and gives its memory back when it ends.
"""

import logging
import os
import subprocess
import sys
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from conversations.answers.student.models import Problem, StudentState, TrainedStudent
from conversations.answers.student.sensing import teaching_encoder

logger = logging.getLogger(__name__)

LOST_AFTER: Final = timedelta(hours=3)
AGAIN_AFTER: Final = timedelta(days=1)
QUIETLY: Final = ("nice", "-n", "19") if os.name == "posix" else ()
ONE_PROCESSOR: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

_processes: list[subprocess.Popen[bytes]] = []


def train_wanted() -> None:
    """Start the training that was asked for first, unless one is under way."""
    _processes[:] = [process for process in _processes if process.poll() is None]
    want_when_due()
    give_up_lost()
    if TrainedStudent.objects.in_training().exists() or _processes:
        return
    if wanted := TrainedStudent.objects.next_wanted():
        start_training(wanted.pk)


def start_training(number: int) -> None:
    """Train a student in a process of its own, which asks for little of the machine."""
    command = (*QUIETLY, sys.executable, str(settings.BASE_DIR / "manage.py"), "distill", "--student", str(number))
    logger.info("training student %d", number)
    _processes.append(subprocess.Popen(command, env=os.environ | ONE_PROCESSOR, stdin=subprocess.DEVNULL))  # noqa: S603 - our own words


def want(*, by_id: int | None = None, precision: float | None = None) -> TrainedStudent | None:
    """Ask for a training; None where one is waited for already."""
    if TrainedStudent.objects.filter(state__in=[StudentState.WANTED, StudentState.TRAINING]).exists():
        return None
    chosen = {} if precision is None else {"precision": precision}
    return TrainedStudent.objects.create(wanted_by_id=by_id, **chosen)


def want_when_due() -> None:
    """Ask for a new student when the one at work drifted or can't read today's vectors, at most once a day."""
    live = TrainedStudent.objects.live().first()
    lately = TrainedStudent.objects.filter(wanted_at__gt=timezone.now() - AGAIN_AFTER)
    if live is not None and not lately.exists() and (live.drift or has_new_encoder()):
        want(precision=live.precision)


def has_new_encoder() -> bool:
    """Whether the operator's encoder is one that the newest student wasn't taught with, whatever became of that one."""
    newest = TrainedStudent.objects.without_artefact().filter(trained_at__isnull=False).order_by("-pk").first()
    encoder = teaching_encoder()
    return encoder is not None and newest is not None and newest.report.get("encoder") != encoder.name


def give_up_lost() -> None:
    """Call trainings failed that began hours ago: their process was killed."""
    lost = TrainedStudent.objects.in_training().filter(begun_at__lt=timezone.now() - LOST_AFTER)
    lost.update(state=StudentState.FAILED, problem=Problem.LOST, trained_at=timezone.now())
