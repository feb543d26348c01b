"""What a student sees of a text: its character n-grams and its short runs of words. Pure.

Characters need no tokenizer, so Thai works as it is. Every digit is the same digit: an order number says nothing about
what somebody wants, and must not get into what is kept.
"""

import re
from collections import Counter
from typing import Final

from conversations.answers.normal import folded

MAX_CHARS: Final = 600
MAX_GRAM: Final = 5
MAX_WORDS: Final = 3
DIGIT: Final = re.compile(r"\d")
WORD: Final = re.compile(r"[^\s!-/:-@\[-`{-~\u2018-\u201f\u2026]+")
WORD_MARK: Final = "\x01"
"""Begins the name of a run of words, which so never equals a run of characters."""


def grams_of(text: str) -> tuple[Counter[str], Counter[str]]:
    """Return how often each character n-gram and each run of words is in the text (in its first 600 characters)."""
    plain = DIGIT.sub("0", folded(text[:MAX_CHARS]))
    return Counter(char_grams(plain)), Counter(word_grams(plain))


def char_grams(plain: str) -> list[str]:
    """Return the n-grams of up to five characters within each word, its edges marked by a space."""
    grams: list[str] = []
    for word in plain.split():
        padded = f" {word} "
        length = len(padded)
        for size in range(1, min(MAX_GRAM, length) + 1):
            grams += [padded[start : start + size] for start in range(length - size + 1)]
    return grams


def word_grams(plain: str) -> list[str]:
    """Return the runs of up to three words."""
    words: list[str] = WORD.findall(plain)
    return [
        WORD_MARK + " ".join(words[start : start + size])
        for size in range(1, MAX_WORDS + 1)
        for start in range(len(words) - size + 1)
    ]
