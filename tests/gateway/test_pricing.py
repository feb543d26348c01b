"""What calls cost: exact, at the moment they were sent, peak hours and all."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.gateway.models import LanguageModel, Provider
from conversations.gateway.pricing import PriceEntry, UnitPrices, Window, cost_of, prices_at
from conversations.gateway.reading import price_entries
from conversations.gateway.starter import add_starter_prices
from conversations.llm.requests import Usage

LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)


def usd(price: str) -> UnitPrices:
    return UnitPrices("USD", Decimal(price), Decimal(price), Decimal(price))


@pytest.fixture
def deepseek(db: None) -> tuple[PriceEntry, ...]:
    provider = Provider.objects.create(name="deepseek", kind="deepseek", base_url="http://127.0.0.1:9/v1")
    model = LanguageModel.objects.create(provider=provider, name="deepseek-flash")
    assert add_starter_prices(model) == 3
    assert add_starter_prices(model) == 0
    return price_entries(model.prices.all())


@pytest.mark.parametrize(
    ("moment", "input_price"),
    [
        ("2026-11-24T00:59:59.999999+00:00", "0.15"),
        ("2026-11-24T01:00:00+00:00", "0.30"),
        ("2026-11-24T03:59:59.999999+00:00", "0.30"),
        ("2026-11-24T04:00:00+00:00", "0.15"),
        ("2026-11-24T13:30:00+07:00", "0.30"),
        ("2026-11-24T09:59:59+00:00", "0.30"),
        ("2026-11-24T10:00:00+00:00", "0.15"),
        ("2026-11-21T02:00:00+00:00", "0.15"),
        ("2026-11-23T02:00:00+00:00", "0.30"),
    ],
    ids=[
        "before",
        "first moment",
        "last moment",
        "after",
        "Bangkok's clock",
        "second peak",
        "its end",
        "Saturday",
        "Monday",
    ],
)
def test_deepseek_costs_twice_as_much_at_its_peak_hours(
    deepseek: tuple[PriceEntry, ...], moment: str, input_price: str
) -> None:
    prices = prices_at(deepseek, datetime.fromisoformat(moment))
    assert prices is not None and prices.input == Decimal(input_price)


def test_a_day_that_is_excepted_has_no_peak() -> None:
    holiday = datetime(2026, 10, 1, 2, tzinfo=UTC)
    window = Window(time(1), time(4), except_days=frozenset({date(2026, 10, 1)}))
    entries = [PriceEntry(usd("1"), LONG_AGO), PriceEntry(usd("2"), LONG_AGO, window=window)]
    assert prices_at(entries, holiday) == usd("1")
    assert prices_at(entries, holiday.replace(day=2)) == usd("2")


def test_a_window_past_midnight_belongs_to_the_day_it_starts_on() -> None:
    window = Window(time(22), time(2), days=(4,))
    friday = datetime(2026, 11, 27, tzinfo=UTC)
    assert window.holds(friday.replace(hour=23))
    assert window.holds(friday.replace(day=28, hour=1, minute=59))
    assert not window.holds(friday.replace(day=28, hour=2))
    assert not window.holds(friday.replace(hour=1))
    assert not window.holds(friday.replace(day=28, hour=23))


def test_a_new_price_counts_from_its_day_on_and_an_ended_one_no_longer() -> None:
    change, end = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    entries = [PriceEntry(usd("1"), LONG_AGO), PriceEntry(usd("2"), change, valid_until=end)]
    assert prices_at(entries, datetime(2026, 5, 31, 23, tzinfo=UTC)) == usd("1")
    assert prices_at(entries, change) == usd("2")
    assert prices_at(entries, end) == usd("1")
    assert prices_at(entries, datetime(2019, 1, 1, tzinfo=UTC)) is None


def test_the_cost_of_a_known_call() -> None:
    # 3,300 prompt tokens, 2,944 of them cached, 150 written, off-peak: $0.152 a thousand.
    flash = UnitPrices("USD", Decimal("0.15"), Decimal("0.003"), Decimal("0.60"))
    cost = cost_of(Usage(3_300, 2_944, 150, 0), flash)
    assert cost == Decimal("0.000152232")


COUNTS = st.integers(min_value=0, max_value=2**31 - 1)
PRICES = st.decimals(min_value=0, max_value=99_999_999, places=6)


@given(prompt=COUNTS, cached=COUNTS, completion=COUNTS, price=PRICES, cached_price=PRICES, output=PRICES)
def test_no_cost_is_ever_rounded(
    prompt: int, cached: int, completion: int, price: Decimal, cached_price: Decimal, output: Decimal
) -> None:
    cost = cost_of(Usage(prompt, cached, completion, 0), UnitPrices("USD", price, cached_price, output))
    hit = min(prompt, cached)
    millionths = [int(each * 10**6) for each in (price, cached_price, output)]
    exact = (prompt - hit) * millionths[0] + hit * millionths[1] + completion * millionths[2]
    assert int(cost.scaleb(12)) == exact and cost.scaleb(12) == exact
