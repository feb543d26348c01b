"""What the student at work says of a question that a model will answer: its intent, and whether it is simple.

Simple is what it is sure of, needs no action and no person, and means something by itself: "the second one" may be
anything. Says nothing while there is no student, or it may not steer.
"""

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


def steering_of(question: str) -> Steering:
    """Return what the student says of a question. Less than a millisecond; nothing at all where it may not steer."""
    student = SHELF.steering_student()
    if student is None or unfit(question) in DEPENDS:
        return NONE
    mine = student.judge(question)
    if mine.is_unsure:
        return NONE
    return Steering(mine.intent, is_simple=not mine.action_required and not mine.escalate)
