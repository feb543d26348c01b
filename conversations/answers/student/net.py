"""The reading with a hidden layer: trained on sparse vectors by Adam, a small batch at a time.

Text is short and classes are many, so what keeps it from learning by heart matters more than size: grams and hidden
units are left out at random, and labels are softened, since some are wrong. The same data gives the same net.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from conversations.answers.student.reading import log_softmax
from conversations.answers.student.vectors import Floats

HIDDEN: Final = 128
STEPS: Final = 1200
EPOCHS: Final = (12, 40)
SMALL_ROWS: Final = 2000
BATCHES: Final = (64, 128)
RATE: Final = 2e-3
GRAMS_LEFT_OUT: Final = 0.3
UNITS_LEFT_OUT: Final = 0.3
SOFTENED: Final = 0.1
SPREAD: Final = 0.1
DECAYS: Final = (0.9, 0.999)
TINY: Final = 1e-8

ALL: Final = slice(None)

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Lesson:
    """What a net learns from: vectors, the place of each one's intent, how much each counts."""

    vectors: csr_matrix
    intents: Places
    counts: Floats


@dataclass
class Parameter:
    """An array that is learnt, with Adam's two running means."""

    value: Floats
    mean: Floats = field(init=False)
    square: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.mean = np.zeros_like(self.value)
        self.square = np.zeros_like(self.value)

    def step(self, slope: Floats, *, rate: float, time: int, rows: NDArray[Any] | slice = ALL) -> None:
        """Move against the slope; only these rows, where the slope is of those alone."""
        first, second = DECAYS
        mean = self.mean[rows] * first + slope * (1 - first)
        square = self.square[rows] * second + slope * slope * (1 - second)
        self.mean[rows], self.square[rows] = mean, square
        self.value[rows] -= rate * (mean / (1 - first**time)) / (np.sqrt(square / (1 - second**time)) + TINY)


class Net:
    """Grams, a hidden layer, intents."""

    def __init__(self, *, grams: int, intents: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._intents = intents
        self.table = Parameter(self._normal((grams, HIDDEN), SPREAD))
        self.bias = Parameter(np.zeros(HIDDEN, np.float32))
        self.output = Parameter(self._normal((HIDDEN, intents), 1 / math.sqrt(HIDDEN)))
        self.output_bias = Parameter(np.zeros(intents, np.float32))

    def learn(self, lesson: Lesson) -> None:
        """Go through the lesson as often as its size asks for; steps get smaller to the end."""
        batches = list(self._batches(lesson.vectors.shape[0]))
        for time, rows in enumerate(batches, start=1):
            self._step(lesson, rows, rate=RATE * (1 - time / (len(batches) + 1)), time=time)

    def _normal(self, shape: tuple[int, int], spread: float) -> Floats:
        return (self._random.standard_normal(shape) * spread).astype(np.float32)

    def _batches(self, rows: int) -> Iterator[Places]:
        size = min(BATCHES[rows >= SMALL_ROWS], rows)
        a_round = rows // size
        for _epoch in range(min(max(math.ceil(STEPS / a_round), EPOCHS[0]), EPOCHS[1])):
            order = self._random.permutation(rows)
            yield from np.split(order[: a_round * size], a_round)

    def _step(self, lesson: Lesson, rows: Places, *, rate: float, time: int) -> None:
        vectors = self._thinned(lesson.vectors[rows])
        sums = vectors @ self.table.value + self.bias.value
        kept = ((sums > 0) & (self._random.random(sums.shape) >= UNITS_LEFT_OUT)) / np.float32(1 - UNITS_LEFT_OUT)
        units = (sums * kept).astype(np.float32)
        slope = self._slope(units, lesson, rows)
        below = ((slope @ self.output.value.T) * kept).astype(np.float32)
        used = np.unique(vectors.indices)
        self.output.step(units.T @ slope, rate=rate, time=time)
        self.output_bias.step(slope.sum(axis=0), rate=rate, time=time)
        self.bias.step(below.sum(axis=0), rate=rate, time=time)
        self.table.step(only_columns(vectors, used).T @ below, rate=rate, time=time, rows=used)

    def _thinned(self, vectors: csr_matrix) -> csr_matrix:
        stays = self._random.random(len(vectors.data)) >= GRAMS_LEFT_OUT
        data = (vectors.data * stays / (1 - GRAMS_LEFT_OUT)).astype(np.float32)
        return csr_matrix((data, vectors.indices, vectors.indptr), shape=vectors.shape)

    def _slope(self, units: Floats, lesson: Lesson, rows: Places) -> Floats:
        """Return how the loss changes with each intent's mark: cross-entropy with softened labels."""
        slope = np.exp(log_softmax(units @ self.output.value + self.output_bias.value)) - SOFTENED / self._intents
        slope[np.arange(len(rows)), lesson.intents[rows]] -= 1 - SOFTENED
        result: Floats = (slope * (lesson.counts[rows] / len(rows))[:, np.newaxis]).astype(np.float32)
        return result


def only_columns(vectors: csr_matrix, used: NDArray[Any]) -> csr_matrix:
    """Return the vectors without the columns in which none has anything."""
    places = np.searchsorted(used, vectors.indices)
    return csr_matrix((vectors.data, places, vectors.indptr), shape=(vectors.shape[0], len(used)))
