"""Budgets: counted exactly, warned of, and at the cap the shop steps down, never without a word."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone

from conversations.gateway.budgets import Purse, read_levels, start_of, within_budgets
from conversations.gateway.models import Budget, Period, StepDown, Tier
from conversations.gateway.reading import current_catalog
from conversations.gateway.rollup import sum_up_hours
from conversations.models import Conversation, Escalation, Message, Owner, Reason, Run, Sender
from conversations.replies.loop import ReplyLoop
from tests.gateway.conftest import Shop, add_route
from tests.gateway.test_failover import answer_of, ask, eventually
from tests.model import envelope, streamed
from tests.rollout.conftest import Trial, new_call

OpenShop = Callable[..., Shop]
NewConversation = Callable[[], Conversation]
NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
"""12:00 in Bangkok."""


def spend(trial: Trial, cost: str, *, at: datetime, **details: object) -> None:
    new_call(trial.stable, None, cost=Decimal(cost), started_at=at, **details).save()


def budget(cap: str = "10", **details: object) -> Budget:
    return Budget.objects.create(cap=Decimal(cap), **details)


def spent(period: Period, now: datetime) -> Decimal:
    [level] = [level for level in read_levels(now) if level.period is period]
    return level.spent


def test_days_and_months_begin_by_the_shops_clock() -> None:
    assert start_of(Period.DAY, NOON) == datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    assert start_of(Period.MONTH, NOON) == datetime(2026, 10, 31, 17, 0, tzinfo=UTC)


def test_hours_that_are_summed_up_and_rows_count_once_each(trial: Trial) -> None:
    budget(period=Period.DAY)
    budget(period=Period.MONTH)
    now = timezone.localtime().replace(hour=12, minute=30, second=0, microsecond=0)
    spend(trial, "0.000000000001", at=now - timedelta(hours=3))
    spend(trial, "2", at=now - timedelta(hours=2), purpose="shadow")
    spend(trial, "0.5", at=now)
    spend(trial, "100", at=now, currency="THB")
    spend(trial, "100", at=now.replace(hour=0) - timedelta(hours=1))
    before = spent(Period.DAY, now)
    assert before == Decimal("2.500000000001")
    sum_up_hours()
    assert spent(Period.DAY, now) == before
    is_same_month = (now - timedelta(days=1)).month == now.month
    assert spent(Period.MONTH, now) == before + (100 if is_same_month else 0)


def test_it_warns_at_the_share_and_is_used_up_at_the_cap(trial: Trial) -> None:
    budget("10")
    now = timezone.now()
    spend(trial, "7.99", at=now)
    assert not read_levels(now)[0].is_close
    spend(trial, "0.01", at=now)
    [level] = read_levels(now)
    assert (level.is_close, level.is_used_up, level.share) == (True, False, 0.8)
    spend(trial, "2", at=now)
    assert read_levels(now)[0].is_used_up


@pytest.mark.parametrize(
    ("step_down", "whose", "left"),
    [
        (StepDown.CHEAPER, "all", ["economy"]),
        (StepDown.KNOWN, "all", []),
        (StepDown.PEOPLE, "all", []),
        (StepDown.CHEAPER, "its", ["economy", "new-model"]),
        (StepDown.PEOPLE, "its", ["economy", "new-model"]),
    ],
)
def test_the_cap_leaves_those_who_are_cheap_enough(
    trial: Trial, step_down: StepDown, whose: str, left: list[str]
) -> None:
    economy = add_route("cheap", "http://127.0.0.1:9/v1").model
    economy.name, economy.tier = "economy", Tier.ECONOMY
    economy.save()
    budget("1", step_down=step_down, provider=trial.stable.account.provider if whose == "its" else None)
    assert len(within_budgets(current_catalog()).candidates) == 3
    spend(trial, "1", at=timezone.now())
    Budget.objects.update(warn_at=70)
    assert sorted(each.model for each in within_budgets(current_catalog()).candidates) == left


def test_an_edit_counts_at_once_and_sums_are_kept_for_a_moment(trial: Trial) -> None:
    clock = [0.0]
    purse = Purse(clock=lambda: clock[0])
    budget("10")
    spend(trial, "1", at=timezone.now())
    stamp = current_catalog().stamp
    assert purse.levels(stamp)[0].spent == 1
    spend(trial, "1", at=timezone.now())
    assert purse.levels(stamp)[0].spent == 1
    clock[0] = 5.0
    assert purse.levels(stamp)[0].spent == 2
    Budget.objects.update(cap=1)
    assert purse.levels(current_catalog().stamp)[0].is_used_up


def test_a_budget_stands_once(trial: Trial) -> None:
    budget()
    with pytest.raises(IntegrityError):
        budget("20")


def test_without_budgets_nothing_is_summed_up(trial: Trial, django_assert_num_queries: Callable[..., object]) -> None:
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        assert read_levels(timezone.now()) == ()


@pytest.mark.parametrize("step_down", [StepDown.PEOPLE, StepDown.CHEAPER, StepDown.KNOWN])
def test_at_the_cap_a_person_answers_and_the_customer_is_told(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation, step_down: StepDown
) -> None:
    shop = open_shop("only")
    shop.server.default = lambda _call: streamed(envelope("ค่ะ"))
    shop.language_model.prices.update(output=100)
    budget("0.001", step_down=step_down)
    answer_of(loop, new_conversation())
    Budget.objects.update(warn_at=50)
    conversation = new_conversation()
    ask(loop, conversation)
    eventually(Escalation.objects.exists)
    conversation.refresh_from_db()
    assert conversation.owner == Owner.WAITING
    assert Escalation.objects.get().reason == Reason.BUDGET
    told = Message.objects.get(conversation=conversation, sender=Sender.SYSTEM)
    assert "ขออภัย" in told.text
    assert Run.objects.get(conversation=conversation).outcome == "budget"
    assert len(shop.server.calls) == 1


def test_at_the_cap_an_economy_model_answers(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    dear, cheap = open_shop("dear"), open_shop("cheap", group=2)
    dear.server.default = lambda _call: streamed(envelope("ตัวแพงค่ะ"))
    cheap.server.default = lambda _call: streamed(envelope("ตัวประหยัดค่ะ"))
    dear.language_model.prices.update(output=100)
    cheap.language_model.tier = Tier.ECONOMY
    cheap.language_model.save()
    budget("0.001", provider=dear.provider)
    assert answer_of(loop, new_conversation())[0] == "ตัวแพงค่ะ"
    Budget.objects.update(warn_at=50)
    assert answer_of(loop, new_conversation())[0] == "ตัวประหยัดค่ะ"
    Budget.objects.all().delete()
    assert answer_of(loop, new_conversation())[0] == "ตัวแพงค่ะ"
