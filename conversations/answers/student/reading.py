"""A student at work: what a customer wants, how sure that is, and whether it needs an action or a person.

Two readings of the same n-grams are averaged: a linear one and one with a hidden layer. `probability` is how likely the
intent is right, calibrated on texts the student hadn't seen, some of them of intents it wasn't taught; below its
threshold it says "I don't know". Takes a fraction of a millisecond, needs numpy only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conversations.answers.student.vectors import Floats, Vector, Vocabulary

FLAGS: Final = 2
EVIDENCE: Final = 5
"""How many numbers tell whether a judgement is right (see `evidence`)."""
MIN_KNOWN: Final = 0.3
NEVER: Final = 2.0
"""A threshold that no probability reaches."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a student makes of a text. `is_unsure`: it doesn't know, whatever the rest says."""

    intent: str
    probability: float
    is_unsure: bool
    action_required: bool
    escalate: bool


@dataclass(frozen=True)
class Weights:
    """What was learnt. A table's row belongs to a gram; its columns: each intent, both flags, the hidden layer."""

    table: NDArray[Any]
    bias: Floats
    output: Floats
    output_bias: Floats


@dataclass(frozen=True)
class Calibration:
    """What was learnt on texts held back while learning."""

    linear_scale: float
    trust: tuple[float, ...]
    sure_from: float
    action_from: float
    escalate_from: float


@dataclass(frozen=True)
class Marks:
    """Both readings of some texts, a row each."""

    linear: Floats
    flags: Floats
    hidden: Floats


@dataclass(frozen=True)
class Student:
    """Judges texts. Immutable, so threads may share it."""

    intents: tuple[str, ...]
    vocabulary: Vocabulary
    weights: Weights
    calibration: Calibration

    def judge(self, text: str) -> Judgement:
        """Return what the text's author wants, as far as the student can tell."""
        vector = self.vocabulary.vector(text)
        marks = marks_of(self.weights, summed(self.weights, vector), intents=len(self.intents))
        return self._judgements(marks, known=np.array([vector.known], np.float32))[0]

    def judge_many(self, texts: Sequence[str]) -> list[Judgement]:
        """Return a judgement of each text."""
        return [self.judge(text) for text in texts]

    def _judgements(self, marks: Marks, *, known: Floats) -> list[Judgement]:
        rules = self.calibration
        logs = joined(marks, linear_scale=rules.linear_scale)
        trust = sigmoid(evidence(logs, marks.linear, known=known) @ np.array(rules.trust, np.float32))
        # Of a text in another language or script hardly a piece is known, and nothing can be said.
        trust = np.where(known < MIN_KNOWN, 0, trust)
        flags = sigmoid(marks.flags)
        return [
            Judgement(
                intent=self.intents[place],
                probability=float(trust[row]),
                is_unsure=bool(trust[row] < rules.sure_from),
                action_required=bool(flags[row, 0] >= rules.action_from),
                escalate=bool(flags[row, 1] >= rules.escalate_from),
            )
            for row, place in enumerate(logs.argmax(axis=1))
        ]


def summed(weights: Weights, vector: Vector) -> Floats:
    """Return the sum of a text's rows of the table, as one row."""
    rows = weights.table[vector.places].astype(np.float32)
    total: Floats = vector.weights @ rows
    return total[np.newaxis]


def marks_of(weights: Weights, sums: Floats, *, intents: int) -> Marks:
    """Return both readings of texts from the sums of their rows."""
    columns = sums + weights.bias
    hidden = np.maximum(columns[:, intents + FLAGS :], 0) @ weights.output + weights.output_bias
    return Marks(columns[:, :intents], columns[:, intents : intents + FLAGS], hidden)


def joined(marks: Marks, *, linear_scale: float) -> Floats:
    """Return the log-probability of each intent: the mean of both readings, renormalised."""
    both = log_softmax(marks.linear * linear_scale) + log_softmax(marks.hidden)
    return log_softmax(both / 2)


def evidence(logs: Floats, linear: Floats, *, known: Floats) -> Floats:
    """Return what tells whether the likeliest intent is right: a row of five numbers for each text.

    A constant; its log-odds; how far it is ahead of the next one; how close the text is to anything taught (linear
    marks are small for what is like no intent); the share of the text's n-grams that the vocabulary knows.
    """
    rows = np.arange(len(logs))
    order = np.argsort(logs, axis=1)
    top, second = logs[rows, order[:, -1]], logs[rows, order[:, -2]]
    odds = top - np.log(-np.expm1(np.minimum(top, -1e-6)))
    columns = (np.ones_like(top), odds, top - second, linear[rows, order[:, -1]], known)
    return np.stack(columns, axis=1).astype(np.float32)


def log_softmax(scores: Floats) -> Floats:
    """Return the logarithms of the probabilities that belong to scores."""
    lifted = scores - scores.max(axis=1, keepdims=True)
    logs: Floats = lifted - np.log(np.exp(lifted).sum(axis=1, keepdims=True))
    return logs


def sigmoid(scores: Floats) -> Floats:
    """Return the probabilities that belong to log-odds."""
    return 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
