"""Reads amounts from what people write, in Thai and English: 1,500 · ๑๕๐๐ · 2 พัน · 1.5k · 20% · 7 เปอร์เซ็นต์.

Order numbers, phone numbers, times of day, links and list markers are no amounts; dates are read by `dates`.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

THAI_DIGITS: Final = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
MULTIPLIERS: Final = {
    "k": Decimal(1_000),
    "พัน": Decimal(1_000),
    "หมื่น": Decimal(10_000),
    "แสน": Decimal(100_000),
    "ล้าน": Decimal(1_000_000),
}
NO_AMOUNT: Final = re.compile(
    r"""
    https?://\S+ | www\.\S+ | \S+@\S+\.\w+              # links and addresses
    | (?<![\d.,])\d{1,2}[:.]\d{2}\s*(?:น\.?(?![\u0e01-\u0e4e])|[ap]\.?m\b)   # 14.00 น., 9:30 am
    | (?<!\d)\d{1,2}:\d{2}(?!\d)                         # 9:00
    | (?<![A-Za-z])(?!(?:vat|thb|baht|x)\d)[A-Za-z]+-?\d[A-Za-z0-9-]*    # TH20451987, A4
    | (?<![\d,.])\+?\d(?:[ -]?\d){6,}(?![\d,.]*\d)       # phone and order numbers
    | ^\s*\d{1,2}[.)]\s(?=\D)                            # 1. 2) at the start of a line
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
AMOUNT: Final = re.compile(
    r"""
    (?P<digits> \d{1,3}(?:,\d{3})+(?:\.\d+)? | \d+(?:\.\d+)? )
    (?: (?P<percent> \s*(?:%|％|เปอร์เซ็?นต?์?|เปอร์เซ็น|percent\b|per\ cent\b) )
      | (?P<k> k(?![A-Za-z]) )
      | \s*(?P<times> พัน(?![ธก]) | หมื่น | แสน | ล้าน ) )?
    """,
    re.VERBOSE | re.IGNORECASE,
)
LONG_DIGITS: Final = 15
CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in a text, and where it stands."""

    value: Decimal
    is_percent: bool
    start: int
    end: int


def plain_digits(text: str) -> str:
    """Return a text of the same length with Arabic digits only."""
    return text.translate(THAI_DIGITS)


def without_others(text: str) -> str:
    """Return a text of the same length in which digits that are no amounts are blanks."""
    return NO_AMOUNT.sub(lambda found: " " * len(found[0]), plain_digits(text))


def amounts_in(text: str) -> tuple[Amount, ...]:
    """Return the amounts of a text in their order."""
    found = AMOUNT.finditer(without_others(text))
    return tuple(_amount(each) for each in found if len(each["digits"]) <= LONG_DIGITS)


def _amount(found: re.Match[str]) -> Amount:
    factor = MULTIPLIERS.get((found["k"] or found["times"] or "").lower(), Decimal(1))
    value = Decimal(found["digits"].replace(",", "")) * factor
    return Amount(value, is_percent=found["percent"] is not None, start=found.start(), end=found.end())


def exact(value: Decimal) -> str:
    """Return a number with all its digits and no exponent."""
    return f"{value.normalize():f}"


def plain(value: Decimal) -> str:
    """Return a number as a customer would read it: at most two decimals, no zeros at the end."""
    return exact(value.quantize(CENT, ROUND_HALF_UP))
