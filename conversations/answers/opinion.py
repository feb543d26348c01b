"""The student's word on a question, as the ladder takes it. Without a student nothing similar is ever served."""

from conversations.answers.ladder import Opinion


def opinion_on(text: str) -> Opinion | None:  # noqa: ARG001 - until there is a student
    """Return what the student that is live says, or None where there is none. About a millisecond."""
    return None
