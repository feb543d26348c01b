"""An intent's fixed text, by the student's word alone: asked over a real socket, answered without a model."""

import hashlib
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from conversations.answers.board import Scope, policy_row, touch
from conversations.answers.keeping import approve, put_away
from conversations.answers.models import AnswerPolicy, AnswerState, KnownAnswer, KnownDay
from conversations.answers.normal import answer_key
from conversations.answers.student.artefact import to_artefact
from conversations.answers.student.models import StudentState, TrainedStudent
from conversations.answers.student.rows import Labelled
from conversations.answers.student.shelf import SHELF
from conversations.answers.student.training import Options, train
from conversations.answers.upkeep import encode_questions
from conversations.models import Conversation, Run
from conversations.playbook.starter_texts import PRODUCT, SHIPPING
from conversations.replies.loop import ReplyLoop
from tests.answers.test_similar import rows
from tests.model import Model
from tests.web.server import WebProcess

TEXT = "ส่งทั่วประเทศภายใน 2-4 วันทำการค่ะ ดูค่าส่งได้ที่หน้าช่วยเหลือของร้าน"
QUESTION = "อยากทราบว่าส่งพัสดุกี่วันถึงคะ"


def taught() -> list[Labelled]:
    """Questions of three kinds, a few of them labelled wrongly, and wishes that somebody has to see to."""
    draw = random.Random(2)
    wishes = ("เปลี่ยนที่อยู่จัดส่งให้หน่อย", "ช่วยเลื่อนวันจัดส่งให้ที", "ยกเลิกการจัดส่งให้ด้วย", "ขอแก้ที่อยู่จัดส่งใหม่")
    things = ("เสื้อ", "หมวก", "ร่ม", "กระเป๋า", "รองเท้า", "นาฬิกา", "แก้วน้ำ", "พัดลม")
    forms = ("มี{}สีดำไหม", "{}ราคาเท่าไหร่", "{}ทำจากอะไร", "{}มีกี่ขนาด", "{}ของแท้หรือเปล่า")
    ends = ("", "คะ", "ครับ", " ด่วน", " ขอบคุณ", "นะ")
    asked = [Labelled(draw.choice(wishes) + draw.choice(ends), SHIPPING, action_required=True) for _ in range(150)]
    about = [Labelled(draw.choice(forms).format(draw.choice(things)) + draw.choice(ends), PRODUCT) for _ in range(300)]
    wrong = [Labelled(row.text, PRODUCT) for row in draw.sample(rows(), 12)]
    return [*rows(), *asked, *about, *wrong]


@pytest.fixture(scope="module")
def artefact() -> bytes:
    return to_artefact(train(taught(), options=Options(nets=1, folds=3)))


@pytest.fixture
def student(artefact: bytes, shop: object) -> Iterator[None]:
    digest, now = hashlib.sha256(artefact).hexdigest(), timezone.now()
    TrainedStudent.objects.create(
        state=StudentState.LIVE, artefact=artefact, artefact_hash=digest, begun_at=now, trained_at=now, live_from=now
    )
    SHELF.forget()
    assert SHELF.current() is not None
    yield
    SHELF.forget()


@pytest.fixture
def fixed(scope: Scope, student: None) -> KnownAnswer:
    """The fixed text of an intent, as staff approve it: with no question of its own."""
    policy_row()
    AnswerPolicy.objects.update(explore_share=0.0, risk_limit=1.0)
    answer = KnownAnswer(
        **scope._asdict(), intent=SHIPPING, text=TEXT, text_key=answer_key(TEXT), is_fixed_for_intent=True
    )
    approve(answer, by=None)
    encode_questions()
    return answer


@pytest.fixture(scope="module")
def running_web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """A web process on the tests' database."""
    web = WebProcess(tmp_path_factory.mktemp("web") / "log").start()
    yield web
    web.stop()


def ask_over_socket(web: WebProcess, loop: ReplyLoop, text: str) -> tuple[str, dict[str, Any]]:
    """Ask as a widget does; return what the customer reads and what the steps of the ladder said."""
    session = web.session(locale="th")
    talk = Conversation.objects.get(public_id=session["conversation"])
    with web.widget(session["token"]) as widget:
        widget.send(text)
        widget.next("ack")
        loop.submit(talk.pk)
        message = widget.next("message")
        while message["sender"] != "bot":
            message = widget.next("message")
    known: dict[str, Any] = Run.objects.get(conversation=talk).trace["known"]
    return message["text"], known


def test_the_fixed_text_answers_what_the_student_is_sure_of(
    running_web: WebProcess, loop: ReplyLoop, model: Model, fixed: KnownAnswer
) -> None:
    text, known = ask_over_socket(running_web, loop, QUESTION)
    assert text == TEXT
    assert (known["served"], known["fixed"]["why"], known["fixed"]["answer"]) == ("fixed", "served", fixed.pk)
    assert known["near"]["why"] == "no_entry"
    assert model.calls == []
    fixed.refresh_from_db()
    assert (fixed.hits, KnownDay.objects.get().fixed) == (1, 1)


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("ส่งข้อสอบคณิตศาสตร์ให้อาจารย์แล้วหรือยัง", "student_unsure"),
        ("ช่วยเลื่อนวันจัดส่งให้ทีครับ", "needs_action"),
        ("ร้านเปิดวันหยุดหรือเปล่าคะ", "no_entry"),
    ],
)
def test_the_model_answers_where_the_students_word_is_not_enough(
    running_web: WebProcess, loop: ReplyLoop, model: Model, fixed: KnownAnswer, question: str, why: str
) -> None:
    text, known = ask_over_socket(running_web, loop, question)
    assert text == f"คำตอบ: {question}"
    assert known["fixed"]["why"] == why and "served" not in known


def test_a_follow_up_is_never_given_the_fixed_text(
    running_web: WebProcess, loop: ReplyLoop, model: Model, fixed: KnownAnswer
) -> None:
    text, known = ask_over_socket(running_web, loop, f"แล้ว{QUESTION}")
    assert (text, known) == (f"คำตอบ: แล้ว{QUESTION}", {"why": "unfit:follow_up"})


def test_a_student_that_was_stopped_serves_nothing(
    running_web: WebProcess, loop: ReplyLoop, model: Model, fixed: KnownAnswer
) -> None:
    TrainedStudent.objects.update(stopped_at=timezone.now())
    SHELF.forget()
    assert SHELF.current() is None
    text, known = ask_over_socket(running_web, loop, QUESTION)
    assert text != TEXT and "fixed" not in known and known["near"] == {"why": "no_student"}


def test_no_fixed_text_is_served_above_the_bound_or_once_it_was_put_away(
    running_web: WebProcess, loop: ReplyLoop, model: Model, fixed: KnownAnswer
) -> None:
    AnswerPolicy.objects.update(risk_limit=0.01)
    touch()
    text, known = ask_over_socket(running_web, loop, QUESTION)
    assert text != TEXT and known["fixed"]["why"] == "above_limit"
    AnswerPolicy.objects.update(risk_limit=1.0)
    put_away(fixed, AnswerState.RETIRED, by=None)
    text, known = ask_over_socket(running_web, loop, QUESTION)
    assert text != TEXT and known == {"why": "nothing_known"}
