"""The queries that csbot sends often or that somebody waits for, run against a full database (`search_plans`)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, Final

from django.contrib.admin import site as admin_site
from django.contrib.auth import get_user_model
from django.db.models import Count, Max, QuerySet
from django.test import RequestFactory
from django.utils import timezone

from bench.corpus import MESSAGES_EACH, NEEDLE, UNANSWERED, build_search_index, fill, sentences, total_bytes
from bench.figures import table
from bench.plans import Plan, explain
from conversations.desk.conversations import with_last_message
from conversations.desk.queue import with_last_words
from conversations.desk.search import COMMON_WINDOW, found_in_transcripts
from conversations.models import Conversation, Customer, Escalation, Message, Owner, Run, WidgetSession

TARGET_ROWS: Final = 20_000_000
MEBIBYTE: Final = 1024 * 1024
SMALL_TABLES: Final = frozenset({"conversations_site", "auth_user"})
PAGE: Final = 50
SEARCH_INDEX: Final = "message_text_grams"
HEADERS: Final = (
    "query",
    "ms",
    "expected at 20 million",
    "limit ms",
    "rows touched",
    "pages",
    "read end to end",
    "indexes",
    "",
)

AnyQuery = QuerySet[Any, Any]


@dataclass(frozen=True)
class Query:
    """A query and how long it may take at twenty million messages."""

    name: str
    make: Callable[[], AnyQuery]
    limit_ms: float = 10.0
    is_count: bool = False
    most_rows: float = inf


@dataclass(frozen=True)
class Verdict:
    """A query's plan beside its limit."""

    query: Query
    plan: Plan
    rows: int

    @property
    def scanned(self) -> set[str]:
        """Return the big tables that were read from end to end."""
        return self.plan.scanned_tables - SMALL_TABLES

    @property
    def expected_ms(self) -> float:
        """Return the time to expect at twenty million messages."""
        # A search without its index reads the newest messages only; with it, every match.
        most_rows = inf if SEARCH_INDEX in self.plan.indexes else self.query.most_rows
        return self.plan.milliseconds_at(TARGET_ROWS, measured_at=self.rows, most_rows=most_rows)

    @property
    def is_good(self) -> bool:
        """Whether the query can live with twenty million messages."""
        return not self.scanned and self.expected_ms <= self.query.limit_ms

    def cells(self) -> tuple[str, ...]:
        """Return the row for the table."""
        return (
            self.query.name,
            f"{self.plan.milliseconds:,.2f}",
            f"{self.expected_ms:,.2f}",
            f"{self.query.limit_ms:,g}",
            f"{self.plan.rows_touched:,.0f}",
            f"{self.plan.blocks:,}",
            ", ".join(sorted(self.scanned)) or "-",
            self.plan.indexes,
            "ok" if self.is_good else "BAD",
        )


def first_page(rows: AnyQuery) -> AnyQuery:
    """Return what a page of a list shows."""
    return rows[:PAGE]


def widget_queries() -> Iterator[Query]:
    """Return what the widget's door, the workers and the scheduler ask."""
    middle = Conversation.objects.order_by("pk")[UNANSWERED + 1000]
    long = Conversation.objects.order_by("-head_seq")[0]
    now = timezone.now()
    yield Query("history for the prompt", lambda: middle.messages.filter(seq__gte=1).order_by("-seq")[:40])
    yield Query("history, long conversation", lambda: long.messages.filter(seq__gte=1).order_by("-seq")[:40])
    yield Query("catch-up of 5", lambda: Message.objects.after(MESSAGES_EACH - 5, conversation_id=middle.pk)[:200])
    yield Query("catch-up of 500", lambda: Message.objects.after(510, conversation_id=long.pk)[:500])
    yield Query("resend: by client_id", lambda: middle.messages.filter(client_id=middle.public_id))
    yield Query("unanswered", Conversation.objects.unanswered, limit_ms=20)
    yield Query("unanswered, counted", Conversation.objects.unanswered, limit_ms=20, is_count=True)
    yield Query("overdue", lambda: Conversation.objects.overdue(before=now)[:500], limit_ms=20)
    yield Query("open runs with an expired lease", lambda: Run.objects.expired(now=now)[:500])
    yield Query("open runs of a conversation", middle.runs.open)
    yield Query("heads of 1,000 conversations", heads_query, limit_ms=50)
    yield Query("expired sessions", lambda: WidgetSession.objects.filter(expires_at__lt=now - timedelta(days=1)))
    yield Query("session by key", lambda: WidgetSession.objects.valid(now=now).filter(pk="0" * 32))
    yield Query("metrics: new messages by sender", new_messages_query)


