"""How good a student is: right, sure, calibrated, quick; and what it makes of questions that it wasn't taught.

    python -m bench.student --data DIRECTORY [--only banking77] [--folds 3] [--records] [--vectors DIRECTORY]
    python -m bench.student --train train.csv --test test.csv --column label [--model FOLDER]

The first form splits each file in ten parts of equal make-up (a fixed seed), trains on nine and examines on the tenth,
so many times. The second is for those who have an official test file. `--records` fits the published records' methods
on the same rows. With an encoder the student is examined twice, without and with vectors: `--vectors` has them ready,
banking77.npy and so on, a row for each of the file's; `--model` is a folder as CSBOT_EMBEDDINGS takes it. Files:
banking77_train.csv, truevoice_train.csv, clinc150_part_a.jsonl, as their publishers give them.
"""

import argparse
import csv
import gc
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bench import student_records as records
from bench.figures import Checked, at_least, at_most, percentile, table

# Before numpy comes: one core is what is promised.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from conversations.answers.encoders.base import Encoder, Vectors
from conversations.answers.encoders.local import LocalEncoder
from conversations.answers.student.artefact import from_artefact, to_artefact
from conversations.answers.student.examining import Examination, figures_of
from conversations.answers.student.reading import Embedding, Judgement, Student
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
    right_with_vectors: float = 0.0


