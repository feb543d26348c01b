"""Training a student: all readings, then what can be said of their certainty, learnt on texts held back. No database.

Takes scikit-learn and some minutes of one processor for 10,000 rows, so it never runs in a process that serves
customers (`manage.py distill`). The same rows give the same student.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from conversations.answers.encoders import Encoder
from conversations.answers.student.certainty import Held, calibrate
from conversations.answers.student.net import Lesson, Net
from conversations.answers.student.reading import (
    FLAGS,
    Calibration,
    Marks,
    Sense,
    Student,
    Weights,
    in_steps,
    marks_of,
)
from conversations.answers.student.rows import MAX_ROWS, Labelled
from conversations.answers.student.sensing import encoded
from conversations.answers.student.vectors import Floats, Vocabulary, learn_vocabulary

FOLDS: Final = 5
STRANGE_FOLDS: Final = 4
"""How many times some intents are left out, to learn what a text of no known intent looks like."""
NETS: Final = 2
SEED: Final = 7
SLACK: Final = 1.0
FLAG_SLACK: Final = 10.0
MIN_ROWS: Final = 30
MIN_ROWS_OF_INTENT: Final = 3
NEVER_SET: Final = -12.0
GRAM_READINGS: Final = 2
UNCALIBRATED: Final = Calibration((), (), 0.0, 0.0, 0.0)

Places = NDArray[np.intp]


class TooLittleError(ValueError):
    """There is not enough to learn from."""


@dataclass(frozen=True)
class Options:
    """What a training may do otherwise: the precision of what it is sure of, and how many nets are averaged."""

    precision: float = 0.97
    nets: int = NETS
    folds: int = FOLDS


@dataclass(frozen=True)
class Course:
    """Rows made ready for training."""

    rows: Sequence[Labelled]
    intents: tuple[str, ...]
    vocabulary: Vocabulary
    vectors: csr_matrix
    known: Floats
    labels: Places
    flags: NDArray[np.bool_]
    counts: Floats
    encoder: str = ""
    embedded: Floats | None = None


def train(rows: Sequence[Labelled], *, options: Options | None = None, encoder: Encoder | None = None) -> Student:
    """Return a student of these rows. Raises TooLittleError, EncoderAwayError.

    Intents with fewer than three rows are left out: the student will not know them, and says so. With an encoder it
    learns to read that encoder's vectors as well.
    """
    chosen = options or Options()
    course = prepare(enough(rows), encoder=encoder)
    everything = np.arange(len(course.rows))
    weights = fit(course, everything, nets=chosen.nets)
    held = [held_back(course, part, nets=1) for part in fold_parts(course, folds=chosen.folds)]
    strange = [held_back(course, part, nets=1) for part in strange_parts(course)]
    plain = [[each.only(GRAM_READINGS) for each in those] for those in (held, strange)]
    calibration = calibrate(plain[0], strange=plain[1], precision=chosen.precision)
    sense = fit_sense(course, everything)
    if sense is not None:
        sense = replace(sense, calibration=calibrate(held, strange=strange, precision=chosen.precision))
    return Student(course.intents, course.vocabulary, weights, calibration, sense)


def enough(rows: Sequence[Labelled]) -> list[Labelled]:
    """Return the rows of intents that can be learnt, the newest of too many. Raises TooLittleError."""
    rows = rows[-MAX_ROWS:]
    sizes = Counter(row.intent for row in rows)
    kept = [row for row in rows if sizes[row.intent] >= MIN_ROWS_OF_INTENT]
    if len(kept) < MIN_ROWS or len({row.intent for row in kept}) < len("ab"):
        raise TooLittleError(f"{len(kept)} rows to learn from; needed: {MIN_ROWS} rows of 2 intents")
    return kept


def prepare(rows: Sequence[Labelled], *, encoder: Encoder | None = None) -> Course:
    """Return the rows as numbers."""
    intents = tuple(sorted({row.intent for row in rows}))
    place = {intent: index for index, intent in enumerate(intents)}
    texts = [row.text for row in rows]
    # A row without a group is a customer of its own.
    groups = [row.group or str(index) for index, row in enumerate(rows)]
    vocabulary = learn_vocabulary(texts, groups=groups)
    if not len(vocabulary.keys):
        raise TooLittleError("no two customers used the same words")
    vectors, known = vectors_of(vocabulary, texts)
    return Course(
        rows=rows,
        intents=intents,
        vocabulary=vocabulary,
        vectors=vectors,
        known=known,
        labels=np.array([place[row.intent] for row in rows], np.intp),
        flags=np.array([(row.action_required, row.escalate) for row in rows], np.bool_),
        counts=np.array([row.count for row in rows], np.float32),
        encoder=encoder.name if encoder else "",
        embedded=encoded(encoder, texts) if encoder else None,
    )


def vectors_of(vocabulary: Vocabulary, texts: Sequence[str]) -> tuple[csr_matrix, Floats]:
    """Return the texts as rows of a sparse matrix, and how much of each the vocabulary knows."""
    vectors = [vocabulary.vector(text) for text in texts]
    ends = np.cumsum([0, *(len(vector.places) for vector in vectors)])
    data = np.concatenate([vector.weights for vector in vectors])
    places = np.concatenate([vector.places for vector in vectors])
    matrix = csr_matrix((data, places, ends), shape=(len(texts), len(vocabulary.keys)), dtype=np.float32)
    return matrix, np.array([vector.known for vector in vectors], np.float32)


def fit(course: Course, rows: Places, *, nets: int) -> Weights:
    """Learn both readings of grams, and both flags, from these rows.

    Intents that none of them has get marks that never win.
    """
    table, bias = linear_reading(course, rows)
    flag_table, flag_bias = flag_reading(course, rows)
    lesson = Lesson(course.vectors[rows], course.labels[rows], course.counts[rows])
    learnt = [learn_net(lesson, intents=len(course.intents), seed=SEED + number) for number in range(nets)]
    whole, steps = in_steps(np.hstack((table, flag_table, *(net.table.value for net in learnt))))
    return Weights(
        table=whole,
        steps=steps,
        bias=np.concatenate((bias, flag_bias, *(net.bias.value for net in learnt))).astype(np.float32),
        output=np.vstack([net.output.value / nets for net in learnt]),
        output_bias=np.mean([net.output_bias.value for net in learnt], axis=0, dtype=np.float32),
    )


def fit_sense(course: Course, rows: Places) -> Sense | None:
    """Learn to read vectors from these rows; None where there are none. It isn't calibrated yet."""
    if course.embedded is None:
        return None
    lesson = Lesson(course.embedded[rows], course.labels[rows], course.counts[rows])
    net = learn_net(lesson, intents=len(course.intents), seed=SEED)
    return Sense(course.encoder, net.table.value, net.bias.value, net.output.value, net.output_bias.value, UNCALIBRATED)


