"""Who works at a run: a worker holds it by a lease that it renews. What a dead worker leaves is taken up where it was.

One run is under way at a time: evaluation is patient, and customers' calls come first.
"""

from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from conversations.playbook.models import EvaluationResult, EvaluationRun, RunState

LEASE_SECONDS: Final = 30.0
# Any number that nothing else in this database uses as an advisory lock of a transaction.
CLAIM_LOCK: Final = 7_203_511_848


def waiting_run() -> int | None:
    """Return the run that somebody should take up now; None where none waits, or one is under way."""
    if EvaluationRun.objects.filter(state=RunState.RUNNING, lease_until__gt=timezone.now()).exists():
        return None
    return EvaluationRun.objects.open().order_by("pk").values_list("pk", flat=True).first()


@transaction.atomic
def claim(run_id: int, *, worker: str) -> bool:
    """Take a run, if nobody is at it or at another one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])
    now = timezone.now()
    if EvaluationRun.objects.filter(state=RunState.RUNNING, lease_until__gt=now).exists():
        return False
    taken = EvaluationRun.objects.open().filter(pk=run_id)
    taken.filter(started_at=None).update(started_at=now)
    return bool(taken.update(state=RunState.RUNNING, worker=worker, lease_until=now + timedelta(seconds=LEASE_SECONDS)))


def renew(run_id: int, *, worker: str) -> bool:
    """Hold on to a run and say how far it is. False if it was stopped, or somebody else has it."""
    ours = EvaluationRun.objects.filter(pk=run_id, worker=worker, state=RunState.RUNNING)
    until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    return bool(ours.update(lease_until=until, done=answers_of(run_id)))


def let_go(run_id: int, *, worker: str) -> None:
    """Give a run back, for others to take up at once."""
    ours = EvaluationRun.objects.filter(pk=run_id, worker=worker, state=RunState.RUNNING)
    ours.update(lease_until=None, done=answers_of(run_id))


def cancel(run_id: int) -> bool:
    """Stop a run; whoever is at it notices with the next renewal. False if it is over already."""
    return bool(
        EvaluationRun.objects.open().filter(pk=run_id).update(state=RunState.CANCELLED, ended_at=timezone.now())
    )


def give_up(run_id: int, *, worker: str, problem: str) -> None:
    """End a run that can't go on."""
    ours = EvaluationRun.objects.filter(pk=run_id, worker=worker, state=RunState.RUNNING)
    ours.update(state=RunState.FAILED, problem=problem, ended_at=timezone.now(), done=answers_of(run_id))


def answers_of(run_id: int) -> int:
    """Return how many answers a run got so far."""
    return EvaluationResult.objects.filter(item__run_id=run_id).count()
