"""The escalation queue: who waits for a person, since when, why, and who has whom.

The landing page of the admin for everybody who may read conversations; the page fetches `queue_view` again whenever
something changed.
"""

from datetime import datetime
from typing import Any, Final, TypedDict

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import DateTimeField, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Left
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.actions.people import display_name
from conversations.actions.rights import may_answer, may_read
from conversations.desk.notices import notices_for
from conversations.events.frames import iso
from conversations.models import Escalation, Message, Owner, Reason

WORDS_CHARS: Final = 280
ROWS: Final = 200


class QueueRow(TypedDict):
    """One conversation that people take care of, as the page shows it. Texts are plain, never HTML."""

    conversation: int
    url: str
    take_url: str
    customer: str
    site: str
    locale: str
    reason: str
    reason_code: str
    detail: str
    opened_at: str
    words: str
    words_at: str | None
    agent: str
    is_unanswered: bool


class Queue(TypedDict):
    """The whole page. `waiting_count` counts all, though only the oldest are listed."""

    now: str
    waiting_count: int
    can_answer: bool
    waiting: list[QueueRow]
    mine: list[QueueRow]
    others: list[QueueRow]


def with_last_words(escalations: QuerySet[Escalation]) -> QuerySet[Escalation]:
    """Add the customer's newest message (`words`, shortened, and `words_at`) and all that a row needs: one query."""
    newest = Message.objects.filter(conversation=OuterRef("conversation"), seq=OuterRef("conversation__customer_seq"))
    return escalations.select_related("conversation__customer", "conversation__site", "conversation__agent").annotate(
        words=Left(Subquery(newest.values("text")), WORDS_CHARS),
        words_at=Subquery(newest.values("created_at"), output_field=DateTimeField()),
        customer_seq=F("conversation__customer_seq"),
    )


def read_queue(user: AbstractBaseUser) -> Queue:
    """Return the queue as `user` sees it, oldest first."""
    waiting = Escalation.objects.waiting()
    taken = Escalation.objects.unresolved().filter(conversation__owner=Owner.AGENT).order_by("opened_at")
    mine, others = taken.filter(conversation__agent=user.pk), taken.exclude(conversation__agent=user.pk)
    return {
        "now": iso(timezone.now()),
        "waiting_count": waiting.count(),
        "can_answer": may_answer(user),
        "waiting": _rows(waiting),
        "mine": _rows(mine),
        "others": _rows(others),
    }


def _rows(escalations: QuerySet[Escalation]) -> list[QueueRow]:
    return [_row(escalation) for escalation in with_last_words(escalations)[:ROWS]]


def _row(escalation: Escalation) -> QueueRow:
    conversation = escalation.conversation
    words_at: datetime | None = getattr(escalation, "words_at", None)
    return {
        "conversation": conversation.pk,
        "url": reverse("admin:conversations_conversation_change", args=[conversation.pk]),
        "take_url": reverse("admin:desk-take", args=[conversation.pk]),
        "customer": str(conversation.customer),
        "site": conversation.site.name,
        "locale": conversation.locale,
        "reason": str(Reason(escalation.reason).label),
        "reason_code": escalation.reason,
        "detail": escalation.detail,
        "opened_at": iso(escalation.opened_at),
        "words": getattr(escalation, "words", None) or "",
        "words_at": iso(words_at) if words_at else None,
        "agent": display_name(conversation.agent) if conversation.agent else "",
        "is_unanswered": conversation.customer_seq > conversation.answered_seq,
    }


def queue_view(request: HttpRequest) -> JsonResponse:
    """Answer with the queue as it stands and what staff must know; with `rows=0` only with how many wait."""
    if not may_read(request.user) or not isinstance(request.user, AbstractBaseUser):
        raise PermissionDenied
    notices = notices_for(request)
    if request.GET.get("rows") == "0":
        return JsonResponse({"waiting_count": Escalation.objects.waiting().count(), "notices": notices})
    return JsonResponse({**read_queue(request.user), "notices": notices})


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Put the queue on the admin's first page (UNFOLD["DASHBOARD_CALLBACK"])."""
    if may_read(request.user) and isinstance(request.user, AbstractBaseUser):
        context |= {"queue": read_queue(request.user), "title": _("Queue")}
    return context


def waiting_badge(request: HttpRequest) -> str:
    """Return how many wait, for the sidebar; blank for none and for those who may not know."""
    count = Escalation.objects.waiting().count() if may_read(request.user) else 0
    return str(count) if count else ""
