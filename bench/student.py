"""How good a student is: right, sure, calibrated, quick; and what it makes of questions that it wasn't taught.

    python -m bench.student --data DIRECTORY [--only banking77] [--folds 3]
    python -m bench.student --train train.csv --test test.csv --column label

The first form splits each file in ten parts of equal make-up (a fixed seed), trains on nine and examines on the tenth,
so many times. The second is for those who have an official test file. Files: banking77_train.csv, truevoice_train.csv,
clinc150_part_a.jsonl, as their publishers give them.
"""

import argparse
import csv
import gc
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.figures import Checked, at_least, at_most, percentile, table

# Before numpy comes: one core is what is promised.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from conversations.answers.student.artefact import from_artefact, to_artefact
from conversations.answers.student.examining import Examination, figures_of
from conversations.answers.student.reading import Judgement, Student
from conversations.answers.student.rows import Labelled
from conversations.answers.student.training import train

PARTS: Final = 10
SEED: Final = 0
PRECISION: Final = 0.97
KEPT_OF_KNOWN: Final = 0.95
LIMIT_MS: Final = 2.0
OUT_OF_SCOPE: Final = "oos"


@dataclass(frozen=True)
class Source:
    """A file, the column that is the intent, and how often a student has to be right (per cent)."""

    name: str
    file: str
    column: str
    right: float


SOURCES: Final = (
    Source("banking77", "banking77_train.csv", "label", 92.0),
    Source("truevoice", "truevoice_train.csv", "destination", 86.0),
    Source("clinc150", "clinc150_part_a.jsonl", "intent", 94.0),
)
HEADERS: Final = (
    "set",
    "rows",
    "right %",
    "right %, texts never seen",
    "sure of %",
    "of those right %",
    f"sure of % at {PRECISION:.0%}",
    "calibration error %",
    "untaught refused %",
    "p50 ms",
    "p99 ms",
    "MB",
    "training s",
)


@dataclass
class Tried:
    """Judgements on all rows that were held back, and what the students cost."""

    rows: list[Labelled] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    is_new: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    megabytes: float = 0.0
    training_seconds: list[float] = field(default_factory=list)

    @property
    def figures(self) -> Examination:
        """How the judgements compare with the labels."""
        return figures_of(self.judgements, self.rows, milliseconds=[second * 1000 for second in self.seconds])


def main() -> None:
    """Train, examine, print; exit with 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="+", default=[source.name for source in SOURCES])
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--column", default="label")
    given = parser.parse_args()
    if given.train and given.test:
        tried = {given.test.stem: try_on(read(given.train, given.column), read(given.test, given.column), untaught=())}
    elif given.data:
        chosen = [source for source in SOURCES if source.name in given.only]
        tried = {source.name: try_source(source, given.data, folds=given.folds) for source in chosen}
    else:
        parser.error("--data, or --train and --test")
    report(tried)


def report(tried: dict[str, Tried]) -> None:
    """Print the table and the limits."""
    print(table(HEADERS, [line(name, one) for name, one in tried.items()]), end="\n\n")
    limits = [check for source in SOURCES if source.name in tried for check in checks(source, tried[source.name])]
    print(table(("figure", "measured", "limit", ""), [check.cells() for check in limits]))
    sys.exit(0 if all(check.is_kept for check in limits) else 1)


def read(path: Path, column: str) -> list[Labelled]:
    """Return a file's rows."""
    with path.open(encoding="utf-8") as lines:
        rows = map(json.loads, lines) if path.suffix == ".jsonl" else csv.DictReader(lines)
        return [Labelled(row["text"], row[column]) for row in rows]


def try_source(source: Source, directory: Path, *, folds: int) -> Tried:
    """Train and examine on a file's parts."""
    everything = read(directory / source.file, source.column)
    rows = [row for row in everything if row.intent != OUT_OF_SCOPE]
    untaught = [row.text for row in everything if row.intent == OUT_OF_SCOPE]
    total = Tried()
    for learnt, held in parts(rows, folds=folds):
        add(total, try_on(learnt, held, untaught=untaught))
        print(f"{source.name}: {total.figures.accuracy:.1%} of {total.figures.rows}", file=sys.stderr, flush=True)
    return total


