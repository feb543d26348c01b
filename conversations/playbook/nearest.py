"""Finds the examples that are most like a question, by their character n-grams. Pure: no clock, no database.

BM25 (Robertson and Zaragoza 2009) over the hashed pieces of `grams`, on arrays, so that a question against hundreds of
examples takes a fraction of a millisecond and an index of thousands is built in half a second. Measured in
bench/README.md ("Selection").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from conversations.playbook.grams import grams_of, normalise

SATURATION: Final = 1.2
LENGTH_SHARE: Final = 0.75
UNSEEN_SHARE: Final = 0.3
"""What no example holds (names, typos) tells little about which one is meant, but something about whether any is."""

VOTERS: Final = 100
VOTE_POWER: Final = 3
WORTH_SHARE: Final = 0.05
"""An intent with less than this of the first one's votes is not worth an example."""
NEAR_ENOUGH: Final = 0.12
"""Below this similarity an example has only endings and particles in common with the question."""

Scores = NDArray[np.float64]


class GramIndex:
    """Texts that can be asked how much each of them is like another one."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._count = len(texts)
        grams, owners = grams_of([normalise(text) for text in texts])
        self._grams, numbers = np.unique(grams, return_inverse=True)
        pairs, times = np.unique(numbers.astype(np.int64) * max(self._count, 1) + owners, return_counts=True)
        rows, self._owners = pairs // max(self._count, 1), pairs % max(self._count, 1)
        holders = np.bincount(rows, minlength=len(self._grams))
        self._starts = np.concatenate(([0], np.cumsum(holders)))
        self._rarity = np.log((1 + self._count) / (0.5 + holders))
        self._unseen = UNSEEN_SHARE * np.log(2.0 * (1 + self._count))
        lengths = np.bincount(self._owners, weights=times, minlength=self._count)
        self._usual_length = float(lengths.mean()) if self._count else 1.0
        self._weights = self._rarity[rows] * self._saturated(times, lengths[self._owners])

    def similarities(self, text: str) -> Scores:
        """Return how much each text is like this one: 1 for the same, 0 where nothing is shared."""
        grams, times = np.unique(grams_of([normalise(text)])[0], return_counts=True)
        if not self._count or not len(grams):
            return np.zeros(self._count)
        places = np.minimum(np.searchsorted(self._grams, grams), len(self._grams) - 1)
        is_known = self._grams[places] == grams
        whole = self._weigh_whole(times, rarity=np.where(is_known, self._rarity[places], self._unseen))
        scores = self._gather(places[is_known], times[is_known])
        result: Scores = np.minimum(scores / whole, 1.0) if whole > 0 else np.zeros(self._count)
        return result

    def _gather(self, rows: NDArray[np.int64], times: NDArray[np.int64]) -> Scores:
        """Add up, for each text, the weights of the grams in these rows."""
        starts = self._starts[rows]
        sizes = self._starts[rows + 1] - starts
        total = int(sizes.sum())
        jumps = np.repeat(starts - np.concatenate(([0], np.cumsum(sizes)[:-1])), sizes) if total else np.zeros(0, int)
        places = jumps + np.arange(total)
        weights = self._weights[places] * np.repeat(times, sizes)
        scores: Scores = np.bincount(self._owners[places], weights=weights, minlength=self._count).astype(np.float64)
        return scores

    def _weigh_whole(self, times: NDArray[np.int64], *, rarity: Scores) -> float:
        """Return what a text that is the question itself would score."""
        lengths = np.full(len(times), float(times.sum()))
        return float((times * rarity * self._saturated(times, lengths)).sum())

    def _saturated(self, times: NDArray[np.int64], lengths: Scores) -> Scores:
        share = 1 - LENGTH_SHARE + LENGTH_SHARE * lengths / max(self._usual_length, 1.0)
        result: Scores = times * (SATURATION + 1) / (times + SATURATION * share)
        return result


@dataclass(frozen=True, slots=True)
class Near:
    """The place of an example that is like the question, and how much (0-1)."""

    number: int
    similarity: float


class ExampleIndex:
    """Examples with their intents, of which some are chosen for a question."""

    def __init__(self, texts: Sequence[str], intents: Sequence[str]) -> None:
        self._index = GramIndex(texts)
        self._intents = tuple(intents)

    def choose(self, question: str, *, limit: int) -> tuple[Near, ...]:
        """Return up to `limit` examples, the most similar last: what stands nearest to the question weighs most.

        The nearest one comes first; then the nearest of each other intent that the neighbours vote for (the third power
        of their similarity), so that the model sees what the question might be instead; then simply the next.
        """
        near = self._near(question)
        chosen = list(dict.fromkeys([*near[:1], *_one_of_each(near, self._intents), *near]))[:limit]
        return tuple(sorted(chosen, key=lambda each: each.similarity))

    def likely_intent(self, question: str) -> tuple[str, float]:
        """Return the intent that the nearest examples vote for, and the similarity of its nearest example."""
        near = self._near(question)
        votes = _votes(near, self._intents)
        if not votes:
            return "", 0.0
        first = max(votes, key=lambda intent: votes[intent])
        return first, next(each.similarity for each in near if self._intents[each.number] == first)

    def _near(self, question: str) -> list[Near]:
        """Return the nearest examples that are near at all, best first; of equals the earlier one."""
        scores = self._index.similarities(question)
        places = np.flatnonzero(scores >= NEAR_ENOUGH)
        order = places[np.argsort(-scores[places], kind="stable")][:VOTERS]
        return [Near(int(place), float(scores[place])) for place in order]


def _votes(near: Sequence[Near], intents: Sequence[str]) -> dict[str, float]:
    votes: dict[str, float] = {}
    for each in near:
        intent = intents[each.number]
        votes[intent] = votes.get(intent, 0.0) + each.similarity**VOTE_POWER
    return votes


def _one_of_each(near: Sequence[Near], intents: Sequence[str]) -> Iterator[Near]:
    """Yield the nearest example of each intent that is worth one, those with most votes first."""
    votes = _votes(near, intents)
    most = max(votes.values(), default=0.0)
    for intent in sorted(votes, key=lambda each: -votes[each]):
        if votes[intent] >= WORTH_SHARE * most:
            yield next(each for each in near if intents[each.number] == intent)
