"""One score of how likely a known answer fits a question, from what neighbours and the student say.

(Records: a bare cosine tuned for 1 % wrong serves 21.6 % of BANKING77 at 2.6 % wrong; cosine times the student's
probability 77.6 % at 1.1 %.) The score only orders; what it is worth is learnt per entry (`bound`). Its weights are
fitted on labels (`fit_weights`); until there are enough of them the defaults stand: "both must be high".
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from conversations.answers.bound import sigmoid

SURE: Final = 1 - 1e-6
"""Above which the student's certainty counts no more: much of what is served safely lies beyond 0.9995."""
SHARPNESS: Final = 12.0
"""How much more the nearest counts: a cosine lower by a twelfth counts a third as much."""
RIDGE: Final = 1.0
STEPS: Final = 50


class Features(NamedTuple):
    """What is known of one would-be hit.

    `student`: the student's probability of the entry's intent; `similarity`: cosine of the nearest question of this
    answer; `lead`: by how much that is above the nearest question of any other intent; `votes`: the share of this
    intent among the nearest questions; `backing`: the same, each of them counting by how near it is; `passes`: 1 where
    a known question of this intent passes every guard, 0 where nothing but the student leads to its text; `same`: 1
    where it is the very same question (whose own answers left it in doubt), else 0.
    """

    student: float
    similarity: float
    lead: float
    votes: float
    backing: float
    passes: float
    same: float

    def row(self) -> tuple[float, ...]:
        """Return the features as the model below takes them."""
        p = min(SURE, max(1 - SURE, self.student))
        logit = math.log(p / (1 - p))
        return (1.0, logit, self.similarity, self.lead, self.votes, self.backing, self.passes, self.same)


DEFAULT_WEIGHTS: Final = (-9.0, 1.0, 5.0, 4.0, 3.0, 0.0, 0.0, 0.0)


def features_from(values: Sequence[float]) -> Features:
    """Return features as they were stored.

    Those of older labels have no backing, and votes come closest to it; all of them had passed the guards, and none was
    of the very same question.
    """
    student, similarity, lead, votes, *newer = values
    return Features(student, similarity, lead, votes, *newer, *(votes, 1.0, 0.0)[len(newer) :])


def weights_from(values: Sequence[float]) -> tuple[float, ...]:
    """Return weights as they were stored; those learnt from fewer features ignore what they didn't know."""
    return (*values, *(0.0,) * (len(DEFAULT_WEIGHTS) - len(values)))


def backing_of(similarities: Sequence[float], is_same: Sequence[bool]) -> float:
    """Return the share of an intent among neighbours, nearest first, the nearest counting most; 0 among none."""
    if not similarities:
        return 0.0
    weights = [math.exp(SHARPNESS * (each - similarities[0])) for each in similarities]
    return sum(weight for weight, same in zip(weights, is_same, strict=True) if same) / sum(weights)


def score_of(features: Features, weights: Sequence[float]) -> float:
    """Return the score, 0 to 1."""
    return sigmoid(sum(weight * value for weight, value in zip(weights, features.row(), strict=True)))


def fit_weights(rows: Sequence[Features], is_right: Sequence[bool]) -> tuple[float, ...]:
    """Return the weights that fit the labels best: ridge-penalised logistic regression, by Newton's method."""
    design = np.array([row.row() for row in rows])
    centre, scale = design[:, 1:].mean(axis=0), design[:, 1:].std(axis=0) + 1e-9
    scaled = np.column_stack([np.ones(len(design)), (design[:, 1:] - centre) / scale])
    target = np.asarray(is_right, dtype=float)
    penalty = np.diag([0.0, *[RIDGE] * (scaled.shape[1] - 1)])
    weights = np.zeros(scaled.shape[1])
    for _step in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(scaled @ weights, -30, 30)))
        gradient = scaled.T @ (target - p) - penalty @ weights
        curvature = (scaled * (p * (1 - p))[:, None]).T @ scaled + penalty + 1e-9 * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-8:
            break
    slopes = weights[1:] / scale
    return (float(weights[0] - slopes @ centre), *map(float, slopes))
