"""The figures of a dashboard: a span of time in slices, by provider and arm, beside what a baseline would have cost.

Sums of hours wherever they are made, rows only for the hours since; the last hour is rows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from typing import Final

from django.utils import timezone

from conversations.gateway.catalog import Baseline
from conversations.gateway.models import CallHour, LLMCall, Provider, Purpose
from conversations.gateway.pricing import cost_of, prices_at
from conversations.gateway.reading import read_baseline
from conversations.gateway.rollup import HOUR, count_calls, rolled_until, tally_of_hour
from conversations.gateway.tally import Tallies, Tally
from conversations.llm.requests import Usage

MINUTES: Final = timedelta(minutes=10)
THOUSAND: Final = 1_000
P50, P95, P99 = 0.50, 0.95, 0.99


class Span(StrEnum):
    """How far back the figures go."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def slices(self) -> tuple[timedelta, int]:
        """How long a slice is, and how many there are."""
        return SLICES[self]


SLICES: Final = {
    Span.HOUR: (MINUTES, 6),
    Span.DAY: (HOUR, 24),
    Span.WEEK: (6 * HOUR, 28),
    Span.MONTH: (24 * HOUR, 30),
}

Moments = tuple[datetime, Tallies]


@dataclass(frozen=True, slots=True)
class Row:
    """The replies of one provider and arm, in one currency. `baseline`: their tokens at the baseline's prices."""

    provider: str
    arm: str
    currency: str
    tally: Tally
    baseline: Decimal | None

    @property
    def cost_per_thousand(self) -> Decimal | None:
        """What a thousand messages cost; None where there were none or no price is known."""
        return per_thousand(self.tally.cost, self.tally.successes) if self.currency else None


@dataclass(frozen=True, slots=True)
class Slice:
    """One bar of a chart: replies, cost by currency, and the slowest twentieth's wait."""

    start: datetime
    messages: dict[str, int]
    cost: dict[tuple[str, str], Decimal]
    first_token_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All of a dashboard. `other_cost`: what shadows, tests and evaluations cost, by currency."""

    span: Span
    since: datetime
    until: datetime
    rows: tuple[Row, ...]
    slices: tuple[Slice, ...]
    other_cost: dict[str, Decimal]
    baseline_model: str = ""
    baseline_currency: str = ""
    total: Tally = field(default_factory=Tally)

    @property
    def days(self) -> float:
        """How many days passed."""
        return (self.until - self.since) / timedelta(days=1)

    @property
    def cost(self) -> dict[str, Decimal]:
        """What replies cost, by currency."""
        found: dict[str, Decimal] = {}
        for row in self.rows:
            if row.currency:
                found[row.currency] = found.get(row.currency, Decimal(0)) + row.tally.cost
        return found

    @property
    def baseline_cost(self) -> Decimal | None:
        """What the same tokens would have cost at the baseline; None where it isn't known for all."""
        known = [row.baseline for row in self.rows if row.baseline is not None]
        return sum(known, Decimal(0)) if known and len(known) == len(self.rows) else None


def read_figures(span: Span, *, now: datetime | None = None) -> Figures:
    """Read the figures of a span that ends now."""
    until = now or timezone.now()
    since = start_of(span, until)
    moments = list(moments_between(span, since, until))
    replies = [(start, only(tallies, Purpose.REPLY)) for start, tallies in moments]
    baseline, names = read_baseline(), dict(Provider.objects.values_list("pk", "name"))
    rows = rows_of(replies, baseline=baseline, names=names)
    return Figures(
        span=span,
        since=since,
        until=until,
        rows=rows,
        slices=tuple(slices_of(span, since, replies, names=names)),
        other_cost=cost_of_others(tallies for _start, tallies in moments),
        baseline_model=baseline.model if baseline else "",
        baseline_currency=_currency(baseline, until),
        total=sum_tallies(row.tally for row in rows),
    )


def start_of(span: Span, now: datetime) -> datetime:
    """Return where the first slice starts; the last one is under way. Days begin by the shop's clock."""
    length, number = span.slices
    local = timezone.localtime(now).replace(second=0, microsecond=0)
    if span is Span.HOUR:
        return local - length * number
    local = local.replace(minute=0)
    hours = length // HOUR
    return local - timedelta(hours=local.hour % hours) - length * (number - 1)


def moments_between(span: Span, since: datetime, until: datetime) -> Iterator[Moments]:
    """Yield the figures with the moment their part of the span starts: ten minutes of rows, or whole hours."""
    if span is Span.HOUR:
        yield from ((start, count_calls(start, start + MINUTES)) for start in steps(since, until, MINUTES))
        return
    summed = max(since, min(rolled_until() or first_call() or until, until))
    yield from hours_between(since, summed)
    yield from ((start, count_calls(start, min(start + HOUR, until))) for start in steps(summed, until, HOUR))


