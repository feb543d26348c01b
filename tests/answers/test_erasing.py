"""Whoever is erased is erased from what is known, too."""

import asyncio
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from conversations.answers.board import SHELF, Scope, policy_row, touch
from conversations.answers.keeping import add_answer, approve, put_away
from conversations.answers.models import AnswerPolicy, AnswerState, KnownAnswer, KnownQuestion, Mode, QuestionVector
from conversations.answers.observing import claim_observations
from conversations.answers.upkeep import encode_questions
from conversations.models import Conversation
from conversations.playbook.starter_texts import SHIPPING
from conversations.replies.loop import ReplyLoop
from tests.answers.asking import ask
from tests.model import Model, envelope, streamed

MINE = "ส่งไปบ้านแม่ที่น่านกี่วันถึงคะ"
THEIRS = "ส่งไปบ้านแม่ที่น่าน กี่วันถึงครับ"
SAID = "ประมาณ 2-4 วันทำการค่ะ"

Visitor = Callable[[], Conversation]


@pytest.fixture(autouse=True)
def policy(shop: object, model: Model) -> None:
    policy_row()
    AnswerPolicy.objects.update(mode=Mode.CONFIRMED, explore_share=0.0)
    touch()
    model.default = lambda _call: streamed(envelope(SAID, intent=SHIPPING))


def learn(loop: ReplyLoop) -> None:
    asyncio.run_coroutine_threadsafe(loop.learner.learn(), loop._loop).result(20)


def erase(conversation: Conversation, client: Client) -> None:
    """Erase a customer as staff do."""
    client.force_login(User.objects.get_or_create(username="root", is_superuser=True, is_staff=True)[0])
    url = reverse("admin:conversations_customer_delete", args=[conversation.customer_id])
    assert client.post(url, {"post": "yes"}).status_code == 302


def test_the_words_of_an_erased_customer_are_gone_from_what_is_known(
    loop: ReplyLoop, visitor: Visitor, client: Client
) -> None:
    mine = visitor()
    ask(loop, mine, MINE)
    learn(loop)
    assert KnownQuestion.objects.get().text == MINE
    erase(mine, client)
    assert not KnownQuestion.objects.exists() and not KnownAnswer.objects.exists()


def test_what_others_asked_too_stays_known_in_their_words(
    loop: ReplyLoop, model: Model, visitor: Visitor, client: Client
) -> None:
    mine, *others = visitor(), visitor(), visitor(), visitor()
    ask(loop, mine, MINE)
    for other in others:
        ask(loop, other, THEIRS)
    learn(loop)
    assert (KnownQuestion.objects.get().text, KnownAnswer.objects.get().state) == (MINE, AnswerState.CONFIRMED)
    encode_questions()
    erase(mine, client)
    question = KnownQuestion.objects.get()
    assert (question.text, question.first_customer_id) == (THEIRS, others[0].customer_id)
    assert not QuestionVector.objects.exists(), "made of the words that are gone"
    asked = len(model.calls)
    assert ask(loop, visitor(), MINE).text == SAID
    assert len(model.calls) == asked


def test_what_staff_approved_stays_without_the_words_that_brought_it(
    loop: ReplyLoop, visitor: Visitor, client: Client
) -> None:
    mine = visitor()
    ask(loop, mine, MINE)
    learn(loop)
    approve(KnownAnswer.objects.get(), by=None)
    erase(mine, client)
    assert KnownAnswer.objects.get().state == AnswerState.APPROVED
    assert not KnownQuestion.objects.exists()


def test_what_was_banned_never_comes_back_though_its_words_are_gone(
    loop: ReplyLoop, visitor: Visitor, client: Client
) -> None:
    mine = visitor()
    ask(loop, mine, MINE)
    learn(loop)
    put_away(KnownAnswer.objects.get(), AnswerState.BANNED, by=None)
    erase(mine, client)
    assert KnownQuestion.objects.get().text == "–"
    ask(loop, visitor(), MINE)
    learn(loop)
    assert KnownAnswer.objects.get().state == AnswerState.BANNED


def test_questions_that_staff_wrote_stay(loop: ReplyLoop, visitor: Visitor, scope: Scope, client: Client) -> None:
    mine = visitor()
    ask(loop, mine, MINE)
    learn(loop)
    add_answer(scope, intent=SHIPPING, question=THEIRS, text=SAID, by=None)
    erase(mine, client)
    assert list(KnownQuestion.objects.values_list("text", flat=True)) == [THEIRS]


def test_nothing_is_learnt_from_a_customer_who_is_erased_at_that_moment(
    loop: ReplyLoop, visitor: Visitor, client: Client
) -> None:
    mine = visitor()
    ask(loop, mine, MINE)
    (seen,) = claim_observations()
    erase(mine, client)
    learning = loop.learner.learn_from(seen, SHELF.current())
    asyncio.run_coroutine_threadsafe(learning, loop._loop).result(20)
    assert not KnownQuestion.objects.exists() and not KnownAnswer.objects.exists()
