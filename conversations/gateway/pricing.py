"""What a call costs: the price in force when it was sent, times the tokens the provider counted. Never rounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, localcontext
from typing import Final

from conversations.llm.requests import Usage

MILLION: Final = Decimal(1_000_000)
PRECISION: Final = 60
"""Digits: more than any price times any count has."""


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """Prices of a million tokens."""

    currency: str
    input: Decimal
    cached_input: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the day in UTC, `start` within and `end` not; past midnight where `end` is not after `start`.

    `days` are those on which it starts (0 is Monday; none given: every day), but for `except_days`.
    """

    start: time
    end: time
    days: tuple[int, ...] = ()
    except_days: frozenset[date] = frozenset()

    def holds(self, moment: datetime) -> bool:
        """Say whether a moment (aware) lies within."""
        utc = moment.astimezone(UTC)
        now = utc.timetz().replace(tzinfo=None)
        if self.start < self.end:
            return self.start <= now < self.end and self._opens_on(utc.date())
        if now >= self.start:
            return self._opens_on(utc.date())
        return now < self.end and self._opens_on(date.fromordinal(utc.toordinal() - 1))

    def _opens_on(self, day: date) -> bool:
        return (not self.days or day.weekday() in self.days) and day not in self.except_days


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """A row of the price table."""

    prices: UnitPrices
    valid_from: datetime
    valid_until: datetime | None = None
    window: Window | None = None

    def holds(self, moment: datetime) -> bool:
        """Say whether this is a price of that moment."""
        is_valid = self.valid_from <= moment and (self.valid_until is None or moment < self.valid_until)
        return is_valid and (self.window is None or self.window.holds(moment))


def prices_at(entries: Sequence[PriceEntry], moment: datetime) -> UnitPrices | None:
    """Return the prices in force: those of a window first, then those that began last. None where none are known."""
    holding = [entry for entry in entries if entry.holds(moment)]
    if not holding:
        return None
    return max(holding, key=lambda entry: (entry.window is not None, entry.valid_from)).prices


def cost_of(usage: Usage, prices: UnitPrices) -> Decimal:
    """Return what these tokens cost. Cached ones are part of the prompt's, reasoning ones of the completion's."""
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    with localcontext(prec=PRECISION):
        total = (
            (usage.prompt_tokens - cached) * prices.input
            + cached * prices.cached_input
            + usage.completion_tokens * prices.output
        )
        return total / MILLION
