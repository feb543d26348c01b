"""Which examples say nearly the same, and which of those disagree. Pure: no clock, no database.

Likeness is the cosine of the pieces of 2 to 4 characters that two texts are made of, rare ones weighing more: it works
for Thai, which has no spaces between words. Case, politeness and digits don't count. It finds what is worth a look by a
person; how often it is right is measured in docs/examples.md.

All pairs of thousands are compared at once: each text's pieces are summed up in a short sketch (signed feature hashing,
Weinberger et al. 2009), a matrix product finds the pairs that may be alike, and only those are compared exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from conversations.playbook.grams import grams_of, normalise

NEAR_DUPLICATE: Final = 0.75
"""From here on two questions ask the same nine times of ten."""
ALIKE: Final = 0.65
"""From here on it is worth a look if two questions have different answers in the envelope."""
WORTH_SHOWING: Final = 0.3

SKETCH_SIZE: Final = 512
SKETCH_MARGIN: Final = 0.16
"""A sketch is off by 0.044 (one standard deviation); what is this far below the limit is not alike."""
ROWS_AT_ONCE: Final = 512
NEIGHBOURS: Final = 20
"""Of texts that are all alike (made of one template), only the nearest of each are compared."""
PAIRS_AT_ONCE: Final = 4096

Numbers = NDArray[np.int64]
Scores = NDArray[np.float64]


class Shown(Protocol):
    """What is compared: the words, and what the bot shall make of them."""

    @property
    def customer_text(self) -> str:
        """What the customer says."""

    @property
    def intent(self) -> str:
        """The intent's key."""

    @property
    def action_required(self) -> bool:
        """Whether something must be done."""

    @property
    def escalate(self) -> bool:
        """Whether a person must take over."""


FIELDS: Final = ("intent", "escalate", "action_required")


@dataclass(frozen=True, slots=True)
class Pair:
    """The places of two examples that are alike, how much (0-1), and in what they disagree."""

    first: int
    second: int
    similarity: float
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """The place of an example that is like a text, and how much (0-1)."""

    number: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Likenesses:
    """What stands out among examples, the most alike first."""

    duplicates: tuple[Pair, ...]
    contradictions: tuple[Pair, ...]


def compare(examples: Sequence[Shown]) -> Likenesses:
    """Return near-duplicates that agree, and pairs that are alike but disagree in intent or flags."""
    found = [
        Pair(first, second, similarity, disagreement(examples[first], examples[second]))
        for first, second, similarity in _Vectors([example.customer_text for example in examples]).pairs(ALIKE)
    ]
    return Likenesses(
        duplicates=tuple(pair for pair in found if not pair.fields and pair.similarity >= NEAR_DUPLICATE),
        contradictions=tuple(pair for pair in found if pair.fields),
    )


def near_duplicates(examples: Sequence[Shown]) -> tuple[Pair, ...]:
    """Return pairs of examples that say nearly the same and agree, the most alike first."""
    return compare(examples).duplicates


def contradictions(examples: Sequence[Shown]) -> tuple[Pair, ...]:
    """Return pairs of examples that are alike but have different intents or flags, the most alike first."""
    return compare(examples).contradictions


def similar_to(text: str, examples: Sequence[Shown], limit: int) -> tuple[Match, ...]:
    """Return up to `limit` examples that are like the text, the most alike first."""
    scores = _Vectors([text, *(example.customer_text for example in examples)]).cosines(0)[1:]
    order = np.argsort(-scores, kind="stable")[:limit]
    return tuple(Match(int(number), float(scores[number])) for number in order if scores[number] >= WORTH_SHOWING)


def alike(texts: Sequence[str]) -> tuple[Pair, ...]:
    """Return pairs of texts that are much alike, whatever is made of them, the most alike first."""
    return tuple(Pair(*found) for found in _Vectors(texts).pairs(ALIKE))


def disagreement(one: Shown, other: Shown) -> tuple[str, ...]:
    """Return the fields of the envelope in which two examples differ."""
    return tuple(field for field in FIELDS if getattr(one, field) != getattr(other, field))


