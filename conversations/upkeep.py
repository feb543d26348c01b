"""What the scheduler does again and again, so that nothing stays lying: each job may run at any time, twice, anywhere.

PostgreSQL is asked, never Redis: a queue that was emptied or a worker that was killed leaves no trace there, only an
unanswered row here.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from conversations.actions.overload import ask_to_wait
from conversations.actions.ownership import escalate
from conversations.actions.runs import claim_overdue, drop_run
from conversations.answers.student.drift import watch_student
from conversations.answers.student.schedule import train_wanted
from conversations.answers.upkeep import (
    carry_into_release,
    encode_questions,
    learn_bounds,
    let_expire,
    note_usual_costs,
)
from conversations.gateway.models import Decision, DecisionKind, Rollout, RolloutState
from conversations.gateway.rollout import watch_rollouts
from conversations.gateway.rollup import delete_old_calls, sum_up_hours
from conversations.models import Conversation, Reason, Run, WidgetSession
from conversations.playbook.audit import record
from conversations.playbook.evaluation.claiming import waiting_run
from conversations.playbook.exchange_upkeep import forget_old_uploads
from conversations.playbook.models import Publication, Verb
from conversations.playbook.releases import RefusedError, publish
from conversations.queue import ask_for_evaluation, ask_for_reply, queue_is_empty

logger = logging.getLogger(__name__)

BATCH: Final = 500
NOTICE_AFTER_SECONDS: Final = 3
# An empty queue has forgotten what is overdue; in a long one it may still wait for its turn.
FORGOTTEN_AFTER_SECONDS: Final = 4
STUCK_AFTER_SECONDS: Final = 30
MAX_LOST_RUNS: Final = 6
LOST: Final = "lost"


def take_back_lost_runs() -> None:
    """Throw away runs whose process is gone, and ask for their replies again; in the end a person answers."""
    for run in Run.objects.expired(now=timezone.now())[:BATCH]:
        if not drop_run(run.pk, outcome=LOST):
            continue
        logger.warning("run %d was lost with its worker %s", run.pk, run.worker)
        if Run.objects.times_lost(run, outcome=LOST) >= MAX_LOST_RUNS:
            escalate(run.conversation_id, reason=Reason.FAILED)
        else:
            ask_for_reply(run.conversation_id)


def ask_again_for_overdue_replies() -> None:
    """Queue conversations again that nobody is answering though a reply was asked for some time ago."""
    seconds = FORGOTTEN_AFTER_SECONDS if queue_is_empty() else STUCK_AFTER_SECONDS
    before = timezone.now() - timedelta(seconds=seconds)
    for conversation in Conversation.objects.overdue(before=before)[:BATCH]:
        if claim_overdue(conversation):
            ask_for_reply(conversation.pk)


def tell_who_waits() -> None:
    """Tell customers honestly that the answer takes longer; bring in a person for those who waited too long."""
    before = timezone.now() - timedelta(seconds=NOTICE_AFTER_SECONDS)
    give_up_before = timezone.now() - timedelta(seconds=settings.CSBOT_GIVE_UP_SECONDS)
    patient: dict[int, int] = {}
    for conversation in Conversation.objects.overdue(before=before)[:BATCH]:
        waiting_since = conversation.waiting_since()
        if waiting_since is not None and waiting_since < give_up_before:
            escalate(conversation.pk, reason=Reason.OVERLOAD)
        else:
            patient[conversation.pk] = conversation.customer_seq
    ask_to_wait(patient)


def take_up_evaluations() -> None:
    """Ask a worker for the evaluation that waits: it is new, or its worker is gone."""
    if waiting_run() is not None:
        ask_for_evaluation()


def forget_expired_sessions() -> None:
    """Delete widget sessions that nobody can use any more."""
    WidgetSession.objects.filter(expires_at__lt=timezone.now() - timedelta(days=1)).delete()


@transaction.atomic
def watch_live_rollout() -> None:
    """Let the guard judge the live rollout; what it decides goes into the audit log, as what people decide does."""
    last = Decision.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    watch_rollouts()
    decided = Decision.objects.filter(pk__gt=last, by_name="").exclude(kind=DecisionKind.LOOKED)
    for decision in decided.select_related("rollout"):
        changes = {"ratio": (decision.ratio_before, decision.ratio_after), "state": (None, decision.rollout.state)}
        record(None, Verb.CHANGE, decision.rollout, changes=changes, reason=decision.get_reason_display())


def publish_promoted_release() -> None:
    """Publish the release that the last promoted rollout tried, unless somebody published since that rollout began."""
    tried = Rollout.objects.filter(state=RolloutState.PROMOTED, release__isnull=False)
    rollout = tried.select_related("release").order_by("-ended_at").first()
    if rollout is None or rollout.release is None or rollout.release.is_live:
        return
    if Publication.objects.filter(at__gte=rollout.started_at).exists():
        return
    decision = rollout.decisions.filter(kind=DecisionKind.PROMOTED).first()
    try:
        publish(rollout.release, by=decision.by if decision else None, reason=f"promoted: {rollout.name}")
    except RefusedError as error:
        logger.warning("release %d is not published: %s", rollout.release.number, error)


@dataclass(frozen=True)
class Job:
    """Something to do every so often; `lock` is its number among PostgreSQL's advisory locks."""

    work: Callable[[], None]
    every_seconds: float
    lock: int


JOBS: Final = (
    Job(take_back_lost_runs, every_seconds=1.0, lock=71001),
    Job(tell_who_waits, every_seconds=1.0, lock=71002),
    Job(ask_again_for_overdue_replies, every_seconds=2.0, lock=71003),
    Job(forget_expired_sessions, every_seconds=3600.0, lock=71004),
    Job(forget_old_uploads, every_seconds=3600.0, lock=71040),
    Job(sum_up_hours, every_seconds=60.0, lock=71005),
    Job(delete_old_calls, every_seconds=3600.0, lock=71006),
    Job(watch_live_rollout, every_seconds=20.0, lock=71007),
    Job(publish_promoted_release, every_seconds=3.0, lock=71020),
    Job(take_up_evaluations, every_seconds=2.0, lock=71008),
    Job(carry_into_release, every_seconds=3.0, lock=71010),
    Job(let_expire, every_seconds=600.0, lock=71011),
    Job(encode_questions, every_seconds=5.0, lock=71012),
    Job(learn_bounds, every_seconds=600.0, lock=71013),
    Job(note_usual_costs, every_seconds=600.0, lock=71014),
    Job(watch_student, every_seconds=30.0, lock=71030),
    Job(train_wanted, every_seconds=5.0, lock=71031),
)


def run_alone(job: Job) -> bool:
    """Run a job unless another scheduler is at it right now. False if so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [job.lock])
        if not cursor.fetchone()[0]:
            return False
        try:
            job.work()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [job.lock])
    return True
