"""What a student learns, what it keeps, and what it admits not to know."""

from collections import Counter

import pytest

from conversations.answers.student.artefact import to_artefact
from conversations.answers.student.grams import key_of_characters, key_of_words
from conversations.answers.student.reading import Student
from conversations.answers.student.rows import Labelled
from conversations.answers.student.training import TooLittleError, fold_parts, prepare, strange_parts, train
from tests.student.samples import QUICK, RETURN, rows


def test_a_question_about_something_it_never_heard_of_is_understood(student: Student) -> None:
    judgement = student.judge("ตู้เย็นจะถึงเมื่อไหร่คะ")
    assert judgement.intent == "จัดส่ง"
    assert judgement.probability > 0.5


def test_the_flag_that_belongs_to_a_wish_is_seen(student: Student) -> None:
    assert student.judge("ขอคืนตู้เย็นได้ไหมคะ").action_required
    assert not student.judge("ตู้เย็นราคาเท่าไหร่ครับ").action_required
    assert not student.judge("ตู้เย็นราคาเท่าไหร่ครับ").escalate


@pytest.mark.parametrize("text", ["", "🙂", "what's the capital of Mongolia?", "\x00\ud800", "\u200b" * 50])
def test_what_is_like_nothing_taught_is_not_known(student: Student, text: str) -> None:
    assert student.judge(text).is_unsure


def test_a_very_long_text_is_judged_by_its_beginning(student: Student) -> None:
    question = "ขอคืนกระเป๋าได้ไหมคะ "
    assert student.judge(question + "ก" * 600 + "ราคาเท่าไหร่" * 5000) == student.judge(question + "ก" * 600)


def test_the_same_rows_make_the_same_student_to_the_byte(student: Student) -> None:
    assert to_artefact(train(rows(), options=QUICK)) == to_artefact(student)


def test_what_only_one_customer_wrote_is_not_kept() -> None:
    secret = [Labelled(f"ฉันชื่อสมปอง{' ' * size}รักดี", RETURN, group="customer 7") for size in range(4)]
    keys = set(prepare([*rows(), *secret]).vocabulary.keys.tolist())
    assert key_of_characters("ขอคืน") in keys
    assert not {key_of_characters("สมปอง"), key_of_characters("ชื่อส"), key_of_words(["รักดี"])} & keys


def test_numbers_are_not_kept() -> None:
    numbered = [Labelled(f"ออเดอร์ 4821{number} ถึงไหน", "จัดส่ง", group=str(number)) for number in range(9)]
    keys = set(prepare([*rows(), *numbered]).vocabulary.keys.tolist())
    assert {digit for digit in "0123456789๔" if key_of_characters(digit) in keys} == {"0"}
    assert key_of_words(["ออเดอร์", "00000", "ถึงไหน"]) in keys


def test_one_customers_questions_are_never_split_between_parts() -> None:
    shared = [Labelled(row.text, row.intent, group=f"customer {index % 11}") for index, row in enumerate(rows())]
    course = prepare(shared)
    parts = fold_parts(course, folds=5)
    owners = Counter(group for part in parts for group in {shared[index].group for index in part})
    assert set(owners.values()) == {1}
    assert sorted(index for part in parts for index in part) == list(range(len(shared)))


def test_each_part_of_strange_rows_holds_whole_intents() -> None:
    course = prepare(rows())
    for part in strange_parts(course):
        held = {course.labels[index] for index in part}
        assert len(part) == sum(label in held for label in course.labels)


def test_too_little_to_learn_from_is_said() -> None:
    with pytest.raises(TooLittleError):
        train(rows()[:20])
    with pytest.raises(TooLittleError):
        train([row for row in rows() if row.intent == RETURN] * 3)


def test_intents_with_hardly_a_row_are_left_out_of_what_it_knows() -> None:
    rare = [Labelled("ขอใบกำกับภาษี", "อื่นๆ", group="a"), Labelled("ใบกำกับภาษีค่ะ", "อื่นๆ", group="b")]
    assert "อื่นๆ" not in train([*rows(), *rare], options=QUICK).intents


def test_two_intents_are_enough() -> None:
    two = [row for row in rows() if row.intent in {"จัดส่ง", RETURN}]
    assert train(two, options=QUICK).judge("ขอคืนตู้เย็นได้ไหมคะ").intent == RETURN