class _Vectors:
    """Texts as sparse vectors of length 1: for each piece of a text, whose it is, which, and what it weighs."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.count = len(texts)
        pieces, owners = grams_of([_told(text) for text in texts])
        self.signs, numbers = np.unique(pieces, return_inverse=True)
        # Each piece counts once in a text, however often it stands there.
        self.keys: Numbers = np.unique(owners * max(len(self.signs), 1) + numbers.astype(np.int64))
        self.owners, self.numbers = np.divmod(self.keys, max(len(self.signs), 1))
        self.sizes: Numbers = np.bincount(self.owners, minlength=self.count)
        self.starts = np.concatenate(([0], np.cumsum(self.sizes)))
        holders = np.bincount(self.numbers, minlength=len(self.signs))
        rarity = 1 + np.log((1 + self.count) / (1 + holders))
        weights = rarity[self.numbers]
        lengths = np.sqrt(np.bincount(self.owners, weights=weights**2, minlength=self.count))
        self.weights: Scores = weights / np.maximum(lengths, 1e-12)[self.owners]

    def cosines(self, number: int) -> Scores:
        """Return the similarity of one text to each."""
        own = slice(self.starts[number], self.starts[number + 1])
        held = np.zeros(len(self.signs))
        held[self.numbers[own]] = self.weights[own]
        result: Scores = np.bincount(self.owners, weights=self.weights * held[self.numbers], minlength=self.count).clip(
            max=1.0
        )
        return result

    def pairs(self, limit: float) -> list[tuple[int, int, float]]:
        """Return all pairs that are at least this much alike, the most alike first."""
        chosen = self._candidates(limit - SKETCH_MARGIN)
        parts = [chosen[start : start + PAIRS_AT_ONCE] for start in range(0, len(chosen), PAIRS_AT_ONCE)]
        scores = np.concatenate([*(self._exactly(part) for part in parts), np.zeros(0)])
        order = [place for place in np.argsort(-scores, kind="stable") if scores[place] >= limit]
        return [(int(chosen[place, 0]), int(chosen[place, 1]), min(float(scores[place]), 1.0)) for place in order]

    def _candidates(self, limit: float) -> Numbers:
        """Return the pairs whose sketches are alike, each once, the smaller place first."""
        sketches = self._sketches()
        found = [np.zeros((0, 2), np.int64)]
        for start in range(0, self.count, ROWS_AT_ONCE):
            near = sketches[start : start + ROWS_AT_ONCE] @ sketches.T
            near[np.arange(len(near)), np.arange(start, start + len(near))] = -1.0
            rows, columns = _nearest(near, limit=limit)
            found.append(np.sort(np.stack([rows + start, columns], axis=1), axis=1))
        return np.unique(np.concatenate(found), axis=0)

    def _sketches(self) -> NDArray[np.float32]:
        """Return for each text its weights, added up with random signs in a few places."""
        places = (self.signs % np.uint64(SKETCH_SIZE)).astype(np.int64)
        turns = np.where((self.signs >> np.uint64(40)) & np.uint64(1), 1.0, -1.0)
        flat = np.bincount(
            self.owners * SKETCH_SIZE + places[self.numbers],
            weights=self.weights * turns[self.numbers],
            minlength=self.count * SKETCH_SIZE,
        )
        return flat.reshape(self.count, SKETCH_SIZE).astype(np.float32)

    def _exactly(self, pairs: Numbers) -> Scores:
        """Return the cosine of each pair: each piece of the first looked up in the second."""
        sizes = self.sizes[pairs[:, 0]]
        begins = self.starts[pairs[:, 0]] - np.concatenate(([0], np.cumsum(sizes)[:-1]))
        places = np.repeat(begins, sizes) + np.arange(int(sizes.sum()))
        wanted = np.repeat(pairs[:, 1], sizes) * len(self.signs) + self.numbers[places]
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        shared = np.where(self.keys[at] == wanted, self.weights[at] * self.weights[places], 0.0)
        whose = np.repeat(np.arange(len(pairs)), sizes)
        return np.bincount(whose, weights=shared, minlength=len(pairs)).astype(np.float64)


def _told(text: str) -> str:
    """Return what is compared of a text; nothing of one without letters or digits."""
    normal = normalise(text)
    return normal if normal.strip() else ""


def _nearest(near: NDArray[np.float32], *, limit: float) -> tuple[Numbers, Numbers]:
    """Return the rows and columns of what is above the limit; of each row the NEIGHBOURS highest at most."""
    if near.shape[1] <= NEIGHBOURS:
        rows, columns = np.nonzero(near >= limit)
        return rows, columns
    highest = np.argpartition(near, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
    rows, places = np.nonzero(np.take_along_axis(near, highest, axis=1) >= limit)
    return rows, highest[rows, places]
