"""Judges what a model computed: each step by itself, where its numbers come from, and every figure that customers read.

What is wrong is said in lines that may go into a prompt: they hold numbers and signs, never words that somebody wrote.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from conversations.playbook.arithmetic.dates import Day, days_in, without_days
from conversations.playbook.arithmetic.expressions import (
    ExpressionError,
    Result,
    Value,
    evaluate,
    tokens,
    without_units,
)
from conversations.playbook.arithmetic.numbers import amounts_in, exact, plain
from conversations.playbook.arithmetic.questions import Expected

MAX_STEPS: Final = 20
TOLERANCE: Final = Decimal("0.005")
"""Half a satang: customers read at most two decimals."""
SMALL: Final = 12
"""Numbers up to here may have been words: two shirts, a dozen, twelve months."""
CONSTANTS: Final = frozenset(map(Decimal, (0, 24, 28, 30, 31, 52, 60, 100, 365, 366, 1000)))
HUNDRED: Final = Decimal(100)
WEEKDAYS: Final = (
    ("จันทร์", "monday", "mon"),
    ("อังคาร", "tuesday", "tue"),
    ("พุธ", "wednesday", "wed"),
    ("พฤหัส", "thursday", "thu"),
    ("ศุกร์", "friday", "fri"),
    ("เสาร์", "saturday", "sat"),
    ("อาทิตย์", "sunday", "sun"),
)
WEEKDAY_BEFORE: Final = re.compile(
    rf"({'|'.join(name for names in WEEKDAYS for name in names)})(?:บดี)?\.?(?:ที่)?,?\s*(?:the\s*)?$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the model wrote it."""

    calculate: str
    result: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What figures may rest on: the numbers and dates of the conversation and of the shop facts."""

    today: date
    numbers: frozenset[Decimal] = frozenset()
    dates: frozenset[date] = frozenset()


@dataclass(slots=True)
class _Found:
    """What the steps came to, and what is wrong with them."""

    numbers: set[Decimal] = field(default_factory=set)
    dates: set[date] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def ground_of(texts: Iterable[str], *, today: date) -> Ground:
    """Return the numbers and dates in these texts."""
    numbers: set[Decimal] = set()
    dates = {today}
    for text in texts:
        numbers |= {amount.value for amount in amounts_in(without_days(text))}
        dates |= {found for day in days_in(text) if (found := day.on(today))}
    return Ground(today, frozenset(numbers), frozenset(dates))


def joined(ground: Ground, other: Ground) -> Ground:
    """Return both grounds as one."""
    return Ground(ground.today, ground.numbers | other.numbers, ground.dates | other.dates)


def wrong_figures(
    steps: Sequence[Step], response: str, *, ground: Ground, expected: Expected | None, is_handed_over: bool = False
) -> tuple[str, ...]:
    """Return what is wrong with an answer's figures, a line each; nothing where all is right.

    `expected` is what code made of the question. An answer that hands the question to a person need not hold it.
    """
    found = _Found()
    for step in steps[:MAX_STEPS]:
        _check_step(step, ground, found)
    if expected is not None:
        _note(found, expected.value)
    lines = [*found.wrong, *_unbacked(response, ground, found)]
    if expected is not None and not is_handed_over and not _says(response, expected.value, ground.today):
        lines.append(f"{expected.expression} = {shown(expected.value)}")
    return tuple(dict.fromkeys(lines))


def shown(value: Value) -> str:
    """Return a value as it is written in a prompt."""
    return plain(value) if isinstance(value, Decimal) else value.isoformat()


def _check_step(step: Step, ground: Ground, found: _Found) -> None:
    try:
        result = evaluate(step.calculate)
    except ExpressionError:
        found.wrong.append('A "calculate" can\'t be worked out: numbers, dates and + - * / ( ) only.')
        return
    found.wrong += _ungrounded(result, ground, found)
    if not _says(step.result, result.value, ground.today):
        found.wrong.append(f"{canonical(step.calculate)} = {shown(result.value)}")
    _note(found, result.value)


def canonical(expression: str) -> str:
    """Return an expression that could be evaluated in signs of our own, so that it may stand in a prompt."""
    return " ".join(text for _, text in tokens(without_units(expression))).replace("( ", "(").replace(" )", ")")


def _note(found: _Found, value: Value) -> None:
    if isinstance(value, Decimal):
        found.numbers.add(value)
    else:
        found.dates.add(value)


def _ungrounded(result: Result, ground: Ground, found: _Found) -> Iterator[str]:
    for number in result.numbers:
        if not _is_grounded(number, ground.numbers | found.numbers):
            yield f"{exact(number)} is neither the customer's, nor a shop fact's, nor an earlier step's result"
    for day in result.dates:
        if day not in ground.dates | found.dates:
            yield f"{day.isoformat()} is neither the customer's date, nor today's, nor an earlier step's result"


def _is_grounded(number: Decimal, known: Iterable[Decimal]) -> bool:
    """Say whether a number is given, or is what people make of a percentage: 0.2, 0.8, 1.07, 80, 107."""
    if (number <= SMALL and number == number.to_integral_value()) or number in CONSTANTS:
        return True
    given = frozenset(known)
    made_of = (number, number * HUNDRED, (1 - number) * HUNDRED, (number - 1) * HUNDRED, HUNDRED - number)
    return any(each in given for each in (*made_of, number - HUNDRED)) or any(_agree(number, each) for each in given)


def _unbacked(response: str, ground: Ground, found: _Found) -> Iterator[str]:
    """Yield the figures of a reply that nothing stands behind."""
    numbers, dates = ground.numbers | found.numbers, frozenset(ground.dates | found.dates)
    for amount in amounts_in(without_days(response)):
        if not any(_agree(amount.value, number) for number in numbers):
            yield f'{exact(amount.value)} in "response" is no result of a step'
    for day in days_in(response):
        if not day.is_one_of(dates):
            yield f'day {day.day} of month {day.month} in "response" is no result of a step'
        elif (weekday := _weekday_before(day, response)) is not None and not _falls_on(day, weekday, dates):
            yield f'day {day.day} of month {day.month} in "response" falls on another weekday'


def _weekday_before(day: Day, text: str) -> int | None:
    named = WEEKDAY_BEFORE.search(text[: day.start])
    if not named:
        return None
    return next(number for number, names in enumerate(WEEKDAYS) if named[1].lower() in names)


def _falls_on(day: Day, weekday: int, dates: frozenset[date]) -> bool:
    return any(day.is_one_of(frozenset({each})) and each.weekday() == weekday for each in dates)


def _says(text: str, value: Value, today: date) -> bool:
    """Say whether a text holds this value."""
    if isinstance(value, Decimal):
        return any(_agree(amount.value, value) for amount in amounts_in(without_days(text))) or _is_minus(text, value)
    return any(day.on(today) == value or day.is_one_of(frozenset({value})) for day in days_in(text))


def _is_minus(text: str, value: Decimal) -> bool:
    return value < 0 and any(_agree(amount.value, -value) for amount in amounts_in(text))


def _agree(given: Decimal, computed: Decimal) -> bool:
    return abs(given - computed) <= TOLERANCE
