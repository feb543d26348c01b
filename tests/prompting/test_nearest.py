"""Which examples are like a question: by what it asks, whatever its case, politeness, numbers and language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.playbook.nearest import ExampleIndex, GramIndex
from conversations.playbook.starter_examples import EXAMPLES

TEXTS = [example.says for example in EXAMPLES]
INTENTS = [example.intent for example in EXAMPLES]
INDEX = ExampleIndex(TEXTS, INTENTS)


@pytest.mark.parametrize("text", TEXTS)
def test_an_examples_own_words_find_it_first(text: str) -> None:
    nearest = INDEX.choose(text, limit=5)[-1]
    assert TEXTS[nearest.number] == text
    assert nearest.similarity == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("คืนของได้กี่วันครับ", "คืนสินค้า"),
        ("ส่งของคืนแล้ว เมื่อไหร่จะได้เงิน", "คืนสินค้า"),
        ("เลข TH99912345 ครับผม", "จัดส่ง"),
        ("ค่าจัดส่งเท่าไหร่", "จัดส่ง"),
        ("HOW CAN I PAY???", "สั่งซื้อ"),
        ("what is your opening hour", "อื่นๆ"),
    ],
)
def test_other_words_find_the_same_intent(question: str, intent: str) -> None:
    assert INDEX.likely_intent(question)[0] == intent


def test_the_nearest_stands_last_and_other_intents_are_shown_too() -> None:
    chosen = INDEX.choose("ส่งของคืนไปแล้ว จะได้เงินคืนเมื่อไหร่คะ", limit=5)
    assert [each.similarity for each in chosen] == sorted(each.similarity for each in chosen)
    assert len({INTENTS[each.number] for each in chosen}) > 1
    assert INTENTS[chosen[-1].number] == "คืนสินค้า"


def test_unlike_texts_are_not_chosen() -> None:
    assert INDEX.choose("zzzz qqqq", limit=5) == ()
    assert INDEX.likely_intent("👍") == ("", 0.0)


def test_an_empty_index_has_nothing() -> None:
    assert ExampleIndex([], []).choose("อะไร", limit=5) == ()
    assert list(GramIndex([""]).similarities("อะไร")) == [0.0]


@given(texts=st.lists(st.text(max_size=60), max_size=8), question=st.text(max_size=200), limit=st.integers(0, 6))
def test_any_texts_may_be_looked_through(texts: list[str], question: str, limit: int) -> None:
    index = ExampleIndex(texts, [str(number % 2) for number in range(len(texts))])
    chosen = index.choose(question, limit=limit)
    assert len(chosen) <= limit
    assert len({each.number for each in chosen}) == len(chosen)
    assert all(0 <= each.number < len(texts) and 0 < each.similarity <= 1.0 for each in chosen)
