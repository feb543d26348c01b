"""Judges a whole answer: strictly first, then with one repair that may move punctuation but never words."""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import jiter
import json_repair
import regex
from pydantic import BaseModel

from conversations.llm.errors import Kind, LLMError

MAX_REPAIR_CHARS = 8_000
"""Repair takes time that grows with the square of some inputs, on a loop that serves others."""

_OBJECT_START = regex.compile(r"\{\s*[\"'}]")
_OBJECT_REST = regex.compile(r"[\"}]")
_WORDS = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_ESCAPE = regex.compile(r"""\\(?:u([0-9a-fA-F]{4})|["\\/bfnrt])""")


class Repair(StrEnum):
    """What an answer needed before it was the reply that customers read."""

    REASONING = "reasoning"
    """The model thought aloud in it."""
    FORM = "form"
    """It wasn't plain JSON: broken, or with something around it."""
    FIELDS = "fields"
    """A field was missing."""
    INTENT = "intent"
    """It named an intent that isn't known."""
    MARKUP = "markup"
    """The reply had markup or other letters that aren't shown."""


class Fields(BaseModel):
    """The answer's fields as the model gave them."""

    response: str
    intent: object = None
    action_required: bool = False
    escalate: bool = False


_ALL = set(Fields.model_fields)


def read_fields(answer: str) -> tuple[Fields, tuple[Repair, ...]]:
    """Return the fields of an answer, and what it took to read them. Raises LLMError(INVALID)."""
    try:
        found = jiter.from_json(answer.encode(), allow_inf_nan=False, catch_duplicate_keys=True)
        fields = Fields.model_validate(found, strict=True)
    except ValueError:
        return _repaired_fields(answer), (Repair.FORM,)
    return fields, () if fields.model_fields_set == _ALL else (Repair.FIELDS,)


def _repaired_fields(answer: str) -> Fields:
    try:
        first, *others = _envelopes(_unquoted(answer))
        if any(other != first for other in others):
            raise LLMError(Kind.INVALID)
        return Fields.model_validate(first)
    except (ValueError, RecursionError):
        raise LLMError(Kind.INVALID) from None


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Keys in any case, and the first of two that are the same: that is the one that was shown."""
    return {key.strip().lower(): value for key, value in reversed(pairs)}


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_first_of_each)


def _unquoted(answer: str) -> str:
    """Return the answer, or the one within where it was written as a JSON string."""
    if not answer.startswith('"'):
        return answer
    inner = _DECODER.decode(answer)
    return inner if isinstance(inner, str) else answer


def _envelopes(answer: str) -> Iterator[dict[str, Any]]:
    """Yield what could be meant as the envelope, with any prose or fence around it."""
    position = 0
    while start := _OBJECT_START.search(answer, position):
        if position:
            _check_prose(answer[position : start.start()])
        try:
            found, position = _DECODER.raw_decode(answer, start.start())
        except ValueError:
            # Looking on inside a broken object would find the wrong one.
            yield _repaired(answer[start.start() :].rstrip("`\n "))
            return
        if "response" in found:
            yield found
    if position:
        _check_prose(answer[position:])


def _check_prose(text: str) -> None:
    """What stands after an object may be prose, but not the rest of one that seemed to end early. Raises ValueError."""
    if _OBJECT_REST.search(text):
        raise ValueError


def _repaired(text: str) -> dict[str, Any]:
    """Return the object in a text of broken JSON, if all of the text is in it. Raises ValueError."""
    if not text.endswith("}"):
        # Cut off: fine if only the last brace is missing, but half a reply is none.
        found: dict[str, Any] = _DECODER.decode(text.rstrip(",") + "}")
        return found
    if len(text) > MAX_REPAIR_CHARS:
        raise ValueError
    repaired = json_repair.loads(text, skip_json_loads=True)
    if not isinstance(repaired, dict) or not _ends_like(text, repaired) or not _has_same_words(text, repaired):
        raise ValueError
    fields = _first_of_each(list(repaired.items()))
    if not fields.keys() <= Fields.model_fields.keys():
        # A piece of a reply with quotes in it was taken for a key.
        raise ValueError
    return fields


def _ends_like(text: str, repaired: dict[str, Any]) -> bool:
    """A brace within a reply that was cut off is not the end of the envelope: before that stands a quote."""
    last = next(reversed(repaired.values()), None)
    return not isinstance(last, str) or text[:-1].rstrip(", \t\n").endswith(('"', "'"))


def _has_same_words(text: str, repaired: dict[str, Any]) -> bool:
    return _words(text) == _words(json.dumps(repaired, ensure_ascii=False))


def _words(text: str) -> str:
    bare = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else "", text)
    return "".join(_WORDS.findall(bare)).casefold()
