import time
import uuid
from collections.abc import Callable
from threading import Barrier

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from conversations.actions.customers import add_customer_message
from conversations.actions.ownership import take
from conversations.database import database_threads
from conversations.events.control import Order
from conversations.events.publisher import tell_workers
from conversations.events.snapshots import snapshot_key
from conversations.intake import stop_reply
from conversations.models import Conversation, Escalation, Message, Owner, Reason, Run, RunState, Sender
from conversations.redis import redis_client
from conversations.replies.loop import ReplyLoop
from tests.model import Cut, Finish, Hold, Model, Pause, Refuse, Script, envelope, streamed


def eventually(is_true: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait until something in the database is as it should be."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def say(conversation: Conversation, text: str) -> int:
    return add_customer_message(conversation.pk, client_id=uuid.uuid4(), text=text).seq


def replies(conversation: Conversation) -> list[str]:
    return [message.text for message in conversation.messages.order_by("seq") if message.sender == Sender.BOT]


def is_settled(conversation: Conversation) -> bool:
    conversation.refresh_from_db()
    return not conversation.is_unanswered and not conversation.runs.open().exists()


def until_words_are_visible() -> Run:
    """Wait for a customer to see words of the only open run; return it."""
    run = Run.objects.open().get()
    eventually(lambda: bool(redis_client().get(snapshot_key(run.pk))))
    return run


def ask(loop: ReplyLoop, conversation: Conversation, text: str = "ส่งของกี่วันคะ") -> None:
    say(conversation, text)
    loop.submit(conversation.pk)


def test_a_question_is_answered_and_its_run_tells_how(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will(streamed(envelope("2-3 วันค่ะ", intent="จัดส่ง")))
    ask(loop, conversation)
    eventually(lambda: is_settled(conversation))
    message = conversation.messages.get(sender=Sender.BOT)
    assert (message.text, message.intent, message.escalate) == ("2-3 วันค่ะ", "จัดส่ง", False)
    run = Run.objects.get()
    assert (run.state, run.outcome, run.provider, run.attempts) == (RunState.CLOSED, "answered", "deepseek", 1)
    assert (run.prompt_tokens, run.cached_tokens, run.completion_tokens) == (100, 60, 20)
    assert run.first_token_ms is not None and run.total_ms is not None and run.first_token_ms <= run.total_ms


def test_messages_written_in_a_burst_are_answered_once(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    for text in ("สวัสดีค่ะ", "ขอถามหน่อย", "ของถึงเมื่อไหร่คะ"):
        say(conversation, text)
    for _ in range(3):
        loop.submit(conversation.pk)
    eventually(lambda: is_settled(conversation))
    assert len(replies(conversation)) == 1
    asked = " ".join(str(message["content"]) for message in model.calls[-1].body["messages"])
    assert "สวัสดีค่ะ" in asked and "ของถึงเมื่อไหร่คะ" in asked


def test_a_message_before_the_first_visible_word_joins_the_reply(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will([Hold()], streamed(envelope("ตอบทั้งสองข้อค่ะ")))
    ask(loop, conversation, "ข้อแรก")
    model.wait_for_calls(1)
    say(conversation, "ข้อสอง")
    tell_workers(Order.EXTEND, run_id=Run.objects.open().get().pk)
    eventually(lambda: is_settled(conversation))
    assert replies(conversation) == ["ตอบทั้งสองข้อค่ะ"]
    assert model.calls[0].was_left.wait(5)
    assert Run.objects.count() == 1


def test_a_message_after_the_first_visible_word_gets_a_reply_of_its_own(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    first = envelope("คำตอบของข้อแรกที่ยาวพอจะเห็นค่ะ")
    model.will([first[:-20], Hold(), first[-20:], Finish()], streamed(envelope("คำตอบของข้อสอง")))
    ask(loop, conversation, "ข้อแรก")
    model.wait_for_calls(1)
    run = until_words_are_visible()
    say(conversation, "ข้อสอง")
    tell_workers(Order.EXTEND, run_id=run.pk)
    model.release()
    eventually(lambda: is_settled(conversation))
    assert replies(conversation) == ["คำตอบของข้อแรกที่ยาวพอจะเห็นค่ะ", "คำตอบของข้อสอง"]
    assert model.calls[-1].last_words == "ข้อสอง"


def test_stop_keeps_what_was_shown_and_leaves_the_provider(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will([envelope("ส่วนที่เห็นแล้ว ส่วนที่เหลือ")[:-12], Hold()])
    ask(loop, conversation)
    model.wait_for_calls(1)
    run = until_words_are_visible()
    assert stop_reply(conversation.pk, run_id=run.pk)
    assert model.calls[0].was_left.wait(5)
    eventually(lambda: is_settled(conversation))
    message = conversation.messages.get(sender=Sender.BOT)
    assert message.is_stopped
    assert "ส่วนที่เห็นแล้ว ส่วนที่เหลือ".startswith(message.text) and message.text


def test_a_run_of_another_conversation_cannot_be_stopped(conversation: Conversation) -> None:
    say(conversation, "คำถาม")
    run = Run.objects.create(
        conversation=conversation, owner_epoch=1, covers_seq=1, worker="x", lease_until="2099-01-01T00:00Z"
    )
    assert not stop_reply(conversation.pk + 1, run_id=run.pk)


def test_after_a_take_over_nothing_of_the_bot_is_stored(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will([envelope("คำตอบที่ไม่มีใครต้องการแล้ว")[:-8], Hold()])
    ask(loop, conversation)
    model.wait_for_calls(1)
    take(conversation.pk, agent=User.objects.create(username="agent"))
    assert model.calls[0].was_left.wait(5)
    eventually(lambda: not conversation.runs.open().exists())
    assert replies(conversation) == []
    assert Run.objects.get().outcome == "owner_changed"


def test_escalate_brings_in_a_person(loop: ReplyLoop, model: Model, conversation: Conversation) -> None:
    model.will(streamed(envelope("เดี๋ยวให้เจ้าหน้าที่ช่วยนะคะ", intent="คืนสินค้า", escalate=True)))
    ask(loop, conversation)
    eventually(Escalation.objects.exists)
    conversation.refresh_from_db()
    assert conversation.owner == Owner.WAITING
    assert Escalation.objects.get().reason == Reason.MODEL
    assert [message.sender for message in conversation.messages.order_by("seq")] == ["customer", "bot", "system"]


def broken_after_text() -> Script:
    return [envelope("คำตอบแรกที่ขาดกลางทาง")[:-8], Pause(0.1), Cut()]


def test_what_was_shown_and_then_broke_is_thrown_away_in_the_open(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will(broken_after_text(), streamed(envelope("คำตอบที่สมบูรณ์")))
    ask(loop, conversation)
    eventually(lambda: is_settled(conversation))
    assert replies(conversation) == ["คำตอบที่สมบูรณ์"]
    assert [run.state for run in Run.objects.order_by("pk")] == [RunState.DISCARDED, RunState.CLOSED]
    assert [call.is_streamed for call in model.calls] == [True, False]


@pytest.mark.parametrize(
    "script",
    [
        [Refuse(429, {"Retry-After": "0"})],
        [Refuse(500)],
        [Refuse(503)],
        [Cut()],
        [Finish("insufficient_system_resource")],
    ],
    ids=["throttled", "broken", "overloaded", "reset", "out of resources"],
)
def test_a_provider_that_fails_once_is_asked_again(
    loop: ReplyLoop, model: Model, conversation: Conversation, script: Script
) -> None:
    model.will(script)
    ask(loop, conversation, "ยังไงคะ")
    eventually(lambda: is_settled(conversation))
    assert replies(conversation) == ["คำตอบ: ยังไงคะ"]
    assert Run.objects.get().attempts == 2


@pytest.mark.parametrize(
    ("script", "reason", "calls"),
    [
        ([Refuse(500)], Reason.FAILED, 3),
        ([Refuse(401)], Reason.FAILED, 1),
        ([Refuse(422)], Reason.FAILED, 1),
        (streamed("I am not JSON at all"), Reason.FAILED, 2),
        (streamed("      "), Reason.REFUSED, 2),
        ([Finish("content_filter")], Reason.REFUSED, 1),
    ],
    ids=["down", "wrong key", "our bug", "no envelope", "blank", "filtered"],
)
def test_what_no_attempt_can_answer_ends_at_a_person(
    loop: ReplyLoop, model: Model, conversation: Conversation, script: Script, reason: Reason, calls: int
) -> None:
    model.default = lambda _call: script
    ask(loop, conversation)
    eventually(Escalation.objects.exists)
    assert Escalation.objects.get().reason == reason
    assert len(model.calls) == calls
    assert replies(conversation) == []
    conversation.refresh_from_db()
    assert conversation.messages.get(sender=Sender.SYSTEM).code.startswith("failed_")


def test_a_full_loop_lets_the_queue_wait(loop: ReplyLoop, model: Model, conversation: Conversation) -> None:
    model.default = lambda _call: [Hold(), *streamed(envelope("ค่ะ"))]
    others = [conversation]
    for _ in range(3):
        customer = conversation.customer.__class__.objects.create(site=conversation.site)
        others.append(Conversation.objects.create(site=conversation.site, customer=customer))
    for other in others:
        ask(loop, other)
    model.wait_for_calls(4)
    assert not loop._capacity.take(timeout_seconds=0)
    model.release()
    eventually(lambda: all(is_settled(other) for other in others))
    assert Message.objects.filter(sender=Sender.BOT).count() == 4


def test_a_stopping_worker_hands_on_what_it_cannot_finish(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will([envelope("ยังไม่จบ")[:-8], Hold()])
    leaving = ReplyLoop(name="leaving", capacity=1)
    leaving.start()
    ask(leaving, conversation, "ยังไงคะ")
    model.wait_for_calls(1)
    assert leaving.stop(grace_seconds=0.1) == [conversation.pk]
    assert not leaving.submit(conversation.pk)
    assert Run.objects.get().outcome == "handed_on"
    loop.submit(conversation.pk)
    eventually(lambda: is_settled(conversation))
    assert replies(conversation) == ["คำตอบ: ยังไงคะ"]


def test_a_stopping_worker_lets_a_reply_finish(loop: ReplyLoop, model: Model, conversation: Conversation) -> None:
    model.will([Pause(0.3), *streamed(envelope("จบแล้วค่ะ"))])
    leaving = ReplyLoop(name="leaving", capacity=1)
    leaving.start()
    ask(leaving, conversation)
    model.wait_for_calls(1)
    assert leaving.stop(grace_seconds=5) == []
    assert replies(conversation) == ["จบแล้วค่ะ"]


def connect_all_database_threads() -> None:
    meeting = Barrier(settings.CSBOT_DATABASE_THREADS)

    def connect() -> None:
        meeting.wait()
        connection.ensure_connection()

    for work in [database_threads().submit(connect) for _ in range(settings.CSBOT_DATABASE_THREADS)]:
        work.result()


def test_a_reply_survives_that_every_kept_database_connection_broke(
    loop: ReplyLoop, model: Model, conversation: Conversation
) -> None:
    model.will([Hold(), *streamed(envelope("ยังอยู่ค่ะ"))])
    ask(loop, conversation)
    model.wait_for_calls(1)
    connect_all_database_threads()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    model.release()
    eventually(lambda: is_settled(conversation))
    assert replies(conversation) == ["ยังอยู่ค่ะ"]
    assert Run.objects.count() == 1
