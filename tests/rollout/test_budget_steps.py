"""Who still answers when a budget is used up: known answers where they may, people where it says so."""

import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.utils import timezone

from conversations.actions.customers import add_customer_message
from conversations.answers.board import Scope, policy_row
from conversations.answers.keeping import add_answer
from conversations.answers.models import AnswerPolicy, KnownAnswer
from conversations.gateway.budgets import Ceiling, ceiling_of
from conversations.gateway.models import Arm, Budget, LLMCall, Route, StepDown, Tier
from conversations.gateway.reading import current_catalog
from conversations.models import Conversation, Escalation, Owner, Reason
from conversations.playbook.starter_texts import OTHER
from conversations.replies.loop import ReplyLoop
from tests.answers import conftest as answering
from tests.answers.asking import ask
from tests.gateway.test_failover import eventually
from tests.model import Model
from tests.rollout.conftest import Trial, new_call

loop, model, scope, shop, visitor = (
    answering.loop,
    answering.model,
    answering.scope,
    answering.shop,
    answering.visitor,
)

HOURS, UNKNOWN = "ร้านเปิดกี่โมงคะ", "มีที่จอดรถไหมคะ"
ANSWER = "ร้านเปิดทุกวัน 9 โมงเช้าถึง 6 โมงเย็นค่ะ"
Visitor = Callable[[], Conversation]


@pytest.fixture
def known(scope: Scope) -> KnownAnswer:
    policy_row()
    AnswerPolicy.objects.update(explore_share=0.0)
    return add_answer(scope, intent=OTHER, question=HOURS, text=ANSWER, by=None)


def spend_all(step_down: StepDown, *, route: Route | None = None) -> None:
    """Let a budget for all be used up."""
    route = route or Route.objects.get()
    LLMCall.objects.bulk_create([new_call(route, None, started_at=timezone.now(), cost=Decimal(1))])
    Budget.objects.create(cap=1, step_down=step_down)


def is_at_a_person(conversation: Conversation, text: str, *, loop: ReplyLoop) -> bool:
    add_customer_message(conversation.pk, client_id=uuid.uuid4(), text=text)
    loop.submit(conversation.pk)
    eventually(lambda: Escalation.objects.filter(conversation=conversation).exists())
    conversation.refresh_from_db()
    return conversation.owner == Owner.WAITING and conversation.escalations.get().reason == Reason.BUDGET


@pytest.mark.parametrize("step_down", [StepDown.KNOWN, StepDown.CHEAPER])
def test_known_answers_go_on_and_all_else_goes_to_a_person(
    loop: ReplyLoop, model: Model, visitor: Visitor, known: KnownAnswer, step_down: StepDown
) -> None:
    assert ask(loop, visitor(), UNKNOWN).text == f"คำตอบ: {UNKNOWN}"
    spend_all(step_down)
    assert ask(loop, visitor(), HOURS).text == ANSWER
    assert is_at_a_person(visitor(), UNKNOWN, loop=loop)
    assert len(model.calls) == 1


def test_where_people_are_to_answer_known_answers_end_too(
    loop: ReplyLoop, model: Model, visitor: Visitor, known: KnownAnswer
) -> None:
    assert ask(loop, visitor(), HOURS).text == ANSWER
    assert ask(loop, visitor(), UNKNOWN).text == f"คำตอบ: {UNKNOWN}"
    spend_all(StepDown.PEOPLE)
    assert is_at_a_person(visitor(), HOURS, loop=loop)
    assert len(model.calls) == 1


@pytest.mark.parametrize(
    ("budgets", "ceiling"),
    [
        ([], Ceiling.MODELS),
        ([(StepDown.KNOWN, "all")], Ceiling.KNOWN),
        ([(StepDown.PEOPLE, "all")], Ceiling.PEOPLE),
        ([(StepDown.CHEAPER, "all")], Ceiling.KNOWN),
        ([(StepDown.KNOWN, "old")], Ceiling.MODELS),
        ([(StepDown.KNOWN, "old"), (StepDown.PEOPLE, "new")], Ceiling.KNOWN),
        ([(StepDown.PEOPLE, "old"), (StepDown.PEOPLE, "new")], Ceiling.PEOPLE),
        ([(StepDown.KNOWN, "all"), (StepDown.PEOPLE, "all")], Ceiling.PEOPLE),
    ],
)
def test_the_best_that_may_still_answer(trial: Trial, budgets: list[tuple[StepDown, str]], ceiling: Ceiling) -> None:
    at = timezone.now()
    routes = {"old": (trial.stable, Arm.STABLE), "new": (trial.canary, Arm.CANARY)}
    spent = [new_call(route, arm, started_at=at, cost=Decimal(1)) for route, arm in routes.values()]
    LLMCall.objects.bulk_create(spent)
    for step_down, whose in budgets:
        provider = routes[whose][0].account.provider if whose in routes else None
        Budget.objects.create(cap=1, step_down=step_down, provider=provider)
    assert ceiling_of(current_catalog()) is ceiling


def test_an_economy_model_is_still_a_model(trial: Trial) -> None:
    trial.canary.model.tier = Tier.ECONOMY
    trial.canary.model.save()
    spend_all(StepDown.CHEAPER, route=trial.stable)
    assert ceiling_of(current_catalog()) is Ceiling.MODELS
