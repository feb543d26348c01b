"""The coverage map: what the model keeps answering the same way, by how often it is asked and what that costs."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import Count, Prefetch

from conversations.answers.board import SHELF
from conversations.answers.models import AnswerState, KnownAnswer, KnownQuestion

SHOWN: Final = 50
QUESTIONS_SHOWN: Final = 5
WAITING: Final = (AnswerState.SHADOW, AnswerState.CONFIRMED, AnswerState.STALE)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Questions that got the same answer."""

    answer: KnownAnswer
    questions: list[str]
    more: int
    asked: int
    customers: int
    money: Decimal


def clusters() -> list[Cluster]:
    """Return what waits for staff, the most asked first. `money` is what asking the model for it has cost."""
    waiting = KnownAnswer.objects.filter(state__in=WAITING).annotate(
        asked=Count("labels", distinct=True), customers=Count("labels__customer", distinct=True)
    )
    ways_to_ask = Prefetch("questions", KnownQuestion.objects.order_by("pk"))
    cost = SHELF.current().money_per_reply
    found = []
    for answer in waiting.select_related("site").prefetch_related(ways_to_ask).order_by("-asked", "pk")[:SHOWN]:
        ways = [question.text for question in answer.questions.all()]
        asked = int(getattr(answer, "asked", 0))
        customers = int(getattr(answer, "customers", 0))
        shown = ways[:QUESTIONS_SHOWN]
        found.append(Cluster(answer, shown, len(ways) - len(shown), asked, customers, cost * asked))
    return found
