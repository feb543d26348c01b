"""The simulator judges two answers by what it is sent."""

import pytest

from conversations.answers.judging import judge_messages, read_verdict
from conversations.gateway.models import Placement
from conversations.gateway.placement import placed
from conversations.llm.requests import ChatMessage
from conversations.llm.simulator.answering import answer
from conversations.llm.simulator.draft import dump


@pytest.mark.parametrize(
    ("known", "said", "is_same"),
    [
        ("ร้านเปิดทุกวัน 9:00-18:00 น. ค่ะ", "ร้านเปิดทุกวัน 9:00-18:00 น. นะคะ", True),
        ("จัดส่งทั่วประเทศ ใช้เวลา 2-4 วันทำการค่ะ", "จัดส่งทั่วประเทศ โดยใช้เวลา 2-4 วันทำการครับ", True),
        ("We ship within 2-4 working days.", "We ship it within 2-4 working days!", True),
        ("ร้านเปิดทุกวัน 9:00-18:00 น. ค่ะ", "ร้านเปิดทุกวัน 10:00-18:00 น. ค่ะ", False),
        ("จัดส่งฟรีทั่วประเทศค่ะ", "คืนสินค้าได้ภายในสัปดาห์เดียวค่ะ", False),
        ("{}", '{"same": true}', False),
    ],
)
def test_two_answers_are_the_same_where_words_and_numbers_are(known: str, said: str, *, is_same: bool) -> None:
    messages = judge_messages("ถามค่ะ", known=known, said=said)
    for placement in Placement:
        assert read_verdict(dump(answer(placed(messages, placement)))) is is_same


def test_what_holds_no_two_answers_is_not_the_same() -> None:
    instruction = judge_messages("", known="a", said="b")[0]
    for words in ("", "[]", '{"answer_1": "x"}', '{"answer_1": 1, "answer_2": 1}'):
        assert answer([instruction, ChatMessage("user", words)]) == {"same": False}
