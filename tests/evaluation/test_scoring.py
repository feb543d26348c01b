"""What counts as a good answer to a case."""

import pytest

from conversations.playbook.evaluation.cases import Case, Expectation, Line, from_json, to_json
from conversations.playbook.evaluation.scoring import Answer, Check, failed_checks, says
from conversations.playbook.prompt import Speaker


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("คืนได้ภายใน 14 วันค่ะ", "14 วัน"),
        ("คืนได้ภายใน 14วันค่ะ", "14 วัน"),
        ("คืนได้ภายใน ๑๔ วันค่ะ", "14 วัน"),
        ("รวมเป็น 1,284 บาทค่ะ", "1284"),
        ("รวมเป็น 1284.00 บาทค่ะ", "1,284"),
        ("Shipping is 50 THB.", "thb"),
        ("ＥＭＳ ถึงพรุ่งนี้ค่ะ", "ems"),
        ("เก็บเงินปลายทางได้ค่ะ", "cash on delivery|เก็บเงินปลายทาง"),
        ("The price is 50.", "50"),
        ("1,284 or 99", "1284|77"),
    ],
)
def test_words_are_found_however_they_are_written(text: str, words: str) -> None:
    assert says(text, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("คืนได้ภายใน 14 วันค่ะ", "4 วัน"),
        ("ราคา 1,284 บาท", "284"),
        ("ราคา 128.4 บาท", "128"),
        ("ราคา 12,845 บาท", "12"),
        ("Look at the website", "ok"),
        ("ราคา 1,284 บาท", "1284.5"),
        ("anything", "|"),
        ("anything", ""),
    ],
)
def test_a_part_of_a_number_or_word_is_not_the_word(text: str, words: str) -> None:
    assert not says(text, words)


def test_a_pattern_in_staff_s_words_is_taken_literally() -> None:
    assert says("ราคา (พิเศษ) 50%", "(พิเศษ)")
    assert not says("ราคา พิเศษ", ".*")


def test_everything_that_is_wrong_is_named() -> None:
    expected = Expectation(
        intent="คืนสินค้า", escalate=True, action_required=True, must_say=("14 วัน",), must_not_say=("7 วัน",)
    )
    answer = Answer(intent="จัดส่ง", escalate=False, action_required=False, response="คืนได้ใน 7 วันค่ะ")
    assert failed_checks(expected, answer) == (
        Check.INTENT,
        Check.ESCALATE,
        Check.ACTION,
        Check.MUST_SAY,
        Check.MUST_NOT_SAY,
    )
    right = Answer(intent="คืนสินค้า", escalate=True, action_required=True, response="คืนได้ใน 14 วันค่ะ")
    assert failed_checks(expected, right) == ()


def test_each_of_the_words_must_be_said() -> None:
    expected = Expectation(must_say=("50", "ส่งฟรี|ฟรี"))
    assert failed_checks(expected, Answer(response="ค่าส่ง 50 บาท ครบพันฟรีค่ะ")) == ()
    assert failed_checks(expected, Answer(response="ค่าส่ง 50 บาทค่ะ")) == (Check.MUST_SAY,)


def test_what_is_not_expected_may_be_anything() -> None:
    assert failed_checks(Expectation(intent="จัดส่ง"), Answer(intent="จัดส่ง", escalate=True, response="ค่ะ")) == ()


def test_an_answer_that_is_no_envelope_fails_whatever_was_expected() -> None:
    assert failed_checks(Expectation(), Answer(is_valid=False)) == (Check.VALID,)


def test_a_case_outlives_its_row_as_json() -> None:
    case = Case(
        question="แล้วถึงวันไหนคะ",
        dialogue=(Line(Speaker.CUSTOMER, "ค่าส่งเท่าไหร่"), Line(Speaker.BOT, "50 บาทค่ะ")),
        expected=Expectation(intent="จัดส่ง", escalate=False, must_say=("1-2 วัน",)),
        reference="1-2 วันทำการค่ะ",
    )
    assert from_json(to_json(case)) == case
    assert [turn.text for turn in case.turns] == ["ค่าส่งเท่าไหร่", "50 บาทค่ะ", "แล้วถึงวันไหนคะ"]
