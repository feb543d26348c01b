"""Vectors for a student that was taught to read them: by the encoder it was taught with, where that is in use."""

import logging
from collections.abc import Sequence
from typing import Final

import numpy as np

from conversations.answers.encoders import ENCODERS, Encoder, EncoderAwayError, Vectors
from conversations.answers.student.reading import Embedding, Student

logger = logging.getLogger(__name__)

BATCH: Final = 64
TRIES: Final = 3


def teaching_encoder() -> Encoder | None:
    """Return the encoder that a student is to be taught with: the operator's, if it is there.

    None for hashed n-grams, which tell nothing that the student's own grams don't.
    """
    return next((each for each in ENCODERS.in_use() if ENCODERS.is_chosen(each) and tells_meaning(each)), None)


def tells_meaning(encoder: Encoder) -> bool:
    """Whether its vectors hold more than the characters of a text."""
    return not encoder.name.startswith("hashed-")


def encoded(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """Return a row for each of many texts: a batch that fails is tried again. Raises EncoderAwayError."""
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    return np.concatenate([encoded_batch(encoder, batch) for batch in batches])


def encoded_batch(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """Return a row for each text. Raises EncoderAwayError when the last try fails."""
    for _try in range(TRIES - 1):
        try:
            return encoder.encode(texts)
        except EncoderAwayError as error:
            logger.info("%d texts weren't encoded (%s); tried again", len(texts), error)
    return encoder.encode(texts)


def embeddings(student: Student, texts: Sequence[str]) -> list[Embedding | None]:
    """Return the texts' vectors for this student, or a None each where its encoder isn't in use or doesn't answer."""
    nothing: list[Embedding | None] = [None] * len(texts)
    if student.sense is None or not texts:
        return nothing
    name = student.sense.encoder
    encoder = next((each for each in ENCODERS.in_use() if each.name == name), None)
    if encoder is None:
        return nothing
    try:
        return [Embedding(name, vector) for vector in encoded(encoder, texts)]
    except EncoderAwayError as error:
        logger.warning("a student judges %d texts without vectors: %s", len(texts), error)
        return nothing
