"""The readings with a hidden layer: of grams and of vectors, trained a small batch at a time.

Text is short and classes are many, so what keeps a net from learning by heart matters more than size: inputs and
hidden units are left out at random, and labels are softened, since some are wrong. The same data gives the same net.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse

from conversations.answers.student.reading import log_softmax
from conversations.answers.student.vectors import Floats

HIDDEN: Final = 128
VECTOR_HIDDEN: Final = 256
STEPS: Final = 840
EPOCHS: Final = (12, 40)
SMALL_ROWS: Final = 2000
BATCHES: Final = (64, 128)
RATE: Final = 2e-3
VECTOR_RATE: Final = 6e-3
"""Vectors have a few hundred values where grams have thousands: in as many steps, larger ones are needed."""
GRAMS_LEFT_OUT: Final = 0.3
VALUES_LEFT_OUT: Final = 0.1
UNITS_LEFT_OUT: Final = 0.3
SOFTENED: Final = 0.1
SPREAD: Final = 0.1
DECAYS: Final = (0.9, 0.999)
TINY: Final = 1e-8

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Lesson:
    """What a net learns from: grams or vectors, a row each; the place of each one's intent; how much each counts."""

    inputs: csr_matrix
    intents: Places
    counts: Floats


class Parameter:
    """An array that is learnt by Adam: with the running means of its slope and of the slope's square."""

    def __init__(self, value: Floats) -> None:
        self.value = value
        self._mean = np.zeros_like(value)
        self._square = np.zeros_like(value)

    def step(self, slope: Floats, *, rate: float, time: int) -> None:
        """Move against the slope."""
        first, second = DECAYS
        self._mean += (slope - self._mean) * np.float32(1 - first)
        self._square += (slope * slope - self._square) * np.float32(1 - second)
        size = np.sqrt(self._square / (1 - second**time)) + TINY
        self.value -= (rate / (1 - first**time) * self._mean / size).astype(np.float32)


class Table(Protocol):
    """What turns inputs into the sums of hidden units, and learns."""

    @property
    def value(self) -> Floats:
        """A row for each input, a column for each unit."""
        ...

    def sums(self, inputs: csr_matrix, random: np.random.Generator) -> Floats:
        """Return the units' sums, some inputs left out at random."""
        ...

    def step(self, below: Floats, *, rate: float, time: int) -> None:
        """Move against the slope of the sums that were returned last."""
        ...


class GramTable:
    """For sparse inputs: only rows that were used move, each by the running size of its own slopes.

    One number for each gram, in place of Adam's two for each weight: as right in the end, in a third of the time.
    """

    def __init__(self, value: Floats) -> None:
        self.value = value
        self._square = np.zeros(len(value), np.float32)
        self._places = np.zeros(len(value), np.intp)
        self._thinned = csr_matrix((0, 0))
        self._used: Places = np.zeros(0, np.intp)

    def sums(self, inputs: csr_matrix, random: np.random.Generator) -> Floats:
        """Return the units' sums, some grams left out at random."""
        stays = random.random(len(inputs.data), dtype=np.float32) >= GRAMS_LEFT_OUT
        columns = inputs.indices[stays]
        is_used = np.zeros(len(self.value), np.bool_)
        is_used[columns] = True
        self._used = np.flatnonzero(is_used)
        self._places[self._used] = np.arange(len(self._used))
        ends = np.concatenate(([0], np.cumsum(stays)))[inputs.indptr]
        data = inputs.data[stays] / np.float32(1 - GRAMS_LEFT_OUT)
        self._thinned = csr_matrix((data, self._places[columns], ends), shape=(inputs.shape[0], len(self._used)))
        total: Floats = self._thinned @ self.value[self._used]
        return total

    def step(self, below: Floats, *, rate: float, time: int) -> None:
        """Move the rows of the grams that were used."""
        slope: Floats = self._thinned.T @ below
        keep = DECAYS[1]
        square = self._square[self._used] * keep + np.einsum("ij,ij->i", slope, slope) * ((1 - keep) / slope.shape[1])
        self._square[self._used] = square
        slope *= (rate / (np.sqrt(square / (1 - keep**time)) + TINY)).astype(np.float32)[:, np.newaxis]
        self.value[self._used] -= slope


