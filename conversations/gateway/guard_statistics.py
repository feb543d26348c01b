"""The tests behind the guard: is the canary worse than the stable arm by more than is allowed? Pure numbers.

All are one-sided, and return a p-value: how likely it is to see this, or worse, of a canary that is just within bounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, copysign, cos, exp, inf, lgamma, pi, sqrt
from statistics import NormalDist
from typing import Final

NORMAL: Final = NormalDist()
TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Counts:
    """How often something bad happened to each arm, in one stretch of time."""

    canary_bad: float
    canary: int
    stable_bad: float
    stable: int


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums from which a mean and its variance follow."""

    number: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """The mean."""
        return self.total / self.number

    @property
    def variance_of_mean(self) -> float:
        """The variance of the mean."""
        spread = max(0.0, self.squares - self.total * self.total / self.number) / max(1, self.number - 1)
        return spread / self.number


def share_p_value(strata: Sequence[Counts], *, margin: float) -> float:
    """Return the p-value of "the canary's share of bad ones exceeds the stable arm's by more than `margin`".

    The larger of two: the stratified score test of Miettinen & Nurminen (Comparative analysis of two rates, Statistics
    in Medicine 4, 1985, 213-226), which knows margins but counts on many events, and Fisher's exact test, which holds
    for few. Each stretch of time is a stratum, so that neither the hour nor a changed ratio makes a difference.
    """
    both = [counts for counts in strata if counts.canary and counts.stable]
    return max(score_p_value(both, margin=margin), fisher_p_value(both)) if both else 1.0


def score_p_value(strata: Sequence[Counts], *, margin: float) -> float:
    """Return the p-value of Miettinen & Nurminen's test, strata weighted by n1 n2 / (n1 + n2)."""
    over = variance = 0.0
    for counts in strata:
        weight = counts.canary * counts.stable / (counts.canary + counts.stable)
        difference = counts.canary_bad / counts.canary - counts.stable_bad / counts.stable
        over += weight * (difference - margin)
        variance += weight * weight * restricted_variance(counts, margin=margin)
    if variance <= TINY:
        return 1.0 if over <= 0 else 0.0
    return NORMAL.cdf(-over / sqrt(variance))


def restricted_variance(counts: Counts, *, margin: float) -> float:
    """Return the variance of the difference under "it is exactly `margin`"."""
    stable = restricted_share(counts, margin=margin)
    canary = stable + margin
    total = counts.canary + counts.stable
    variance = canary * (1 - canary) / counts.canary + stable * (1 - stable) / counts.stable
    return max(0.0, variance) * total / max(1, total - 1)


def restricted_share(counts: Counts, *, margin: float) -> float:
    """Return the stable arm's most likely share where the canary's is `margin` more.

    The closed form of the cubic: Farrington & Manning, Statistics in Medicine 9, 1990, 1447-1454, appendix.
    """
    theta = counts.stable / counts.canary
    canary, stable = counts.canary_bad / counts.canary, counts.stable_bad / counts.stable
    a = 1 + theta
    b = -(1 + theta + canary + theta * stable + margin * (theta + 2))
    c = margin * margin + margin * (2 * canary + theta + 1) + canary + theta * stable
    d = -canary * margin * (1 + margin)
    v = b**3 / (3 * a) ** 3 - b * c / (6 * a * a) + d / (2 * a)
    u = copysign(sqrt(max(0.0, b * b / (3 * a) ** 2 - c / (3 * a))), v)
    w = (pi + acos(min(1.0, max(-1.0, v / u**3)))) / 3 if abs(u) > TINY else pi / 3
    likely = 2 * u * cos(w) - b / (3 * a) - margin
    return min(1 - margin, max(0.0, likely))


def fisher_p_value(strata: Sequence[Counts]) -> float:
    """Return the one-sided p-value of Fisher's exact test on the sums of the strata."""
    canary, stable = sum(counts.canary for counts in strata), sum(counts.stable for counts in strata)
    canary_bad = round(sum(counts.canary_bad for counts in strata))
    bad = canary_bad + round(sum(counts.stable_bad for counts in strata))
    whole = _log_choose(canary + stable, bad)
    tail = (
        exp(_log_choose(canary, hits) + _log_choose(stable, bad - hits) - whole)
        for hits in range(canary_bad, min(bad, canary) + 1)
    )
    return min(1.0, sum(tail))


def mean_p_value(canary: Moments, stable: Moments, *, growth: float) -> float:
    """Return the p-value of "the canary's mean is more than (1 + growth) times the stable arm's".

    Welch's test (The generalization of Student's problem, Biometrika 34, 1947, 28-35) on the difference; at the guard's
    sample sizes Student's distribution is the normal one.
    """
    if canary.number < 2 or stable.number < 2:
        return 1.0
    factor = 1 + growth
    over = canary.mean - factor * stable.mean
    variance = canary.variance_of_mean + factor * factor * stable.variance_of_mean
    if variance <= 0:
        return 1.0 if over <= TINY else 0.0
    return NORMAL.cdf(-over / sqrt(variance))


def spent_on_look(look: int, *, total: float) -> float:
    """Return the chance of a false alarm that look number `look` (from 1) may take, of `total` for all looks ever.

    Bonferroni's inequality over an open number of looks: the shares 1 / (k (k + 1)) add up to 1, so that nobody has to
    say beforehand how often is looked. The idea is Lan & DeMets's spending function (Discrete sequential boundaries
    for clinical trials, Biometrika 70, 1983, 659-663), here without use of the looks' correlation.
    """
    return total / (look * (look + 1))


def _log_choose(number: int, chosen: int) -> float:
    if not 0 <= chosen <= number:
        return -inf
    return lgamma(number + 1) - lgamma(chosen + 1) - lgamma(number - chosen + 1)
