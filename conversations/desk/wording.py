"""What differs between two texts, in pieces that a page can mark. Thai has no spaces, so letters count there. Pure."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

import regex

# A Latin word or number, a run of spaces, or one letter with its marks.
TOKENS: Final = regex.compile(r"[A-Za-z0-9]+|\s+|\X")
MAX_TOKENS: Final = 1_500
# Equal letters between two changes that are too few to read: they count as changed.
MIN_SAME: Final = 3


class Mark(StrEnum):
    """What happened to a piece."""

    SAME = "same"
    OLD = "old"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some letters and what happened to them."""

    mark: Mark
    text: str


def compare(old: str, new: str) -> tuple[Piece, ...]:
    """Return the pieces of both texts in reading order; long texts that differ widely stand one after the other."""
    before, after = TOKENS.findall(old), TOKENS.findall(new)
    start = common(before, after)
    end = common(before[start:][::-1], after[start:][::-1])
    middle = changed(before[start : len(before) - end], after[start : len(after) - end])
    head = Piece(Mark.SAME, "".join(before[:start]))
    tail = Piece(Mark.SAME, "".join(before[len(before) - end :]))
    return tuple(piece for piece in (head, *middle, tail) if piece.text)


def common(first: list[str], second: list[str]) -> int:
    """Return how many tokens both begin with."""
    for number, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return number
    return min(len(first), len(second))


def changed(before: list[str], after: list[str]) -> list[Piece]:
    """Return the pieces of what lies between the common beginning and end."""
    if max(len(before), len(after)) > MAX_TOKENS:
        return [Piece(Mark.OLD, "".join(before)), Piece(Mark.NEW, "".join(after))]
    pieces: list[Piece] = []
    old, new = "", ""
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal" and i2 - i1 >= MIN_SAME:
            pieces += [Piece(Mark.OLD, old), Piece(Mark.NEW, new), Piece(Mark.SAME, "".join(before[i1:i2]))]
            old, new = "", ""
        else:
            old, new = old + "".join(before[i1:i2]), new + "".join(after[j1:j2])
    return [*pieces, Piece(Mark.OLD, old), Piece(Mark.NEW, new)]
