from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from conversations.answers.board import Scope, policy_row, touch
from conversations.answers.keeping import NotKnowableError, add_answer, add_question, edit, put_away
from conversations.answers.models import AnswerPolicy, AnswerState, KnownAnswer, KnownDay, Mode
from conversations.models import Conversation, Customer, Site
from conversations.playbook.models import AuditEntry, Fact, Intent
from conversations.playbook.starter_texts import OTHER, PRODUCT
from conversations.replies.loop import ReplyLoop
from tests.answers.asking import ask, run_of, steps_of
from tests.answers.conftest import publish_draft
from tests.model import Model

HOURS = "ร้านเปิดกี่โมงคะ"
ANSWER = "ร้านเปิดทุกวัน 9 โมงเช้าถึง 6 โมงเย็นค่ะ"

Visitor = Callable[[], Conversation]


@pytest.fixture
def answer(scope: Scope) -> KnownAnswer:
    """The shop's answer about its opening hours, checked by the model now and then as rarely as can be."""
    policy_row()
    AnswerPolicy.objects.update(explore_share=0.0)
    return add_answer(scope, intent=OTHER, question=HOURS, text=ANSWER, by=None)


@pytest.mark.parametrize("text", ["ร้านเปิดกี่โมงคะ", "ร้านเปิดกี่โมง", "ร้าน เปิดกี่โมงครับ?", "ร้านเปิดกี่โมง นะคะ"])
def test_the_same_question_gets_the_known_answer_without_the_model(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer, text: str
) -> None:
    reply = ask(loop, visitor(), text)
    assert (reply.text, reply.intent, reply.escalate, reply.action_required) == (ANSWER, OTHER, False, False)
    assert model.calls == []
    run = run_of(reply)
    assert (run.outcome, run.attempts, run.prompt_tokens) == ("answered", 0, 0)
    assert run.trace["known"] == {
        "served": "exact",
        "exact": {
            "why": "served",
            "answer": answer.pk,
            "question": answer.questions.get().pk,
            "score": 1.0,
            "risk": 0.005,
        },
    }
    answer.refresh_from_db()
    assert answer.hits == 1 and answer.last_used_at is not None
    assert KnownDay.objects.get().exact == 1


@pytest.mark.parametrize(
    ("before", "text", "why"),
    [
        ("", "ร้านเปิดกี่โมง\nแล้วปิดกี่โมง", "unfit:several_lines"),
        ("เสื้อสีแดงมีไหมคะ", HOURS, "not_first"),
        ("", "แล้วร้านเปิดกี่โมง", "unfit:follow_up"),
        ("", "ร้านเปิดกี่โมง\u200b", "unfit:hidden_signs"),
        ("", "ออเดอร์ TH20451987 ร้านเปิดกี่โมง", "unfit:own_case"),
    ],
)
def test_what_depends_on_more_than_its_words_passes_through(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer, before: str, text: str, why: str
) -> None:
    conversation = visitor()
    if before:
        ask(loop, conversation, before)
    reply = ask(loop, conversation, text)
    assert reply.text != ANSWER
    assert steps_of(reply) == {"why": why}


def test_a_greeting_before_the_question_changes_nothing(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer
) -> None:
    conversation = visitor()
    assert ask(loop, conversation, "สวัสดีค่ะ").text != ANSWER
    assert ask(loop, conversation, HOURS).text == ANSWER


def test_who_begins_with_a_greeting_is_greeted_back_without_the_model(
    loop: ReplyLoop, model: Model, visitor: Visitor, scope: Scope, answer: KnownAnswer
) -> None:
    hello = add_answer(scope, intent=OTHER, question="สวัสดี", text="สวัสดีค่ะ มีอะไรให้ช่วยคะ", by=None)
    conversation = visitor()
    assert ask(loop, conversation, "สวัสดีครับ").text == hello.text
    assert ask(loop, conversation, HOURS).text == ANSWER
    assert model.calls == []
    assert ask(loop, conversation, "สวัสดีครับ").text != hello.text, "later it may mean anything"


