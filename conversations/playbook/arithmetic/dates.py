"""Reads dates from what people write, with years of either era: 24 พ.ย. 2569 · 2026-11-24 · Nov 24."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from conversations.playbook.arithmetic.numbers import plain_digits

BUDDHIST_ERA_YEARS: Final = 543
BUDDHIST_YEARS_FROM: Final = 2400
SHORT_YEARS: Final = 100
THIS_CENTURY: Final = 2000
SHORT_BUDDHIST_YEARS_FROM: Final = 60

THAI_MONTHS: Final = (
    ("มกราคม", "ม.ค."),
    ("กุมภาพันธ์", "ก.พ."),
    ("มีนาคม", "มี.ค."),
    ("เมษายน", "เม.ย."),
    ("พฤษภาคม", "พ.ค."),
    ("มิถุนายน", "มิ.ย."),
    ("กรกฎาคม", "ก.ค."),
    ("สิงหาคม", "ส.ค."),
    ("กันยายน", "ก.ย."),
    ("ตุลาคม", "ต.ค."),
    ("พฤศจิกายน", "พ.ย."),
    ("ธันวาคม", "ธ.ค."),
)
ENGLISH_MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
LEAP_YEAR: Final = 2000


def _month_names() -> dict[str, int]:
    names = {name: number for number, names in enumerate(THAI_MONTHS, 1) for name in names}
    names |= {name.replace(".", ""): number for name, number in names.items() if "." in name}
    for number, name in enumerate(ENGLISH_MONTHS, 1):
        names |= {name: number, name[:3]: number}
    return names | {"sept": 9, "พฤศจิกา": 11, "ธันวา": 12, "มกรา": 1, "กุมภา": 2, "มีนา": 3, "เมษา": 4}


MONTHS: Final = _month_names()
_NAMES: Final = "|".join(re.escape(name) for name in sorted(MONTHS, key=len, reverse=True))
_YEAR: Final = r"(?:\s*,?\s*(?:พ\.?ศ\.?|ค\.?ศ\.?)?\s*(?P<year>\d{4}|'?\d{2}(?!\d|\s*(?:บาท|วัน|ชิ้น|ตัว|%))))?"
ISO: Final = re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)")
SLASHED: Final = re.compile(r"(?<![\d/])(?P<day>\d{1,2})/(?P<month>\d{1,2})(?:/(?P<year>\d{4}|\d{2}))?(?![\d/])")
DAY_FIRST: Final = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s*(?P<name>{_NAMES})(?![A-Za-z]){_YEAR}", re.IGNORECASE
)
MONTH_FIRST: Final = re.compile(
    rf"(?<![A-Za-z\u0e01-\u0e4e])(?P<name>{_NAMES})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d){_YEAR}", re.IGNORECASE
)
FORMS: Final = (ISO, SLASHED, DAY_FIRST, MONTH_FIRST)


@dataclass(frozen=True, slots=True)
class Day:
    """A date in a text; `year` is None where nobody wrote one. It stands from `start` to `end`."""

    month: int
    day: int
    year: int | None
    start: int
    end: int

    def is_one_of(self, dates: frozenset[date]) -> bool:
        """Say whether it is one of these dates, as far as it was written."""
        return any(
            (each.month, each.day) == (self.month, self.day) and self.year in {None, each.year} for each in dates
        )

    def on(self, today: date) -> date | None:
        """Return the whole date; without a year it is the one nearest to today. None where there is no such day."""
        years = [self.year] if self.year else [today.year - 1, today.year, today.year + 1]
        found = [each for year in years if (each := _date(year, self.month, self.day))]
        return min(found, key=lambda each: abs((each - today).days), default=None)


def days_in(text: str) -> tuple[Day, ...]:
    """Return the dates of a text in their order."""
    found: dict[int, Day] = {}
    text = plain_digits(text)
    for form in FORMS:
        for day in _days(form, text):
            if not any(day.start < other.end and other.start < day.end for other in found.values()):
                found[day.start] = day
    return tuple(found[start] for start in sorted(found))


def without_days(text: str) -> str:
    """Return a text of the same length with blanks for its dates."""
    for day in days_in(text):
        text = text[: day.start] + " " * (day.end - day.start) + text[day.end :]
    return text


def _days(form: re.Pattern[str], text: str) -> Iterator[Day]:
    for match in form.finditer(text):
        parts = match.groupdict()
        month = MONTHS[parts["name"].lower()] if parts.get("name") else int(parts["month"])
        if _date(LEAP_YEAR, month, int(parts["day"])):
            yield Day(month, int(parts["day"]), _year(parts["year"]), match.start(), match.end())


def _year(written: str | None) -> int | None:
    if not written:
        return None
    year = int(written.lstrip("'"))
    if year < SHORT_YEARS:
        # Two digits from 60 on are of the Buddhist era (2569 is 69), below that of the common one.
        return THIS_CENTURY + year - (BUDDHIST_ERA_YEARS - 500 if year >= SHORT_BUDDHIST_YEARS_FROM else 0)
    return year - BUDDHIST_ERA_YEARS if year >= BUDDHIST_YEARS_FROM else year


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
