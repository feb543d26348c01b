"""What the scheduler does for known answers: carry them into a new release, let them expire, encode, and learn anew."""

import logging
from datetime import timedelta
from typing import Final

from django.db.models import Avg, Q
from django.utils import timezone

from conversations.answers.board import policy_row, touch
from conversations.answers.bound import Label, shared_prior
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
from conversations.answers.score import features_from, fit_weights, score_of
from conversations.answers.vectors import embed
from conversations.gateway.models import LLMCall, Purpose
from conversations.playbook.reading import current_playbook

logger = logging.getLogger(__name__)

BATCH: Final = 500
MIN_FIT_LABELS: Final = 200
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
    rows = list(
        KnownLabel.objects.filter(step=Step.NEAR, created_at__gt=since)
        .order_by("-pk")
        .values_list("answer_id", "features", "is_right")[:MAX_FIT_LABELS]
    )
    if len(rows) < MIN_FIT_LABELS:
        return
    features = [features_from(row[1]) for row in rows]
    weights = fit_weights(features, [row[2] for row in rows])
    labels: dict[int, list[Label]] = {}
    for (answer_id, _told, is_right), seen in zip(rows, features, strict=True):
        labels.setdefault(answer_id, []).append(Label(score_of(seen, weights), is_right=is_right))
    prior = shared_prior(list(labels.values())).curve
    # Each label judged by its entry's other labels only: what it says must not have been learnt from itself.
    judged = [
        (prior.posterior([*mine[:index], *mine[index + 1 :]]).risk(label.score), label.is_right)
        for mine in labels.values()
        for index, label in enumerate(mine)
    ]
    for answer_id, mine in labels.items():
        curve = prior.posterior(mine)
        KnownAnswer.objects.filter(pk=answer_id).update(
            curve=[curve.a, curve.b, curve.var_a, curve.cov_ab, curve.var_b]
        )
    AnswerPolicy.objects.update(
        knowledge=policy.knowledge
        | {
            "weights": list(weights),
            "prior": [prior.a, prior.b, prior.var_a, prior.cov_ab, prior.var_b],
            "labels": len(rows),
        },
        risk_limit=risk_limit(judged, tolerated=policy.tolerated_share),
    )
    touch()
