"""Texts as sparse vectors over a vocabulary of grams: term frequency, rarity, unit length. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conversations.answers.student.grams import grams_of

Floats = NDArray[np.floating[Any]]
MIN_GROUPS: Final = 2
"""A gram that a single customer used is never kept: neither a name nor an address gets into an artefact."""
MAX_GRAMS: Final = 120_000
UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Vector:
    """A text: places in the vocabulary, their weights, and how much of the text the vocabulary knows (0 to 1)."""

    places: NDArray[np.intp]
    weights: Floats
    known: float


@dataclass(frozen=True)
class Vocabulary:
    """The grams that count, and how rare each is."""

    grams: tuple[str, ...]
    rarity: Floats

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each gram stands."""
        return {gram: place for place, gram in enumerate(self.grams)}

    def vector(self, text: str) -> Vector:
        """Return a text as this vocabulary sees it. Characters and words have unit length each."""
        characters, words = grams_of(text)
        parts = [self._part(counts) for counts in (characters, words)]
        places, weights = (np.concatenate(each) for each in zip(*parts, strict=True))
        known = len(parts[0][0]) / (len(characters) or 1)
        return Vector(places, weights, known)

    def _part(self, counts: Counter[str]) -> tuple[NDArray[np.intp], Floats]:
        size = len(counts)
        places = np.fromiter(map(self.places.get, counts, repeat(UNKNOWN)), np.intp, size)
        times = np.fromiter(counts.values(), np.float32, size)
        is_known = places != UNKNOWN
        places, times = places[is_known], times[is_known]
        weights = (1 + np.log(times)) * self.rarity[places]
        return places, weights / np.sqrt(weights @ weights) if len(weights) else weights


def learn_vocabulary(texts: Sequence[str], *, groups: Sequence[object]) -> Vocabulary:
    """Return the grams that at least two groups (customers) used; of too many, those of most groups."""
    used_by: dict[str, set[object]] = {}
    times: Counter[str] = Counter()
    for text, group in zip(texts, groups, strict=True):
        for gram in chain(*grams_of(text)):
            times[gram] += 1
            by = used_by.setdefault(gram, set())
            if len(by) < MIN_GROUPS:
                by.add(group)
    shared = (gram for gram, by in used_by.items() if len(by) >= MIN_GROUPS)
    kept = sorted(shared, key=lambda gram: (-times[gram], gram))[:MAX_GRAMS]
    counts = np.array([times[gram] for gram in kept], np.float32)
    rarity = np.log((1 + len(texts)) / (1 + counts)) + 1
    return Vocabulary(tuple(kept), rarity.astype(np.float32))


def to_bytes(grams: Iterable[str]) -> NDArray[Any]:
    """Return grams as one array of bytes. None holds a line's end: texts are folded before they are cut."""
    return np.frombuffer("\n".join(grams).encode("utf-8", "surrogatepass"), np.uint8)


def from_bytes(data: NDArray[Any]) -> tuple[str, ...]:
    """Return the grams again."""
    return tuple(data.tobytes().decode("utf-8", "surrogatepass").split("\n"))
