"""Works out what a prompt asks to be worked out, as one of its examples does: nothing is known here but arithmetic.

An example whose figures follow from those of its question ("1,500 baht, 20 % off" -> "1,200") shows how. A question
with figures of the same kinds in the same order is computed like it, and told in its words. Without such an example
there is no answer from here.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import lru_cache
from itertools import permutations
from typing import Final

from conversations.llm.simulator.knowledge import RESPONSE, Envelope, Knowledge, Shown

TASK_HEADING: Final = "# Work it out"
STEPS: Final = "steps"
NEAR: Final = 0.3
FIGURE: Final = re.compile(
    r"(?<![A-Za-z\d])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(\s*(?:%|เปอร์เซ็นต์|percent))?(?![\d:-])"
)
THAI_DIGITS: Final = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
CENT: Final = Decimal("0.01")
MOST_FIGURES: Final = 6
HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a text."""

    value: Decimal
    is_share: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Way:
    """How two values make a third; `shown` is the expression as a prompt asks for it."""

    shown: str
    compute: Callable[[Decimal, Decimal], Decimal]
    is_share_second: bool = False


WAYS: Final = (
    Way("{0} * (1 - {1}/100)", lambda whole, share: whole * (1 - share / HUNDRED), is_share_second=True),
    Way("{0} * {1}/100", lambda whole, share: whole * share / HUNDRED, is_share_second=True),
    Way("{0} * (1 + {1}/100)", lambda whole, share: whole * (1 + share / HUNDRED), is_share_second=True),
    Way("{0} + {1}", lambda one, other: one + other),
    Way("{0} * {1}", lambda one, other: one * other),
    Way("{0} - {1}", lambda one, other: one - other),
    Way("floor({0} / {1})", lambda one, other: (one / other).to_integral_value(ROUND_FLOOR)),
)


@dataclass(frozen=True, slots=True)
class Move:
    """What one figure of an answer is: one that was there already (`way` None), or two of them put together."""

    first: int
    second: int = 0
    way: Way | None = None


@dataclass(slots=True)
class Worked:
    """The figures so far (the question's, then the computed ones), and the steps that made them."""

    values: list[Decimal]
    steps: list[dict[str, object]] = field(default_factory=list)


def is_asked_to_work(system: str) -> bool:
    """Say whether the prompt asks for it."""
    return TASK_HEADING in system.splitlines()


def worked_out(knowledge: Knowledge, question: str, *, language: str) -> Envelope | None:
    """Return the answer worked out as the nearest fitting example shows, or None where none does."""
    asked = figures_in(question)
    scores: Mapping[int, float] = knowledge.examples_index.cosines(question)
    for number in sorted(scores, key=lambda each: -scores[each]):
        example = knowledge.examples[number]
        if scores[number] < NEAR:
            break
        is_alike = example.language == language and kinds(asked) == kinds(figures_in(example.says))
        if is_alike and (moves := moves_of(example.says, example.response)):
            return told_like(example, moves, [figure.value for figure in asked])
    return None


def figures_in(text: str) -> tuple[Figure, ...]:
    """Return the numbers of a text in their order."""
    return tuple(
        Figure(Decimal(found[1].replace(",", "")), found[2] is not None, found.start(1), found.end(1))
        for found in FIGURE.finditer(text.translate(THAI_DIGITS))
    )


def kinds(figures: Sequence[Figure]) -> tuple[bool, ...]:
    """Return which of the figures are percentages."""
    return tuple(figure.is_share for figure in figures)


@lru_cache(maxsize=1024)
def moves_of(says: str, response: str) -> tuple[Move, ...]:
    """Return how an example comes from its question's figures to its answer's; nothing where it doesn't compute."""
    asked, told = figures_in(says), figures_in(response)
    if not asked or not told or len(asked) + len(told) > 2 * MOST_FIGURES:
        return ()
    shares = [figure.is_share for figure in asked]
    values = [figure.value for figure in asked]
    moves: list[Move] = []
    for figure in told:
        move = move_to(figure, values, shares)
        if move is None:
            return ()
        if move.way:
            values.append(figure.value)
            shares.append(figure.is_share)
        moves.append(move)
    return tuple(moves) if any(move.way for move in moves) else ()


def move_to(figure: Figure, values: Sequence[Decimal], shares: Sequence[bool]) -> Move | None:
    """Return how to come to a figure from those before it."""
    for number, (value, is_share) in enumerate(zip(values, shares, strict=True)):
        if (value, is_share) == (figure.value, figure.is_share):
            return Move(number)
    return next(moves_from(figure.value, values, shares), None)


def moves_from(wanted: Decimal, values: Sequence[Decimal], shares: Sequence[bool]) -> Iterator[Move]:
    """Yield each way in which two of the values make the wanted one; newer values first."""
    pairs = [(one, other) for one, other in permutations(reversed(range(len(values))), 2) if not shares[one]]
    for way in WAYS:
        for one, other in pairs:
            is_possible = shares[other] == way.is_share_second and (values[other] or "/" not in way.shown)
            if is_possible and way.compute(values[one], values[other]) == wanted:
                yield Move(one, other, way)


def told_like(example: Shown, moves: Sequence[Move], values: Sequence[Decimal]) -> Envelope | None:
    """Return the example's answer with the figures that these values come to."""
    worked = Worked(list(values))
    told, last = "", 0
    for figure, move in zip(figures_in(example.response), moves, strict=True):
        told += example.response[last : figure.start] + f"{tidy(value_of(move, worked)):,}"
        last = figure.end
    return with_steps(example.envelope, worked.steps, response=told + example.response[last:])


def value_of(move: Move, worked: Worked) -> Decimal:
    """Return the value that a move comes to, and note the step."""
    if move.way is None:
        return worked.values[move.first]
    one, other = worked.values[move.first], worked.values[move.second]
    value = tidy(move.way.compute(one, other)) if other or "/" not in move.way.shown else Decimal(0)
    calculate = move.way.shown.format(f"{tidy(one):f}", f"{tidy(other):f}")
    worked.values.append(value)
    worked.steps.append({"calculate": calculate, "result": float(value)})
    return value


def tidy(value: Decimal) -> Decimal:
    """Return a value with at most two decimals, and none where they are zeros."""
    rounded = value.quantize(CENT, ROUND_HALF_UP)
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded


def with_steps(envelope: Envelope, steps: Sequence[dict[str, object]], *, response: str) -> Envelope:
    """Return an envelope with the steps right before its response."""
    head = {key: value for key, value in envelope.items() if key not in {RESPONSE, STEPS}}
    return head | {STEPS: list(steps), RESPONSE: response}
