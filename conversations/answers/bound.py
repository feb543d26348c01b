"""How sure an answer may be served, per entry: vCache's rule (arXiv 2502.03771, sections 4.2-4.3) with a shared prior.

vCache models an entry's labels (s, c) as P(c = 1 | s) = sigmoid(gamma (s - t)), takes the error of the fitted curve by
the delta method, and for each confidence 1 - eps lowers the curve accordingly: alpha(eps) = (1 - eps) sigmoid(lowered).
The model must be asked with probability tau = min over eps of 1 - delta / (1 - alpha(eps)). Two things differ here:

- The curve a + b s has a prior learnt from all entries (empirical Bayes), so its fit is the posterior's mode and its
  error the posterior's (Laplace). An entry that behaves as its like needs hardly a label of its own, where vCache's
  unregularised fit still explores half of the time after ten clean ones; one that doesn't is found out as before.
- vCache serves with probability 1 - tau, so that errors among *all requests* stay below delta. Here the promise is
  about *served* answers: serve only where 1 - alpha, the risk, is at most the limit (where tau = 0 for delta = limit).

Mathematics of the paper only; none of its code.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

EPSILONS: Final = tuple(1e-4 * (5000 ** (step / 39)) for step in range(40))
"""Grid of confidence levels, 0.0001 to 0.5."""
QUANTILES: Final = tuple(NormalDist().inv_cdf(1 - epsilon) for epsilon in EPSILONS)
STEPS: Final = 30
SMALLEST_STEP: Final = 1e-9
SPREADS: Final = (0.3, 0.6, 1.0, 1.6, 2.5)
"""Between-entry standard deviations of the curve's height that are tried."""
MAX_LOGIT: Final = 30.0
PSEUDO_WEIGHT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Label:
    """What was found when an answer was compared: at which score (0-1), and whether it was right."""

    score: float
    is_right: bool
    weight: float = 1.0


PSEUDO_LABELS: Final = (
    Label(0.0, is_right=False, weight=PSEUDO_WEIGHT),
    Label(1.0, is_right=True, weight=PSEUDO_WEIGHT),
)
"""vCache's two starting points: nothing in common is wrong, the same is right."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A normal distribution over (a, b) of P(right | s) = sigmoid(a + b s)."""

    a: float
    b: float
    var_a: float
    cov_ab: float
    var_b: float

    def risk(self, score: float) -> float:
        """Return how likely, at worst, an answer at this score is wrong: 1 - max over eps of alpha(eps)."""
        height = self.a + self.b * score
        spread = math.sqrt(max(0.0, self.var_a + 2 * score * self.cov_ab + score * score * self.var_b))
        lowered = (
            (1 - eps) * sigmoid(height - quantile * spread) for eps, quantile in zip(EPSILONS, QUANTILES, strict=True)
        )
        return 1.0 - float(max(lowered))

    def explore_share(self, score: float, *, tolerated: float) -> float:
        """Return vCache's tau: the share of requests at this score that must be answered by the model."""
        risk = self.risk(score)
        return 0.0 if risk <= tolerated else 1 - tolerated / risk

    def posterior(self, labels: Sequence[Label]) -> "Curve":
        """Return the curve after an entry's own labels."""
        return fit(labels, self) if labels else self


FLAT: Final = Curve(a=-2.0, b=4.0, var_a=9.0, cov_ab=-6.0, var_b=16.0)
"""Before anything is known: the middle of the way at a score of 0.5, and hardly sure of that."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of entries in general: the usual curve, and by how much entries' curves lie above or below it."""

    curve: Curve
    labels: int


NO_PRIOR: Final = Prior(FLAT, labels=0)


