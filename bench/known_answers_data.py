"""Rows, vectors and a student for the benches of known answers. The student here may see vectors too."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from conversations.answers.encoders import Vectors
from conversations.answers.encoders.hashed import HashedEncoder

SHARPNESS: Final = 4.0
VECTOR_WEIGHT: Final = 2.0
COST: Final = 0.5

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

    def centred(self) -> Vectors:
        """Return the vectors with their common direction taken away, of length 1."""
        moved = self.vectors - self.vectors.mean(axis=0)
        scaled: Vectors = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        return scaled


def read_rows(path: Path, *, columns: Sequence[str], vectors: Path | None, encoder: str) -> Rows:
    """Return a CSV's rows; without vectors, hashed n-grams'."""
    with path.open(encoding="utf-8") as lines:
        read = list(csv.DictReader(lines))
    texts = [row["text"] for row in read]
    names, labels = np.unique(["/".join(row[column] for column in columns) for row in read], return_inverse=True)
    found = np.load(vectors).astype(np.float32) if vectors else HashedEncoder().encode(texts)
    return Rows(path.stem, texts, labels.astype(np.int64), list(map(str, names)), found, encoder)


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
        self._vectors = rows.centred()
        self._model = LinearSVC(C=COST).fit(self._features(places), rows.labels[places])

    def _features(self, places: Places) -> csr_matrix:
        texts = [self._rows.texts[place] for place in places]
        parts = [counter.transform(texts) for counter in self._counters]
        if self._sees_vectors:
            parts.append(csr_matrix(VECTOR_WEIGHT * self._vectors[places]))
        return csr_matrix(hstack(parts))

    def judge(self, places: Places) -> tuple[Places, Numbers]:
        """Return each question's likeliest label and how likely."""
        scores = self._model.decision_function(self._features(places))
        weights = np.exp(SHARPNESS * (scores - scores.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        return self._model.classes_[weights.argmax(axis=1)], weights.max(axis=1)


def nearest_rows(rows: Rows, asked: Places, cached: Places, *, count: int) -> tuple[Places, Numbers]:
    """Return for each question the nearest cached ones and their cosines, nearest first."""
    vectors = rows.centred() if rows.encoder != "hashed" else rows.vectors
    found_rows, found_cosines = [], []
    for start in range(0, len(asked), 500):
        cosines = vectors[asked[start : start + 500]] @ vectors[cached].T
        order = np.argpartition(-cosines, count, axis=1)[:, :count]
        values = np.take_along_axis(cosines, order, axis=1)
        sort = np.argsort(-values, axis=1)
        found_rows.append(cached[np.take_along_axis(order, sort, axis=1)])
        found_cosines.append(np.take_along_axis(values, sort, axis=1))
    return np.concatenate(found_rows), np.concatenate(found_cosines).astype(np.float64)
