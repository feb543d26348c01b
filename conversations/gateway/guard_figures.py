"""What the guard knows of an arm in a stretch of time: counts and sums, which add up. Pure values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from conversations.gateway.guard_statistics import Moments
from conversations.gateway.latency import BOUNDS_MS, BUCKETS, percentile_ms

NO_HISTOGRAM: Final = (0,) * BUCKETS
COUNTS: Final = ("replies", "failures", "broken", "escalated", "silent", "messages", "priced")


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """Figures of one arm, by assignment, whoever answered in the end.

    `replies` are first calls that were not given up by us; of these `failures` gave no reply, or went to another model
    at once because the arm's own could not be had; `broken` were repaired, blank or no envelope; `silent` never said a
    word. `messages` counts all runs, `priced` those whose cost is known in full.
    """

    replies: int = 0
    failures: int = 0
    broken: int = 0
    escalated: int = 0
    silent: int = 0
    messages: int = 0
    priced: int = 0
    cost: float = 0.0
    cost_squares: float = 0.0
    currencies: frozenset[str] = frozenset()
    first_token: tuple[int, ...] = NO_HISTOGRAM

    def __add__(self, other: "ArmFigures") -> "ArmFigures":
        return ArmFigures(
            **{name: getattr(self, name) + getattr(other, name) for name in (*COUNTS, "cost", "cost_squares")},
            currencies=self.currencies | other.currencies,
            first_token=tuple(mine + theirs for mine, theirs in zip(self.first_token, other.first_token, strict=True)),
        )

    @property
    def costs(self) -> Moments:
        """What messages cost, those whose cost is known."""
        return Moments(self.priced, self.cost, self.cost_squares)

    @property
    def timed(self) -> int:
        """The replies whose first word was waited for to its end."""
        return sum(self.first_token) + self.silent

    def first_token_ms(self, share: float) -> float | None:
        """Return the wait that `share` of the replies don't exceed. None where so many said nothing at all."""
        heard = sum(self.first_token)
        if not heard or share * self.timed > heard:
            return None
        return percentile_ms(self.first_token, share * self.timed / heard)

    def slower_than(self, milliseconds: float) -> float:
        """Return how many waited longer, silent ones among them; within a bucket evenly spread."""
        slower = float(self.silent)
        low = 0.0
        for count, high in zip(self.first_token, (*BOUNDS_MS, BOUNDS_MS[-1] * 10), strict=True):
            if low >= milliseconds:
                slower += count
            elif high > milliseconds:
                slower += count * (high - milliseconds) / (high - low)
            low = high
        return slower

    def as_json(self) -> dict[str, Any]:
        """Return it as a decision's row keeps it."""
        return {
            **{name: getattr(self, name) for name in COUNTS},
            "cost": self.cost,
            "cost_squares": self.cost_squares,
            "currencies": sorted(self.currencies),
            "first_token": list(self.first_token),
            "first_token_p95_ms": self.first_token_ms(0.95),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return it as it was."""
        return cls(
            **{name: stored[name] for name in (*COUNTS, "cost", "cost_squares")},
            currencies=frozenset(stored["currencies"]),
            first_token=tuple(stored["first_token"]),
        )


NOTHING: Final = ArmFigures()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Both arms over the same time: what can be compared fairly."""

    canary: ArmFigures = field(default_factory=ArmFigures)
    stable: ArmFigures = field(default_factory=ArmFigures)

    def as_json(self) -> dict[str, Any]:
        """Return it as a decision's row keeps it."""
        return {"canary": self.canary.as_json(), "stable": self.stable.as_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return it as it was."""
        return cls(ArmFigures.from_json(stored["canary"]), ArmFigures.from_json(stored["stable"]))


def summed(figures: Iterable[ArmFigures]) -> ArmFigures:
    """Return the sum."""
    return sum(figures, start=NOTHING)
