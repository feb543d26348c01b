"""The numbers behind the gate: has a release lost, by more than chance explains? Pure.

Each case is asked several times of both releases. If nothing changed, which of a case's answers came from which
release is arbitrary, so how many of its good answers fall to the new one is hypergeometric; the cases are independent.
The sum's exact distribution gives the p-value: the exact conditional test of stratified 2 x 2 tables (Mehta, Patel &
Gray, JASA 80, 1985, 969-973), which for one sample a case is McNemar's exact test, the pairwise test that Dietterich
(Neural Computation 10, 1998, 1895-1923) advises for two classifiers. Pairing by question is what Miller asks for
("Adding Error Bars to Evals", arXiv 2411.00640): how hard a question is cancels out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, sqrt
from statistics import NormalDist
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Z_95: Final = NormalDist().inv_cdf(0.975)
NEXT_TO_NOTHING: Final = 1e-12

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Pair:
    """How often one case went well, with the new release and with the old one."""

    new_good: int
    new: int
    old_good: int
    old: int

    @property
    def is_whole(self) -> bool:
        """Whether there is something to compare."""
        return bool(self.new and self.old)

    @property
    def drop(self) -> float:
        """By how much (0 to 1) the new release is worse; below 0 it is better."""
        return self.old_good / self.old - self.new_good / self.new


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


def loss_p_value(pairs: Sequence[Pair]) -> float:
    """Return how likely chance alone gives the new release so few good answers, or fewer, in these cases."""
    told = [pair for pair in pairs if pair.is_whole]
    distribution = np.ones(1)
    at_least = 0
    for pair in told:
        smallest, weights = good_of_new(pair.new, pair.old, pair.new_good + pair.old_good)
        distribution = np.convolve(distribution, weights)
        at_least += smallest
    seen = sum(pair.new_good for pair in told) - at_least
    return float(min(1.0, distribution[: seen + 1].sum()))


@lru_cache(maxsize=4096)
def good_of_new(new: int, old: int, good: int) -> tuple[int, NDArray[np.float64]]:
    """Return the hypergeometric distribution of the new release's good answers, from its smallest possible number."""
    smallest, largest = max(0, good - old), min(good, new)
    whole = comb(new + old, good)
    chances = [comb(new, hits) * comb(old, good - hits) / whole for hits in range(smallest, largest + 1)]
    return smallest, np.array(chances)


def adjusted(p_values: Mapping[K, float]) -> dict[K, float]:
    """Return the p-values corrected for their number: Holm (Scandinavian Journal of Statistics 6, 1979, 65-70).

    To call none of them a loss where there is none holds with the chosen probability for all of them together.
    """
    found: dict[K, float] = {}
    highest = 0.0
    for rank, (key, p_value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, p_value * (len(p_values) - rank)))
        found[key] = highest
    return found


def wilson(value: float, number: int) -> Share | None:
    """Return a share of `number` cases with its interval (Wilson, JASA 22, 1927, 209-212); None of none.

    Several answers to one question are no several questions: the interval counts cases, not answers, which is the
    cautious way (Miller, arXiv 2411.00640, on clustered errors).
    """
    if not number:
        return None
    square = Z_95 * Z_95
    middle = (value + square / (2 * number)) / (1 + square / number)
    spread = value * (1 - value) / number + square / (4 * number * number)
    half = Z_95 * sqrt(max(0.0, spread)) / (1 + square / number)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(value, low if low > NEXT_TO_NOTHING else 0.0, high)
