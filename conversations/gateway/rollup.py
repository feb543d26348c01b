"""Summing calls up by the hour, and deleting those that are old: what keeps the tables small at any traffic.

An hour is summed up once it can get no more rows, in one transaction with the mark that says so: each call is in
exactly one of the two, the hours before the mark or the rows after it.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Count, F, Func, Min, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from conversations.gateway.latency import BOUNDS_MS
from conversations.gateway.models import CallHour, LLMCall
from conversations.gateway.models.calls import RollupMark
from conversations.gateway.tally import SUMS, Group, Tallies, Tally

logger = logging.getLogger(__name__)

HOUR: Final = timedelta(hours=1)
SETTLED: Final = timedelta(minutes=10)
"""A call's row is written when its run ends: long before this."""
HOURS_AT_ONCE: Final = 48
DELETED_AT_ONCE: Final = 5_000
TOKENS: Final = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")


def rolled_until() -> datetime | None:
    """Return the moment before which all calls are summed up; None where none are."""
    return RollupMark.objects.values_list("rolled_until", flat=True).first()


def sum_up_hours() -> None:
    """Sum up the hours that are over, the oldest first."""
    hour = rolled_until() or _first_hour()
    if hour is None:
        return
    last = timezone.now() - SETTLED
    for _ in range(HOURS_AT_ONCE):
        if hour + HOUR > last:
            return
        sum_up(hour)
        hour += HOUR


@transaction.atomic
def sum_up(hour: datetime) -> None:
    """Sum up one hour, as often as you like."""
    CallHour.objects.filter(hour=hour).delete()
    tallies = count_calls(hour, hour + HOUR)
    CallHour.objects.bulk_create([_row(hour, group, tally) for group, tally in tallies.items()])
    RollupMark.objects.update_or_create(id=1, defaults={"rolled_until": hour + HOUR})


def delete_old_calls() -> None:
    """Delete rows that are older than CSBOT_CALL_DAYS and summed up; their hours stay."""
    until = rolled_until()
    if until is None:
        return
    before = min(until, timezone.now() - timedelta(days=settings.CSBOT_CALL_DAYS))
    old = LLMCall.objects.filter(started_at__lt=before).order_by("started_at")
    while pks := list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        LLMCall.objects.filter(pk__in=pks).delete()


def count_calls(since: datetime, until: datetime) -> Tallies:
    """Return the figures of the rows in a span of time."""
    calls = LLMCall.objects.filter(started_at__gte=since, started_at__lt=until)
    tallies: Tallies = {}
    for row in _sums(calls):
        tally = tallies.setdefault(_group(row), Tally())
        tally.add(_tally_of(row))
    for column, name in (("first_token_ms", "first_token"), ("total_ms", "total")):
        for row in _histogram(calls, column):
            getattr(tallies[_group(row)], name)[row["bucket"]] += row["calls"]
    return tallies


def _sums(calls: QuerySet[LLMCall]) -> Iterable[dict[str, Any]]:
    zero = Value(0, output_field=LLMCall._meta.get_field("cost"))
    rows: Iterable[dict[str, Any]] = calls.values(*Group._fields, "outcome").annotate(
        calls=Count("pk"),
        escalated=Count("pk", filter=Q(has_escalated=True)),
        switched=Count("pk", filter=Q(is_switched=True)),
        unmetered=Count("pk", filter=Q(is_metered=False)),
        unpriced=Count("pk", filter=Q(cost=None)),
        **{f"sum_{name}": Sum(name) for name in TOKENS},
        sum_cost=Coalesce(Sum("cost"), zero),
    )
    return rows


def _tally_of(row: dict[str, Any]) -> Tally:
    counts = {name: row[name] for name in ("escalated", "switched", "unmetered", "unpriced")}
    sums = {name: row[f"sum_{name}"] for name in (*TOKENS, "cost")}
    return Tally(outcomes=Counter({row["outcome"]: row["calls"]}), **counts, **sums)


def _histogram(calls: QuerySet[LLMCall], column: str) -> Iterable[dict[str, Any]]:
    bounds = Value(list(BOUNDS_MS), output_field=ArrayField(models.FloatField()))
    bucket = Func(F(column), bounds, function="width_bucket", output_field=models.IntegerField())
    counted = calls.filter(**{f"{column}__isnull": False})
    grouped = counted.annotate(bucket=bucket).values(*Group._fields, "bucket")
    rows: Iterable[dict[str, Any]] = grouped.annotate(calls=Count("pk"))
    return rows


def _group(row: dict[str, Any]) -> Group:
    return Group(**{name: row[name] for name in Group._fields})


def _row(hour: datetime, group: Group, tally: Tally) -> CallHour:
    return CallHour(
        hour=hour,
        **group._asdict(),
        calls=tally.calls,
        outcomes=dict(tally.outcomes),
        **{name: getattr(tally, name) for name in SUMS},
        first_token_histogram=tally.first_token,
        total_histogram=tally.total,
    )


def tally_of_hour(row: CallHour) -> tuple[Group, Tally]:
    """Return a stored hour as figures."""
    group = Group(**{name: getattr(row, name) for name in Group._fields})
    sums = {name: getattr(row, name) for name in SUMS}
    tally = Tally(outcomes=Counter(row.outcomes), **sums)
    tally.first_token, tally.total = row.first_token_histogram, row.total_histogram
    return group, tally


def _first_hour() -> datetime | None:
    first = LLMCall.objects.aggregate(first=Min("started_at"))["first"]
    return first.replace(minute=0, second=0, microsecond=0) if first else None