SOURCES: Final = (
    Source("banking77", "banking77_train.csv", "label", 92.0, right_with_vectors=94.1),
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
    records: dict[str, list[bool]] = field(default_factory=dict)
    """For each record's method, which rows it had right."""

    @property
    def figures(self) -> Examination:
        """How the judgements compare with the labels."""
        return figures_of(self.judgements, self.rows, milliseconds=[second * 1000 for second in self.seconds])

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which rows were judged right."""
        return np.array([mine.intent == row.intent for mine, row in zip(self.judgements, self.rows, strict=True)])


@dataclass
class Ready:
    """An encoder whose vectors were made before."""

    vectors: dict[str, NDArray[np.float32]]
    dimensions: int
    name: str = "ready"
    is_quick: bool = True

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return a row for each text."""
        return np.stack([self.vectors[text] for text in texts])

    def unknown_share(self, text: str) -> float:
        """Return 0 for what there is a vector of, else 1."""
        return float(text not in self.vectors)


@dataclass(frozen=True)
class Task:
    """What is asked of a run beside the student's own figures."""

    name: str
    encoder: Encoder | None = None
    with_records: bool = False
    untaught: Sequence[str] = ()


Both = dict[str, Tried]
"""What was found without vectors, and with them if there are any."""


def main() -> None:
    """Train, examine, print; exit with 1 where a limit is missed."""
    given = arguments().parse_args()
    tried: Both = {}
    if given.train and given.test:
        task = Task(given.test.stem, LocalEncoder(given.model) if given.model else None, with_records=given.records)
        tried = try_on(task, read(given.train, given.column), read(given.test, given.column))
    elif given.data:
        for source in SOURCES:
            if source.name in given.only:
                tried |= try_source(source, given)
    else:
        arguments().error("--data, or --train and --test")
    report(tried)


def arguments() -> argparse.ArgumentParser:
    """Return what may be asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="+", default=[source.name for source in SOURCES])
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--records", action="store_true")
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--column", default="label")
    parser.add_argument("--model", type=Path)
    return parser


def report(tried: Both) -> None:
    """Print the tables and the limits."""
    print(table(HEADERS, [line(name, one) for name, one in tried.items()]), end="\n\n")
    beside = [row for name, one in tried.items() for row in records.lines(name, one.records, one.right)]
    if beside:
        print(table(records.HEADERS, beside), end="\n\n")
    limits = [check for source in SOURCES if source.name in tried for check in checks(source, tried)]
    print(table(("figure", "measured", "limit", ""), [check.cells() for check in limits]))
    sys.exit(0 if all(check.is_kept for check in limits) else 1)


def read(path: Path, column: str) -> list[Labelled]:
    """Return a file's rows."""
    with path.open(encoding="utf-8") as lines:
        rows = map(json.loads, lines) if path.suffix == ".jsonl" else csv.DictReader(lines)
        return [Labelled(row["text"], row[column]) for row in rows]


def try_source(source: Source, given: argparse.Namespace) -> Both:
    """Train and examine on a file's parts."""
    everything = read(given.data / source.file, source.column)
    rows = [row for row in everything if row.intent != OUT_OF_SCOPE]
    untaught = [row.text for row in everything if row.intent == OUT_OF_SCOPE]
    encoder = ready(given.vectors / f"{source.name}.npy", everything) if given.vectors else None
    task = Task(source.name, encoder, with_records=given.records, untaught=untaught)
    total: Both = {}
    for learnt, held in parts(rows, folds=given.folds):
        for name, one in try_on(task, learnt, held).items():
            add(total.setdefault(name, Tried()), one)
            figures = total[name].figures
            print(f"{name}: {figures.accuracy:.1%} of {figures.rows}", file=sys.stderr, flush=True)
    return total


def ready(path: Path, rows: Sequence[Labelled]) -> Encoder | None:
    """Return the vectors of a file's rows as an encoder; None where there are none."""
    if not path.is_file():
        return None
    vectors = np.load(path)
    return Ready({row.text: vector for row, vector in zip(rows, vectors, strict=True)}, dimensions=vectors.shape[1])


def parts(rows: Sequence[Labelled], *, folds: int) -> Iterator[tuple[list[Labelled], list[Labelled]]]:
    """Return what to learn from and what to examine on, so many times."""
    splitter = StratifiedKFold(PARTS, shuffle=True, random_state=SEED)
    splits = splitter.split(np.zeros(len(rows)), [row.intent for row in rows])
    for _number, (learnt, held) in zip(range(folds), splits, strict=False):
        yield [rows[index] for index in learnt], [rows[index] for index in held]


def try_on(task: Task, learnt: Sequence[Labelled], held: Sequence[Labelled]) -> Both:
    """Train on some rows, examine on others, as stored and loaded again: without vectors, then with them."""
    began = time.perf_counter()
    data = to_artefact(train(learnt, encoder=task.encoder))
    seconds = time.perf_counter() - began
    student = from_artefact(data)
    seen = {row.text for row in learnt}
    is_new = [row.text not in seen for row in held]
    tried = Tried(is_new=is_new, megabytes=len(data) / 1e6, training_seconds=[seconds])
    both = {task.name: tried, f"{task.name}, vectors": replace(tried)} if task.encoder else {task.name: tried}
    for one, encoder in zip(both.values(), (None, task.encoder), strict=False):
        judge_all(one, student, held, encoder=encoder)
        if task.untaught:
            one.refused = [refused_share(student, one.judgements, embedded(task.untaught, encoder))]
        if task.with_records:
            one.records = records.right_of(task.name, learnt, held, encoder=encoder)
    return both


def judge_all(tried: Tried, student: Student, held: Sequence[Labelled], *, encoder: Encoder | None) -> None:
    """Judge the rows that were held back."""
    timed = [timed_judgement(student, *each) for each in embedded([row.text for row in held], encoder)]
    tried.rows = list(held)
    tried.judgements = [judgement for judgement, _seconds in timed]
    tried.seconds = [second for _judgement, second in timed]


Asked = tuple[str, Embedding | None]


def embedded(texts: Sequence[str], encoder: Encoder | None) -> list[Asked]:
    """Return the texts, each with its vector if there is an encoder."""
    if encoder is None:
        return [(text, None) for text in texts]
    vectors = encoder.encode(texts)
    return [(text, Embedding(encoder.name, vector)) for text, vector in zip(texts, vectors, strict=True)]


def timed_judgement(student: Student, text: str, embedding: Embedding | None) -> tuple[Judgement, float]:
    """Return a judgement and its seconds of one core, without the collector's pauses, nobody's in particular.

    Processor time, not the clock's: on a busy machine the clock measures the neighbours.
    """
    gc.disable()
    began = time.thread_time()
    judgement = student.judge(text, embedding)
    seconds = time.thread_time() - began
    gc.enable()
    return judgement, seconds


def refused_share(student: Student, known: Sequence[Judgement], untaught: Sequence[Asked]) -> float:
    """Return the share of untaught questions below the probability that 95 % of the taught ones reach."""
    bar = float(np.quantile([each.probability for each in known], 1 - KEPT_OF_KNOWN))
    return float(np.mean([student.judge(*each).probability < bar for each in untaught]))


def add(total: Tried, one: Tried) -> None:
    """Add one part's judgements."""
    total.rows += one.rows
    total.judgements += one.judgements
    total.is_new += one.is_new
    total.seconds += one.seconds
    total.refused += one.refused
    total.training_seconds += one.training_seconds
    for method, right in one.records.items():
        total.records.setdefault(method, []).extend(right)
    total.megabytes = max(total.megabytes, one.megabytes)


def line(name: str, tried: Tried) -> list[str]:
    """Return a set's row of the table."""
    figures = tried.figures
    right = tried.right
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


def checks(source: Source, tried: Both) -> list[Checked]:
    """Return the figures that have limits."""
    alone, told = tried[source.name], tried.get(f"{source.name}, vectors")
    found = [
        at_least(f"{source.name}: right", alone.figures.accuracy * 100, limit=source.right, unit="%"),
        at_most(f"{source.name}: judging, p99", percentile(alone.seconds, 0.99) * 1000, limit=LIMIT_MS, unit="ms"),
    ]
    if told and source.right_with_vectors:
        share = told.figures.accuracy * 100
        found.append(at_least(f"{source.name}, vectors: right", share, limit=source.right_with_vectors, unit="%"))
    return found


if __name__ == "__main__":
    main()
