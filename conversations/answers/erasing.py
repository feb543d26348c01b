"""When a customer is erased, so are the words that this customer brought to what is known.

A question that others asked too stays in the words of one of them. What nobody else asked goes, with the answer that
only it led to, unless staff approved that. What was put away stays away: of its question the hash is enough for that.
"""

from typing import Final

from django.db import transaction
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from conversations.answers.board import touch
from conversations.answers.models import AnswerState, KnownQuestion
from conversations.answers.normal import question_key
from conversations.models import Customer, Message, Run, Sender

NO_WORDS: Final = "–"
LOOKED_AT: Final = 50
PUT_AWAY: Final = (AnswerState.RETIRED, AnswerState.BANNED)


@receiver(pre_delete, sender=Customer)
def forget_words(instance: Customer, **_told: object) -> None:
    """Forget what a customer asked, in the transaction that erases the customer, wherever that was started."""
    with transaction.atomic():
        # What is learnt at this very moment waits for the row, and then finds no customer that it could belong to.
        Customer.objects.select_for_update().filter(pk=instance.pk).first()
        brought = KnownQuestion.objects.filter(first_customer=instance).select_related("answer")
        questions = list(brought.select_for_update(of=("self",)))
        for question in questions:
            _forget(question, instance)
        if questions:
            touch()


def _forget(question: KnownQuestion, customer: Customer) -> None:
    question.vectors.all().delete()
    if (heir := said_by_another(question, customer)) is not None:
        question.text, question.first_customer_id = heir
        question.save(update_fields=["text", "first_customer"])
    elif question.answer.state in PUT_AWAY:
        question.text = NO_WORDS
        question.save(update_fields=["text"])
    else:
        _delete(question)


def _delete(question: KnownQuestion) -> None:
    answer = question.answer
    question.delete()
    if answer.approved_at is None and not answer.questions.exists():
        answer.delete()


def said_by_another(question: KnownQuestion, customer: Customer) -> tuple[str, int] | None:
    """Return how another customer asked the same, and who that was; None where nobody else is left who did."""
    labels = question.labels.filter(customer__isnull=False, run_id__isnull=False).exclude(customer=customer)
    for run_id, other_id in labels.order_by("pk").values_list("run_id", "customer_id")[:LOOKED_AT]:
        run = Run.objects.filter(pk=run_id or 0).first()
        text = last_words(run) if run is not None else ""
        if question_key(text) == question.key:
            return text, other_id
    return None


def last_words(run: Run) -> str:
    """Return the customer's words that a run answered last."""
    said = Message.objects.filter(conversation_id=run.conversation_id, sender=Sender.CUSTOMER, seq__lte=run.covers_seq)
    return said.order_by("-seq").values_list("text", flat=True).first() or ""
