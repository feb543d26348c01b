"""How sure a student may be: learnt on texts it hadn't seen, and on texts of intents it wasn't taught. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from conversations.answers.student.reading import (
    EVIDENCE,
    NEVER,
    Calibration,
    Marks,
    evidence,
    joined,
    log_softmax,
    sigmoid,
)
from conversations.answers.student.vectors import Floats

FIRST_SCALES: Final = (2.0, 0.5, 0.5)
MAX_SCALE: Final = 16.0
PULL: Final = 1.0
"""How many rows' worth speaks for the scales to begin with."""
STRANGE_SHARE: Final = 0.1
"""How much all texts of intents left out count beside those of known ones."""
UNTAUGHT: Final = 0.02
"""Of a hundred questions that customers will ask, two are taken to be of an intent that it wasn't taught."""
FLAG_RECALL: Final = 0.98
"""A flag that is missed serves an answer where something had to be done; one too many only asks the model."""
SURE_FLAG: Final = 0.5
MIN_FLAGS: Final = 5
FEW_FLAGS_FROM: Final = 0.2


@dataclass(frozen=True)
class Held:
    """What was made of texts held back, and what would have been right."""

    marks: Marks
    known: Floats
    labels: NDArray[np.intp]
    flags: NDArray[np.bool_]

    def only(self, readings: int) -> "Held":
        """Return the same without the readings after so many."""
        return replace(self, marks=replace(self.marks, readings=self.marks.readings[:readings]))


def calibrate(held: Sequence[Held], *, strange: Sequence[Held], precision: float) -> Calibration:
    """Return the calibration under which what a student is sure of is right with this precision."""
    if not held:
        return Calibration(FIRST_SCALES[:2], (0.0,) * EVIDENCE, NEVER, FEW_FLAGS_FROM, FEW_FLAGS_FROM)
    scales = best_scales(held)
    proofs, is_right = together(held, scales=scales)
    strange_proofs, _wrong = together(strange, scales=scales) if strange else (proofs[:0], is_right[:0])
    trust = fit_trust(proofs, is_right, strange=strange_proofs)
    flags = np.concatenate([sigmoid(each.marks.flags) for each in held])
    wanted = np.concatenate([each.flags for each in held])
    return Calibration(
        scales=scales,
        trust=tuple(float(weight) for weight in trust),
        sure_from=sure_from(
            sigmoid(proofs @ trust), is_right, strange=sigmoid(strange_proofs @ trust), precision=precision
        ),
        action_from=flag_from(flags[:, 0], wanted[:, 0]),
        escalate_from=flag_from(flags[:, 1], wanted[:, 1]),
    )


def best_scales(held: Sequence[Held]) -> tuple[float, ...]:
    """Return how much each reading has to count for the probabilities to fit best what was right."""
    columns = zip(*(each.marks.readings for each in held), strict=True)
    readings = np.stack([np.concatenate(column) for column in columns])
    labels = np.concatenate([each.labels for each in held])
    rows = np.arange(len(labels))
    wanted = readings[:, rows, labels]

    first = np.array(FIRST_SCALES[: len(readings)])

    def loss(scales: Floats) -> tuple[float, Floats]:
        logs = log_softmax(np.tensordot(scales, readings, 1))
        expected = (np.exp(logs) * readings).sum(axis=2)
        # Where everything is right, only this keeps certainty from growing without end.
        away = (scales / first - 1) / len(labels)
        slope = (expected - wanted).mean(axis=1) + 2 * PULL * away / first
        return PULL * float(away @ away) * len(labels) - float(logs[rows, labels].mean()), slope

    found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=[(0, MAX_SCALE)] * len(first))
    return tuple(float(scale) for scale in found.x)


def together(held: Sequence[Held], *, scales: Sequence[float]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the evidence for each judgement, and whether it was right."""
    logs = [joined(each.marks, scales=scales) for each in held]
    pairs = zip(held, logs, strict=True)
    proofs = [evidence(log, each.marks.readings[0], known=each.known) for each, log in pairs]
    right = [log.argmax(axis=1) == each.labels for each, log in zip(held, logs, strict=True)]
    return np.concatenate(proofs), np.concatenate(right)


def fit_trust(proofs: Floats, is_right: NDArray[np.bool_], *, strange: Floats) -> Floats:
    """Return the weights that make evidence a probability of being right; what is strange can't be right."""
    all_proofs = np.concatenate((proofs, strange))
    all_right = np.concatenate((is_right, np.zeros(len(strange), np.bool_)))
    counts = np.ones(len(all_right), np.float32)
    counts[len(proofs) :] = STRANGE_SHARE * len(proofs) / max(len(strange), 1)
    if all_right.all() or not all_right.any():
        return np.zeros(EVIDENCE, np.float32)
    model = LogisticRegression(C=1.0, max_iter=500, fit_intercept=False)
    model.fit(all_proofs, all_right, sample_weight=counts)
    return np.asarray(model.coef_[0], np.float32)


def sure_from(probabilities: Floats, is_right: NDArray[np.bool_], *, strange: Floats, precision: float) -> float:
    """Return the lowest probability from which on judgements are right with this precision.

    Some questions are strange, and whatever is made of them is wrong. One more wrong than was seen is assumed, so that
    a handful of lucky rows proves nothing.
    """
    everything = np.concatenate((probabilities, strange))
    counts = np.ones(len(everything))
    counts[len(probabilities) :] = UNTAUGHT * len(probabilities) / max(len(strange), 1)
    is_wrong = np.concatenate((~is_right, np.ones(len(strange), np.bool_)))
    order = np.argsort(-everything, kind="stable")
    wrong, sure = np.cumsum(counts[order] * is_wrong[order]), np.cumsum(counts[order])
    enough = np.flatnonzero((wrong + 1) / (sure + 2) <= 1 - precision)
    return float(everything[order[enough[-1]]]) if len(enough) else NEVER


def flag_from(probabilities: Floats, is_set: NDArray[np.bool_]) -> float:
    """Return the probability from which a flag is set: nearly all that are set must be found."""
    found = np.sort(probabilities[is_set])
    if len(found) < MIN_FLAGS:
        return FEW_FLAGS_FROM
    return min(float(found[int((1 - FLAG_RECALL) * len(found))]), SURE_FLAG)
