"""Figures of many calls that add up: counts, tokens, cost, histograms."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from conversations.gateway.latency import BUCKETS, percentile_ms
from conversations.gateway.models.calls import SUCCESSES, Outcome


class Group(NamedTuple):
    """What calls are told apart by."""

    provider_id: int
    account_id: int
    model_id: int
    arm: str
    rollout_id: int | None
    purpose: str
    playbook_version: str
    currency: str


@dataclass(slots=True)
class Tally:
    """The figures of one group, or of several."""

    outcomes: Counter[str] = field(default_factory=Counter)
    escalated: int = 0
    switched: int = 0
    unmetered: int = 0
    unpriced: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal = Decimal(0)
    first_token: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    total: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, other: "Tally") -> None:
        """Add another group's figures."""
        self.outcomes.update(other.outcomes)
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first_token = [mine + theirs for mine, theirs in zip(self.first_token, other.first_token, strict=True)]
        self.total = [mine + theirs for mine, theirs in zip(self.total, other.total, strict=True)]

    @property
    def calls(self) -> int:
        """All calls."""
        return self.outcomes.total()

    @property
    def judged(self) -> int:
        """The calls that could have given a reply: not those that we gave up."""
        return self.calls - self.outcomes[Outcome.CANCELLED]

    @property
    def successes(self) -> int:
        """The calls that gave a reply."""
        return sum(self.outcomes[outcome] for outcome in SUCCESSES)

    @property
    def success_share(self) -> float | None:
        """The share of them; None where there were none."""
        return self.successes / self.judged if self.judged else None

    @property
    def cached_share(self) -> float | None:
        """The share of prompt tokens that the provider's cache served."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else None

    def first_token_ms(self, share: float) -> float | None:
        """Return a percentile of the time to the first token."""
        return percentile_ms(self.first_token, share)

    def total_ms(self, share: float) -> float | None:
        """Return a percentile of the whole time."""
        return percentile_ms(self.total, share)


SUMS = (
    "escalated",
    "switched",
    "unmetered",
    "unpriced",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cost",
)

Tallies = dict[Group, Tally]


def merged(*parts: Mapping[Group, Tally]) -> Tallies:
    """Return the sum of parts."""
    found: Tallies = {}
    for part in parts:
        for group, tally in part.items():
            found.setdefault(group, Tally()).add(tally)
    return found


def by(tallies: Mapping[Group, Tally], *names: str) -> dict[tuple[object, ...], Tally]:
    """Return the figures told apart by these fields of Group only."""
    found: dict[tuple[object, ...], Tally] = {}
    for group, tally in tallies.items():
        found.setdefault(tuple(getattr(group, name) for name in names), Tally()).add(tally)
    return found
