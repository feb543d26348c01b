"""A student at work: what a customer wants, how sure that is, and whether it needs an action or a person.

Two readings of the same n-grams are joined: a linear one and one with a hidden layer; and a third, of the question's
vector, where the encoder that made it is the one that the student was taught with. `probability` is how likely the
intent is right, calibrated on texts the student hadn't seen, some of them of intents it wasn't taught; below its
threshold it says "I don't know". Takes a fraction of a millisecond, needs numpy only.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

import numpy as np
from numpy.typing import NDArray

from conversations.answers.student.vectors import Floats, Vector, Vocabulary

FLAGS: Final = 2
EVIDENCE: Final = 5
"""How many numbers tell whether a judgement is right (see `evidence`)."""
MIN_KNOWN: Final = 0.3
NEVER: Final = 2.0
"""A threshold that no probability reaches."""
STEPS: Final = 127
"""Weights are whole numbers of steps, from -127 to 127; each column has its own size of step."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a student makes of a text. `is_unsure`: it doesn't know, whatever the rest says."""

    intent: str
    probability: float
    is_unsure: bool
    action_required: bool
    escalate: bool


@dataclass(frozen=True, slots=True)
class Embedding:
    """A text's vector, of length 1, and the encoder (with version) that made it: other encoders' mean nothing here."""

    encoder: str
    vector: Floats


@dataclass(frozen=True)
class Weights:
    """What was learnt of grams.

    A table's row belongs to a gram; its columns: each intent, both flags, the hidden layer. It holds whole
    steps; `steps` is the size of one in each column.
    """

    table: NDArray[np.int8]
    steps: Floats
    bias: Floats
    output: Floats
    output_bias: Floats


@dataclass(frozen=True)
class Calibration:
    """What was learnt on texts held back while learning. `scales`: how much each reading counts."""

    scales: tuple[float, ...]
    trust: tuple[float, ...]
    sure_from: float
    action_from: float
    escalate_from: float


@dataclass(frozen=True)
class Sense:
    """The reading of vectors, and the calibration of all three readings together."""

    encoder: str
    table: Floats
    bias: Floats
    output: Floats
    output_bias: Floats
    calibration: Calibration

    def fits(self, embedding: Embedding) -> bool:
        """Whether this is a vector of the encoder that the student was taught with."""
        return embedding.encoder == self.encoder and embedding.vector.shape == self.table.shape[:1]

    def read(self, vectors: Floats) -> Floats:
        """Return each intent's mark, a row for each vector."""
        units = np.maximum(vectors @ self.table + self.bias, 0)
        marks: Floats = units @ self.output + self.output_bias
        return marks


@dataclass(frozen=True)
class Marks:
    """All readings of some texts, a row each. `readings`: the linear one first."""

    readings: tuple[Floats, ...]
    flags: Floats


@dataclass(frozen=True)
class Student:
    """Judges texts. Immutable, so threads may share it."""

    intents: tuple[str, ...]
    vocabulary: Vocabulary
    weights: Weights
    calibration: Calibration
    sense: Sense | None = None

    def judge(self, text: str, embedding: Embedding | None = None) -> Judgement:
        """Return what the text's author wants, as far as the student can tell.

        `embedding` is the text's vector where there is one already. One of another encoder than the student was taught
        with changes nothing: then its grams are read alone, and what is sure of those is calibrated on its own.
        """
        vector = self.vocabulary.vector(text)
        marks = marks_of(self.weights, summed(self.weights, vector), intents=len(self.intents))
        rules = self.calibration
        if self.sense and embedding and self.sense.fits(embedding):
            rules = self.sense.calibration
            marks = Marks((*marks.readings, self.sense.read(embedding.vector[np.newaxis])), marks.flags)
        return self._judgement(marks, rules, known=vector.known)

    def reads(self, encoder: str) -> bool:
        """Whether the student was taught with this encoder's vectors."""
        return self.sense is not None and self.sense.encoder == encoder

    def _judgement(self, marks: Marks, rules: Calibration, *, known: float) -> Judgement:
        logs = joined(marks, scales=rules.scales)
        proof = evidence(logs, marks.readings[0], known=np.array([known], np.float32))[0].tolist()
        # Of a text in another language or script hardly a piece is known, and nothing can be said.
        trust = likelihood(sum(map(mul, proof, rules.trust))) if known >= MIN_KNOWN else 0.0
        action, escalate = map(likelihood, marks.flags[0].tolist())
        return Judgement(
            intent=self.intents[int(logs[0].argmax())],
            probability=trust,
            is_unsure=trust < rules.sure_from,
            action_required=action >= rules.action_from,
            escalate=escalate >= rules.escalate_from,
        )


def summed(weights: Weights, vector: Vector) -> Floats:
    """Return the sum of a text's rows of the table, as one row."""
    rows = weights.table[vector.places].astype(np.float32)
    total: Floats = (vector.weights @ rows) * weights.steps
    return total[np.newaxis]


def in_steps(table: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return a table as whole steps, and the size of each column's."""
    steps = np.maximum(np.abs(table).max(axis=0, initial=0), np.finfo(np.float32).tiny * STEPS) / STEPS
    return np.rint(table / steps).astype(np.int8), steps.astype(np.float32)


def marks_of(weights: Weights, sums: Floats, *, intents: int) -> Marks:
    """Return both readings of texts from the sums of their rows."""
    columns = sums + weights.bias
    hidden = np.maximum(columns[:, intents + FLAGS :], 0) @ weights.output + weights.output_bias
    return Marks((columns[:, :intents], hidden), columns[:, intents : intents + FLAGS])


def joined(marks: Marks, *, scales: Sequence[float]) -> Floats:
    """Return the log-probability of each intent: the readings' marks, each as much as it counts, together."""
    total: Floats = np.zeros_like(marks.readings[0])
    for scale, reading in zip(scales, marks.readings, strict=True):
        total = total + scale * reading
    return log_softmax(total)


def evidence(logs: Floats, linear: Floats, *, known: Floats) -> Floats:
    """Return what tells whether the likeliest intent is right: a row of five numbers for each text.

    A constant; its log-odds; how far it is ahead of the next one; how close the text is to anything taught (linear
    marks are small for what is like no intent); the share of the text's n-grams that the vocabulary knows.
    """
    rows = np.arange(len(logs))
    best = logs.argmax(axis=1)
    top, second = logs[rows, best], np.partition(logs, -2, axis=1)[:, -2]
    odds = top - np.log(-np.expm1(np.minimum(top, -1e-6)))
    columns = (np.ones_like(top), odds, top - second, linear[rows, best], known)
    return np.stack(columns, axis=1).astype(np.float32)


def log_softmax(scores: Floats) -> Floats:
    """Return the logarithms of the probabilities that belong to scores."""
    lifted = scores - scores.max(axis=1, keepdims=True)
    logs: Floats = lifted - np.log(np.exp(lifted).sum(axis=1, keepdims=True))
    return logs


def sigmoid(scores: Floats) -> Floats:
    """Return the probabilities that belong to log-odds."""
    return 1 / (1 + np.exp(-np.clip(scores, -30, 30)))


def likelihood(odds: float) -> float:
    """Return the probability that belongs to log-odds."""
    return 1 / (1 + math.exp(-min(max(odds, -30.0), 30.0)))
