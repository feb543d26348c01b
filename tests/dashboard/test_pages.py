"""The pages: who sees what, in both languages, and that every button asks why."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.gateway.models import Budget, Decision, Guard, Rollout, RolloutState
from conversations.gateway.rollout import Cause, start
from tests.rollout.conftest import Trial, new_call

HOSTILE = "</title><script>alert(1)</script>"


def page(client: Client, url: str = "") -> str:
    response = client.get(url or reverse("admin:index"))
    assert response.status_code == 200
    return response.content.decode()


def change_url(rollout: Rollout) -> str:
    return reverse("admin:conversations_rollout_change", args=[rollout.pk])


def press(client: Client, rollout: Rollout, move: str, *, why: str = "because") -> str:
    response = client.post(reverse("admin:rollout-move", args=[rollout.pk, move]), {"why": why}, follow=True)
    rollout.refresh_from_db()
    return response.content.decode()


def test_an_operator_sees_the_figures(operator: Client, traffic: Trial) -> None:
    html = page(operator, reverse("admin:index") + "?span=month")
    for word in ("Messages answered", "old · Stable", "new · Canary", "1.00 USD", "80.0 %", "Against the baseline"):
        assert word in html
    assert html.count("<svg viewBox") == 3
    assert html.count("As a table") == 3
    assert 'id="queue"' not in html


def test_an_agent_sees_the_queue_alone(agent: Client, traffic: Trial) -> None:
    html = page(agent)
    assert 'id="queue"' in html
    assert 'id="figures"' not in html


def test_who_does_both_sees_both(admin_client: Client, traffic: Trial) -> None:
    html = page(admin_client)
    assert html.index('id="queue"') < html.index('id="figures"')


def test_the_page_speaks_thai(operator: Client, traffic: Trial) -> None:
    operator.cookies["django_language"] = "th"
    html = page(operator)
    assert "Messages answered" not in html
    assert "ตัวเลข" in html


def test_nothing_is_written_into_the_page_as_script_or_style(operator: Client, traffic: Trial) -> None:
    traffic.stable.account.provider.name = HOSTILE[:40]
    traffic.stable.account.provider.save()
    html = page(operator)
    figures = html[html.index('id="figures"') :]
    figures = figures[: figures.index("</section>")]
    assert "<script" not in figures and "style=" not in figures and "onclick" not in figures


@pytest.mark.parametrize("span", ["hour", "day", "week", "month", "x", ""])
def test_any_span_can_be_asked_for(operator: Client, trial: Trial, span: str) -> None:
    assert "No model was asked in this time." in page(operator, reverse("admin:index") + f"?span={span}")


def test_a_budget_that_runs_out_says_so(operator: Client, trial: Trial) -> None:
    Budget.objects.create(cap=Decimal(10))
    new_call(trial.stable, None, cost=Decimal("8.5"), started_at=timezone.now()).save()
    assert "Nearly used up. At the cap: Only economy models answer." in page(operator)
    new_call(trial.stable, None, cost=Decimal("1.5"), started_at=timezone.now()).save()
    html = page(operator)
    assert "Used up: Only economy models answer." in html
    assert "10.00 USD / 10.00 USD (100.0 %)" in html
    assert "Used up" in page(operator, reverse("admin:conversations_budget_changelist"))


def test_a_budget_is_entered_in_the_admin(operator: Client, trial: Trial) -> None:
    form = {"period": "day", "cap": "5", "currency": "USD", "warn_at": "80", "step_down": "people", "is_on": "on"}
    assert operator.post(reverse("admin:conversations_budget_add"), form).status_code == 302
    assert Budget.objects.get().cap == 5
    form["cap"] = "-1"
    assert operator.post(reverse("admin:conversations_budget_add"), form).status_code == 200


def test_a_rollout_is_made_started_and_rolled_back_in_the_admin(operator: Client, trial: Trial) -> None:
    form = {
        "name": "next",
        "canary": trial.canary.model_id,
        "guard-TOTAL_FORMS": "1",
        "guard-INITIAL_FORMS": "0",
        "guard-0-steps": "10,100",
        "guard-0-hold_minutes": "5",
        "guard-0-min_samples": "50",
        "guard-0-patience_minutes": "60",
        "guard-0-success_drop": "1",
        "guard-0-broken_rise": "1",
        "guard-0-escalation_rise": "1",
        "guard-0-first_token_growth": "10",
        "guard-0-cost_growth": "",
        "guard-0-shadow_share": "5",
    }
    assert operator.post(reverse("admin:conversations_rollout_add"), form).status_code == 302
    rollout = Rollout.objects.get(name="next")
    guard = Guard.objects.get(rollout=rollout)
    assert [*guard.steps, guard.shadow_share] == [10, 100, 5]
    assert guard.cost_growth is None
    assert "Shadow calls of the last 24 hours" in page(operator, change_url(rollout))
    press(operator, rollout, "start")
    assert (rollout.state, rollout.ratio) == (RolloutState.RUNNING, 1_000)
    html = press(operator, rollout, "roll-back", why="customers complain")
    assert rollout.state == RolloutState.ROLLED_BACK
    assert "customers complain" in html and "owner" in html


def test_without_a_reason_nothing_happens(operator: Client, trial: Trial) -> None:
    assert "Say why" in press(operator, trial.rollout, "start", why="  ")
    assert trial.rollout.state == RolloutState.DRAFT
    assert not Decision.objects.exists()


def test_what_cant_be_done_is_refused_in_words(operator: Client, trial: Trial) -> None:
    assert "The rollout is Not started by now." in press(operator, trial.rollout, "promote")


def test_a_reason_is_text_and_nothing_else(operator: Client, trial: Trial) -> None:
    html = press(operator, trial.rollout, "start", why=HOSTILE)
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)" in html


def test_agents_have_no_part_in_it(agent: Client, trial: Trial) -> None:
    start(trial.rollout.pk, Cause())
    response = agent.post(reverse("admin:rollout-move", args=[trial.rollout.pk, "roll-back"]), {"why": "x"})
    assert response.status_code == 403
    assert agent.get(change_url(trial.rollout)).status_code == 403
    assert agent.get(reverse("admin:conversations_budget_changelist")).status_code == 403
    trial.rollout.refresh_from_db()
    assert trial.rollout.state == RolloutState.RUNNING


def test_a_rollout_that_ran_cant_be_deleted(operator: Client, trial: Trial) -> None:
    delete = reverse("admin:conversations_rollout_delete", args=[trial.rollout.pk])
    assert operator.get(delete).status_code == 200
    start(trial.rollout.pk, Cause())
    assert operator.get(delete).status_code == 403