def hours_between(since: datetime, until: datetime) -> Iterator[Moments]:
    """Yield the hours that are summed up."""
    rows = CallHour.objects.filter(hour__gte=since, hour__lt=until).order_by("hour")
    for hour, own in groupby(rows.iterator(), key=lambda row: row.hour):
        yield hour, dict(tally_of_hour(row) for row in own)


def first_call() -> datetime | None:
    """Return the hour of the first call that is still a row."""
    first = LLMCall.objects.order_by("started_at").values_list("started_at", flat=True).first()
    return first.replace(minute=0, second=0, microsecond=0) if first else None


def steps(since: datetime, until: datetime, length: timedelta) -> Iterator[datetime]:
    """Yield where steps of a length start."""
    while since < until:
        yield since
        since += length


def only(tallies: Tallies, purpose: Purpose) -> Tallies:
    """Return the figures of one use."""
    return {group: tally for group, tally in tallies.items() if group.purpose == purpose}


def rows_of(moments: Sequence[Moments], *, baseline: Baseline | None, names: dict[int, str]) -> tuple[Row, ...]:
    """Return a line for each provider, arm and currency."""
    sums: dict[tuple[int, str, str], Tally] = {}
    costs: dict[tuple[int, str, str], Decimal | None] = {}
    for start, tallies in moments:
        for group, tally in tallies.items():
            key = (group.provider_id, group.arm, group.currency)
            sums.setdefault(key, Tally()).add(tally)
            costs[key] = _add(costs.get(key, Decimal(0)), baseline_cost(baseline, tally, start))
    rows = (Row(names.get(key[0], ""), key[1], key[2], tally, costs[key]) for key, tally in sums.items())
    return tuple(sorted(rows, key=lambda row: (row.provider, row.arm, row.currency)))


def baseline_cost(baseline: Baseline | None, tally: Tally, moment: datetime) -> Decimal | None:
    """Return what these tokens would have cost at the baseline's prices of the moment."""
    prices = prices_at(baseline.prices, moment) if baseline else None
    if prices is None:
        return None
    return cost_of(Usage(tally.prompt_tokens, tally.cached_tokens, tally.completion_tokens, 0), prices)


def slices_of(span: Span, since: datetime, moments: Sequence[Moments], *, names: dict[int, str]) -> Iterator[Slice]:
    """Yield the slices in order, empty ones too."""
    length, number = span.slices
    parts: list[list[Tallies]] = [[] for _ in range(number)]
    for start, tallies in moments:
        parts[min((start - since) // length, number - 1)].append(tallies)
    for place, part in enumerate(parts):
        yield slice_of(since + place * length, part, names=names)


def slice_of(start: datetime, part: Sequence[Tallies], *, names: dict[int, str]) -> Slice:
    """Return a slice of these figures."""
    messages: Counter[str] = Counter()
    cost: dict[tuple[str, str], Decimal] = {}
    for group, tally in (item for tallies in part for item in tallies.items()):
        name = names.get(group.provider_id, "")
        messages[name] += tally.successes
        if group.currency:
            cost[name, group.currency] = cost.get((name, group.currency), Decimal(0)) + tally.cost
    return Slice(start, dict(messages), cost, sum_of(part).first_token_ms(P95))


def cost_of_others(parts: Iterable[Tallies]) -> dict[str, Decimal]:
    """Return what was spent on anything but replies."""
    found: dict[str, Decimal] = {}
    for tallies in parts:
        for group, tally in tallies.items():
            if group.purpose != Purpose.REPLY and group.currency and tally.cost:
                found[group.currency] = found.get(group.currency, Decimal(0)) + tally.cost
    return found


def sum_of(parts: Iterable[Tallies]) -> Tally:
    """Return all figures in one."""
    return sum_tallies(tally for tallies in parts for tally in tallies.values())


def sum_tallies(tallies: Iterable[Tally]) -> Tally:
    """Return the sum."""
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def per_thousand(cost: Decimal, messages: int) -> Decimal | None:
    """Return what a thousand messages cost."""
    return cost * THOUSAND / messages if messages else None


def _currency(baseline: Baseline | None, moment: datetime) -> str:
    prices = prices_at(baseline.prices, moment) if baseline else None
    return prices.currency if prices else ""


def _add(known: Decimal | None, more: Decimal | None) -> Decimal | None:
    return None if known is None or more is None else known + more
