"""Halves of surrogate pairs never go further."""

from hypothesis import given
from hypothesis import strategies as st

from conversations.text.surrogates import SurrogateMender, mend

HALVES = st.lists(st.sampled_from(["\ud83d", "\ude00", "a", "ที่", "😀"]), max_size=12)


def test_a_pair_in_two_pieces_becomes_its_character() -> None:
    mender = SurrogateMender()
    assert mender.push("a\ud83d") == "a"
    assert mender.push("\ude00b") == "😀b"


def test_a_half_alone_is_replaced() -> None:
    mender = SurrogateMender()
    assert mender.push("a\ude00\ud83d") == "a\ufffd"
    assert mender.push("\ud83dx") == "\ufffd\ufffdx"
    assert mender.push("\ud83d") == ""
    assert mender.flush() == "\ufffd"


@given(HALVES)
def test_the_pieces_do_not_matter(pieces: list[str]) -> None:
    mender = SurrogateMender()
    mended = "".join([mender.push(piece) for piece in pieces]) + mender.flush()
    assert mended == mend("".join(pieces))
    mended.encode()
