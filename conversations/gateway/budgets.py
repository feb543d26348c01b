"""What was spent of each budget, and who may still answer: counted from what calls cost, whoever made them and why.

The sums are of whole hours and the rows since; each process asks again after `FRESH_SECONDS`, so that a cap may be
passed by what all workers spend within that time, and by the calls that are under way. A budget that was edited counts
at once.
"""

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from threading import Lock
from typing import Final

from django.db.models import Sum
from django.utils import timezone

from conversations.gateway.catalog import Candidate, Catalog
from conversations.gateway.models import Budget, CallHour, LLMCall, Period, StepDown, Tier
from conversations.gateway.rollup import rolled_until

FRESH_SECONDS: Final = 5.0
Spent = dict[tuple[int, str], Decimal]
"""By provider and currency."""


@dataclass(frozen=True, slots=True)
class Level:
    """How full a budget is."""

    id: int
    provider_id: int | None
    provider: str
    period: Period
    cap: Decimal
    currency: str
    warn_at: int
    step_down: StepDown
    spent: Decimal

    @property
    def share(self) -> float:
        """The share of the cap that is spent: 1 is the cap."""
        return float(self.spent / self.cap)

    @property
    def is_used_up(self) -> bool:
        """Whether the cap is reached."""
        return self.spent >= self.cap

    @property
    def is_close(self) -> bool:
        """Whether it is time to warn."""
        return self.spent * 100 >= self.cap * self.warn_at

    def allows(self, candidate: Candidate) -> bool:
        """Whether this candidate may answer at this level."""
        concerns = self.provider_id is None or self.provider_id == candidate.provider_id
        if not self.is_used_up or not concerns:
            return True
        return self.step_down is StepDown.CHEAPER and candidate.tier is Tier.ECONOMY


class Purse:
    """The levels as this process knows them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._levels: tuple[Level, ...] = ()
        self._read_at = float("-inf")
        self._stamp: uuid.UUID | None = None

    def levels(self, stamp: uuid.UUID | None) -> tuple[Level, ...]:
        """Return all budgets' levels; of several threads that find them old, or of another stamp, one asks again."""
        with self._lock:
            if stamp is None or stamp != self._stamp or self._clock() - self._read_at >= FRESH_SECONDS:
                self._levels = read_levels(timezone.now())
                self._read_at, self._stamp = self._clock(), stamp
            return self._levels


PURSE: Final = Purse()


def within_budgets(catalog: Catalog) -> Catalog:
    """Return the catalog with only those who may still answer."""
    used_up = [level for level in PURSE.levels(catalog.stamp) if level.is_used_up]
    if not used_up:
        return catalog
    return replace(
        catalog, candidates=tuple(each for each in catalog.candidates if all(level.allows(each) for level in used_up))
    )


class Ceiling(StrEnum):
    """The best that may still answer customers."""

    MODELS = "models"
    KNOWN = "known"
    PEOPLE = "people"


def ceiling_of(catalog: Catalog) -> Ceiling:
    """Return who may answer at most: models, or where the caps leave none, known answers, or people alone.

    Known answers cost nothing, so they stay wherever a model was taken away without anybody having said that people
    are to answer: one budget that says so for all providers is enough to end them.
    """
    if not catalog.candidates or within_budgets(catalog).candidates:
        return Ceiling.MODELS
    used_up = [level for level in PURSE.levels(catalog.stamp) if level.is_used_up]
    for candidate in catalog.candidates:
        against = [level.step_down for level in used_up if not level.allows(candidate)]
        if StepDown.PEOPLE not in against:
            return Ceiling.KNOWN
    return Ceiling.PEOPLE


def is_out_of_budget(catalog: Catalog) -> bool:
    """Say whether no model may answer any more, though one could."""
    return ceiling_of(catalog) is not Ceiling.MODELS


def read_levels(now: datetime) -> tuple[Level, ...]:
    """Read how full all budgets are that are on."""
    budgets = list(Budget.objects.filter(is_on=True).select_related("provider"))
    if not budgets:
        return ()
    spent = {period: spent_since(start_of(period, now)) for period in {Period(each.period) for each in budgets}}
    return tuple(_level(budget, spent[Period(budget.period)]) for budget in budgets)


def start_of(period: Period, now: datetime) -> datetime:
    """Return when the period began by the shop's clock."""
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(day=1) if period is Period.MONTH else day


def spent_since(moment: datetime) -> Spent:
    """Return what calls cost since a moment, by provider and currency."""
    summed = rolled_until() or moment
    hours = CallHour.objects.filter(hour__gte=moment, hour__lt=summed)
    rows = LLMCall.objects.filter(started_at__gte=max(moment, summed), cost__isnull=False)
    found: Spent = {}
    for part in (hours.values("provider_id", "currency"), rows.values("provider_id", "currency")):
        for row in part.annotate(spent=Sum("cost")):
            key = (row["provider_id"], row["currency"])
            found[key] = found.get(key, Decimal(0)) + row["spent"]
    return found


def _level(budget: Budget, spent: Spent) -> Level:
    return Level(
        id=budget.pk,
        provider_id=budget.provider_id,
        provider=budget.provider.name if budget.provider else "",
        period=Period(budget.period),
        cap=budget.cap,
        currency=budget.currency,
        warn_at=budget.warn_at,
        step_down=StepDown(budget.step_down),
        spent=_sum(amount for (provider, currency), amount in spent.items() if _is_of(budget, provider, currency)),
    )


def _is_of(budget: Budget, provider_id: int, currency: str) -> bool:
    return budget.currency == currency and budget.provider_id in (None, provider_id)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, start=Decimal(0))