def test_an_answer_of_another_site_or_language_is_never_served(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer
) -> None:
    other = Site.objects.create(name="ร้านอื่น")
    there = Conversation.objects.create(site=other, customer=Customer.objects.create(site=other))
    english = visitor()
    Conversation.objects.filter(pk=english.pk).update(locale="en")
    assert ask(loop, there, HOURS).text != ANSWER
    assert ask(loop, english, HOURS).text != ANSWER
    assert len(model.calls) == 2


def test_changing_a_fact_it_rests_on_drops_an_answer_with_the_publication(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer
) -> None:
    Fact.objects.filter(text_th__contains="9:00").update(text_th="ร้านเปิดทุกวัน 10:00-20:00")
    publish_draft()
    reply = ask(loop, visitor(), HOURS)
    assert reply.text != ANSWER
    assert steps_of(reply)["exact"] == {"why": "no_entry"}


def test_an_intent_that_may_not_be_reused_any_more_serves_nothing(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer
) -> None:
    Intent.objects.filter(key=OTHER).update(is_reusable=False)
    publish_draft()
    assert ask(loop, visitor(), HOURS).text != ANSWER


@pytest.mark.parametrize("state", [AnswerState.RETIRED, AnswerState.BANNED])
def test_what_staff_put_away_is_gone_with_the_next_reply(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer, state: AnswerState
) -> None:
    assert ask(loop, visitor(), HOURS).text == ANSWER
    put_away(answer, state, by=None)
    assert ask(loop, visitor(), HOURS).text != ANSWER


def test_an_edit_is_the_answer_from_now_on(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer
) -> None:
    staff = User.objects.create_user("mali")
    edit(answer, text="วันนี้ร้านปิดค่ะ", by=staff)
    assert ask(loop, visitor(), HOURS).text == "วันนี้ร้านปิดค่ะ"
    change = AuditEntry.objects.filter(object_type="knownanswer", verb="change").get()
    assert (change.actor_name, change.changes) == ("mali", {"text": [ANSWER, "วันนี้ร้านปิดค่ะ"]})


def test_another_way_to_ask_leads_to_the_same_answer(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer
) -> None:
    add_question(answer, "กี่โมงร้านถึงเปิดคะ")
    assert ask(loop, visitor(), "กี่โมงร้านถึงเปิด").text == ANSWER


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.LEARN])
def test_nothing_is_served_where_it_is_switched_off(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer, mode: Mode
) -> None:
    AnswerPolicy.objects.update(mode=mode)
    touch()
    assert ask(loop, visitor(), HOURS).text != ANSWER


def test_a_hit_that_is_checked_is_answered_by_the_model(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer
) -> None:
    AnswerPolicy.objects.update(explore_share=1.0)
    touch()
    reply = ask(loop, visitor(), HOURS)
    assert reply.text == f"คำตอบ: {HOURS}"
    exact = steps_of(reply)["exact"]
    assert isinstance(exact, dict) and exact["why"] == "explored" and exact["answer"] == answer.pk


def test_known_answers_are_served_while_the_model_is_down(
    loop: ReplyLoop, model: Model, visitor: Visitor, answer: KnownAnswer
) -> None:
    model.default = lambda _call: pytest.fail("asked")
    assert ask(loop, visitor(), HOURS).text == ANSWER


@pytest.mark.parametrize("question", ["ใช่", "2", "ตัวนี้ราคาเท่าไหร่คะ", "เบอร์ 0812345678 โทรกลับด้วย", "แล้วส่งกี่วันคะ"])
def test_staff_cannot_make_known_what_depends_on_who_asks(scope: Scope, question: str) -> None:
    with pytest.raises(NotKnowableError):
        add_answer(scope, intent=OTHER, question=question, text="ได้ค่ะ", by=None)


def test_an_intent_must_be_marked_reusable(scope: Scope) -> None:
    with pytest.raises(NotKnowableError):
        add_answer(scope, intent=PRODUCT, question=HOURS, text="ได้ค่ะ", by=None)
    assert not KnownAnswer.objects.exists()
