"""`/metrics` for Prometheus: this process's sockets and counters, and what the tables say of the whole.

Figures from the tables are the same in every web process: take their maximum, not their sum. Holds numbers only,
nothing of a customer's; open to loopback and to whoever has CSBOT_METRICS_TOKEN.
"""

import hmac
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from ipaddress import ip_address
from threading import Lock
from typing import Final

from django.conf import settings
from django.db.models import Count, Max, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import REGISTRY, CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from conversations.database import persistently
from conversations.events.hub import process_hub
from conversations.limits import client_address
from conversations.models import Conversation, Escalation, Message, Owner, Run
from conversations.redis import redis_client
from conversations.views.answer_metrics import answer_metrics
from conversations.views.gateway_metrics import gateway_metrics

SETTLED: Final = timedelta(seconds=5)
"""Rows younger than this aren't counted yet: one with a lower id may still be on its way in."""


async def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scrape."""
    if not may_read(request):
        return HttpResponse("not for you", status=403, content_type="text/plain")
    sockets = GaugeMetricFamily("csbot_sockets", "Open sockets of this process.", labels=["door"])
    for door, number in process_hub().sockets().items():
        sockets.add_metric([door], number)
    tables = await persistently(lambda: [*table_metrics(), *gateway_metrics(), *answer_metrics()])
    registry = CollectorRegistry()
    registry.register(Ready([sockets, *tables]))
    body = generate_latest(REGISTRY) + generate_latest(registry)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """Say whether the scraper has the token, or sits on this machine without a proxy between."""
    token = settings.CSBOT_METRICS_TOKEN
    given = request.headers.get("Authorization", "").encode()
    if token and hmac.compare_digest(given, f"Bearer {token}".encode()):
        return True
    forwarded_for = request.headers.get("X-Forwarded-For", "")
    if forwarded_for and not settings.CSBOT_TRUSTED_PROXIES:
        return False
    try:
        return ip_address(client_address(request.META.get("REMOTE_ADDR"), forwarded_for=forwarded_for)).is_loopback
    except ValueError:
        return False


class Ready(Collector):
    """Metrics that were read already."""

    def __init__(self, found: list[Metric]) -> None:
        self.found = found

    def collect(self) -> Iterator[Metric]:
        """Return them."""
        yield from self.found


@dataclass
class Tally:
    """Rows counted once and for all, by a label: a scrape only counts what came since the last one."""

    counted_to: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def add(self, rows: list[tuple[str, int, int]]) -> None:
        """Add rows of label, number and highest id."""
        for label, number, highest in rows:
            self.totals[label] += number
            self.counted_to = max(self.counted_to, highest)


@cache
def tally(_name: str) -> Tally:
    """Return this process's tally of the name."""
    return Tally()


def count_messages() -> Counter[str]:
    """Return how many messages there are by sender."""
    messages = tally("messages")
    with messages.lock:
        new = Message.objects.filter(pk__gt=messages.counted_to, created_at__lt=timezone.now() - SETTLED)
        rows = new.values("sender").annotate(number=Count("pk"), highest=Max("pk"))
        messages.add(list(rows.values_list("sender", "number", "highest")))
        return messages.totals


def count_runs() -> Counter[str]:
    """Return how many runs ended, by outcome; one that is still open holds back the count of those after it."""
    runs = tally("runs")
    with runs.lock:
        first_open = Run.objects.open().aggregate(first=Min("pk"))["first"]
        new = Run.objects.filter(pk__gt=runs.counted_to, started_at__lt=timezone.now() - SETTLED)
        ended = new.filter(pk__lt=first_open) if first_open else new
        rows = ended.values("outcome").annotate(number=Count("pk"), highest=Max("pk"))
        runs.add(list(rows.values_list("outcome", "number", "highest")))
        return runs.totals


def table_metrics() -> Iterator[Metric]:
    """Read what the tables and the queue say."""
    yield _counter("csbot_messages", "Stored messages.", label="sender", totals=count_messages())
    yield _counter("csbot_runs", "Ended runs.", label="outcome", totals=count_runs())
    yield _gauge("csbot_runs_open", "Replies being made.", Run.objects.open().count())
    yield _gauge("csbot_unanswered", "Conversations the bot owes a reply.", Conversation.objects.unanswered().count())
    yield _gauge("csbot_escalations_waiting", "Escalations nobody took.", Escalation.objects.waiting().count())
    with_agents = Escalation.objects.unresolved().filter(conversation__owner=Owner.AGENT)
    yield _gauge("csbot_escalations_taken", "Escalations that agents are dealing with.", with_agents.count())
    yield _gauge("csbot_queue_length", "Conversations in the workers' queue; -1: not known.", queue_length())


def queue_length() -> int:
    """Return how much waits in the broker; -1 where it can't be asked."""
    try:
        return int(redis_client().llen(settings.CELERY_TASK_DEFAULT_QUEUE))
    except RedisError:
        return -1


def _counter(name: str, text: str, *, label: str, totals: Counter[str]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, number in totals.items():
        family.add_metric([value], number)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