def heads_query() -> AnyQuery:
    """Return what the hub asks every few seconds, as far as a query set shows it."""
    step = max(1, Conversation.objects.count() // 1000)
    return Conversation.objects.filter(pk__in=range(1, 1000 * step, step)).values_list("pk", "head_seq", "owner_epoch")


def new_messages_query() -> AnyQuery:
    """Return what a scrape of the metrics counts: the messages since the last one."""
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True)[0]
    return Message.objects.filter(pk__gt=newest - 1000).values("sender").annotate(n=Count("pk"), highest=Max("pk"))


def desk_queries() -> Iterator[Query]:
    """Return what the staff's pages ask."""
    waiting, recent = Escalation.objects.waiting(), Conversation.objects.order_by("-last_message_at")
    taken = Escalation.objects.unresolved().filter(conversation__owner=Owner.AGENT).order_by("opened_at")
    middle = Conversation.objects.order_by("pk")[UNANSWERED + 1000]
    yield Query("queue", lambda: with_last_words(waiting)[:200], limit_ms=50)
    yield Query("queue, counted", lambda: waiting, is_count=True)
    yield Query("queue, taken", lambda: with_last_words(taken)[:200], limit_ms=50)
    yield Query("conversation list", lambda: with_last_message(recent)[:PAGE], limit_ms=50)
    late = with_last_message(recent)[99 * PAGE : 100 * PAGE]
    yield Query("conversation list, page 100", lambda: late, limit_ms=500, most_rows=100 * PAGE)
    for owner in Owner:
        of_owner = recent.filter(owner=owner)
        yield Query(f"conversation list, {owner}", partial(first_page, with_last_message(of_owner)), limit_ms=50)
    yield Query("transcript page", lambda: middle.messages.filter(seq__gte=1, seq__lt=100).order_by("seq"))
    yield Query("escalations of a conversation", lambda: middle.escalations.order_by("-opened_at")[:20])
    yield Query("runs without a message", lambda: middle.runs.filter(state="discarded", covers_seq__gte=1))


def customer_queries() -> Iterator[Query]:
    """Return what the list of customers asks, as the admin builds it."""
    admin = admin_site.get_model_admin(Customer)
    request = RequestFactory().get("/")
    request.user = get_user_model().objects.get()
    rows = admin.get_queryset(request).order_by("-pk")

    def found(words: str) -> AnyQuery:
        return admin.get_search_results(request, rows, words)[0][:PAGE]

    yield Query("customers", lambda: rows[:PAGE], limit_ms=50)
    yield Query("customers by id in the shop", lambda: found("shop-3000"), limit_ms=200)
    yield Query("customers by name", lambda: found("ลูกค้า 3000"), limit_ms=200)
    yield Query("customers, nobody found", lambda: found("ไม่มีใครชื่อนี้"), limit_ms=200)


def search_queries() -> Iterator[Query]:
    """Return transcript searches, from words that hardly anybody wrote to words in every second message."""
    recent = Conversation.objects.order_by("-last_message_at")
    searches = {
        "rare words": NEEDLE,
        "one message": f"{NEEDLE} 100003",
        "no message": "ปลากระเบนราหูน้ำจืด",
        "common words": "ขอคืนเงิน",
        "common in both languages": "headphones",
        "everybody's ending": "ค่ะ",
        "common parts, rare together": "ขอคืนเงินกรุงเทพจ้า 77",
        "three digits": "123",
    }
    for name, words in searches.items():
        in_list = with_last_message(found_in_transcripts(recent, words=words))
        yield Query(f"search: {name}", partial(first_page, in_list), limit_ms=1000, most_rows=COMMON_WINDOW)


def measure(*, messages: int, source: Path | None) -> int:
    """Fill the database, explain every query, print the table; 0 where all are good."""
    began_at = time.monotonic()
    size = fill(messages, texts=sentences(source))
    filled_at = time.monotonic()
    build_search_index()
    took = time.monotonic() - filled_at
    tables = total_bytes([Message, Run, Conversation, Customer, WidgetSession, Escalation]) / MEBIBYTE
    print(
        f"{size.messages:,} messages, {size.conversations:,} conversations, {tables:,.0f} MiB; filled in "
        f"{filled_at - began_at:,.0f} s, search index built in {took:,.0f} s, {took / messages * 1e6:,.0f} us a message"
    )
    every = [*widget_queries(), *desk_queries(), *customer_queries(), *search_queries()]
    verdicts = [Verdict(query, explain(query.make(), is_count=query.is_count), size.messages) for query in every]
    print("\n" + table(HEADERS, [verdict.cells() for verdict in verdicts]), flush=True)
    return 0 if all(verdict.is_good for verdict in verdicts) else 1
