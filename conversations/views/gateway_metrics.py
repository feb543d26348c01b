"""What `/metrics` says of model calls, budgets and rollouts: read from the tables, the same in every web process.

Counters start anew with each month (UTC), so that a scrape never has to add up years; Prometheus takes that for what it
is, a counter that was reset. Names are those that docs/grafana/csbot.json asks for.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import Final

from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from conversations.gateway.alerts import BOARD, AlertKind
from conversations.gateway.budgets import read_levels
from conversations.gateway.latency import BOUNDS_MS
from conversations.gateway.models import CallHour, Decision, LanguageModel, Rollout
from conversations.gateway.models.rollouts import BUCKETS, LIVE_STATES
from conversations.gateway.rollup import count_calls, rolled_until, tally_of_hour
from conversations.gateway.tally import Tallies, Tally, by, merged

MS: Final = 1000
COARSE: Final = 6
"""Every sixth bound: times grow by 1.8 from bucket to bucket."""
LABELS: Final = ("provider", "model", "arm", "purpose")
TOKENS: Final = ("prompt", "cached", "completion", "reasoning")

Labels = tuple[str, ...]
UNKNOWN: Final = ("", "")


@dataclass
class MonthSoFar:
    """The hours of this month that are summed up, added up once."""

    start: datetime | None = None
    until: datetime | None = None
    tallies: Tallies = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def total(self, now: datetime) -> Tallies:
        """Return all figures of the month up to now."""
        start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        # The mark first: hours before it are complete, whatever is summed up meanwhile.
        mark = max(start, rolled_until() or start)
        with self.lock:
            if self.start != start or self.until is None or self.until > mark:
                self.start, self.until, self.tallies = start, start, {}
            rows = CallHour.objects.filter(hour__gte=self.until, hour__lt=mark)
            self.tallies = merged(self.tallies, *(dict([tally_of_hour(row)]) for row in rows.iterator()))
            self.until = mark
            return merged(self.tallies, count_calls(mark, now))


@cache
def month_so_far() -> MonthSoFar:
    """Return this process's sums."""
    return MonthSoFar()


def gateway_metrics() -> Iterator[Metric]:
    """Yield everything."""
    tallies = month_so_far().total(timezone.now())
    yield from call_metrics(tallies)
    yield from cost_metrics(tallies)
    yield from budget_metrics()
    yield from rollout_metrics()
    yield alert_metrics()


def call_metrics(tallies: Tallies) -> Iterator[Metric]:
    """Yield counts, tokens and waits of calls."""
    named = list(named_tallies(tallies))
    calls = counter("csbot_llm_calls", "Calls to models this month, by outcome.", (*LABELS, "outcome"))
    escalations = counter("csbot_llm_escalations", "Replies that asked for a person.", LABELS)
    switched = counter("csbot_llm_switched", "Calls to another model than the first choice.", LABELS)
    tokens = counter("csbot_llm_tokens", "Tokens; cached ones are part of the prompt's.", (*LABELS, "kind"))
    for labels, tally in named:
        for outcome, number in sorted(tally.outcomes.items()):
            calls.add_metric((*labels, outcome), number)
        escalations.add_metric(labels, tally.escalated)
        switched.add_metric(labels, tally.switched)
        for kind in TOKENS:
            tokens.add_metric((*labels, kind), getattr(tally, f"{kind}_tokens"))
    yield from (calls, escalations, switched, tokens)
    waits = [(labels, tally.first_token) for labels, tally in named]
    yield histogram("csbot_llm_first_token_seconds", "Wait for the first word.", waits)
    wholes = [(labels, tally.total) for labels, tally in named]
    yield histogram("csbot_llm_call_seconds", "Whole time of a call.", wholes)


def cost_metrics(tallies: Tallies) -> Iterator[Metric]:
    """Yield what calls cost."""
    cost = counter("csbot_llm_cost", "Cost of calls this month.", (*LABELS, "currency"))
    names = model_labels()
    for (model, arm, purpose, currency), tally in by(tallies, "model_id", "arm", "purpose", "currency").items():
        if currency:
            cost.add_metric((*names.get(model, UNKNOWN), str(arm), str(purpose), str(currency)), float(tally.cost))
    yield cost


def budget_metrics() -> Iterator[Metric]:
    """Yield how full budgets are."""
    labels = ("provider", "period", "currency", "step_down")
    spent = GaugeMetricFamily("csbot_budget_spent", "Spent in the budget's period.", labels=labels)
    cap = GaugeMetricFamily("csbot_budget_cap", "The budget's cap.", labels=labels)
    warning = GaugeMetricFamily("csbot_budget_warning", "1 where it is time to warn, 2 at the cap.", labels=labels)
    for level in read_levels(timezone.now()):
        own = (level.provider or "all", level.period.value, level.currency, level.step_down.value)
        spent.add_metric(own, float(level.spent))
        cap.add_metric(own, float(level.cap))
        warning.add_metric(own, 2 if level.is_used_up else int(level.is_close))
    yield from (spent, cap, warning)


def rollout_metrics() -> Iterator[Metric]:
    """Yield the live rollout's share, and what was decided."""
    share = GaugeMetricFamily("csbot_rollout_share", "The canary's share (0-1).", labels=["rollout", "canary", "state"])
    for rollout in Rollout.objects.filter(state__in=LIVE_STATES).select_related("canary__provider", "release"):
        share.add_metric([rollout.name, rollout.tried, rollout.state], rollout.ratio / BUCKETS)
    decisions = counter("csbot_rollout_decisions", "Decisions about rollouts.", ("kind", "reason"))
    for row in Decision.objects.order_by().values("kind", "reason").annotate(number=Count("pk")):
        decisions.add_metric([row["kind"], row["reason"]], row["number"])
    yield from (share, decisions)


def alert_metrics() -> Metric:
    """Return how many things of each kind somebody should look at, 0 where there are none."""
    family = GaugeMetricFamily("csbot_alerts", "What staff are told on every page, by kind.", labels=["kind"])
    found = Counter(alert.kind for alert in BOARD.alerts())
    for kind in AlertKind:
        family.add_metric([kind.value], found[kind])
    return family


def named_tallies(tallies: Tallies) -> Iterator[tuple[Labels, Tally]]:
    """Yield figures with provider, model, arm and use as labels."""
    names = model_labels()
    for (model, arm, purpose), tally in by(tallies, "model_id", "arm", "purpose").items():
        yield (*names.get(model, UNKNOWN), str(arm), str(purpose)), tally


def model_labels() -> dict[object, Labels]:
    """Return each model's provider and name, as they are now."""
    names = LanguageModel.objects.values_list("pk", "provider__name", "name")
    return {pk: (provider, name) for pk, provider, name in names}


def counter(name: str, text: str, labels: Sequence[str]) -> CounterMetricFamily:
    """Return an empty counter."""
    return CounterMetricFamily(name, text, labels=labels)


def histogram(name: str, text: str, rows: Iterable[tuple[Labels, Sequence[int]]]) -> Metric:
    """Return histograms with every so manieth bound, in seconds."""
    family = HistogramMetricFamily(name, text, labels=LABELS)
    for labels, counts in rows:
        buckets = [
            (f"{BOUNDS_MS[place] / MS:g}", float(sum(counts[: place + 1])))
            for place in range(0, len(BOUNDS_MS), COARSE)
        ]
        family.add_metric(labels, [*buckets, ("+Inf", float(sum(counts)))], sum_value=None)
    return family
