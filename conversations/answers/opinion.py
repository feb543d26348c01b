"""The student's word on a question, as the ladder takes it. Without a student nothing similar is ever served."""

from collections.abc import Sequence

import numpy as np

from conversations.answers.ladder import Opinion
from conversations.answers.student.reading import Embedding, Judgement
from conversations.answers.student.shelf import current_student


def opinion_on(text: str) -> Opinion | None:
    """Return what the student that is live says, or None where there is none. Less than a millisecond."""
    student = current_student()
    return None if student is None else opinion_of(student.judge(text))


def with_vector(opinion: Opinion, text: str, vector: Sequence[float] | None, *, encoder: str) -> Opinion:
    """Return the student's word again, now that the ladder has the question's vector, of this encoder.

    The same as before where the student wasn't taught to read that encoder's vectors. Nothing is encoded here.
    """
    student = current_student()
    if student is None or vector is None or not student.reads(encoder):
        return opinion
    return opinion_of(student.judge(text, Embedding(encoder, np.asarray(vector, np.float32))))


def opinion_of(mine: Judgement) -> Opinion:
    """Return a judgement as the ladder takes it."""
    return Opinion(mine.intent, mine.probability, mine.is_unsure, mine.action_required, mine.escalate)