def learn_net(lesson: Lesson, *, intents: int, seed: int) -> Net:
    """Return a net that learnt the lesson."""
    net = Net(lesson, intents=intents, seed=seed)
    net.learn()
    return net


def linear_reading(course: Course, rows: Places) -> tuple[Floats, Floats]:
    """Return the table and bias of a linear classifier, each intent against all others."""
    model = LinearSVC(C=SLACK, random_state=SEED)
    model.fit(course.vectors[rows], course.labels[rows], sample_weight=course.counts[rows])
    coefficients, bias = model.coef_, model.intercept_
    if len(model.classes_) == len("ab"):
        coefficients, bias = np.vstack((-coefficients, coefficients)), np.concatenate((-bias, bias))
    table = np.zeros((course.vectors.shape[1], len(course.intents)), np.float32)
    full_bias = np.full(len(course.intents), -1, np.float32)
    table[:, model.classes_], full_bias[model.classes_] = coefficients.T, bias
    return table, full_bias


def flag_reading(course: Course, rows: Places) -> tuple[Floats, Floats]:
    """Return the table and bias of both flags; one that is never set in these rows gets marks that never set it."""
    table = np.zeros((course.vectors.shape[1], FLAGS), np.float32)
    bias = np.zeros(FLAGS, np.float32)
    for column in range(FLAGS):
        wanted = course.flags[rows, column]
        if wanted.all() or not wanted.any():
            bias[column] = -NEVER_SET if wanted.any() else NEVER_SET
            continue
        model = LogisticRegression(C=FLAG_SLACK, max_iter=200)
        model.fit(course.vectors[rows], wanted, sample_weight=course.counts[rows])
        table[:, column], bias[column] = model.coef_[0], model.intercept_[0]
    return table, bias


def fold_parts(course: Course, *, folds: int) -> list[Places]:
    """Return the rows in parts, each customer's in one, each intent's spread evenly."""
    turn: Counter[int] = Counter()
    part_of: dict[str, int] = {}
    parts = np.empty(len(course.rows), np.intp)
    for index in np.random.default_rng(SEED).permutation(len(course.rows)):
        label = int(course.labels[index])
        group = course.rows[index].group or str(index)
        if group not in part_of:
            part_of[group] = turn[label] % folds
            turn[label] += 1
        parts[index] = part_of[group]
    found = (np.flatnonzero(parts == number) for number in range(folds))
    return [part for part in found if len(part) and is_teachable(course, part)]


def strange_parts(course: Course) -> list[Places]:
    """Return parts that hold all rows of some intents."""
    count = min(STRANGE_FOLDS, len(course.intents))
    found = (np.flatnonzero(course.labels % count == number) for number in range(count))
    return [part for part in found if is_teachable(course, part)]


def is_teachable(course: Course, part: Places) -> bool:
    """Whether two intents are left to learn where this part is held back."""
    rest = np.delete(course.labels, part)
    return len(np.unique(rest)) > 1


def held_back(course: Course, part: Places, *, nets: int) -> Held:
    """Learn from the other rows; return what that makes of these."""
    rest = np.delete(np.arange(len(course.rows)), part)
    marks = read(course, fit(course, rest, nets=nets), part)
    sense = fit_sense(course, rest)
    if sense is not None and course.embedded is not None:
        marks = replace(marks, readings=(*marks.readings, sense.read(course.embedded[part])))
    return Held(marks, known=course.known[part], labels=course.labels[part], flags=course.flags[part])


def read(course: Course, weights: Weights, rows: Places) -> Marks:
    """Return both readings of these rows' grams."""
    sums = (course.vectors[rows] @ weights.table.astype(np.float32)) * weights.steps
    return marks_of(weights, sums, intents=len(course.intents))
