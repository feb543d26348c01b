"""How good a student is on rows it never learnt from, and whether it may take another's place. Pure."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conversations.answers.student.reading import Embedding, Judgement, Student
from conversations.answers.student.rows import Labelled

BINS: Final = 10
MIN_HELD_ROWS: Final = 30
PERCENTILES: Final = (50, 99)
FIRST_CHANCE: Final = 0.05
"""How unlikely a first student's wrong sure judgements must be, if it were as precise as wanted, to keep it away."""
MIN_GAIN: Final = 1.05
"""A first student must be right this many times as often as always guessing the most frequent intent."""

Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class IntentFigures:
    """One intent: rows that are of it, rows judged to be, and those that both are."""

    intent: str
    rows: int
    judged: int
    right: int


@dataclass(frozen=True, slots=True)
class FlagFigures:
    """One flag: rows that have it, rows judged to have it, and those that both do."""

    rows: int
    judged: int
    right: int


@dataclass(frozen=True)
class Examination:
    """What came out. Shares are of all rows, `precision` is of the sure ones; None where there are none."""

    rows: int
    right: int
    sure: int
    sure_right: int
    most_frequent: int
    macro_f1: float
    calibration_error: float
    intents: tuple[IntentFigures, ...]
    action: FlagFigures
    escalate: FlagFigures
    median_ms: float
    slowest_ms: float

    @property
    def accuracy(self) -> float:
        """The share of rows judged right."""
        return self.right / self.rows if self.rows else 0.0

    @property
    def coverage(self) -> float:
        """The share of rows it is sure of."""
        return self.sure / self.rows if self.rows else 0.0

    @property
    def precision(self) -> float | None:
        """The share of the sure ones that are right."""
        return self.sure_right / self.sure if self.sure else None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        shares = {"accuracy": self.accuracy, "coverage": self.coverage, "precision": self.precision}
        return {**asdict(self), **shares}


class Fault(StrEnum):
    """Why a student may not go live."""

    TOO_FEW = "too_few"
    NO_BETTER_THAN_GUESSING = "no_better_than_guessing"
    NOT_PRECISE = "not_precise"
    LESS_ACCURATE = "less_accurate"
    LESS_PRECISE = "less_precise"
    SURE_OF_LESS = "sure_of_less"
    MISSES_FLAGS = "misses_flags"


def examine(
    student: Student, rows: Sequence[Labelled], *, embedded: Sequence[Embedding | None] | None = None
) -> Examination:
    """Judge the rows one by one, as customers' questions come; `embedded`: with these vectors."""
    seconds: list[float] = []
    judgements: list[Judgement] = []
    for row, embedding in zip(rows, embedded or [None] * len(rows), strict=True):
        began = time.perf_counter()
        judgements.append(student.judge(row.text, embedding))
        seconds.append(time.perf_counter() - began)
    return figures_of(judgements, rows, milliseconds=[second * 1000 for second in seconds])


def figures_of(
    judgements: Sequence[Judgement], rows: Sequence[Labelled], *, milliseconds: Sequence[float]
) -> Examination:
    """Return how the judgements compare with what the rows say."""
    right = np.array([mine.intent == row.intent for mine, row in zip(judgements, rows, strict=True)], np.bool_)
    sure = np.array([not mine.is_unsure for mine in judgements], np.bool_)
    intents = intent_figures(judgements, rows)
    median, slowest = np.percentile(milliseconds, PERCENTILES) if milliseconds else (0.0, 0.0)
    return Examination(
        rows=len(rows),
        right=int(right.sum()),
        sure=int(sure.sum()),
        sure_right=int((right & sure).sum()),
        most_frequent=max((each.rows for each in intents), default=0),
        macro_f1=macro_f1(intents),
        calibration_error=calibration_error(np.array([mine.probability for mine in judgements]), right),
        intents=intents,
        action=flag_figures([mine.action_required for mine in judgements], [row.action_required for row in rows]),
        escalate=flag_figures([mine.escalate for mine in judgements], [row.escalate for row in rows]),
        median_ms=float(median),
        slowest_ms=float(slowest),
    )


