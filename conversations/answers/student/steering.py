"""What the student at work says of a question that a model will answer: its intent, and whether it is simple.

Simple is what it is sure of, needs no action and no person, and means something by itself: "the second one" may be
anything. Says nothing while there is no student, or it may not steer.

A share of what is simple is answered by the usual models all the same: else nobody would ever again tell the student
that it is wrong about what it is sure of.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from conversations.answers.selfcontained import unfit
from conversations.answers.student.labels import DEPENDS
from conversations.answers.student.shelf import SHELF


@dataclass(frozen=True, slots=True)
class Steering:
    """The intent that the student is sure of ("": none), and whether a small model will do."""

    intent: str = ""
    is_simple: bool = False


NONE: Final = Steering()
CHECKED_PERCENT: Final = 5
PER_CENT: Final = 100


def steering_of(question: str, *, draw: int | None = None) -> Steering:
    """Return what the student says of a question. Less than a millisecond; nothing at all where it may not steer.

    `draw`, 0 to 99, decides whether a simple question is checked by the usual models (None: by chance).
    """
    student = SHELF.steering_student()
    if student is None or unfit(question) in DEPENDS:
        return NONE
    mine = student.judge(question)
    if mine.is_unsure:
        return NONE
    is_checked = (secrets.randbelow(PER_CENT) if draw is None else draw) < CHECKED_PERCENT
    return Steering(mine.intent, is_simple=not (mine.action_required or mine.escalate or is_checked))
