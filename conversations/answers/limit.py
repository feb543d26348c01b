"""What may be served altogether, learnt from labels, and watched for ever.

- `risk_limit`: up to which risk (see `bound`) answers may be served so that, with 90 % confidence, at most the
  tolerated share of what is served is wrong. Learn then test (Angelopoulos et al., arXiv 2110.01052) with
  fixed-sequence testing from several starts: from each, higher and higher limits must pass an exact binomial bound,
  and the first that fails ends it.
- `interval`: the observed share of wrong answers, with Wilson's interval.
- `evidence_against`: how strongly the labels say that the bound is broken. A mixture betting martingale against "at
  most the tolerated share is wrong": by Ville's inequality it exceeds 1 / alpha with probability at most alpha *however
  often it is looked at*, so serving may be stopped by it at any time without false alarms piling up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

CONFIDENCE: Final = 0.9
CHECKPOINTS: Final = 40
STARTS: Final = (0.2, 0.4, 0.6, 0.8)
"""Where testing begins, as shares of the labels; each has its part of the error that is allowed (Bonferroni)."""
MIN_LABELS: Final = 50
FALSE_ALARM: Final = 0.1
STOP_AT: Final = 1 / FALSE_ALARM
Z: Final = 1.959964
RIVALS: Final = (1.5, 2.0, 3.0, 5.0, 8.0, 15.0)
"""The betting martingale's rivals: shares of wrong answers, as multiples of the tolerated one."""
HIGHEST_RIVAL: Final = 0.9
HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class Interval:
    """An observed share and its 95 % interval; nothing observed is (0, 0, 1)."""

    share: float
    low: float
    high: float


def interval(wrong: int, total: int) -> Interval:
    """Return Wilson's interval of wrong / total."""
    if total == 0:
        return Interval(0.0, 0.0, 1.0)
    share = wrong / total
    centre = (share + Z * Z / (2 * total)) / (1 + Z * Z / total)
    half = Z / (1 + Z * Z / total) * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def upper_bound(wrong: int, total: int, *, confidence: float = CONFIDENCE) -> float:
    """Return the exact (Clopper-Pearson) upper bound of a share, one-sided."""
    if total == 0 or wrong >= total:
        return 1.0
    low, high = wrong / total, 1.0
    for _halving in range(HALVINGS):
        middle = (low + high) / 2
        if binomial_cdf(wrong, total, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def binomial_cdf(wrong: int, total: int, share: float) -> float:
    """Return the probability of at most `wrong` in `total`."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 1.0 if wrong >= total else 0.0
    log_term = total * math.log1p(-share)
    odds = math.log(share) - math.log1p(-share)
    summed = math.exp(log_term)
    for k in range(1, wrong + 1):
        log_term += math.log(total - k + 1) - math.log(k) + odds
        summed += math.exp(log_term)
    return min(1.0, summed)


def risk_limit(
    judged: Sequence[tuple[float, bool]],
    *,
    tolerated: float,
    confidence: float = CONFIDENCE,
    at_least: float | None = None,
) -> float:
    """Return up to which risk answers may be served, from (risk, whether right) of answers that were compared.

    Never below `at_least` (the tolerated share unless told otherwise): there the entry's own bound keeps the promise.
    """
    floor = tolerated if at_least is None else at_least
    ordered = sorted(judged)
    if len(ordered) < MIN_LABELS:
        return floor
    starts = [round(CHECKPOINTS * share) for share in STARTS]
    each = 1 - (1 - confidence) / len(starts)
    return max(floor, *(_highest_from(start, ordered, tolerated=tolerated, confidence=each) for start in starts))


def _highest_from(start: int, ordered: Sequence[tuple[float, bool]], *, tolerated: float, confidence: float) -> float:
    """Return the highest risk that passes, going up from one checkpoint; 0 where that one fails already."""
    best = 0.0
    for checkpoint in range(start, CHECKPOINTS + 1):
        until = len(ordered) * checkpoint // CHECKPOINTS
        wrong = sum(not is_right for _risk, is_right in ordered[:until])
        if upper_bound(wrong, until, confidence=confidence) > tolerated:
            break
        best = ordered[until - 1][0]
    return best


def smallest_test(tolerated: float, *, confidence: float = CONFIDENCE) -> int:
    """Return how many labels, all right, it takes to show that at most `tolerated` is wrong."""
    return math.ceil(math.log(1 - confidence) / math.log1p(-tolerated))


def evidence_against(wrong: int, right: int, *, tolerated: float) -> float:
    """Return the martingale's value; from `STOP_AT` on the bound counts as broken."""
    rivals = [min(HIGHEST_RIVAL, tolerated * times) for times in RIVALS]
    bets = [
        wrong * math.log(rival / tolerated) + right * (math.log1p(-rival) - math.log1p(-tolerated)) for rival in rivals
    ]
    return sum(math.exp(min(700.0, bet)) for bet in bets) / len(bets)


def is_broken(wrong: int, right: int, *, tolerated: float) -> bool:
    """Whether serving has to stop: the labels contradict the promise, and what was observed lies above it too."""
    total = wrong + right
    return total > 0 and wrong / total > tolerated and evidence_against(wrong, right, tolerated=tolerated) >= STOP_AT
