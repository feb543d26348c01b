"""Rows that a student learns from or is examined on. Pure."""

from dataclasses import dataclass
from typing import Final

MAX_ROWS: Final = 40_000


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with the decision that belongs to it. `group` is whose it is: one customer's texts are never split.

    `count` is how much it counts: a person's label more than a model's.
    """

    text: str
    intent: str
    action_required: bool = False
    escalate: bool = False
    group: str = ""
    count: float = 1.0
