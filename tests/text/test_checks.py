"""What can be a message, and what can't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.text.checks import Problem, check_message

MAX = 50


@pytest.mark.parametrize(
    "text",
    [
        "สวัสดี",
        "ok",
        "0",
        ".",
        "👍",
        "❤️",
        "ที่",
        "\u0e48",
        "  a  ",
        "\u200bก\u200b",
        "\u202eabc",
        "a\x07b",
        "<script>alert(1)</script>",
        "'; DROP TABLE x; --",
        "%s {0} {name}",
        "z̷̡̛a̸l̵g̶o̴",
        "مرحبا",
        "a" * MAX,
        "👩‍👩‍👧‍👦" * 7,
        "\ufffd",
    ],
)
def test_what_a_reader_can_see_is_a_message(text: str) -> None:
    assert check_message(text, max_chars=MAX) is None


INVISIBLE = " \n\t\u00a0\u3000\u200b\u200d\ufeff\u2800\u3164\ufe0f\u202e\x07\u00ad\U000e0041"


@pytest.mark.parametrize("text", ["", *INVISIBLE, INVISIBLE])
def test_what_nobody_can_see_is_empty(text: str) -> None:
    assert check_message(text, max_chars=MAX) is Problem.EMPTY


@pytest.mark.parametrize("text", ["a\x00b", "\x00", "\ud83d", "a\ude00"])
def test_what_cannot_be_stored_is_invalid(text: str) -> None:
    assert check_message(text, max_chars=MAX) is Problem.INVALID


def test_the_limit_counts_characters_not_bytes() -> None:
    assert check_message("ก" * MAX, max_chars=MAX) is None
    assert check_message("ก" * (MAX + 1), max_chars=MAX) is Problem.TOO_LONG
    assert check_message(" " * (MAX + 1), max_chars=MAX) is Problem.TOO_LONG


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    if check_message(text, max_chars=MAX) is None:
        assert 0 < len(text) <= MAX
        assert "\x00" not in text
        text.encode()
