"""Works out expressions that a model wrote, exactly and safely: numbers, dates and a few functions, nothing else.

    1500 * (1 - 20/100)     floor(2000 / 350)     2026-11-24 + 7     1500 - 20%

Money is never a float. A hostile expression costs no more than a long one may.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException, localcontext
from typing import Final, TypeAlias

from conversations.playbook.arithmetic.numbers import plain_digits

MAX_CHARS: Final = 200
MAX_DEPTH: Final = 12
PRECISION: Final = 40
MOST: Final = Decimal(10) ** 15
MOST_DAYS: Final = 36_600
ONE: Final = Decimal(1)
HUNDRED: Final = Decimal(100)

Value: TypeAlias = Decimal | date

SIGNS: Final = str.maketrans({"×": "*", "÷": "/", "−": "-", "–": "-", "·": "*", "[": "(", "]": ")"})
UNITS: Final = re.compile(r"(?<=[\d\s)%])(?:บาท|baht|thb|วัน|days?|ตัว|ชิ้น|pcs|pieces?)(?![A-Za-z])|฿", re.IGNORECASE)
TOKEN: Final = re.compile(
    r"\s*(?:(?P<date>\d{4}-\d{2}-\d{2})(?!\d)"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<name>[A-Za-z]+)|(?P<sign>//|[-+*/%(),]))"
)


class ExpressionError(ValueError):
    """It is no expression, or one that has no value."""


@dataclass(slots=True)
class Result:
    """What an expression comes to, and the numbers and dates that stand in it."""

    value: Value
    numbers: list[Decimal] = field(default_factory=list)
    dates: list[date] = field(default_factory=list)


def evaluate(expression: str) -> Result:
    """Return what an expression comes to; what follows an equals sign is left out. Raises ExpressionError."""
    text = without_units(expression)
    if not text or len(text) > MAX_CHARS:
        raise ExpressionError
    parser = _Parser(tokens(text))
    with localcontext(prec=PRECISION):
        try:
            value = parser.whole()
        except (DecimalException, OverflowError, TypeError, RecursionError):
            raise ExpressionError from None
    return Result(value, parser.numbers, parser.dates)


def without_units(expression: str) -> str:
    """Return an expression in plain signs, without currencies and without what it is said to be equal to."""
    return UNITS.sub(" ", plain_digits(expression).translate(SIGNS)).partition("=")[0].strip()


def tokens(text: str) -> list[tuple[str, str]]:
    """Return the expression's tokens as (kind, text). Raises ExpressionError."""
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise ExpressionError
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class _Parser:
    """Recursive descent: sums of products of signed values, each perhaps with a percent sign behind it."""

    def __init__(self, found: Sequence[tuple[str, str]]) -> None:
        self._tokens = [*found, ("end", "")]
        self._at = 0
        self._depth = 0
        self.numbers: list[Decimal] = []
        self.dates: list[date] = []

    def whole(self) -> Value:
        value = self._sum()
        if self._tokens[self._at][0] != "end":
            raise ExpressionError
        return value

    def _sum(self) -> Value:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError
        value, _ = self._product()
        while sign := self._take("+", "-"):
            other, is_percent = self._product()
            value = _added(value, _share_of(value, other) if is_percent else other, is_minus=sign == "-")
        self._depth -= 1
        return value

    def _product(self) -> tuple[Value, bool]:
        """Return a product, and whether it is nothing but a percentage."""
        value, is_percent = self._signed()
        while sign := self._take("*", "//", "/"):
            other = _number(self._signed()[0])
            value, is_percent = OPERATIONS[sign](_number(value), other), False
        return value, is_percent

    def _signed(self) -> tuple[Value, bool]:
        if self._take("-"):
            value, is_percent = self._signed()
            return -_number(value), is_percent
        value, is_percent = self._atom(), False
        while self._take("%"):
            value, is_percent = _number(value) / HUNDRED, True
        return value, is_percent

    def _atom(self) -> Value:
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            self.numbers.append(_limited(Decimal(text.replace(",", ""))))
            return self.numbers[-1]
        if kind == "date":
            self.dates.append(_date(text))
            return self.dates[-1]
        if kind == "name":
            return self._call(text.lower())
        if text == "(":
            value = self._sum()
            self._expect(")")
            return value
        raise ExpressionError

    def _call(self, name: str) -> Value:
        self._expect("(")
        values = [_number(self._sum())]
        while self._take(","):
            values.append(_number(self._sum()))
        self._expect(")")
        function = FUNCTIONS.get(name)
        if function is None:
            raise ExpressionError
        return function(*values)

    def _take(self, *signs: str) -> str:
        kind, text = self._tokens[self._at]
        if kind != "sign" or text not in signs:
            return ""
        self._at += 1
        return text

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ExpressionError


def _number(value: Value) -> Decimal:
    if not isinstance(value, Decimal):
        raise ExpressionError
    return value


def _limited(value: Decimal) -> Decimal:
    if not abs(value) < MOST:
        raise ExpressionError
    return value


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ExpressionError from None


def _share_of(value: Value, share: Value) -> Decimal:
    """`1500 - 20%` takes away 20 % of 1500, as on every calculator."""
    return _number(value) * _number(share)


def _added(value: Value, other: Value, *, is_minus: bool) -> Value:
    if isinstance(value, Decimal) and isinstance(other, Decimal):
        return _limited(value - other if is_minus else value + other)
    if isinstance(value, date) and isinstance(other, date) and is_minus:
        return Decimal((value - other).days)
    if isinstance(value, date) and isinstance(other, Decimal):
        return value + timedelta(days=_days(-other if is_minus else other))
    raise ExpressionError


def _days(number: Decimal) -> int:
    if number != number.to_integral_value() or abs(number) > MOST_DAYS:
        raise ExpressionError
    return int(number)


def _floor(value: Decimal) -> Decimal:
    return value.to_integral_value(ROUND_FLOOR)


def _rounded(value: Decimal, places: Decimal = Decimal(0)) -> Decimal:
    return value.quantize(ONE.scaleb(-max(0, min(int(places), 6))), ROUND_HALF_UP)


def _ceiling(value: Decimal) -> Decimal:
    return value.to_integral_value(ROUND_CEILING)


OPERATIONS: Final[dict[str, Callable[[Decimal, Decimal], Decimal]]] = {
    "*": lambda left, right: _limited(left * right),
    "/": lambda left, right: _limited(left / right),
    "//": lambda left, right: _floor(_limited(left / right)),
}
FUNCTIONS: Final[dict[str, Callable[..., Decimal]]] = {
    "floor": _floor,
    "ceil": _ceiling,
    "round": _rounded,
    "min": lambda *values: min(values),
    "max": lambda *values: max(values),
}
