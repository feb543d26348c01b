"""What known answers did in the last thirty days, as tiles: how much they serve, how often wrongly, what they save."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Q, Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.answers.board import policy_row
from conversations.answers.coverage import WAITING
from conversations.answers.limit import interval
from conversations.answers.models import (
    SERVED_STATES,
    AnswerPolicy,
    KnownAnswer,
    KnownDay,
    KnownLabel,
    KnownQuestion,
    Mode,
    QuestionVector,
)
from conversations.desk.numbers import NONE, duration, money, percent
from conversations.gateway.models import Price

DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure. `state`: "bad" where somebody should look."""

    title: str
    value: str
    note: str = ""
    state: str = ""


def figures_now() -> dict[str, Any]:
    """Return what known answers did in the last thirty days."""
    policy = policy_row()
    since = timezone.now() - timedelta(days=DAYS)
    return {
        "stopped_at": policy.stopped_at,
        "is_serving": policy.mode in {Mode.APPROVED, Mode.CONFIRMED} and policy.stopped_at is None,
        "mode": policy.get_mode_display(),
        "tiles": [*served_tiles(since.date()), wrong_tile(since, policy), entry_tile()],
    }


def served_tiles(since: date) -> list[Tile]:
    """Return how much was served without the model, and what that saved."""
    days = KnownDay.objects.filter(day__gte=since).aggregate(
        exact=Sum("exact", default=0),
        alike=Sum("near", default=0) + Sum("fixed", default=0),
        asked=Sum("asked", default=0),
        money=Sum("money_saved", default=Decimal(0)),
        ms=Sum("milliseconds_saved", default=0),
    )
    served = days["exact"] + days["alike"]
    replies = served + days["asked"]
    told = {"served": f"{served:,}", "replies": f"{replies:,}", "alike": f"{days['alike']:,}"}
    each = _("%(time)s a reply") % {"time": duration(days["ms"] / served)} if served else ""
    return [
        Tile(
            _("Served without the model"),
            percent(served / replies if replies else None),
            _("%(served)s of %(replies)s replies; %(alike)s to similar questions") % told if replies else "",
        ),
        Tile(_("Money saved"), money(days["money"], currency_paid())),
        Tile(_("Waiting saved"), duration(days["ms"]), each),
    ]


def wrong_tile(since: datetime, policy: AnswerPolicy) -> Tile:
    """Return how many of the served answers that a model checked were wrong."""
    checked = KnownLabel.objects.filter(was_served=True, created_at__gt=since).aggregate(
        wrong=Count("pk", filter=Q(is_right=False)), total=Count("pk")
    )
    seen = interval(checked["wrong"], checked["total"])
    told = {
        "wrong": f"{checked['wrong']:,}",
        "total": f"{checked['total']:,}",
        "low": percent(seen.low),
        "high": percent(seen.high),
        "tolerated": percent(policy.tolerated_share),
    }
    note = _("tolerated: %(tolerated)s; nothing checked yet") % told
    if checked["total"]:
        note = _("%(wrong)s of %(total)s checked; 95 %% interval %(low)s – %(high)s; tolerated: %(tolerated)s") % told
    is_bad = policy.stopped_at is not None or (checked["total"] and seen.low > policy.tolerated_share)
    return Tile(_("Wrong"), percent(seen.share) if checked["total"] else NONE, note, "bad" if is_bad else "")


def entry_tile() -> Tile:
    """Return how many answers and questions are known, and the room they take."""
    entries = KnownAnswer.objects.aggregate(
        served=Count("pk", filter=Q(state__in=SERVED_STATES)), waiting=Count("pk", filter=Q(state__in=WAITING))
    )
    told = {
        "waiting": f"{entries['waiting']:,}",
        "questions": f"{KnownQuestion.objects.count():,}",
        "size": filesizeformat(size_in_bytes()),
    }
    note = _("%(waiting)s more wait for a look; %(questions)s questions; %(size)s") % told
    return Tile(_("Answers served"), f"{entries['served']:,}", note)


def currency_paid() -> str:
    """Return the currency of all prices; "" where there are several, so that no sum is called by a wrong name."""
    found = list(Price.objects.values_list("currency", flat=True).distinct().order_by()[:2])
    return found[0] if len(found) == 1 else ""


def size_in_bytes() -> int:
    """Return how much room known answers take, with their indexes."""
    tables = [model._meta.db_table for model in (KnownAnswer, KnownQuestion, QuestionVector, KnownLabel)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name", [tables])
        return int(cursor.fetchone()[0])