def intent_figures(judgements: Sequence[Judgement], rows: Sequence[Labelled]) -> tuple[IntentFigures, ...]:
    """Return the figures of each intent that occurs."""
    pairs = [(mine.intent, row.intent) for mine, row in zip(judgements, rows, strict=True)]
    return tuple(
        IntentFigures(
            intent,
            rows=sum(true == intent for _mine, true in pairs),
            judged=sum(mine == intent for mine, _true in pairs),
            right=sum(mine == true == intent for mine, true in pairs),
        )
        for intent in sorted({intent for pair in pairs for intent in pair})
    )


def macro_f1(intents: Sequence[IntentFigures]) -> float:
    """Return the mean over intents of F1, the harmonic mean of precision and recall."""
    scores = [2 * each.right / (each.rows + each.judged) for each in intents if each.rows]
    return sum(scores) / len(scores) if scores else 0.0


def flag_figures(judged: Sequence[bool], wanted: Sequence[bool]) -> FlagFigures:
    """Return the figures of a flag."""
    both = sum(mine and true for mine, true in zip(judged, wanted, strict=True))
    return FlagFigures(rows=sum(wanted), judged=sum(judged), right=both)


def calibration_error(probabilities: NDArray[Any], right: Truths) -> float:
    """Return how far probabilities are from shares, on average, in ten bins (expected calibration error)."""
    if not len(right):
        return 0.0
    bins = np.minimum((probabilities * BINS).astype(np.intp), BINS - 1)
    gaps = [abs(probabilities[bins == number].sum() - right[bins == number].sum()) for number in range(BINS)]
    return float(sum(gaps) / len(right))


def faults(candidate: Examination, live: Examination | None, *, precision: float) -> list[Fault]:
    """Return what keeps the candidate from going live; nothing if it may.

    Both were examined on the same rows, of customers that neither learnt from. Less accurate or sure of more wrong
    ones is worse by a single row: a student that isn't better isn't needed, so nothing is lost by being strict.
    """
    if candidate.rows < MIN_HELD_ROWS:
        return [Fault.TOO_FEW]
    if live is None:
        return faults_of_first(candidate, precision=precision)
    found = {
        Fault.LESS_ACCURATE: candidate.right < live.right,
        Fault.LESS_PRECISE: is_less_precise(candidate, live, precision=precision),
        Fault.SURE_OF_LESS: candidate.sure_right < live.sure_right and is_precise(live, precision=precision),
        Fault.MISSES_FLAGS: any(
            mine.right < theirs.right
            for mine, theirs in ((candidate.action, live.action), (candidate.escalate, live.escalate))
        ),
    }
    return [fault for fault, is_so in found.items() if is_so]


def faults_of_first(candidate: Examination, *, precision: float) -> list[Fault]:
    """Return what keeps a student from going live where none is at work: it must know something, and when it does."""
    found = {
        Fault.NO_BETTER_THAN_GUESSING: candidate.right < MIN_GAIN * candidate.most_frequent,
        Fault.NOT_PRECISE: is_below(candidate.sure_right, of=candidate.sure, share=precision, chance=FIRST_CHANCE),
    }
    return [fault for fault, is_so in found.items() if is_so]


def is_below(successes: int, *, of: int, share: float, chance: float) -> bool:
    """Whether so few successes are too few to be chance, if each has this share's chance (exact binomial test)."""
    return successes < share * of and at_most(successes, of=of, share=share) < chance


def at_most(successes: int, *, of: int, share: float) -> float:
    """Return how likely so many successes or fewer are."""
    if share >= 1:
        return float(successes >= of)
    if share <= 0:
        return 1.0
    log_yes, log_no = math.log(share), math.log1p(-share)
    whole = math.lgamma(of + 1)
    return math.fsum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * log_yes + (of - k) * log_no)
        for k in range(successes + 1)
    )


def is_precise(figures: Examination, *, precision: float) -> bool:
    """Whether what it is sure of is right as often as wanted."""
    return figures.precision is None or figures.precision >= precision


def is_less_precise(candidate: Examination, live: Examination, *, precision: float) -> bool:
    """Whether the candidate's sure judgements are below what is wanted, and below the live one's."""
    if is_precise(candidate, precision=precision):
        return False
    return live.precision is None or (candidate.precision or 0.0) < live.precision
