"""What corrections did once they were published: escalations and corrections of their intent, a week before and after.

A difference is called one only where the 95 % interval of the difference of two shares leaves out zero (Newcombe,
Statistics in Medicine 17, 1998, 873-890, method 10: from the Wilson intervals of both).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import hypot
from typing import Any, Final

from django.db.models import Exists, F, Func, JSONField, OuterRef
from django.utils import timezone

from conversations.models import Conversation, Escalation, Message, Sender
from conversations.playbook.evaluation.statistics import wilson
from conversations.playbook.models import Correction, Publication

WINDOW: Final = timedelta(days=7)
LOOKED_BACK: Final = timedelta(days=90)


class Effect(StrEnum):
    """What can be said about a difference."""

    LESS = "less"
    MORE = "more"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Week:
    """How an intent went in some days: conversations in which the bot answered it, and what came of them."""

    conversations: int
    escalated: int
    corrections: int

    @property
    def percent(self) -> int | None:
        """The share of conversations that went to people; None of none."""
        return round(100 * self.escalated / self.conversations) if self.conversations else None


@dataclass(frozen=True, slots=True)
class Change:
    """What corrections of one intent did that one release brought to customers."""

    publication: Publication
    intent: str
    corrections: int
    before: Week
    after: Week
    until: datetime
    is_over: bool
    """Whether the week after is over, or the release was taken back before: the figures stay."""
    is_taken_back: bool

    @property
    def days(self) -> int:
        """For how many whole days it has been with customers, seven at most."""
        return (self.until - self.publication.at).days

    @property
    def effect(self) -> Effect:
        """What can be said about escalations."""
        return compared(self.before, self.after)


class ExampleIds(Func):
    """The ids of a release's examples, as a JSON array."""

    function = "jsonb_path_query_array"
    template = "%(function)s(%(expressions)s, '$.examples[*].id')"
    output_field = JSONField()


def compared(before: Week, after: Week) -> Effect:
    """Return whether fewer or more conversations went to people, beyond what chance alone does."""
    if not before.conversations or not after.conversations:
        return Effect.UNCLEAR
    old, new = before.escalated / before.conversations, after.escalated / after.conversations
    first, second = wilson(old, before.conversations), wilson(new, after.conversations)
    if first is None or second is None:
        return Effect.UNCLEAR
    difference = new - old
    if difference + hypot(second.high - new, old - first.low) < 0:
        return Effect.LESS
    if difference - hypot(new - second.low, first.high - old) > 0:
        return Effect.MORE
    return Effect.UNCLEAR


def changes(*, now: datetime | None = None) -> list[Change]:
    """Return what corrections of the last months did, the newest publication first."""
    now = now or timezone.now()
    since = now - LOOKED_BACK
    approved = list(Correction.objects.approved().filter(decided_at__gte=since).exclude(example=None))
    if not approved:
        return []
    publications = _publications(since)
    found: dict[tuple[int, str], list[Correction]] = {}
    for correction in approved:
        place = _first_with(correction, publications)
        if place is not None:
            found.setdefault((place, correction.intent), []).append(correction)
    return [
        _change(publications, place, intent=intent, corrections=those, now=now)
        for (place, intent), those in sorted(found.items(), key=lambda item: (-item[0][0], item[0][1]))
    ]


def _publications(since: datetime) -> Sequence[Publication]:
    """Return the publications since then, in order, each with the ids of its release's examples (`example_ids`)."""
    rows = Publication.objects.filter(at__gte=since).order_by("at", "pk").select_related("release")
    return list(rows.defer("release__content").annotate(example_ids=ExampleIds(F("release__content"))))


def _holds(publication: Publication, correction: Correction) -> bool:
    ids: Any = getattr(publication, "example_ids", None)
    return correction.example_id in (ids or ())


def _first_with(correction: Correction, publications: Sequence[Publication]) -> int | None:
    """Return the place of the publication that first brought a correction to customers."""
    decided = correction.decided_at
    places = (place for place, each in enumerate(publications) if decided is not None and each.at >= decided)
    return next((place for place in places if _holds(publications[place], correction)), None)


def _change(
    publications: Sequence[Publication],
    place: int,
    *,
    intent: str,
    corrections: Sequence[Correction],
    now: datetime,
) -> Change:
    publication = publications[place]
    without = [each.at for each in publications[place + 1 :] if not any(_holds(each, one) for one in corrections)]
    taken_back = next(iter(without), None)
    week_over = publication.at + WINDOW
    until = min(now, week_over, taken_back or now)
    return Change(
        publication=publication,
        intent=intent,
        corrections=len(corrections),
        before=week(intent, publication.at - WINDOW, publication.at),
        after=week(intent, publication.at, until),
        until=until,
        is_over=until < now,
        is_taken_back=taken_back is not None and taken_back < week_over,
    )


def week(intent: str, start: datetime, end: datetime) -> Week:
    """Return how an intent went between two moments."""
    replies = Message.objects.filter(
        conversation=OuterRef("pk"), sender=Sender.BOT, intent=intent, created_at__gte=start, created_at__lt=end
    )
    escalations = Escalation.objects.filter(conversation=OuterRef("pk"), opened_at__gte=start, opened_at__lt=end)
    talked = Conversation.objects.filter(Exists(replies), last_message_at__gte=start, created_at__lt=end)
    return Week(
        conversations=talked.count(),
        escalated=talked.filter(Exists(escalations)).count(),
        corrections=Correction.objects.filter(intent=intent, created_at__gte=start, created_at__lt=end).count(),
    )
