"""The student's word on a question, as the ladder takes it. Without a student nothing similar is ever served."""

from conversations.answers.ladder import Opinion
from conversations.answers.student.shelf import current_student


def opinion_on(text: str) -> Opinion | None:
    """Return what the student that is live says, or None where there is none. Less than a millisecond."""
    student = current_student()
    if student is None:
        return None
    mine = student.judge(text)
    return Opinion(mine.intent, mine.probability, mine.is_unsure, mine.action_required, mine.escalate)
