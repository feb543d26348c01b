"""The admin's front page: the queue for those who answer customers, the shop's figures for those who operate it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.desk import queue
from conversations.desk.dashboard_charts import Chart, bars, line
from conversations.desk.gateway import may_operate
from conversations.desk.numbers import NONE, budget_line, change, costs, milliseconds, money, percent
from conversations.gateway.budgets import read_levels
from conversations.gateway.figures import P50, P95, P99, Figures, Row, Slice, Span, read_figures
from conversations.gateway.models import Arm, Rollout
from conversations.gateway.models.rollouts import BUCKETS, LIVE_STATES
from conversations.gateway.tally import Tally

DAYS_A_MONTH: Final = 30
SPANS: Final[dict[Span, str | Promise]] = {
    Span.HOUR: gettext_lazy("Last hour"),
    Span.DAY: gettext_lazy("24 hours"),
    Span.WEEK: gettext_lazy("7 days"),
    Span.MONTH: gettext_lazy("30 days"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table, in words; cells as the header says."""

    title: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its name, and what it should be seen beside."""

    title: str
    value: str
    note: str = ""


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Put what this person works with on the admin's first page (UNFOLD["DASHBOARD_CALLBACK"])."""
    context = queue.dashboard(request, context)
    if not may_operate(request):
        return context
    if "queue" not in context:
        context["title"] = _("Figures")
    return context | {"dashboard": dashboard_of(wanted_span(request))}


def wanted_span(request: HttpRequest) -> Span:
    """Return the span that the address asks for."""
    asked = request.GET.get("span", "")
    return Span(asked) if asked in set(Span) else Span.DAY


def dashboard_of(span: Span) -> dict[str, Any]:
    """Return all that the page shows."""
    figures = read_figures(span)
    return {
        "spans": [
            {"title": title, "url": f"{reverse('admin:index')}?span={each.value}#figures", "is_current": each is span}
            for each, title in SPANS.items()
        ],
        "tiles": list(tiles_of(figures)),
        "headers": headers(),
        "lines": [line_of(row, figures) for row in figures.rows],
        "charts": list(charts_of(figures)),
        "comparison": list(comparison_of(figures)),
        "baseline": figures.baseline_model,
        "budgets": [budget_line(level) for level in read_levels(figures.until)],
        "rollout": rollout_words(),
    }


def tiles_of(figures: Figures) -> Iterator[Tile]:
    """Yield the figures that come first."""
    total = figures.total
    yield Tile(_("Messages answered"), f"{total.successes:,}", note=_("%(n)s calls") % {"n": f"{total.calls:,}"})
    yield Tile(_("Success"), percent(total.success_share))
    yield Tile(_("First words, p95"), milliseconds(total.first_token_ms(P95)))
    yield Tile(_("Served from the prefix cache"), percent(total.cached_share), note=_("of prompt tokens"))
    others = ", ".join(money(cost, currency) for currency, cost in figures.other_cost.items())
    note = _("and %(cost)s for shadows and tests") % {"cost": others} if others else ""
    yield Tile(_("Cost"), costs(figures.cost), note=note)


def headers() -> list[str]:
    """Return the titles of the table's columns: what a narrow screen shows without scrolling first."""
    return [
        _("Messages"),
        _("Success"),
        _("Cost"),
        _("per 1,000 messages"),
        _("at the baseline"),
        _("First words, ms: p50 / p95 / p99"),
        _("Whole answer, ms: p50 / p95 / p99"),
        _("Prompt tokens"),
        _("Cached"),
        _("Answer tokens"),
    ]


def line_of(row: Row, figures: Figures) -> Line:
    """Return a provider's and arm's line."""
    arm = str(Arm(row.arm).label) if row.arm else ""
    tally, currency = row.tally, row.currency
    cells = (
        f"{tally.successes:,}",
        percent(tally.success_share),
        money(tally.cost, currency) if currency else NONE,
        money(row.cost_per_thousand, currency),
        money(row.baseline, figures.baseline_currency),
        *waits(tally),
        f"{tally.prompt_tokens:,}",
        percent(tally.cached_share),
        f"{tally.completion_tokens:,}",
    )
    return Line(f"{row.provider} · {arm}" if arm else row.provider, cells)


def waits(tally: Tally) -> Iterator[str]:
    """Yield the percentiles of both waits, each in one cell: side by side they would push the costs off the screen."""
    for percentile in (tally.first_token_ms, tally.total_ms):
        found = [percentile(share) for share in (P50, P95, P99)]
        yield " / ".join(NONE if each is None else f"{each:,.0f}" for each in found)


def comparison_of(figures: Figures) -> Iterator[Line]:
    """Yield the table of before and after: the baseline's bill for the same tokens, and the shop's own."""
    before, currency = figures.baseline_cost, figures.baseline_currency
    after = figures.cost.get(currency) if set(figures.cost) <= {currency} else None
    if before is None or after is None or not figures.days:
        return
    tokens = figures.total.prompt_tokens + figures.total.completion_tokens
    monthly = Decimal(DAYS_A_MONTH) / Decimal(figures.days)
    yield Line(_("Cost of these messages"), (money(before, currency), money(after, currency), change(before, after)))
    if figures.span in (Span.WEEK, Span.MONTH):
        of_month = before * monthly, after * monthly
        shown = (money(of_month[0], currency), money(of_month[1], currency), change(*of_month))
        yield Line(_("A month at this rate"), shown)
    yield Line(_("Tokens a day"), (NONE, f"{tokens / figures.days:,.0f}", ""))


def charts_of(figures: Figures) -> Iterator[Chart]:
    """Yield the charts, each with its table."""
    times = [slice_title(each.start, figures.span) for each in figures.slices]
    providers = sorted({row.provider for row in figures.rows})
    messages = {name: [float(each.messages.get(name, 0)) for each in figures.slices] for name in providers}
    yield bars(_("Messages answered"), times, messages, shown="{:,.0f}")
    for currency in sorted(figures.cost):
        spent = {name: [cost_in(each, name, currency) for each in figures.slices] for name in providers}
        yield bars(_("Cost (%(currency)s)") % {"currency": currency}, times, spent, shown="{:,.4f}")
    p95 = [each.first_token_p95_ms for each in figures.slices]
    yield line(_("First words, p95 (ms)"), times, p95, shown="{:,.0f}")


def cost_in(each: Slice, provider: str, currency: str) -> float:
    """Return what a provider cost in a slice."""
    return float(each.cost.get((provider, currency), 0))


def slice_title(start: datetime, span: Span) -> str:
    """Return when a slice starts, as short as its span allows."""
    local = timezone.localtime(start)
    if span in (Span.HOUR, Span.DAY):
        return f"{local:%H:%M}"
    day = date_format(local, "j M")
    return day if span is Span.MONTH else f"{day} {local:%H:%M}"


def rollout_words() -> dict[str, str] | None:
    """Return what the live rollout is at."""
    rollout = Rollout.objects.filter(state__in=LIVE_STATES).select_related("canary__provider", "release").first()
    if rollout is None:
        return None
    return {
        "name": rollout.name,
        "canary": rollout.tried,
        "state": rollout.get_state_display(),
        "share": percent(rollout.ratio / BUCKETS),
        "url": reverse("admin:conversations_rollout_change", args=[rollout.pk]),
    }
