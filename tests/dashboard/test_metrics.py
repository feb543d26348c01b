"""`/metrics`: every process says the same, nothing is lost between rows and sums, Grafana asks for what is there."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from conversations.answers.board import touch
from conversations.answers.counting import Served, count_served
from conversations.answers.models import AnswerPolicy, AnswerState, KnownAnswer, KnownLabel, Step
from conversations.database import close_database_threads
from conversations.gateway.models import Budget, CallHour, LLMCall
from conversations.gateway.rollout import Cause, start
from conversations.gateway.rollup import sum_up_hours
from conversations.models import Site
from conversations.views.gateway_metrics import MonthSoFar, call_metrics, month_so_far
from tests.rollout.conftest import Trial, new_call

GRAFANA: Final = Path(settings.BASE_DIR) / "docs/grafana/csbot.json"
NAMES: Final = re.compile(r"csbot_\w+")
LABELS_ASKED: Final = re.compile(r"\{\{(\w+)\}\}")


@pytest.fixture(autouse=True)
def closed_threads() -> Iterator[None]:
    """Let no thread keep the test's database."""
    yield
    close_database_threads()


def scrape(client: Client) -> str:
    month_so_far.cache_clear()
    response = client.get("/metrics")
    assert response.status_code == 200
    return response.content.decode()


def samples(text: str) -> dict[str, dict[str, float]]:
    """Return values by name and labels."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def this_month(**details: str) -> int:
    """Return how many of the traffic's calls are of this month."""
    start_of_month = timezone.now().astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return LLMCall.objects.filter(started_at__gte=start_of_month, **details).count()


def test_calls_tokens_cost_and_waits_are_counted(client: Client, transactional_db: None, traffic: Trial) -> None:
    found = samples(scrape(client))
    assert sum(found["csbot_llm_calls_total"].values()) == this_month()
    assert sum(value for labels, value in found["csbot_llm_tokens_total"].items() if "kind=prompt" in labels) == (
        1_000 * this_month()
    )
    key = "arm=canary,currency=USD,model=new-model,provider=new,purpose=reply"
    canary = this_month(arm="canary")
    assert abs(found["csbot_llm_cost_total"][key] - float(Decimal("0.001") * canary)) < 1e-9
    buckets = found["csbot_llm_first_token_seconds_bucket"]
    labels = "arm=canary,le={},model=new-model,provider=new,purpose=reply"
    assert buckets[labels.format("+Inf")] == canary
    assert buckets[labels.format("0.0985")] == 0
    assert buckets[labels.format("0.3091")] == canary


def test_processes_agree_whatever_they_have_added_up_before(traffic: Trial) -> None:
    now = timezone.now()
    early = MonthSoFar()
    before = early.total(now)
    sum_up_hours()
    late = MonthSoFar()
    assert early.total(now) == late.total(now) == before
    new_call(traffic.stable, None, started_at=now - timedelta(seconds=1)).save()
    assert early.total(now) == late.total(now) != before
    assert early.until == late.until


def test_what_was_added_up_once_is_not_read_again(traffic: Trial) -> None:
    now = timezone.now()
    sum_up_hours()
    kept = MonthSoFar()
    total = kept.total(now)
    CallHour.objects.all().delete()
    assert kept.total(now) == total


def test_a_new_month_starts_anew(traffic: Trial) -> None:
    kept = MonthSoFar()
    assert kept.total(timezone.now())
    assert kept.total(timezone.now() + timedelta(days=62)) == {}


def test_an_empty_shop_has_names_and_no_numbers(db: None) -> None:
    metrics = list(call_metrics({}))
    assert metrics[0].name == "csbot_llm_calls"
    assert not any(metric.samples for metric in metrics)


def test_budgets_and_rollouts_are_told(client: Client, transactional_db: None, trial: Trial) -> None:
    Budget.objects.create(cap=Decimal(10))
    new_call(trial.stable, None, started_at=timezone.now(), cost=Decimal("8.5")).save()
    start(trial.rollout.pk, Cause())
    found = samples(scrape(client))
    labels = "currency=USD,period=day,provider=all,step_down=cheaper"
    assert found["csbot_budget_spent"] == {labels: 8.5}
    assert found["csbot_budget_cap"] == {labels: 10}
    assert found["csbot_budget_warning"] == {labels: 1}
    assert found["csbot_rollout_share"] == {"canary=new / new-model,rollout=to the new one,state=running": 0.01}
    assert found["csbot_rollout_decisions_total"] == {"kind=started,reason=by_hand": 1}
    assert found["csbot_alerts"]["kind=budget_close"] == 1
    assert found["csbot_alerts"]["kind=budget_out"] == found["csbot_alerts"]["kind=key_refused"] == 0


def test_grafana_asks_for_names_and_labels_that_are_there(
    client: Client, transactional_db: None, traffic: Trial
) -> None:
    Budget.objects.create(cap=Decimal(10))
    start(traffic.rollout.pk, Cause())
    text = scrape(client)
    described = set(re.findall(r"^# HELP (csbot_\w+)", text, re.MULTILINE))
    found = samples(text)
    exported = set(found) | described
    panels = json.loads(GRAFANA.read_text())["panels"]
    assert len(panels) > 10
    for panel in panels:
        for target in panel["targets"]:
            names = set(NAMES.findall(target["expr"]))
            assert names and names <= exported, names - exported
            known = {
                part.partition("=")[0] for name in names for labels in found.get(name, {}) for part in labels.split(",")
            }
            if names <= set(found):
                assert set(LABELS_ASKED.findall(target["legendFormat"])) <= known, target


def test_known_answers_tell_what_they_served_and_that_they_stopped(
    client: Client, transactional_db: None, site: Site
) -> None:
    answer = KnownAnswer.objects.create(
        site=site,
        intent="อื่นๆ",
        text="9 โมงค่ะ",
        text_key="k",
        state=AnswerState.APPROVED,
        approved_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    served = Served(answer.pk, site.pk, Step.EXACT, money=Decimal("0.5"), milliseconds=900)
    for _customer in range(3):
        count_served(served)
    KnownLabel.objects.create(answer=answer, step=Step.EXACT, score=1, is_right=False, was_served=True, judge="words")
    touch()
    found = samples(scrape(client))
    assert found["csbot_known_served_total"] == {"step=exact": 3, "step=near": 0, "step=fixed": 0}
    assert found["csbot_known_money_saved_total"] == {"": 1.5}
    assert found["csbot_known_checked_total"] == {"verdict=right": 0, "verdict=wrong": 1}
    assert (found["csbot_known_serving"], found["csbot_known_stopped"]) == ({"": 1}, {"": 0})
    assert found["csbot_known_answers"]["state=approved"] == 1
    AnswerPolicy.objects.update(stopped_at=timezone.now())
    touch()
    found = samples(scrape(client))
    assert (found["csbot_known_serving"], found["csbot_known_stopped"]) == ({"": 0}, {"": 1})


def test_alert_rules_ask_for_names_that_are_there(client: Client, transactional_db: None) -> None:
    described = set(re.findall(r"^# HELP (csbot_\w+)", scrape(client), re.MULTILINE))
    rules = (GRAFANA.parent / "alerts.yml").read_text()
    names = set(NAMES.findall(rules))
    assert len(names) > 5 and names <= described, names - described
    assert "csbot_known_stopped) == 1" in rules


def test_each_panel_is_at_a_place_of_its_own() -> None:
    panels = json.loads(GRAFANA.read_text())["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places) == len({panel["id"] for panel in panels})
