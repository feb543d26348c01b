"""Texts as sparse vectors over a vocabulary of grams: term frequency, rarity, unit length. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conversations.answers.student.grams import WORDS_FROM, Keys, Places, counted, keys_of

Floats = NDArray[np.floating[Any]]
MIN_GROUPS: Final = 2
"""A gram that a single customer used is never kept: neither a name nor an address gets into an artefact."""
MAX_GRAMS: Final = 120_000


@dataclass(frozen=True, slots=True)
class Vector:
    """A text: places in the vocabulary, their weights, and how much of the text the vocabulary knows (0 to 1)."""

    places: Places
    weights: Floats
    known: float


@dataclass(frozen=True)
class Vocabulary:
    """The keys of the grams that count, in order, and how rare each is."""

    keys: Keys
    rarity: Floats

    def vector(self, text: str) -> Vector:
        """Return a text as this vocabulary sees it. Characters and words have unit length each."""
        keys, times = counted(keys_of(text))
        places = np.minimum(self.keys.searchsorted(keys), len(self.keys) - 1)
        is_known = self.keys[places] == keys
        places = places[is_known]
        weights = (1 + np.log(times[is_known], dtype=np.float32)) * self.rarity[places]
        words_from, known_words_from = keys.searchsorted(WORDS_FROM), places.searchsorted(self._words_from)
        for part in (slice(known_words_from), slice(known_words_from, None)):
            weights[part] /= np.sqrt(weights[part] @ weights[part]) or 1
        return Vector(places, weights, float(known_words_from / (words_from or 1)))

    @cached_property
    def _words_from(self) -> np.intp:
        return self.keys.searchsorted(WORDS_FROM)


def learn_vocabulary(texts: Sequence[str], *, groups: Sequence[object]) -> Vocabulary:
    """Return the grams that at least two groups (customers) used; of too many, those of most texts."""
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    found = [counted(keys_of(text))[0] for text in texts]
    owners = np.repeat([numbers[group] for group in groups], [len(keys) for keys in found])
    every = np.concatenate(found) if found else np.zeros(0, np.uint64)
    order = np.argsort(every, kind="stable")
    keys, times = counted(every)
    if not len(keys):
        return Vocabulary(keys, np.zeros(0, np.float32))
    firsts, owners = np.cumsum(times) - times, owners[order]
    is_shared = np.minimum.reduceat(owners, firsts) != np.maximum.reduceat(owners, firsts)
    keys, times = keys[is_shared], times[is_shared]
    kept = np.sort(np.lexsort((keys, -times))[:MAX_GRAMS])
    rarity = np.log((1 + len(texts)) / (1 + times[kept])) + 1
    return Vocabulary(keys[kept], rarity.astype(np.float32))
