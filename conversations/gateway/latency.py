"""Histograms of durations: percentiles of many hours from counts that add up, right to within 5 %."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

FIRST_MS: Final = 10.0
GROWTH: Final = 1.1
BOUNDS_MS: Final = tuple(round(FIRST_MS * GROWTH**step, 1) for step in range(97))
"""10 ms to 94 s, each a tenth longer than the one before."""
BUCKETS: Final = len(BOUNDS_MS) + 1


def bucket_of(milliseconds: float) -> int:
    """Return the bucket a duration falls into, as PostgreSQL's width_bucket does."""
    return bisect_right(BOUNDS_MS, milliseconds)


def percentile_ms(histogram: Sequence[int], share: float) -> float | None:
    """Return the duration that `share` (0-1) of the counted ones don't exceed; None where none were counted."""
    rank = share * sum(histogram)
    if not rank:
        return None
    seen = 0.0
    for bucket, count in enumerate(histogram):
        if count and seen + count >= rank:
            return _within(bucket, (rank - seen) / count)
        seen += count
    return BOUNDS_MS[-1]


def _within(bucket: int, share: float) -> float:
    low = BOUNDS_MS[bucket - 1] if bucket else 0.0
    high = BOUNDS_MS[bucket] if bucket < len(BOUNDS_MS) else BOUNDS_MS[-1]
    return low + (high - low) * share
