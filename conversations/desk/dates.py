"""Years as the reader counts them: in Thai those of the Buddhist era (2569 for 2026), else of the common one.

Django writes the common era everywhere, the browser's own calendar the Buddhist one in Thai: one page had both. What
people enter may be either; what is stored, exported or logged is always the common era.
"""

from datetime import date
from typing import Final, TypeVar

from django.utils.dateformat import DateFormat
from django.utils.translation import get_language

ERA: Final = 543
BUDDHIST_FROM: Final = 2400
"""A year from here on was meant in the Buddhist era: no date of a shop lies that far ahead."""

AnyDate = TypeVar("AnyDate", bound=date)


def count_years_as_readers_do() -> None:
    """Let Django's dates (lists, pages, the template filter) show the reader's year. For the app's start, once."""
    for letter, written in {"Y": year_for_reader}.items():
        setattr(DateFormat, letter, written)


def year_for_reader(shown: DateFormat) -> str:
    """Return the year of a date that is being written. Raises TypeError for a time without a date, which has none."""
    if not isinstance(shown.data, date):
        raise TypeError(shown.data)
    era = ERA if get_language() == "th" else 0
    return f"{shown.data.year + era:04d}"


def common_era(day: AnyDate) -> AnyDate:
    """Return what somebody entered in the Buddhist era as the day that it is; other days as they are."""
    return day.replace(year=day.year - ERA) if day.year >= BUDDHIST_FROM else day
