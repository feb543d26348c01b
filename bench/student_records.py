"""The published records' own methods, on the rows that the student is examined on: so that figures of a part of the
training file, some of whose labels are wrong, can be read beside those of a test file that isn't here.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from conversations.answers.encoders.base import Encoder
from conversations.answers.student.rows import Labelled

Judged = NDArray[np.str_]

LOGISTIC: Final = "logistic regression, characters"
SUPPORT: Final = "linear SVC, characters, words, vectors"
ON_TEST: Final[Mapping[tuple[str, str], float]] = {
    ("banking77", LOGISTIC): 91.2,
    ("banking77, vectors", SUPPORT): 94.1,
    ("truevoice", LOGISTIC): 84.6,
}
"""Per cent right on the official test files, as published in shared/facts/records.md, 3.1."""
HEADERS: Final = ("set", "the record's method", "right % on its test", "right % here", "student % here", "won : lost")


def characters(name: str) -> TfidfVectorizer:
    """Return the records' features: Thai has no spaces to stop at."""
    return TfidfVectorizer(
        analyzer="char" if name == "truevoice" else "char_wb", ngram_range=(1, 5), sublinear_tf=True, dtype=np.float32
    )


def by_logistic(name: str, learnt: Sequence[Labelled], held: Sequence[Labelled], _encoder: Encoder | None) -> Judged:
    """Return what TF-IDF of one to five characters and logistic regression (C=20) say."""
    features = characters(name)
    model = LogisticRegression(C=20, max_iter=200)
    model.fit(features.fit_transform([row.text for row in learnt]), [row.intent for row in learnt])
    return np.asarray(model.predict(features.transform([row.text for row in held])))


def by_support(name: str, learnt: Sequence[Labelled], held: Sequence[Labelled], encoder: Encoder | None) -> Judged:
    """Return what a linear SVC of characters, words and (with an encoder) vectors says."""
    parts = [characters(name), TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)]
    texts = [[row.text for row in rows] for rows in (learnt, held)]
    features = [
        hstack([part.fit_transform(texts[0]) for part in parts]),
        hstack([p.transform(texts[1]) for p in parts]),
    ]
    if encoder is not None:
        features = [
            hstack((matrix, csr_matrix(encoder.encode(those)))) for matrix, those in zip(features, texts, strict=True)
        ]
    model = LinearSVC(C=0.5).fit(features[0].tocsr(), [row.intent for row in learnt])
    return np.asarray(model.predict(features[1].tocsr()))


def both_of(part: TfidfVectorizer, learnt: Sequence[str], held: Sequence[str]) -> tuple[csr_matrix, csr_matrix]:
    """Return a part's features of the texts to learn from, and of those held back."""
    return part.fit_transform(learnt), part.transform(held)


def right_of(
    name: str, learnt: Sequence[Labelled], held: Sequence[Labelled], *, encoder: Encoder | None
) -> dict[str, list[bool]]:
    """Return, for each method that a record of this set was made with, which rows it has right."""
    methods = {SUPPORT: by_support} if encoder else {LOGISTIC: by_logistic}
    wanted = [row.intent for row in held]
    found: dict[str, list[bool]] = {}
    for method, judge in methods.items():
        judged = judge(name, learnt, held, encoder)
        found[method] = [mine == true for mine, true in zip(judged, wanted, strict=True)]
    return found


def lines(name: str, right: Mapping[str, Sequence[bool]], student: NDArray[np.bool_]) -> list[list[str]]:
    """Return a set's rows of the table."""
    found: list[list[str]] = []
    for method, each in right.items():
        theirs = np.array(each)
        won, lost = (student & ~theirs).sum(), (theirs & ~student).sum()
        test = ON_TEST.get((name, method))
        shares = [f"{test:.1f}" if test else "-", f"{theirs.mean():.1%}", f"{student.mean():.1%}"]
        found.append([name, method, *shares, f"{won} : {lost}"])
    return found
