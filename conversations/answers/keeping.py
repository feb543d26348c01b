"""What staff do with known answers: add, approve, edit, retire, ban. Written down, and true from the next reply on."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from conversations.answers.board import Scope, policy_row, touch
from conversations.answers.coverage import unvouched
from conversations.answers.knowledge import knowledge_of, reusable_intents
from conversations.answers.models import AnswerState, KnownAnswer, KnownQuestion
from conversations.answers.normal import answer_key, question_key
from conversations.answers.selfcontained import Unfit, unfit
from conversations.playbook.audit import Actor, record
from conversations.playbook.content import Playbook
from conversations.playbook.models import Verb
from conversations.playbook.reading import current_playbook
from conversations.text.masking import find_personal_data


class NotKnowableError(ValueError):
    """A question or an answer that must not be known; the reason is its only argument."""


@transaction.atomic
def add_answer(scope: Scope, *, intent: str, question: str, text: str, by: Actor) -> KnownAnswer:
    """Add a staff-approved answer to a question. Raises NotKnowableError."""
    playbook = current_playbook()
    check_intent(playbook, intent)
    answer = KnownAnswer.objects.create(
        **scope._asdict(), intent=intent, text=text, text_key=answer_key(text), expires_at=expiry()
    )
    add_question(answer, question)
    return approve(answer, by=by)


def check_intent(playbook: Playbook, intent: str) -> None:
    """Raise NotKnowableError unless this intent's answers may be used again."""
    if intent not in reusable_intents(playbook):
        raise NotKnowableError("intent")


def add_question(answer: KnownAnswer, text: str) -> KnownQuestion:
    """Let a question lead to this answer from now on; one that led to another answer in the scope leads here instead.

    Raises NotKnowableError.
    """
    check_question(text)
    question, _ = KnownQuestion.objects.update_or_create(
        site_id=answer.site_id,
        locale=answer.locale,
        segment=answer.segment,
        key=question_key(text),
        defaults={"answer": answer, "text": text.strip(), "is_by_staff": True, "first_customer": None},
    )
    touch()
    return question


def check_question(text: str) -> None:
    """Raise NotKnowableError for what doesn't mean the same whoever asks."""
    problem: Unfit | None = unfit(text.strip())
    if problem is not None:
        raise NotKnowableError(problem.value)
    if find_personal_data(text):
        raise NotKnowableError(Unfit.PERSONAL.value)


def approve(answer: KnownAnswer, *, by: Actor, seen: int = 0) -> KnownAnswer:
    """Let an answer be served, in the release that is live; what was counted for an earlier text starts anew.

    `seen`: how many of its oldest questions staff saw beside it. Those need no customers to confirm them; others do.
    """
    playbook = current_playbook()
    check_intent(playbook, answer.intent)
    answer.state, answer.why = AnswerState.APPROVED, ""
    answer.approved_by_id = by.pk if by else None
    answer.approved_at = timezone.now()
    answer.expires_at = expiry()
    answer.right = answer.wrong = 0
    answer.curve = None
    pin(answer, playbook)
    answer.save()
    vouched = list(answer.questions.order_by("pk").values_list("pk", flat=True)[:seen])
    answer.questions.filter(pk__in=vouched).update(is_by_staff=True)
    record(by, Verb.APPROVE, answer)
    touch()
    return answer


def vouch(answer: KnownAnswer, *, until: int, seen: int, by: Actor) -> None:
    """Let an approved answer be served to new ways to ask for it, too: those that staff saw, up to the id `until`.

    They are the oldest `seen` that nobody vouched for yet. What its labels say of the answer stays.
    """
    new = unvouched(answer.pk, customers=policy_row().confirm_customers).filter(pk__lte=until).order_by("pk")
    vouched = KnownQuestion.objects.filter(pk__in=list(new.values_list("pk", flat=True)[:seen]))
    if vouched.update(is_by_staff=True):
        record(by, Verb.APPROVE, answer)
        touch()


def edit(answer: KnownAnswer, *, text: str, by: Actor, seen: int = 0) -> KnownAnswer:
    """Change what is answered; the edit is the answer from now on. `seen` as for `approve`."""
    before = answer.text
    answer.text, answer.text_key = text, answer_key(text)
    record(by, Verb.CHANGE, answer, changes={"text": (before, text)})
    return approve(answer, by=by, seen=seen)


def put_away(answer: KnownAnswer, state: AnswerState, *, by: Actor, why: str = "") -> None:
    """Serve an answer no more: RETIRED, or BANNED so that it never comes back by itself."""
    before = answer.state
    answer.state, answer.why = state, why
    answer.is_fixed_for_intent = False
    answer.save(update_fields=["state", "why", "is_fixed_for_intent"])
    record(by, Verb.CHANGE, answer, changes={"state": (before, state)}, reason=why)
    touch()


def take_out(question: KnownQuestion, *, by: Actor) -> None:
    """Let a question lead to its answer no more; the model answers it, and may teach another answer."""
    record(by, Verb.CHANGE, question.answer, changes={"question": (question.text, "")})
    question.delete()
    touch()


def pin(answer: KnownAnswer, playbook: Playbook) -> None:
    """Tie an answer to the release that it rests on, without saving it."""
    answer.playbook_version = playbook.version
    answer.knowledge = knowledge_of(playbook, intent=answer.intent, answer=answer.text)


def expiry() -> datetime:
    """Return when an answer that is approved now has to be looked at again."""
    return timezone.now() + timedelta(days=policy_row().lifetime_days)
