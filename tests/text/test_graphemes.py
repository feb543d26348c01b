"""Never half a character, whatever the reader's script."""

from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from conversations.text.graphemes import GraphemeBuffer, complete_prefix_length

THAI = ["กิ", "ที่", "น้ำ", "เก้", "\u0e33"]
EMOJI = ["👩‍👧", "🇹🇭", "🇹", "👍🏽", "\u200d", "\ufe0f"]
OTHERS = ["e\u0301", "\u0301", "क्षि", "\u0600", "한", "ᄒ", "ᅡ", "z̷̡"]
PIECES = [*"aé1 \n\r", *THAI, *EMOJI, *OTHERS]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=20).map("".join)


def boundaries(text: str) -> set[int]:
    """Return where a grapheme of this text may end, by the Unicode rules."""
    return {0, len(text), *[cluster.start() for cluster in regex.finditer(r"\X", text)]}


@pytest.mark.parametrize("grapheme", ["ที่", "น้ำ", "👩‍👩‍👧‍👦", "🇹🇭", "👍🏽", "e\u0301", "\r\n"])
def test_a_grapheme_that_comes_in_parts_is_shown_at_once(grapheme: str) -> None:
    buffer = GraphemeBuffer()
    assert [buffer.push(character) for character in grapheme] == [""] * len(grapheme)
    assert buffer.push("x") == grapheme


@given(TEXTS)
def test_all_but_the_last_grapheme_can_be_shown(text: str) -> None:
    starts = [cluster.start() for cluster in regex.finditer(r"\X", text)]
    assert complete_prefix_length(text) == (starts[-1] if starts else 0)


@given(TEXTS, st.lists(st.integers(0, 60)))
def test_text_moves_on_whole_graphemes_and_none_is_lost(text: str, cuts: list[int]) -> None:
    buffer = GraphemeBuffer()
    shown = ""
    for start, end in pairwise(sorted({0, len(text), *[cut for cut in cuts if cut < len(text)]})):
        shown += buffer.push(text[start:end])
        assert len(shown) in boundaries(text)
    assert shown + buffer.flush() == text
    assert buffer.flush() == ""
