"""Judges whether two answers say the same, where a prompt asks that: by their words and numbers, with no key to any.

The heading and the names of the two are those of `answers/judging.py`, which may not be imported from here; a test
holds them together.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import orjson

from conversations.llm.requests import ChatMessage
from conversations.llm.simulator.grams import grams, numbers_in
from conversations.llm.simulator.knowledge import Envelope

JUDGE_HEADING: Final = "# Judge of two answers"
COMPARED: Final = ("answer_1", "answer_2")
ALIKE: Final = 0.75


def judged(messages: Sequence[ChatMessage]) -> Envelope | None:
    """Return the verdict on the two answers in the prompt's last words; None where the prompt asks something else."""
    if not messages or not messages[0].content.startswith(JUDGE_HEADING):
        return None
    one, other = answers_in(next(said.content for said in reversed(messages) if said.role != "assistant"))
    return {"same": one is not None and other is not None and is_same(one, other)}


def answers_in(text: str) -> tuple[str | None, str | None]:
    """Return the two answers that a message holds as a JSON object."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None, None
    one, other = (found.get(name) for name in COMPARED) if isinstance(found, dict) else (None, None)
    return (one if isinstance(one, str) else None), (other if isinstance(other, str) else None)


def is_same(one: str, other: str) -> bool:
    """Whether two answers have the same numbers and, politeness aside, hardly any other words."""
    return numbers_in(one) == numbers_in(other) and likeness(grams(one), grams(other)) >= ALIKE


def likeness(one: Counter[str], other: Counter[str]) -> float:
    """Return the cosine of two counts."""
    shared = sum(count * other[gram] for gram, count in one.items())
    lengths = math.sqrt(sum(count**2 for count in one.values()) * sum(count**2 for count in other.values()))
    return shared / lengths if lengths else float(one == other)
