"""Rows, vectors and a student for the benches of known answers. The student here may see vectors too."""

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from conversations.answers.encoders import Vectors
from conversations.answers.encoders.hashed import HashedEncoder
from conversations.answers.encoders.local import LocalEncoder

SHARPNESS: Final = 4.0
VECTOR_WEIGHT: Final = 2.0
COST: Final = 0.5
HASHED: Final = "hashed"
LENGTHS: Final = ((1, 22, 0.5), (23, 66, 0.45), (67, 107, 0.04), (108, 251, 0.01))
"""Ranges of characters of truevoice's test rows, and which share of the rows each has."""
ALIKE: Final = 1450
SEED: Final = 11

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Questions, each with the label that stands for "the same answer", and their vectors."""

    name: str
    texts: list[str]
    labels: Places
    names: list[str]
    vectors: Vectors
    encoder: str

    @property
    def has_meaning(self) -> bool:
        """Whether the vectors hold more than the characters."""
        return self.encoder != HASHED


def read_rows(path: Path, *, columns: Sequence[str], vectors: Path | None, encoder: str) -> Rows:
    """Return a CSV's rows; without vectors, hashed n-grams'."""
    texts, labels = columns_of(path, columns)
    found = np.load(vectors).astype(np.float32) if vectors else HashedEncoder().encode(texts)
    return rows_of(path.stem, texts, labels, vectors=found, encoder=encoder)


def both_rows(known: Path, asked: Path, *, columns: Sequence[str], encoder: Path | None) -> tuple[Rows, int]:
    """Return the rows of two CSVs, one after the other, and how many of them are the first's."""
    texts, labels = columns_of(known, columns)
    others, their_labels = columns_of(asked, columns)
    everything = [*texts, *others]
    vectors = (LocalEncoder(encoder) if encoder else HashedEncoder()).encode(everything)
    name = encoder.name if encoder else HASHED
    return rows_of(asked.stem, everything, [*labels, *their_labels], vectors=vectors, encoder=name), len(texts)


def columns_of(path: Path, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return a CSV's texts and labels."""
    with path.open(encoding="utf-8") as lines:
        read = list(csv.DictReader(lines))
    return [row["text"] for row in read], ["/".join(row[column] for column in columns) for row in read]


def rows_of(name: str, texts: list[str], labels: Sequence[str], *, vectors: Vectors, encoder: str) -> Rows:
    """Return rows, each label a number."""
    names, numbers = np.unique(labels, return_inverse=True)
    return Rows(name, texts, numbers.astype(np.int64), list(map(str, names)), vectors, encoder)


def part_of(rows: Rows, places: Places) -> Rows:
    """Return some of the rows, in their order."""
    texts = [rows.texts[place] for place in places]
    return replace(rows, texts=texts, labels=rows.labels[places], vectors=rows.vectors[places])


def like_test_rows(texts: Sequence[str], *, count: int = ALIKE) -> Places:
    """Return places of rows whose lengths and repeats are like those of truevoice's test rows (records, section 4).

    Of each range of lengths its share of rows. Within a range, texts that come more than once are drawn first, each
    with all its rows, then those that come once, until it is full; with `count` rows 38 % are repeats, as there. The
    rows stay in the file's order; labels are not looked at.
    """
    places_of: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        places_of.setdefault(text.casefold(), []).append(place)
    taken: list[int] = []
    for low, high, share in LENGTHS:
        inside = [places for text, places in places_of.items() if low <= len(text) <= high]
        room = round(count * share)
        random.Random(SEED).shuffle(inside)
        for places in sorted(inside, key=lambda each: len(each) == 1):
            if len(places) <= room:
                taken += places
                room -= len(places)
    return np.array(sorted(taken), dtype=np.int64)


class BenchStudent:
    """Linear SVC over character and word n-grams, and over the vectors where they carry meaning."""

    def __init__(self, rows: Rows, places: Places, *, sees_vectors: bool) -> None:
        self._rows = rows
        self._sees_vectors = sees_vectors
        is_thai = any("\u0e01" <= sign <= "\u0e5b" for sign in rows.texts[0])
        chars = {"analyzer": "char" if is_thai else "char_wb", "ngram_range": (1, 5), "min_df": 2, "sublinear_tf": True}
        words = {"analyzer": "word", "ngram_range": (1, 2), "sublinear_tf": True}
        texts = [rows.texts[place] for place in places]
        self._counters: list[Any] = [TfidfVectorizer(**each).fit(texts) for each in (chars, words)]
        self._centre = rows.vectors[places].mean(axis=0)
        self._model = LinearSVC(C=COST, random_state=SEED).fit(self._features(places), rows.labels[places])

    def _features(self, places: Places) -> csr_matrix:
        texts = [self._rows.texts[place] for place in places]
        parts = [counter.transform(texts) for counter in self._counters]
        if self._sees_vectors:
            moved = self._rows.vectors[places] - self._centre
            parts.append(csr_matrix(VECTOR_WEIGHT * moved / np.linalg.norm(moved, axis=1, keepdims=True)))
        return csr_matrix(hstack(parts))

    def judge(self, places: Places) -> tuple[Places, Numbers]:
        """Return each question's likeliest label and how likely."""
        scores = self._model.decision_function(self._features(places))
        weights = np.exp(SHARPNESS * (scores - scores.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        return self._model.classes_[weights.argmax(axis=1)], weights.max(axis=1)


def nearest_rows(rows: Rows, asked: Places, cached: Places, *, count: int) -> tuple[Places, Numbers]:
    """Return for each question the nearest cached ones and their cosines, nearest first, as pgvector would."""
    vectors = rows.vectors
    found_rows, found_cosines = [], []
    for start in range(0, len(asked), 500):
        cosines = vectors[asked[start : start + 500]] @ vectors[cached].T
        order = np.argpartition(-cosines, count, axis=1)[:, :count]
        values = np.take_along_axis(cosines, order, axis=1)
        sort = np.argsort(-values, axis=1)
        found_rows.append(cached[np.take_along_axis(order, sort, axis=1)])
        found_cosines.append(np.take_along_axis(values, sort, axis=1))
    return np.concatenate(found_rows), np.concatenate(found_cosines).astype(np.float64)