class VectorTable:
    """For dense inputs."""

    def __init__(self, value: Floats) -> None:
        self._learnt = Parameter(value)
        self._thinned: Floats = value[:0]

    @property
    def value(self) -> Floats:
        """A row for each of the vector's values."""
        return self._learnt.value

    def sums(self, inputs: Floats, random: np.random.Generator) -> Floats:
        """Return the units' sums, some values left out at random."""
        stays = random.random(inputs.shape, dtype=np.float32) >= VALUES_LEFT_OUT
        self._thinned = inputs * stays / np.float32(1 - VALUES_LEFT_OUT)
        return self._thinned @ self.value

    def step(self, below: Floats, *, rate: float, time: int) -> None:
        """Move all rows."""
        self._learnt.step(self._thinned.T @ below, rate=rate, time=time)


class Net:
    """Inputs, a hidden layer, intents."""

    def __init__(self, lesson: Lesson, *, intents: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._lesson = lesson
        self._intents = intents
        width = lesson.inputs.shape[1]
        is_sparse = issparse(lesson.inputs)
        self.table: Table = (
            GramTable(self._normal((width, HIDDEN), SPREAD))
            if is_sparse
            else VectorTable(self._normal((width, VECTOR_HIDDEN), 1.0))
        )
        self._rate = RATE if is_sparse else VECTOR_RATE
        hidden = self.table.value.shape[1]
        self.bias = Parameter(np.zeros(hidden, np.float32))
        self.output = Parameter(self._normal((hidden, intents), 1 / math.sqrt(hidden)))
        self.output_bias = Parameter(np.zeros(intents, np.float32))

    def learn(self) -> None:
        """Go through the lesson as often as its size asks for; steps get smaller to the end."""
        batches = list(self._batches(self._lesson.inputs.shape[0]))
        for time, rows in enumerate(batches, start=1):
            self._step(rows, rate=self._rate * (1 - time / (len(batches) + 1)), time=time)

    def _normal(self, shape: tuple[int, int], spread: float) -> Floats:
        return self._random.standard_normal(shape, dtype=np.float32) * np.float32(spread)

    def _batches(self, rows: int) -> Iterator[Places]:
        size = min(BATCHES[rows >= SMALL_ROWS], rows)
        a_round = rows // size
        for _epoch in range(min(max(math.ceil(STEPS / a_round), EPOCHS[0]), EPOCHS[1])):
            order = self._random.permutation(rows)
            yield from np.split(order[: a_round * size], a_round)

    def _step(self, rows: Places, *, rate: float, time: int) -> None:
        sums = self.table.sums(self._lesson.inputs[rows], self._random) + self.bias.value
        stays = (sums > 0) & (self._random.random(sums.shape, dtype=np.float32) >= UNITS_LEFT_OUT)
        kept = stays / np.float32(1 - UNITS_LEFT_OUT)
        units = sums * kept
        slope = self._slope(units, rows)
        below = (slope @ self.output.value.T) * kept
        self.output.step(units.T @ slope, rate=rate, time=time)
        self.output_bias.step(slope.sum(axis=0), rate=rate, time=time)
        self.bias.step(below.sum(axis=0), rate=rate, time=time)
        self.table.step(below, rate=rate, time=time)

    def _slope(self, units: Floats, rows: Places) -> Floats:
        """Return how the loss changes with each intent's mark: cross-entropy with softened labels."""
        slope = np.exp(log_softmax(units @ self.output.value + self.output_bias.value)) - SOFTENED / self._intents
        slope[np.arange(len(rows)), self._lesson.intents[rows]] -= 1 - SOFTENED
        result: Floats = (slope * (self._lesson.counts[rows] / len(rows))[:, np.newaxis]).astype(np.float32)
        return result
