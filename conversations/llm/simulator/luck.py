"""The dice of a temperature: a model that samples doesn't answer the same question the same way each time.

Off unless asked for. With noise, how near each example and fact looks is shaken anew for every answer, by as much as
noise times temperature; what is answered still stands in the prompt. The same seed gives the same answers to the first,
second, third ... asking of a prompt, in whatever order different prompts come.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from math import exp
from typing import Final

from conversations.llm.requests import ChatMessage
from conversations.llm.simulator.grams import Index
from conversations.llm.simulator.knowledge import Knowledge

MAX_COUNTED: Final = 100_000
DIGEST_BYTES: Final = 16


class ShakenIndex:
    """An index in which each text looks a little nearer or farther than it is; for one answer, always by as much."""

    def __init__(self, index: Index, dice: random.Random, *, spread: float) -> None:
        self._index = index
        self._factors = defaultdict[int, float](lambda: exp(spread * dice.gauss(0.0, 1.0)))

    def cosines(self, text: str) -> dict[int, float]:
        """Return the similarity to each text that shares anything, as it looks this time."""
        return self._shaken(self._index.cosines(text))

    def containments(self, text: str) -> dict[int, float]:
        """Return which share of `text` is in each of the texts, as it looks this time."""
        return self._shaken(self._index.containments(text))

    def _shaken(self, scores: dict[int, float]) -> dict[int, float]:
        # In the texts' order, so that the same dice fall to the same texts.
        return {number: scores[number] * self._factors[number] for number in sorted(scores)}


class Luck:
    """What the dice will say in one answer. None at all where `spread` is 0."""

    def __init__(self, *, spread: float = 0.0, seed: bytes = b"") -> None:
        self._spread = spread
        self._seed = seed

    def shaken(self, knowledge: Knowledge) -> Knowledge:
        """Return what is known as it looks this time."""
        if not self._spread:
            return knowledge
        dice = random.Random(self._seed)  # noqa: S311 - how it answers need not be a secret
        return replace(
            knowledge,
            examples_index=ShakenIndex(knowledge.examples_index, dice, spread=self._spread),
            facts_index=ShakenIndex(knowledge.facts_index, dice, spread=self._spread),
        )


STEADY: Final = Luck()


class Dice:
    """Gives each asking of a prompt its own luck."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._asked: Counter[bytes] = Counter()

    def luck(self, prompt: Sequence[ChatMessage], *, spread: float) -> Luck:
        """Return the luck of this asking; none where nothing is to be shaken."""
        if not spread:
            return STEADY
        words = "\0".join(message.content for message in prompt).encode("utf-8", "surrogatepass")
        digest = blake2b(words, digest_size=DIGEST_BYTES).digest()
        if len(self._asked) >= MAX_COUNTED:
            self._asked.clear()
        self._asked[digest] += 1
        return Luck(spread=spread, seed=digest + f"{self._seed}:{self._asked[digest]}".encode())
