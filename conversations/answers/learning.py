"""What is learnt from one observation: a label for what was known, another way to ask, or a new answer in shadow.

Nothing that a customer's question brought is served before staff approved it or several customers' independent answers
confirmed it, and then only to the very same question; see docs/known-answers.md, "Poisoning".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from conversations.answers.board import SHELF, Board, touch
from conversations.answers.bound import Label
from conversations.answers.counting import count_day
from conversations.answers.judging import differs_in_substance, judge_words
from conversations.answers.knowledge import knowledge_of, reusable_intents, words_of
from conversations.answers.ladder import Why
from conversations.answers.limit import is_broken
from conversations.answers.models import (
    OPEN_STATES,
    AnswerPolicy,
    AnswerState,
    Judge,
    KnownAnswer,
    KnownLabel,
    KnownQuestion,
    Step,
)
from conversations.answers.normal import answer_key, question_key
from conversations.answers.observing import Observation
from conversations.answers.selfcontained import ADDRESS, LONG_NUMBER
from conversations.playbook.content import Playbook
from conversations.text.masking import PersonalData, find_personal_data

COMPARED: Final = {Why.EXPLORED, Why.ABOVE_LIMIT, Why.IN_DOUBT}
MAX_CURVE_LABELS: Final = 200
URL: Final = re.compile(r"(?:https?://|www\.)\S+|\b[a-zA-Z0-9-]+\.[a-zA-Z]{2,}(?:/\S*)?")
DIGITS: Final = re.compile(r"\D")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Something known that an observation must be compared with."""

    answer: KnownAnswer
    question: KnownQuestion | None
    step: Step
    score: float = 1.0
    risk: float = 0.0
    features: tuple[float, ...] = ()
    was_served: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a comparison ended."""

    is_right: bool
    judge: Judge


def comparison_for(seen: Observation) -> Comparison | None:
    """Return what is known that this observation says something about, the very same question first."""
    question = (
        KnownQuestion.objects.filter(**seen.scope._asdict(), key=question_key(seen.question))
        .select_related("answer")
        .first()
    )
    if question is not None:
        if question.answer.state not in OPEN_STATES:
            return None
        told = seen.known.get(Step.EXACT, {})
        if told.get("why") == Why.IN_DOUBT and (similar := _similar_comparison(seen)) is not None:
            return similar
        return Comparison(question.answer, question, Step.EXACT, was_served=told.get("why") == Why.EXPLORED)
    return _similar_comparison(seen)


def _similar_comparison(seen: Observation) -> Comparison | None:
    # What would have been served counts for the promise: a near one above the limit must not hide it.
    steps = sorted((Step.NEAR, Step.FIXED), key=lambda each: seen.known.get(each, {}).get("why") != Why.EXPLORED)
    for step in steps:
        told: Mapping[str, Any] = seen.known.get(step, {})
        if told.get("why") not in COMPARED or "answer" not in told:
            continue
        answer = KnownAnswer.objects.filter(pk=told["answer"], state__in=OPEN_STATES).first()
        if answer is not None:
            return Comparison(
                answer,
                None,
                step,
                score=float(told.get("score", 0)),
                risk=float(told.get("risk", 1)),
                features=tuple(told.get("features", ())),
                was_served=told["why"] == Why.EXPLORED,
            )
    return None


def quick_verdict(seen: Observation, answer: KnownAnswer) -> Verdict | None:
    """Return the verdict that needs no model; None where only one can tell."""
    if judge_words(answer.text, seen.said) and not seen.has_flags:
        return Verdict(is_right=True, judge=Judge.WORDS)
    if seen.has_flags or seen.intent != answer.intent or differs_in_substance(answer.text, seen.said):
        return Verdict(is_right=False, judge=Judge.ENVELOPE)
    return None


@transaction.atomic
def learn_comparison(seen: Observation, compared: Comparison, verdict: Verdict, *, board: Board) -> None:
    """Keep the label, and do what follows from it."""
    answer = KnownAnswer.objects.select_for_update().get(pk=compared.answer.pk)
    question = compared.question
    if question is None and verdict.is_right and compared.step is Step.NEAR:
        question = add_way_to_ask(answer, seen, board=board)
    _label, is_new = KnownLabel.objects.get_or_create(
        run_id=seen.run_id,
        answer=answer,
        defaults={
            "question": question,
            "customer_id": seen.customer_id,
            "step": compared.step,
            "score": compared.score,
            "risk": compared.risk,
            "features": list(compared.features),
            "is_right": verdict.is_right,
            "was_served": compared.was_served,
            "judge": verdict.judge,
        },
    )
    if is_new:
        _count(answer, verdict, compared)
        if question is not None:
            count_customers(question)
        follow_up(answer, board=board)
        if compared.was_served:
            count_day(seen.scope.site_id, checked=1)


def _count(answer: KnownAnswer, verdict: Verdict, compared: Comparison) -> None:
    field = "right" if verdict.is_right else "wrong"
    KnownAnswer.objects.filter(pk=answer.pk).update(**{field: F(field) + 1})
    answer.refresh_from_db(fields=["right", "wrong"])
    if compared.step is not Step.EXACT:
        answer.curve = curve_of(answer)
        answer.save(update_fields=["curve"])


def curve_of(answer: KnownAnswer) -> list[float]:
    """Return what an answer's own labels say of it, beginning from what all entries say."""
    rows = answer.labels.exclude(step=Step.EXACT).order_by("-pk").values_list("score", "is_right")[:MAX_CURVE_LABELS]
    curve = SHELF.current().prior.posterior([Label(score, is_right=right) for score, right in rows])
    return [curve.a, curve.b, curve.var_a, curve.cov_ab, curve.var_b]


