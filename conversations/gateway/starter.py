"""Prices to start from, as providers published them; operators edit the rows that are made of these.

Sources: DeepSeek's price page (November 2026; peak hours 01:00-04:00 and 06:00-10:00 UTC on weekdays, half price else),
OpenAI's price page, and the flat figures of an online shop that moved. Prices move: check them against your contract.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Final

from conversations.gateway.models import LanguageModel, Price

VALID_FROM: Final = datetime(2026, 1, 1, tzinfo=UTC)
WORKDAYS: Final = [0, 1, 2, 3, 4]
PEAK_HOURS: Final = ((time(1), time(4)), (time(6), time(10)))
PEAK_FACTOR: Final = 2


@dataclass(frozen=True, slots=True)
class StarterPrice:
    """USD for a million tokens; `has_peak`: twice that at DeepSeek's peak hours."""

    input: str
    cached_input: str
    output: str
    has_peak: bool = False


def flat(price: str) -> StarterPrice:
    """Return a price that is the same for all tokens."""
    return StarterPrice(price, price, price)


STARTER_PRICES: Final[dict[str, StarterPrice]] = {
    "deepseek-flash": StarterPrice("0.15", "0.003", "0.60", has_peak=True),
    "deepseek-v4-flash": StarterPrice("0.15", "0.003", "0.60", has_peak=True),
    "deepseek-v4-pro": StarterPrice("0.66", "0.022", "1.98", has_peak=True),
    "deepseek-v3.2": flat("0.42"),
    "deepseek-r1-distill-qwen-7b": flat("0.15"),
    "deepseek-r1-distill-qwen-1.5b": flat("0.08"),
    "gpt-4o": StarterPrice("2.50", "1.25", "10.00"),
    "gpt-4.1": flat("8.00"),
    "claude-sonnet-4.5": flat("15.00"),
    "csbot-simulator": flat("0"),
}


def add_starter_prices(model: LanguageModel) -> int:
    """Give a model without prices those that are known for its name; return how many rows that made."""
    known = STARTER_PRICES.get(model.name.lower().rpartition("/")[2])
    if known is None or model.prices.exists():
        return 0
    return len(Price.objects.bulk_create(starter_rows(model, known)))


def starter_rows(model: LanguageModel, known: StarterPrice) -> list[Price]:
    """Return the rows of a price: one for all hours, and one for each peak."""
    rows = [_row(model, known, factor=1)]
    if known.has_peak:
        for start, end in PEAK_HOURS:
            peak = _row(model, known, factor=PEAK_FACTOR)
            peak.window_from, peak.window_until, peak.window_days = start, end, WORKDAYS
            rows.append(peak)
    return rows


def _row(model: LanguageModel, known: StarterPrice, *, factor: int) -> Price:
    return Price(
        model=model,
        input=Decimal(known.input) * factor,
        cached_input=Decimal(known.cached_input) * factor,
        output=Decimal(known.output) * factor,
        valid_from=VALID_FROM,
        note="starter price",
    )
