"""How alike two short texts are, by their character n-grams: works for Thai, which has no spaces between words."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

SIZES = (2, 3, 4)
# What no text holds (brand names, typos) tells little about which text is meant, but something about whether any is.
UNSEEN_SHARE = 0.3
LONG_NUMBER = "00000"
SHORT_NUMBER = "0"
LONG_NUMBER_DIGITS = 6
NUMBERS = re.compile(r"\d[\d,.]*")
LONG_RUNS = re.compile(r"(.)\1{2,}")
# Polite endings say nothing about what is asked, and every Thai message has one.
PARTICLES = re.compile(r"(?:นะ)?(?:ค่ะ|คะ|ค่า|คร้าบ|ครับ|คับ|ค้าบ|จ้า|จ๊ะ|หน่อย|ด้วย)+(?=\W|$)")
NOT_WORDS = re.compile(r"[^\w\u0e00-\u0e7f]+")

Weights = dict[str, float]


def normalise(text: str) -> str:
    """Return a text with only what tells questions apart: no case, no politeness, numbers by their length only."""
    lowered = LONG_RUNS.sub(r"\1", text.lower())
    lowered = NUMBERS.sub(number_mark, lowered)
    return NOT_WORDS.sub(" ", PARTICLES.sub(" ", lowered)).strip()


def number_mark(number: re.Match[str]) -> str:
    """Return what stands for a number: an order number is unlike a price."""
    digits = sum(character.isdigit() for character in number.group())
    return LONG_NUMBER if digits >= LONG_NUMBER_DIGITS else SHORT_NUMBER


def numbers_in(text: str) -> frozenset[str]:
    """Return the numbers in a text, without separators."""
    return frozenset(number.group().replace(",", "").rstrip(".") for number in NUMBERS.finditer(text))


def grams(text: str) -> Counter[str]:
    """Return how often each n-gram of the normalised text occurs in it, with its edges marked."""
    padded = f" {normalise(text)} "
    return Counter(padded[at : at + size] for size in SIZES for at in range(len(padded) - size + 1))


class Index(Protocol):
    """Texts that can be asked which of them is most like another one."""

    def cosines(self, text: str) -> dict[int, float]:
        """Return the similarity to each text that shares anything."""
        ...

    def containments(self, text: str) -> dict[int, float]:
        """Return which share of `text` is in each of the texts."""
        ...


class GramIndex:
    """Texts that can be asked which of them is most like another one."""

    def __init__(self, texts: Sequence[str]) -> None:
        counted = [grams(text) for text in texts]
        seen = Counter(gram for counts in counted for gram in counts)
        self._rarity = {gram: math.log((1 + len(texts)) / (0.5 + count)) for gram, count in seen.items()}
        self._unseen = UNSEEN_SHARE * math.log(2 * (1 + len(texts)))
        self._holders: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        self._lengths = [self._add(number, counts) for number, counts in enumerate(counted)]

    def _add(self, number: int, counts: Mapping[str, int]) -> float:
        """Note which n-grams a text holds; return the length of its vector."""
        weights = self._weigh(counts)
        for gram, weight in weights.items():
            self._holders[gram].append((number, weight))
        return length(weights)

    def _weigh(self, counts: Mapping[str, int]) -> Weights:
        """Return each n-gram's weight: rare ones tell more."""
        return {
            gram: (1 + math.log(count)) * max(self._rarity.get(gram, self._unseen), 0.0)
            for gram, count in counts.items()
        }

    def cosines(self, text: str) -> dict[int, float]:
        """Return the cosine similarity to each text that shares anything."""
        weights = self._weigh(grams(text))
        shared: defaultdict[int, float] = defaultdict(float)
        for gram, weight in weights.items():
            for number, held in self._holders.get(gram, ()):
                shared[number] += weight * held
        norm = length(weights)
        return {number: value / (norm * self._lengths[number]) for number, value in shared.items() if value}

    def containments(self, text: str) -> dict[int, float]:
        """Return which share of `text` (by weight) is in each of the texts: for short questions and long facts."""
        weights = self._weigh(grams(text))
        total = sum(weights.values())
        shared: defaultdict[int, float] = defaultdict(float)
        for gram, weight in weights.items():
            for number, _ in self._holders.get(gram, ()):
                shared[number] += weight
        return {number: value / total for number, value in shared.items() if value}


def length(weights: Weights) -> float:
    """Return the length of a vector."""
    return math.sqrt(sum(weight * weight for weight in weights.values()))