def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x) without overflow."""
    x = max(-MAX_LOGIT, min(MAX_LOGIT, x))
    return 1 / (1 + math.exp(-x))


def fit(labels: Sequence[Label], prior: Curve) -> Curve:
    """Return the normal approximation at the posterior's mode, by Newton's method with step halving."""
    precision = inverse(prior.var_a, prior.cov_ab, prior.var_b)
    a, b = prior.a, prior.b
    value = _log_posterior(labels, prior, precision, a, b)
    for _step in range(STEPS):
        gradient_a, gradient_b, faa, fab, fbb = _slopes(labels, prior, precision, a, b)
        iaa, iab, ibb = inverse(faa, fab, fbb)
        step_a, step_b = iaa * gradient_a + iab * gradient_b, iab * gradient_a + ibb * gradient_b
        size = 1.0
        while size > SMALLEST_STEP:
            better = _log_posterior(labels, prior, precision, a + size * step_a, b + size * step_b)
            if better >= value:
                break
            size /= 2
        a, b = a + size * step_a, b + size * step_b
        if better - value < SMALLEST_STEP:
            break
        value = better
    _ga, _gb, faa, fab, fbb = _slopes(labels, prior, precision, a, b)
    return Curve(a, b, *inverse(faa, fab, fbb))


def inverse(aa: float, ab: float, bb: float) -> tuple[float, float, float]:
    """Return the inverse of a symmetric 2 x 2 matrix."""
    determinant = aa * bb - ab * ab
    return bb / determinant, -ab / determinant, aa / determinant


def _log_posterior(
    labels: Sequence[Label], prior: Curve, precision: tuple[float, float, float], a: float, b: float
) -> float:
    da, db = a - prior.a, b - prior.b
    total = -0.5 * (precision[0] * da * da + 2 * precision[1] * da * db + precision[2] * db * db)
    for label in labels:
        height = a + b * label.score
        total -= label.weight * _softplus(-height if label.is_right else height)
    return total


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _slopes(
    labels: Sequence[Label], prior: Curve, precision: tuple[float, float, float], a: float, b: float
) -> tuple[float, float, float, float, float]:
    """Return the gradient of the log posterior and the negative of its curvature (Fisher information + prior)."""
    da, db = a - prior.a, b - prior.b
    gradient_a = -(precision[0] * da + precision[1] * db)
    gradient_b = -(precision[1] * da + precision[2] * db)
    faa, fab, fbb = precision
    for label in labels:
        p = sigmoid(a + b * label.score)
        missing, information = label.weight * (label.is_right - p), label.weight * p * (1 - p)
        gradient_a += missing
        gradient_b += missing * label.score
        faa += information
        fab += information * label.score
        fbb += information * label.score * label.score
    return gradient_a, gradient_b, faa, fab, fbb


def shared_prior(entries: Sequence[Sequence[Label]]) -> Prior:
    """Return what the labels of all entries say of an entry of which nothing is known yet.

    The usual curve is fitted on all of them; how far entries spread around it is the value, of a few, under which their
    labels are likeliest (Laplace's approximation of each entry's evidence).
    """
    pooled = [label for labels in entries for label in labels]
    if not pooled:
        return NO_PRIOR
    usual = fit([*pooled, *PSEUDO_LABELS], FLAT)
    spread = max(SPREADS, key=lambda each: sum(_evidence(labels, _widened(usual, each)) for labels in entries))
    return Prior(_widened(usual, spread), labels=len(pooled))


def _widened(curve: Curve, spread: float) -> Curve:
    return Curve(curve.a, curve.b, curve.var_a + spread * spread, curve.cov_ab, curve.var_b)


def _evidence(labels: Sequence[Label], prior: Curve) -> float:
    if not labels:
        return 0.0
    found = fit(labels, prior)
    precision = inverse(prior.var_a, prior.cov_ab, prior.var_b)
    mode = _log_posterior(labels, prior, precision, found.a, found.b)
    return mode + 0.5 * math.log(_determinant(found) / _determinant(prior))


def _determinant(curve: Curve) -> float:
    return max(1e-12, curve.var_a * curve.var_b - curve.cov_ab * curve.cov_ab)


@dataclass(frozen=True, slots=True)
class Repeats:
    """How the very same question, asked again, agreed with its first answer: a Beta distribution over entries."""

    right: float
    wrong: float

    def risk(self, *, right: int, wrong: int) -> float:
        """Return how likely the next answer differs, after an entry's own labels: the posterior's mean."""
        return (self.wrong + wrong) / (self.right + self.wrong + right + wrong)


USUAL_SHARE: Final = 0.005
"""Of repeats that were answered otherwise, before anything is known (records: 0.65 % of a real Thai stream's)."""
USUAL_WEIGHT: Final = 100.0
"""How many repeats that is worth."""
USUAL_STRENGTH: Final = 5.0
SHARES: Final = tuple(0.0005 * 1.25**step for step in range(30))
STRENGTHS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 100.0)


def repeats_of(share: float, strength: float) -> Repeats:
    """Return the distribution with this mean share of others, worth so many labels."""
    return Repeats((1 - share) * strength, share * strength)


USUAL_REPEATS: Final = repeats_of(USUAL_SHARE, USUAL_STRENGTH)


def shared_repeats(entries: Sequence[tuple[int, int]]) -> Repeats:
    """Return what (right, wrong) of all entries say of one of which nothing is known: the likeliest beta-binomial.

    Where the same text has two meanings (4 % of the repeats in one real stream), an entry is only served after as many
    agreements as that takes; where it hasn't (0.65 % in another), at once.
    """
    counted = Counter(entry for entry in entries if sum(entry))
    if not counted:
        return USUAL_REPEATS
    return max(
        (repeats_of(share, strength) for share in SHARES for strength in STRENGTHS),
        key=lambda repeats: _repeats_evidence(repeats, counted),
    )


def _repeats_evidence(repeats: Repeats, counted: Mapping[tuple[int, int], int]) -> float:
    total = repeats.right + repeats.wrong
    share = repeats.wrong / total
    value = USUAL_WEIGHT * (USUAL_SHARE * math.log(share) + (1 - USUAL_SHARE) * math.log1p(-share))
    for (right, wrong), times in counted.items():
        value += times * (_rising(repeats.right, right) + _rising(repeats.wrong, wrong) - _rising(total, right + wrong))
    return value


def _rising(start: float, count: int) -> float:
    """Return the logarithm of start (start + 1) ... (start + count - 1)."""
    return math.lgamma(start + count) - math.lgamma(start)
