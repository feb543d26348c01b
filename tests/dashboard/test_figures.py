"""The figures of a span: nothing lost between sums and rows, each slice in its place, the baseline's bill."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.gateway.figures import Figures, Span, read_figures
from conversations.gateway.models import LLMCall, Price
from conversations.gateway.rollup import sum_up_hours
from tests.rollout.conftest import Trial, new_call


def counts(figures: Figures) -> list[tuple[str, str, int, int, Decimal]]:
    return [(row.provider, row.arm, row.tally.calls, row.tally.successes, row.tally.cost) for row in figures.rows]


@pytest.mark.parametrize("span", list(Span))
def test_sums_and_rows_give_the_same(traffic: Trial, span: Span) -> None:
    now = timezone.now()
    before = read_figures(span, now=now)
    sum_up_hours()
    after = read_figures(span, now=now)
    assert counts(before) == counts(after)
    assert [each.messages for each in before.slices] == [each.messages for each in after.slices]
    assert before.baseline_cost == after.baseline_cost
    assert before.total.calls == LLMCall.objects.filter(started_at__gte=before.since, started_at__lt=now).count()


def test_a_day_is_told_apart_by_provider_and_arm(traffic: Trial) -> None:
    figures = read_figures(Span.MONTH)
    assert counts(figures) == [
        ("new", "canary", 30, 30, Decimal("0.030")),
        ("old", "stable", 60, 30, Decimal("0.063")),
    ]
    new, old = figures.rows
    assert new.cost_per_thousand == Decimal(1)
    assert old.tally.success_share == 0.5
    assert new.tally.cached_share == 0.8
    assert sum(sum(each.messages.values()) for each in figures.slices) == 60


def test_the_baselines_bill_is_of_the_same_tokens(traffic: Trial) -> None:
    figures = read_figures(Span.MONTH)
    # 90 calls of 200 uncached, 800 cached and 100 answer tokens at 0.15, 0.003 and 0.60 a million.
    assert figures.baseline_cost == 90 * (200 * Decimal("0.15") + 800 * Decimal("0.003") + 60) / 1_000_000
    assert (figures.baseline_model, figures.baseline_currency) == ("old-model", "USD")
    Price.objects.all().delete()
    assert read_figures(Span.MONTH).baseline_cost is None


def test_beyond_the_last_hours_no_rows_are_read(traffic: Trial) -> None:
    sum_up_hours()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        read_figures(Span.MONTH)
    on_rows = [query["sql"] for query in queries if "llmcall" in query["sql"].lower()]
    oldest = (timezone.now() - timedelta(hours=3)).isoformat()[:13]
    assert on_rows and all(sql.split("started_at\" >= '")[1][:13].replace(" ", "T") >= oldest for sql in on_rows)


def test_other_uses_are_apart(trial: Trial) -> None:
    new_call(trial.canary, None, purpose="shadow", started_at=timezone.now(), cost=Decimal("0.5")).save()
    new_call(trial.canary, None, purpose="test", started_at=timezone.now(), cost=Decimal("0.25")).save()
    figures = read_figures(Span.HOUR)
    assert (figures.rows, figures.other_cost) == ((), {"USD": Decimal("0.75")})


def test_no_calls_are_no_figures(db: None) -> None:
    for span in Span:
        figures = read_figures(span)
        assert (figures.rows, figures.total.calls, len(figures.slices)) == ((), 0, span.slices[1])