def parts(rows: Sequence[Labelled], *, folds: int) -> Iterator[tuple[list[Labelled], list[Labelled]]]:
    """Return what to learn from and what to examine on, so many times."""
    splitter = StratifiedKFold(PARTS, shuffle=True, random_state=SEED)
    splits = splitter.split(np.zeros(len(rows)), [row.intent for row in rows])
    for _number, (learnt, held) in zip(range(folds), splits, strict=False):
        yield [rows[index] for index in learnt], [rows[index] for index in held]


def try_on(learnt: Sequence[Labelled], held: Sequence[Labelled], *, untaught: Sequence[str]) -> Tried:
    """Train on some rows, examine on others, as stored and loaded again."""
    began = time.perf_counter()
    data = to_artefact(train(learnt))
    seconds = time.perf_counter() - began
    student = from_artefact(data)
    seen = {row.text for row in learnt}
    timed = [timed_judgement(student, row.text) for row in held]
    judgements = [judgement for judgement, _seconds in timed]
    return Tried(
        rows=list(held),
        judgements=judgements,
        is_new=[row.text not in seen for row in held],
        seconds=[second for _judgement, second in timed],
        refused=[refused_share(student, judgements, untaught)] if untaught else [],
        megabytes=len(data) / 1e6,
        training_seconds=[seconds],
    )


def timed_judgement(student: Student, text: str) -> tuple[Judgement, float]:
    """Return a judgement and its seconds of one core, without the collector's pauses, nobody's in particular.

    Processor time, not the clock's: on a busy machine the clock measures the neighbours.
    """
    gc.disable()
    began = time.thread_time()
    judgement = student.judge(text)
    seconds = time.thread_time() - began
    gc.enable()
    return judgement, seconds


def refused_share(student: Student, known: Sequence[Judgement], untaught: Sequence[str]) -> float:
    """Return the share of untaught questions below the probability that 95 % of the taught ones reach."""
    bar = float(np.quantile([each.probability for each in known], 1 - KEPT_OF_KNOWN))
    return float(np.mean([student.judge(text).probability < bar for text in untaught]))


def add(total: Tried, one: Tried) -> None:
    """Add one part's judgements."""
    total.rows += one.rows
    total.judgements += one.judgements
    total.is_new += one.is_new
    total.seconds += one.seconds
    total.refused += one.refused
    total.training_seconds += one.training_seconds
    total.megabytes = max(total.megabytes, one.megabytes)


def line(name: str, tried: Tried) -> list[str]:
    """Return a set's row of the table."""
    figures = tried.figures
    right = np.array([mine.intent == row.intent for mine, row in zip(tried.judgements, tried.rows, strict=True)])
    new = np.array(tried.is_new)
    return [
        name,
        f"{figures.rows:,}",
        f"{figures.accuracy:.1%}",
        f"{right[new].mean():.1%}",
        f"{figures.coverage:.1%}",
        f"{figures.precision or 0:.1%}",
        f"{best_coverage(np.array([each.probability for each in tried.judgements]), right):.1%}",
        f"{figures.calibration_error:.1%}",
        f"{np.mean(tried.refused):.1%}" if tried.refused else "-",
        f"{percentile(tried.seconds, 0.5) * 1000:.2f}",
        f"{percentile(tried.seconds, 0.99) * 1000:.2f}",
        f"{tried.megabytes:.1f}",
        f"{np.mean(tried.training_seconds):.0f}",
    ]


def best_coverage(probabilities: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return how much could be covered at 97 % precision if the bar were set on these very rows."""
    order = np.argsort(-probabilities)
    precise = np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= PRECISION
    return float((np.flatnonzero(precise).max() + 1) / len(order)) if precise.any() else 0.0


def checks(source: Source, tried: Tried) -> list[Checked]:
    """Return the figures that have limits."""
    slowest = percentile(tried.seconds, 0.99) * 1000
    return [
        at_least(f"{source.name}: right", tried.figures.accuracy * 100, limit=source.right, unit="%"),
        at_most(f"{source.name}: judging, p99", slowest, limit=LIMIT_MS, unit="ms"),
    ]


if __name__ == "__main__":
    main()
