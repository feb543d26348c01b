"""Shadow mode through a running reply loop: the canary is asked too, and no customer ever sees it."""

from collections.abc import Callable

import pytest

from conversations.gateway.models import Guard, LLMCall, Outcome, Purpose, Rollout
from conversations.gateway.rollout import Cause, start
from conversations.models import Conversation, Escalation, Message, Run, Sender
from conversations.replies.loop import ReplyLoop
from tests.gateway.conftest import Shop
from tests.gateway.test_failover import answer_of, eventually
from tests.model import Hold, Refuse, Script, envelope, streamed

OpenShop = Callable[..., Shop]
NewConversation = Callable[[], Conversation]


def shadowing(canary: Shop, *, share: int = 100) -> Rollout:
    """Return a rollout that has not started, whose canary shadows."""
    rollout = Rollout.objects.create(name="next", canary=canary.language_model)
    Guard.objects.create(rollout=rollout, shadow_share=share)
    return rollout


def shadow_calls() -> list[LLMCall]:
    return list(LLMCall.objects.filter(purpose=Purpose.SHADOW))


@pytest.fixture
def shops(open_shop: OpenShop) -> tuple[Shop, Shop]:
    stable, canary = open_shop("old"), open_shop("new", group=9)
    stable.server.default = lambda _call: streamed(envelope("จากตัวเดิมค่ะ"))
    canary.server.default = lambda _call: streamed(envelope("จากตัวใหม่ค่ะ", escalate=True))
    return stable, canary


def test_the_shadow_answers_and_nobody_sees_it(
    loop: ReplyLoop, shops: tuple[Shop, Shop], new_conversation: NewConversation
) -> None:
    stable, canary = shops
    rollout = shadowing(canary)
    conversation = new_conversation()
    text, _seconds = answer_of(loop, conversation)
    assert text == "จากตัวเดิมค่ะ"
    eventually(lambda: len(shadow_calls()) == 1)
    [call] = shadow_calls()
    assert (call.rollout_id, call.arm, call.outcome, call.run_id) == (rollout.pk, "canary", Outcome.OK, None)
    assert call.model == canary.language_model
    assert call.has_escalated and call.cost and call.prompt_tokens and call.first_token_ms is not None
    assert Message.objects.filter(sender=Sender.BOT).count() == Run.objects.count() == 1
    assert not Escalation.objects.exists()
    assert canary.server.calls[-1].body["messages"] == stable.server.calls[-1].body["messages"]


@pytest.mark.parametrize("script", [[Refuse(500)], streamed("no envelope"), [Hold()]], ids=["500", "prose", "silence"])
def test_a_shadow_that_fails_changes_nothing_but_its_row(
    loop: ReplyLoop, shops: tuple[Shop, Shop], new_conversation: NewConversation, script: Script
) -> None:
    _stable, canary = shops
    canary.server.default = lambda _call: script
    shadowing(canary)
    for _ in range(4):
        assert answer_of(loop, new_conversation())[0] == "จากตัวเดิมค่ะ"
    eventually(lambda: bool(shadow_calls()))
    assert not any(call.outcome == Outcome.OK for call in shadow_calls())
    assert LLMCall.objects.filter(purpose=Purpose.REPLY, outcome=Outcome.OK).count() == 4
    # Its failures opened no circuit: it still serves where the other one can't.
    _stable.server.default = lambda _call: [Refuse(500)]
    canary.server.default = lambda _call: streamed(envelope("แทนค่ะ"))
    assert answer_of(loop, new_conversation())[0] == "แทนค่ะ"


def test_no_share_and_a_started_rollout_have_no_shadow(
    loop: ReplyLoop, shops: tuple[Shop, Shop], new_conversation: NewConversation
) -> None:
    _stable, canary = shops
    rollout = shadowing(canary, share=0)
    answer_of(loop, new_conversation())
    Guard.objects.filter(rollout=rollout).update(shadow_share=100)
    answer_of(loop, new_conversation())
    eventually(lambda: len(shadow_calls()) == 1)
    start(rollout.pk, Cause())
    answer_of(loop, new_conversation())
    answer_of(loop, new_conversation())
    assert len(shadow_calls()) == 1
