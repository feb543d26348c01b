"""What staff are told wherever they are in the admin: budgets, refused keys, empty accounts, silent models."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from conversations.gateway.alerts import BOARD
from conversations.gateway.models import Arm, Budget, LLMCall, Outcome, Route, StepDown, Tier
from conversations.redis import redis_client
from conversations.replies.loop import ReplyLoop
from tests.gateway.conftest import Shop, forget_circuits
from tests.gateway.test_failover import answer_of, good
from tests.model import Refuse
from tests.rollout.conftest import Trial, clean_circuits, loop, new_call, new_conversation, open_shop, quick

__all__ = ["clean_circuits", "loop", "new_conversation", "open_shop", "quick"]

OPERATORS_PAGES = ("/admin/", "provider/", "route/add/", "budget/", "rollout/")
AGENTS_PAGES = ("/admin/", "conversation/", "customer/")


@pytest.fixture(autouse=True)
def nothing_known(db: None) -> None:
    """Ids come again, and what was read is kept for a moment."""
    forget_circuits()
    BOARD.forget()


def notices(client: Client, page: str = "/admin/") -> list[str]:
    """Return what stands above a page, in words."""
    address = page if page.startswith("/") else f"/admin/conversations/{page}"
    html = client.get(address).content.decode()
    found = re.search(r"<ul[^>]*data-desk-notices.*?</ul>", html, re.DOTALL)
    assert found, f"no place for notices on {page}"
    BOARD.forget()
    items: list[str] = re.findall(r"<li.*?</li>", found[0], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", each).split()) for each in items]


def spend(trial: Trial, amount: str) -> None:
    LLMCall.objects.bulk_create([new_call(trial.stable, Arm.STABLE, started_at=timezone.now(), cost=Decimal(amount))])
    Budget.objects.update(warn_at=80)


@pytest.mark.parametrize("page", OPERATORS_PAGES)
def test_a_budget_at_80_per_cent_is_told_on_every_page(operator: Client, trial: Trial, page: str) -> None:
    Budget.objects.create(cap=10, step_down=StepDown.PEOPLE)
    spend(trial, "7.9")
    assert notices(operator, page) == []
    spend(trial, "0.1")
    [told] = notices(operator, page)
    assert "8.00 USD / 10.00 USD (80.0 %)" in told and "People answer" in told


@pytest.mark.parametrize("page", AGENTS_PAGES)
@pytest.mark.parametrize(
    ("step_down", "words"),
    [(StepDown.PEOPLE, "people answer"), (StepDown.KNOWN, "known answers only"), (StepDown.CHEAPER, "known answers")],
)
def test_agents_are_told_that_the_bot_does_not_answer_and_no_amounts(
    agent: Client, trial: Trial, page: str, step_down: StepDown, words: str
) -> None:
    Budget.objects.create(cap=10, step_down=step_down)
    spend(trial, "9")
    assert notices(agent, page) == [], "what is only close is the operators' business"
    spend(trial, "1")
    [told] = notices(agent, page)
    assert words in told and "10" not in told


def test_who_still_gets_answers_from_an_economy_model_is_not_alarmed(agent: Client, trial: Trial) -> None:
    trial.canary.model.tier = Tier.ECONOMY
    trial.canary.model.save()
    Budget.objects.create(cap=1, step_down=StepDown.CHEAPER)
    spend(trial, "1")
    assert notices(agent) == []


def test_open_pages_hear_it_with_the_queue(agent: Client, trial: Trial) -> None:
    queue = "/admin/conversations/conversation/queue/"
    assert agent.get(queue, {"rows": 0}).json()["notices"] == []
    Budget.objects.create(cap=1, step_down=StepDown.PEOPLE)
    spend(trial, "1")
    for rows in ({"rows": 0}, {}):
        [notice] = agent.get(queue, rows).json()["notices"]
        assert notice == {"text": "The bot's budget is used up: people answer.", "url": "", "is_grave": True}


@pytest.mark.parametrize(("status", "words"), [(401, "A key is refused"), (402, "is empty")])
def test_a_refused_key_and_an_empty_account_are_told_until_they_work_again(
    loop: ReplyLoop,
    open_shop: Callable[..., Shop],
    new_conversation: Callable[[], object],
    status: int,
    words: str,
) -> None:
    first, second = open_shop("first"), open_shop("second", group=2)
    first.server.default = lambda _call: [Refuse(status)]
    second.server.default = good("ค่ะ")
    owner = Client()
    owner.force_login(User.objects.create_superuser("owner"))
    answer_of(loop, new_conversation())  # type: ignore[arg-type]
    [told] = notices(owner)
    assert words in told and "first" in told
    assert f"/account/{first.account.pk}/" in owner.get("/admin/").content.decode()
    forget_circuits()
    BOARD.forget()
    assert notices(owner) == []


def test_a_model_that_breaks_is_told_with_its_reason_and_agents_only_when_nobody_answers(
    loop: ReplyLoop, open_shop: Callable[..., Shop], new_conversation: Callable[[], object], site: object
) -> None:
    first, second = open_shop("first"), open_shop("second", group=2)
    first.server.default = lambda _call: [Refuse(500)]
    second.server.default = good("ค่ะ")
    owner = Client()
    owner.force_login(User.objects.create_superuser("owner"))
    for _ in range(3):
        answer_of(loop, new_conversation())  # type: ignore[arg-type]
    assert notices(owner) == ["first / first-model is left alone for the moment: Server error."]
    Route.objects.filter(pk=second.route.pk).update(is_on=False)
    assert "No model answers at the moment: questions come to people." in notices(owner)


def test_what_we_ask_wrongly_is_told(operator: Client, trial: Trial) -> None:
    at = timezone.now()
    wrong = [new_call(trial.stable, None, started_at=at, outcome=Outcome.UNPROCESSABLE) for _ in range(3)]
    LLMCall.objects.bulk_create(wrong)
    [told] = notices(operator)
    assert told.startswith("old refused 3 requests")


def test_without_redis_pages_still_open(operator: Client, trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(redis_client().connection_pool, "get_connection", broken)
    assert notices(operator, "provider/") == []
