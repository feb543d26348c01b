"""What the scheduler does for known answers: carry them into a new release, let them expire, encode, and learn anew."""

import logging
from dataclasses import astuple
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Avg, Count, F, Q
from django.utils import timezone

from conversations.answers.board import policy_row, touch
from conversations.answers.bound import Repeats, shared_repeats
from conversations.answers.encoders import ENCODERS, EncoderAwayError
from conversations.answers.knowledge import knowledge_of, reusable_intents
from conversations.answers.limit import risk_limit
from conversations.answers.models import (
    OPEN_STATES,
    SERVED_STATES,
    AnswerPolicy,
    AnswerState,
    KnownAnswer,
    KnownLabel,
    Step,
)
from conversations.answers.score import features_from
from conversations.answers.vectors import embed
from conversations.answers.verified import MIN_LABELS, Compared, learn_from
from conversations.gateway.models import LLMCall, Purpose
from conversations.playbook.reading import current_playbook

logger = logging.getLogger(__name__)

BATCH: Final = 500
MAX_FIT_LABELS: Final = 20_000
LABEL_DAYS: Final = 180
COST_DAYS: Final = 1


def carry_into_release() -> None:
    """Look at answers of an older release: those that rest on the same go on being served, the others need a look."""
    playbook = current_playbook()
    reusable = reusable_intents(playbook)
    older = KnownAnswer.objects.filter(state__in=OPEN_STATES).exclude(playbook_version=playbook.version)
    older = older.exclude(state=AnswerState.STALE, why="release")
    changed = False
    for answer in older.order_by("pk")[:BATCH]:
        rests_on = knowledge_of(playbook, intent=answer.intent, answer=answer.text)
        if rests_on and rests_on == answer.knowledge and answer.intent in reusable:
            answer.playbook_version = playbook.version
        elif answer.state == AnswerState.SHADOW:
            # Nobody has seen it; what customers ask again is learnt again.
            answer.delete()
            continue
        else:
            answer.state, answer.why, answer.is_fixed_for_intent = AnswerState.STALE, "release", False
        answer.save(update_fields=["playbook_version", "state", "why", "is_fixed_for_intent"])
        changed = True
    if changed:
        touch()


def let_expire() -> None:
    """Take answers out of use whose time is up: staff look again, what nobody approved is forgotten."""
    due = KnownAnswer.objects.filter(expires_at__lt=timezone.now())
    due.filter(Q(state=AnswerState.SHADOW) | Q(state=AnswerState.CONFIRMED)).delete()
    if due.filter(state=AnswerState.APPROVED).update(state=AnswerState.STALE, why="expired", is_fixed_for_intent=False):
        touch()


def encode_questions() -> None:
    """Make the vectors that are missing, also all of them after the encoder was changed; the old serve until then."""
    if not KnownAnswer.objects.filter(state__in=SERVED_STATES).exists():
        return
    encoders = ENCODERS.in_use()
    try:
        while embed(encoders, is_chosen=ENCODERS.is_chosen(encoders[0])):
            continue
    except EncoderAwayError as error:
        logger.warning("questions were not encoded: %s", error)


def note_usual_costs() -> None:
    """Note what a reply by the model costs and takes, for what known answers save; empty where nothing was asked."""
    since = timezone.now() - timedelta(days=COST_DAYS)
    usual = LLMCall.objects.filter(purpose=Purpose.REPLY, started_at__gt=since, cost__isnull=False).aggregate(
        money=Avg("cost"), milliseconds=Avg("total_ms")
    )
    if usual["money"] is None:
        return
    policy = policy_row()
    told = {"money": str(round(usual["money"], 8)), "milliseconds": round(usual["milliseconds"])}
    if policy.knowledge | told != policy.knowledge:
        AnswerPolicy.objects.update(knowledge=policy.knowledge | told)
        touch()


def learn_bounds() -> None:
    """Learn from all labels what scores are worth: the score's weights, the curve that entries share, the limit."""
    policy = policy_row()
    since = timezone.now() - timedelta(days=LABEL_DAYS)
    # Near and fixed alike: one limit holds for both.
    rows = list(
        KnownLabel.objects.filter(step__in=(Step.NEAR, Step.FIXED), created_at__gt=since)
        .exclude(features=[])
        .order_by("-pk")
        .values_list("answer_id", "features", "is_right")[:MAX_FIT_LABELS]
    )
    repeated = repeated_answers(since)
    if len(rows) < MIN_LABELS:
        note_repeats(policy, shared_repeats(repeated))
        return
    compared = [Compared(answer_id, features_from(told), is_right) for answer_id, told, is_right in rows]
    learnt = learn_from(compared, repeated=repeated)
    for answer_id, curve in learnt.curves.items():
        KnownAnswer.objects.filter(pk=answer_id).update(curve=list(astuple(curve)))
    AnswerPolicy.objects.update(
        knowledge=policy.knowledge
        | {
            "weights": list(learnt.weights),
            "prior": list(astuple(learnt.prior)),
            "repeats": list(astuple(learnt.repeats)),
            "labels": len(rows),
        },
        risk_limit=risk_limit(learnt.judged, tolerated=policy.tolerated_share),
    )
    touch()


def note_repeats(policy: AnswerPolicy, repeats: Repeats) -> None:
    """Note what became of asking the very same question again, where too little is known to serve similar ones."""
    told = {"repeats": list(astuple(repeats))}
    if policy.knowledge | told != policy.knowledge:
        AnswerPolicy.objects.update(knowledge=policy.knowledge | told)
        touch()


def repeated_answers(since: datetime) -> list[tuple[int, int]]:
    """Return of each answer how often others who asked the very same question got it, and got another one.

    Whoever brought the question says nothing of it: that answer is where it began.
    """
    exact = KnownLabel.objects.filter(step=Step.EXACT, created_at__gt=since).exclude(
        customer__isnull=False, customer=F("question__first_customer")
    )
    right, wrong = Count("pk", filter=Q(is_right=True)), Count("pk", filter=Q(is_right=False))
    counted = exact.values("answer_id").annotate(right_count=right, wrong_count=wrong)
    return list(counted.values_list("right_count", "wrong_count"))