def count_customers(question: KnownQuestion) -> None:
    """Count the different customers whose independent answers were right. One who asks a hundred times counts once."""
    right = question.labels.filter(is_right=True, customer__isnull=False)
    question.customers = right.aggregate(count=Count("customer", distinct=True))["count"]
    question.save(update_fields=["customers"])


def follow_up(answer: KnownAnswer, *, board: Board) -> None:
    """Confirm, doubt or give up an answer by its labels."""
    before = answer.state
    if answer.state == AnswerState.APPROVED and is_broken(answer.wrong, answer.right, tolerated=board.tolerated_share):
        answer.state, answer.why = AnswerState.STALE, "contested"
    elif answer.state == AnswerState.CONFIRMED and answer.wrong:
        answer.state, answer.why = AnswerState.SHADOW, "contested"
    elif answer.state == AnswerState.SHADOW:
        if answer.wrong > answer.right:
            answer.delete()
            return
        if not answer.wrong and answer.questions.filter(customers__gte=board.confirm_customers).exists():
            answer.state, answer.why = AnswerState.CONFIRMED, ""
    if answer.state != before:
        answer.save(update_fields=["state", "why"])
        touch()


def may_be_known(seen: Observation, playbook: Playbook) -> bool:
    """Whether an observation may become known at all."""
    return (
        not seen.has_flags
        and seen.version == playbook.version
        and seen.intent in reusable_intents(playbook)
        and not find_personal_data(seen.question)
        and not names_a_person(seen.said, playbook)
    )


def names_a_person(said: str, playbook: Playbook) -> bool:
    """Whether an answer holds numbers, links or addresses that the playbook doesn't: they are somebody's own."""
    shop = " ".join(words_of((fact.title, fact.text_th, fact.text_en)) for fact in playbook.facts)
    shop += playbook.instruction + " ".join(example.response for example in playbook.examples)
    digits = DIGITS.sub("", shop)
    if any(DIGITS.sub("", each.group()) not in digits for each in LONG_NUMBER.finditer(said)):
        return True
    if any(finding.kind is not PersonalData.PHONE for finding in find_personal_data(said)):
        return True
    return any(each.group() not in shop for pattern in (URL, ADDRESS) for each in pattern.finditer(said))


@transaction.atomic
def learn_new(seen: Observation, *, board: Board, playbook: Playbook) -> None:
    """Keep a question that nothing is known of: another way to ask for the same words, or a new answer in shadow."""
    if not may_be_known(seen, playbook) or is_over_cap(seen, board=board) or is_taken(seen):
        return
    same = KnownAnswer.objects.of_release(seen.version).filter(
        **seen.scope._asdict(), text_key=answer_key(seen.said), intent=seen.intent, state__in=OPEN_STATES
    )
    answer = same.order_by("-approved_at", "pk").first() or KnownAnswer.objects.create(
        **seen.scope._asdict(),
        intent=seen.intent,
        text=seen.said,
        text_key=answer_key(seen.said),
        playbook_version=playbook.version,
        knowledge=knowledge_of(playbook, intent=seen.intent, answer=seen.said),
        expires_at=timezone.now() + timedelta(days=board.lifetime_days),
    )
    question = add_way_to_ask(answer, seen, board=board)
    if question is None:
        return
    KnownLabel.objects.get_or_create(
        run_id=seen.run_id,
        answer=answer,
        defaults={
            "question": question,
            "customer_id": seen.customer_id,
            "step": Step.EXACT,
            "score": 1.0,
            "is_right": True,
            "judge": Judge.WORDS,
        },
    )
    count_customers(question)
    KnownAnswer.objects.filter(pk=answer.pk).update(right=F("right") + 1)


def is_taken(seen: Observation) -> bool:
    """Whether this question leads somewhere already: to what staff put away, nothing ever leads again by itself."""
    return KnownQuestion.objects.filter(**seen.scope._asdict(), key=question_key(seen.question)).exists()


def is_over_cap(seen: Observation, *, board: Board) -> bool:
    """Whether this visitor has brought as many new questions today as one may."""
    since = timezone.now() - timedelta(days=1)
    brought = KnownQuestion.objects.filter(first_customer_id=seen.customer_id, created_at__gt=since)
    return brought.count() >= board.visitor_cap


def add_way_to_ask(answer: KnownAnswer, seen: Observation, *, board: Board) -> KnownQuestion | None:
    """Let a question lead to an answer; None where it leads to another one, or its visitor brought too many."""
    if is_over_cap(seen, board=board):
        return None
    question, is_new = KnownQuestion.objects.get_or_create(
        **seen.scope._asdict(),
        key=question_key(seen.question),
        defaults={"answer": answer, "text": seen.question, "first_customer_id": seen.customer_id},
    )
    return question if is_new or question.answer_id == answer.pk else None


def watch_promise() -> bool:
    """Stop serving where what was checked shows more wrong answers than tolerated. True if it was stopped now."""
    policy = AnswerPolicy.objects.first()
    if policy is None or policy.stopped_at is not None:
        return False
    checked = KnownLabel.objects.filter(was_served=True, created_at__gt=policy.watched_since)
    counts = checked.aggregate(wrong=Count("pk", filter=Q(is_right=False)), right=Count("pk", filter=Q(is_right=True)))
    if not is_broken(counts["wrong"], counts["right"], tolerated=policy.tolerated_share):
        return False
    AnswerPolicy.objects.filter(stopped_at__isnull=True).update(stopped_at=timezone.now())
    touch()
    return True
