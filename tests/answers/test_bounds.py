"""What labels in the database teach: one limit for near and fixed steps, and what became of repeated questions."""

import random

import pytest

from conversations.answers.board import SHELF, Scope, policy_row
from conversations.answers.bound import USUAL_REPEATS, Curve
from conversations.answers.keeping import add_answer
from conversations.answers.learning import comparison_for
from conversations.answers.models import AnswerPolicy, Judge, KnownAnswer, KnownLabel, Step
from conversations.answers.observing import Observation
from conversations.answers.score import Features, score_of
from conversations.answers.upkeep import learn_bounds
from conversations.models import Customer
from conversations.playbook.starter_texts import SHIPPING


@pytest.fixture
def answer(scope: Scope) -> KnownAnswer:
    policy_row()
    return add_answer(scope, intent=SHIPPING, question="ส่งต่างจังหวัดกี่วันถึงคะ", text="2-4 วันทำการค่ะ", by=None)


def label(answer: KnownAnswer, step: Step, *, is_right: bool, sure: float = 0.9) -> KnownLabel:
    features = [] if step is Step.EXACT else [sure, 0.8, 0.3, 0.9, 0.9, float(step is Step.NEAR), 0.0]
    return KnownLabel(answer=answer, step=step, score=0.9, features=features, is_right=is_right, judge=Judge.WORDS)


def test_labels_of_near_and_fixed_steps_teach_one_limit(answer: KnownAnswer) -> None:
    draw = random.Random(1)
    labels = []
    for number in range(1200):
        sure = draw.choice((0.6, 0.99))
        is_right = sure > 0.9 or draw.random() < 0.5
        labels.append(label(answer, Step.FIXED if number % 2 else Step.NEAR, is_right=is_right, sure=sure))
    KnownLabel.objects.bulk_create(labels)
    learn_bounds()
    policy = AnswerPolicy.objects.get()
    board = SHELF.current()
    assert policy.knowledge["labels"] == 1200
    assert len(board.weights) == 8 and board.weights[1] > 0
    answer.refresh_from_db()
    assert answer.curve is not None
    curve = Curve(*answer.curve)
    for passes in (0.0, 1.0):
        seen = [Features(student, 0.8, 0.3, 0.9, 0.9, passes, 0.0) for student in (0.99, 0.6)]
        certain, uncertain = (curve.risk(score_of(each, board.weights)) for each in seen)
        assert certain <= policy.risk_limit < uncertain


def test_labels_without_features_are_not_learnt_from(answer: KnownAnswer) -> None:
    """As fixed steps left them before they looked at known questions."""
    KnownLabel.objects.bulk_create(
        [KnownLabel(answer=answer, step=Step.FIXED, score=0.9, is_right=True, judge=Judge.WORDS) for _ in range(300)]
    )
    learn_bounds()
    assert "labels" not in AnswerPolicy.objects.get().knowledge


def test_repeats_teach_how_far_the_same_words_can_be_trusted(answer: KnownAnswer) -> None:
    assert SHELF.current().repeats == USUAL_REPEATS
    KnownLabel.objects.bulk_create([label(answer, Step.EXACT, is_right=number % 5 > 0) for number in range(100)])
    learn_bounds()
    risk = SHELF.current().repeats.risk(right=0, wrong=0)
    assert risk > USUAL_REPEATS.risk(right=0, wrong=0)


def test_who_brought_a_question_says_nothing_of_its_repeats(answer: KnownAnswer) -> None:
    question = answer.questions.get()
    question.first_customer = Customer.objects.create(site_id=answer.site_id)
    question.save()
    labels = [label(answer, Step.EXACT, is_right=False) for _ in range(20)]
    for each in labels:
        each.question, each.customer = question, question.first_customer
    KnownLabel.objects.bulk_create(labels)
    learn_bounds()
    assert SHELF.current().repeats == USUAL_REPEATS


def test_a_fixed_text_that_would_have_been_served_counts_before_a_near_one_that_would_not(answer: KnownAnswer) -> None:
    fixed = {"why": "explored", "answer": answer.pk, "score": 0.97, "risk": 0.001, "features": [0.97]}
    near = {"why": "above_limit", "answer": answer.pk, "score": 0.5, "risk": 0.4}
    seen = Observation(
        run_id=1,
        scope=Scope(answer.site_id, answer.locale),
        customer_id=1,
        question="ถามอย่างอื่นที่ไม่มีใครถาม",
        said="",
        intent=SHIPPING,
        has_flags=False,
        version="",
        known={"near": near, "fixed": fixed},
    )
    compared = comparison_for(seen)
    assert compared is not None
    assert (compared.step, compared.was_served, compared.score) == (Step.FIXED, True, 0.97)
