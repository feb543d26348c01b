"""The coverage map: what the model keeps answering the same way, by how often it is asked and what that costs.

An approved answer comes back to it where customers found new ways to ask for it: those are served only once staff, or
several customers, vouch for them.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from conversations.answers.board import SHELF
from conversations.answers.models import AnswerState, KnownAnswer, KnownQuestion

SHOWN: Final = 50
QUESTIONS_SHOWN: Final = 5
WAITING: Final = (AnswerState.SHADOW, AnswerState.CONFIRMED, AnswerState.STALE)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Questions that got the same answer. `last_id`: of the newest one shown."""

    answer: KnownAnswer
    questions: list[str]
    last_id: int
    more: int
    asked: int
    customers: int
    money: Decimal


def clusters() -> list[Cluster]:
    """Return what waits for staff, the most asked first. `money` is what asking the model for it has cost."""
    board = SHELF.current()
    new_ways = Exists(unvouched(OuterRef("pk"), customers=board.confirm_customers))
    waiting = KnownAnswer.objects.filter(Q(state__in=WAITING) | Q(new_ways, state=AnswerState.APPROVED)).annotate(
        asked=Count("labels", distinct=True), customers=Count("labels__customer", distinct=True)
    )
    ways_to_ask = Prefetch("questions", KnownQuestion.objects.order_by("pk"))
    found = []
    for answer in waiting.select_related("site").prefetch_related(ways_to_ask).order_by("-asked", "pk")[:SHOWN]:
        ways = list(answer.questions.all())
        if answer.state == AnswerState.APPROVED:
            ways = [each for each in ways if not each.is_by_staff and each.customers < board.confirm_customers]
        asked = int(getattr(answer, "asked", 0))
        customers = int(getattr(answer, "customers", 0))
        shown = ways[:QUESTIONS_SHOWN]
        found.append(
            Cluster(
                answer,
                [each.text for each in shown],
                shown[-1].pk if shown else 0,
                len(ways) - len(shown),
                asked,
                customers,
                board.money_per_reply * asked,
            )
        )
    return found


def unvouched(answer: int | OuterRef, *, customers: int) -> QuerySet[KnownQuestion]:
    """Return the ways to ask for an answer that neither staff nor so many customers vouch for."""
    return KnownQuestion.objects.filter(answer=answer, is_by_staff=False, customers__lt=customers)
