"""Examples that say nearly the same are found, and those that disagree, among thousands within seconds."""

import time
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.playbook.similar import ALIKE, compare, contradictions, near_duplicates, similar_to
from conversations.playbook.starter_examples import EXAMPLES
from tests.playbook.samples import real_questions


@dataclass(frozen=True)
class Said:
    """An example, as far as it is compared."""

    customer_text: str
    intent: str = "จัดส่ง"
    action_required: bool = False
    escalate: bool = False


STARTER = [Said(each.says, each.intent, each.action_required, each.escalate) for each in EXAMPLES]


def test_the_starter_examples_raise_no_alarm() -> None:
    found = compare(STARTER)
    assert (found.duplicates, found.contradictions) == ((), ())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ส่งวันเสาร์ไหมคะ", "ส่งวันเสาร์ไหมครับ"),
        ("ค่าส่งไปเชียงใหม่เท่าไหร่คะ", "ค่าส่งไปเชียงใหม่เท่าไรครับ"),
        ("ซื้อ 3 ชิ้นลดเท่าไหร่", "ซื้อ 5 ชิ้นลดเท่าไหร่"),
        ("Where is my order?", "where is my ORDER"),
    ],
)
def test_nearly_the_same_words_are_near_duplicates(one: str, other: str) -> None:
    examples = [*STARTER, Said(one), Said(other)]
    (pair,) = near_duplicates(examples)
    assert (pair.first, pair.second) == (len(STARTER), len(STARTER) + 1)
    assert pair.fields == ()


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"intent": "คืนสินค้า"}, ("intent",)),
        ({"escalate": True, "action_required": True}, ("escalate", "action_required")),
    ],
)
def test_alike_questions_with_another_envelope_contradict(change: dict[str, Any], fields: tuple[str, ...]) -> None:
    one = Said("ของที่สั่งไปเมื่อวานยังไม่ได้รับเลยค่ะ")
    other = replace(one, customer_text="ของที่สั่งไปเมื่อวานยังไม่ได้รับครับ", **change)
    (pair,) = contradictions([*STARTER, one, other])
    assert pair.fields == fields
    assert near_duplicates([*STARTER, one, other]) == ()


def test_other_questions_are_not_alike() -> None:
    assert (
        compare([Said("ส่งฟรีไหม"), Said("เปลี่ยนไซซ์ได้ไหม", "คืนสินค้า"), Said("👍"), Said("❤️"), Said("")]).contradictions
        == ()
    )
    assert compare([Said("👍"), Said("❤️"), Said("")]).duplicates == ()


def test_what_is_similar_to_a_text_comes_best_first() -> None:
    first, *others = similar_to("ร้านเปิดกี่โมงครับ", STARTER, 3)
    assert STARTER[first.number].customer_text == "ร้านเปิดกี่โมงคะ"
    assert first.similarity > 0.9
    assert all(first.similarity >= each.similarity for each in others)
    assert similar_to("ร้านเปิดกี่โมงครับ", [], 3) == ()
    assert similar_to("qqqq", STARTER, 3) == ()


def test_no_pair_is_missed_that_comparing_one_by_one_finds() -> None:
    texts = real_questions()[:400]
    examples = [Said(text) for text in texts] + [Said(text[:-1] + "ๆ") for text in texts[::10]]
    one_by_one = {
        (min(number, match.number), max(number, match.number))
        for number, example in enumerate(examples)
        for match in similar_to(example.customer_text, examples, 400)
        if match.number != number and match.similarity >= ALIKE + 0.05
    }
    at_once = {
        (pair.first, pair.second)
        for pair in compare([replace(each, intent=str(n)) for n, each in enumerate(examples)]).contradictions
    }
    assert one_by_one
    assert one_by_one <= at_once


@given(st.lists(st.text(max_size=40), max_size=12))
def test_any_texts_can_be_compared(texts: list[str]) -> None:
    found = compare([Said(text) for text in texts])
    assert all(0 <= pair.first < pair.second < len(texts) for pair in found.duplicates)
    assert all(pair.similarity <= 1 for pair in found.duplicates)


def test_many_of_one_template_take_seconds() -> None:
    examples = [Said(f"สินค้ารุ่นที่ {number} ราคาเท่าไหร่คะ ตัวสีขาว") for number in range(1500)]
    start = time.process_time()
    assert len(near_duplicates(examples)) >= 1500
    assert time.process_time() - start < 15
