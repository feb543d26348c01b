"""Whether a message can be taken as it is. It is never changed: stored and shown as written, or refused."""

from enum import StrEnum

import regex


class Problem(StrEnum):
    """Why a message is refused."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    INVALID = "invalid"


UNSTORABLE = regex.compile(r"[\x00\ud800-\udfff]")
"""PostgreSQL stores no NUL, and half a surrogate pair is no character in any encoding."""
VISIBLE = regex.compile(r"[^\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb]")
"""Anything with ink: not spaces, controls, joiners, fillers, direction marks or the blank braille cell."""


def check_message(text: str, *, max_chars: int) -> Problem | None:
    """Return what is wrong with a message, or None. Counts code points, as the protocol's limit does."""
    if len(text) > max_chars:
        return Problem.TOO_LONG
    if UNSTORABLE.search(text):
        return Problem.INVALID
    return None if has_ink(text) else Problem.EMPTY


def has_ink(text: str) -> bool:
    """Say whether a reader would see anything of this text."""
    return VISIBLE.search(text) is not None
