"""Questions that have to be worked out: nothing is shown before code has checked it; and the shop's own rules."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from redis.client import PubSub

from conversations.events.lane import LANE_CHANNEL, Kind, decode
from conversations.intake import stop_reply
from conversations.models import Conversation, Escalation, Owner, Reason, Run, RunState, Sender
from conversations.playbook.models import Example, Intent, OnAction, Profile
from conversations.playbook.reasoning import CHECKED_HEADING, HEADING
from conversations.playbook.releases import freeze, publish
from conversations.redis import redis_client
from conversations.replies.loop import ReplyLoop
from tests.model import Hold, Model, Script, envelope, streamed
from tests.replies.test_loop import ask, eventually, is_settled, replies

QUESTION = "1,500 บาท ลด 20% แล้วเพิ่ม VAT 7%"
RIGHT = [
    {"calculate": "1500 * (1 - 20/100)", "result": 1200},
    {"calculate": "1200 * 7/100", "result": 84},
    {"calculate": "1200 + 84", "result": 1284},
]
WRONG = [{"calculate": "1500 * (1 - 20/100)", "result": 1300}, {"calculate": "1300 + 84", "result": 1384}]


def worked_out(response: str, steps: list[dict[str, Any]], *, escalate: bool = False) -> Script:
    answer = {"intent": "สินค้า", "escalate": escalate, "action_required": False, "steps": steps, "response": response}
    return streamed(orjson.dumps(answer).decode())


@contextmanager
def deltas() -> Iterator[list[str]]:
    """Collect all pieces of replies that are published meanwhile."""
    found: list[str] = []
    listener = PubSub(redis_client().connection_pool, ignore_subscribe_messages=True)
    listener.subscribe(LANE_CHANNEL)
    listener.get_message(timeout=1)
    yield found
    while message := listener.get_message(timeout=0.2):
        found += [item.frame for item in decode(message["data"]) if item.kind is Kind.DELTA]
    listener.close()


def publish_draft() -> None:
    publish(freeze(author=None), by=None, reason="a test")


def system_of(body: dict[str, Any]) -> str:
    """Return the last system message of a request."""
    return str([message["content"] for message in body["messages"] if message["role"] == "system"][-1])


def test_a_calculation_is_sent_once_it_was_checked_and_its_steps_never(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will(worked_out("ลด 20% เหลือ 1,200 บาท บวก VAT 7% อีก 84 บาท รวม 1,284 บาทค่ะ", RIGHT))
    with deltas() as shown:
        ask(loop, conversation, QUESTION)
        eventually(lambda: is_settled(conversation))
    assert shown == []
    assert replies(conversation) == ["ลด 20% เหลือ 1,200 บาท บวก VAT 7% อีก 84 บาท รวม 1,284 บาทค่ะ"]
    run = Run.objects.get()
    assert (run.trace["reasoning"], run.trace["profile"], run.trace["guards"]) == ("price", "reasoning", [])
    body = model.calls[0].body
    assert HEADING in system_of(body)
    assert (body["temperature"], body["thinking"]) == (0.3, {"type": "disabled"})


def test_other_replies_are_still_shown_as_they_are_written(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    with deltas() as shown:
        ask(loop, conversation, "ส่งของกี่วันคะ")
        eventually(lambda: is_settled(conversation))
    assert shown
    assert HEADING not in system_of(model.calls[0].body)
    assert model.calls[0].body["temperature"] == 0.2


def test_wrong_figures_are_asked_for_again_with_the_computed_ones(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will(worked_out("รวม 1,384 บาทค่ะ", WRONG), worked_out("รวม 1,284 บาทค่ะ", RIGHT))
    with deltas() as shown:
        ask(loop, conversation, QUESTION)
        eventually(lambda: is_settled(conversation))
    assert shown == []
    assert replies(conversation) == ["รวม 1,284 บาทค่ะ"]
    told = system_of(model.calls[1].body).partition(CHECKED_HEADING)[2]
    assert "1500 * (1 - 20 / 100) = 1200" in told
    assert "(1500 * (1 - 20/100)) * (1 + 7/100) = 1284" in told
    run = Run.objects.get()
    assert (run.trace["guards"], run.attempts, run.outcome) == (["wrong_figures"], 2, "answered")
    first, second = (call.body["messages"] for call in model.calls)
    opening = [number for number, message in enumerate(first) if message["role"] == "system"][-1]
    assert first[:opening] == second[:opening]


def test_figures_that_stay_wrong_are_for_a_person(loop: ReplyLoop, model: Model, conversation: Conversation) -> None:
    model.will(worked_out("รวม 1,384 บาทค่ะ", WRONG), worked_out("รวม 1,385 บาทค่ะ", RIGHT))
    with deltas() as shown:
        ask(loop, conversation, QUESTION)
        eventually(lambda: Run.objects.filter(state=RunState.DISCARDED).exists())
    assert shown == []
    assert replies(conversation) == []
    run = Run.objects.get()
    assert (run.outcome, run.trace["guards"]) == ("wrong_figures", ["wrong_figures"] * 2)
    assert Escalation.objects.get().reason == Reason.FAILED
    conversation.refresh_from_db()
    assert conversation.owner == Owner.WAITING
    assert len(model.calls) == 2


def test_a_model_that_forgets_its_steps_is_asked_again(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will(
        streamed(envelope("สามตัว 1,050 บาทค่ะ", intent="สินค้า")),
        worked_out("สามตัว 1,050 บาทค่ะ", [{"calculate": "350 * 3", "result": 1050}]),
    )
    ask(loop, conversation, "เสื้อ 350 บาท เอา 3 ตัว กับถุงเท้า 0 บาท รวมเท่าไหร่")
    eventually(lambda: is_settled(conversation))
    assert replies(conversation) == ["สามตัว 1,050 บาทค่ะ"]
    assert '1050 in "response" is no result of a step' in system_of(model.calls[1].body)


def test_a_customer_who_stops_what_is_held_back_has_seen_nothing(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will([*worked_out("รวม 1,284 บาทค่ะ", RIGHT)[:-1], Hold()])
    with deltas() as shown:
        ask(loop, conversation, QUESTION)
        model.wait_for_calls(1)
        assert stop_reply(conversation.pk, run_id=Run.objects.open().get().pk)
        assert model.calls[0].was_left.wait(5)
        eventually(lambda: is_settled(conversation))
    assert shown == []
    assert replies(conversation) == []
    assert Run.objects.get().outcome == "stopped"


@pytest.mark.parametrize(
    ("change", "guard"),
    [
        (lambda: Intent.objects.filter(key="จัดส่ง").update(needs_person=True), "needs_person"),
        (lambda: Intent.objects.filter(key="จัดส่ง").update(on_action=OnAction.ESCALATE), "on_action"),
    ],
)
def test_a_rule_of_the_shop_hands_an_answer_to_a_person(
    loop: ReplyLoop, model: Model, conversation: Conversation, change: Callable[[], object], guard: str
) -> None:
    change()
    publish_draft()
    model.will(streamed(envelope("กำลังตรวจสอบให้ค่ะ", intent="จัดส่ง", action_required=True)))
    ask(loop, conversation)
    eventually(Escalation.objects.exists)
    message = conversation.messages.get(sender=Sender.BOT)
    assert (message.text, message.escalate) == ("กำลังตรวจสอบให้ค่ะ", True)
    run = Run.objects.get()
    assert (run.outcome, run.trace["guards"]) == ("escalated", [guard])


def test_an_action_that_is_only_noted_calls_nobody(loop: ReplyLoop, model: Model, conversation: Conversation) -> None:
    model.will(streamed(envelope("รบกวนแจ้งเลขคำสั่งซื้อค่ะ", intent="จัดส่ง", action_required=True)))
    ask(loop, conversation)
    eventually(lambda: is_settled(conversation))
    assert not Escalation.objects.exists()
    assert Run.objects.get().trace["guards"] == []


def test_an_intent_has_a_profile_of_its_own(loop: ReplyLoop, model: Model, conversation: Conversation) -> None:
    Profile.objects.filter(key="chat").update(temperature=0.9)
    Intent.objects.filter(key="อื่นๆ").update(profile=Profile.objects.get(key="chat"))
    publish_draft()
    ask(loop, conversation, "ร้านเปิดกี่โมงครับ")
    eventually(lambda: is_settled(conversation))
    body = model.calls[0].body
    assert (body["temperature"], body["top_p"], body["frequency_penalty"]) == (0.9, 0.85, 0.1)
    assert Run.objects.get().trace["profile"] == "chat"


def test_an_intent_may_have_all_its_questions_worked_out(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    Intent.objects.filter(key="คืนสินค้า").update(profile=Profile.objects.get(key="reasoning"))
    publish_draft()
    model.will(worked_out("คืนได้ภายใน 7 วันค่ะ", []))
    ask(loop, conversation, "คืนสินค้าได้ภายในกี่วันครับ")
    eventually(lambda: is_settled(conversation))
    assert HEADING in system_of(model.calls[0].body)
    assert Run.objects.get().trace["reasoning"] == "intent"


def test_further_examples_come_after_the_fixed_part_and_only_where_they_are_near(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    Example.objects.filter(intent__key="คืนสินค้า").update(is_pinned=False)
    publish_draft()
    ask(loop, conversation, "คืนของได้กี่วันคะ")
    eventually(lambda: is_settled(conversation))
    ask(loop, conversation, "พัสดุถึงไหนแล้วคะ")
    eventually(lambda: len(replies(conversation)) == 2)
    pinned = Example.objects.on().filter(is_pinned=True).count()
    fixed = [call.body["messages"][: 1 + 2 * pinned] for call in model.calls]
    assert fixed[0] == fixed[1]
    returns = Example.objects.get(customer_text="คืนสินค้าได้ภายในกี่วันคะ")
    first, second = (run.trace for run in Run.objects.order_by("pk"))
    assert first["examples"][-1] == returns.pk
    assert returns.pk not in second["examples"]
    assert (first["pinned"], first["release"]) == (pinned, 2)
    after = model.calls[0].body["messages"][1 + 2 * pinned :]
    assert after[2 * len(first["examples"]) - 2]["content"] == returns.customer_text
