"""An answer's whole life against the bundled simulator: nobody scripts what is said, or how two answers compare."""

import asyncio
from collections.abc import Callable

import pytest

from conversations.answers.board import policy_row, touch
from conversations.answers.keeping import edit
from conversations.answers.models import AnswerPolicy, AnswerState, Judge, KnownAnswer, KnownDay, KnownLabel, Mode
from conversations.gateway.models import LLMCall, Purpose
from conversations.models import Conversation
from conversations.replies.loop import ReplyLoop
from tests.answers.asking import ask, steps_of
from tests.gateway.conftest import simulator
from tests.model import Model

__all__ = ["simulator"]

HOURS = "ร้านเปิดกี่โมงคะ"
ALSO_HOURS = "ร้าน เปิดกี่โมงครับ?"

Visitor = Callable[[], Conversation]


@pytest.fixture
def model(model: Model, simulator: str) -> Model:
    """The simulator instead of a script."""
    model.base_url = simulator
    return model


def learn(loop: ReplyLoop) -> None:
    asyncio.run_coroutine_threadsafe(loop.learner.learn(), loop._loop).result(20)


def explore(share: float) -> None:
    AnswerPolicy.objects.update(mode=Mode.CONFIRMED, explore_share=share)
    touch()


def calls(purpose: Purpose) -> int:
    return LLMCall.objects.filter(purpose=purpose).count()


def test_an_answer_is_learnt_confirmed_served_and_checked_for_ever(
    loop: ReplyLoop, model: Model, visitor: Visitor
) -> None:
    policy_row()
    explore(0.0)
    states = []
    for _customer in range(3):
        said = ask(loop, visitor(), HOURS)
        learn(loop)
        states.append(KnownAnswer.objects.get().state)
    assert states == [AnswerState.SHADOW, AnswerState.SHADOW, AnswerState.CONFIRMED]
    served = ask(loop, visitor(), ALSO_HOURS)
    assert (served.text, steps_of(served)["served"], calls(Purpose.REPLY)) == (said.text, "exact", 3)
    explore(1.0)
    checked = ask(loop, visitor(), ALSO_HOURS)
    learn(loop)
    assert (checked.text, calls(Purpose.REPLY), calls(Purpose.JUDGE)) == (said.text, 4, 0)
    label = KnownLabel.objects.get(was_served=True)
    assert (label.is_right, label.judge) == (True, Judge.WORDS)
    day = KnownDay.objects.get()
    assert (day.asked, day.exact, day.checked) == (4, 1, 1)


@pytest.mark.parametrize(
    ("begin", "is_right"), [("", True), ("โทรหาเราที่หน้าร้านสาขาใหญ่ใกล้สถานีรถไฟฟ้าแล้วถามหาผู้จัดการ ", False)]
)
def test_a_model_says_whether_other_words_say_the_same(
    loop: ReplyLoop, model: Model, visitor: Visitor, begin: str, *, is_right: bool
) -> None:
    policy_row()
    explore(1.0)
    said = ask(loop, visitor(), HOURS).text
    learn(loop)
    edit(KnownAnswer.objects.get(), text=f"{begin}{said.removesuffix('นะคะ')}ค่ะ", by=None, seen=1)
    ask(loop, visitor(), HOURS)
    learn(loop)
    label = KnownLabel.objects.get(was_served=True)
    assert (label.is_right, label.judge, calls(Purpose.JUDGE)) == (is_right, Judge.MODEL, 1)
