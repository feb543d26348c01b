"""What a student sees of a text: its character n-grams and its short runs of words, each as a number. Pure.

Characters need no tokenizer, so Thai works as it is. Every digit is the same digit: an order number says nothing about
what somebody wants, and must not get into what is kept.

A gram is known by its key, a 64-bit hash of its characters: of a text of n characters, numpy makes all keys at once
(a polynomial in an odd base, whose value for any stretch follows from its running sums), where a gram at a time took
most of a judgement's time.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from conversations.answers.normal import folded

Keys = NDArray[np.uint64]
Places = NDArray[np.intp]

MAX_CHARS: Final = 600
MAX_FOLDED: Final = 2 * MAX_CHARS
"""Folding may make a character into several ("ﷺ" into eighteen): nobody makes judging slow with those."""
MAX_GRAM: Final = 5
MAX_WORDS: Final = 3
DIGIT: Final = re.compile(r"\d")
SPACE: Final = ord(" ")
BETWEEN_WORDS: Final = re.compile(r"[\s!-/:-@\[-`{-~\u2018-\u201f\u2026]")
BREAKS: Final = np.array([bool(BETWEEN_WORDS.match(chr(code))) for code in range(ord("\u2027") + 1)], np.bool_)

WORD_BITS: Final = 64
MODULUS: Final = 1 << WORD_BITS
BASE: Final = 0x9E3779B97F4A7C15
UNDO_BASE: Final = pow(BASE, -1, MODULUS)
MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
MIX_SHIFT: Final = np.uint64(29)
MIX_AGAIN: Final = np.uint64(0x94D049BB133111EB)
WORDS_FROM: Final = np.uint64(MODULUS // 2)
"""Keys of runs of words are above it, those of characters below: in order, characters come first."""


def powers(base: int) -> Keys:
    """Return the powers of a base, modulo 2 to the 64th, for every place in a text."""
    found = [1]
    for _place in range(MAX_FOLDED + 2):
        found.append(found[-1] * base % MODULUS)
    return np.array(found, np.uint64)


POWERS: Final = powers(BASE)
UNDO_POWERS: Final = powers(UNDO_BASE)


def keys_of(text: str) -> Keys:
    """Return the keys of all character n-grams and all runs of words in a text (in its first 600 characters)."""
    plain = DIGIT.sub("0", folded(text[:MAX_CHARS]))[:MAX_FOLDED]
    if not plain:
        return np.zeros(0, np.uint64)
    codes = np.frombuffer(f" {plain} ".encode("utf-32-le", "surrogatepass"), "<u4")
    sums = running_sums(codes)
    characters = keys_of_stretches(sums, *char_stretches(codes == SPACE))
    words = runs_of(keys_of_stretches(sums, *word_stretches(codes)))
    return np.concatenate((characters & ~WORDS_FROM, words | WORDS_FROM))


def running_sums(codes: NDArray[np.uint32]) -> Keys:
    """Return, for each place, the sum of the mixed characters before it, each times its power of the base."""
    mixed = codes.astype(np.uint64) * MIX
    mixed = (mixed ^ (mixed >> MIX_SHIFT)) * MIX_AGAIN
    sums = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum(mixed * POWERS[: len(codes)], out=sums[1:])
    return sums


def keys_of_stretches(sums: Keys, starts: Places, ends: Places) -> Keys:
    """Return a number for each stretch: the same wherever in a text the same characters stand."""
    return (sums[ends] - sums[starts]) * UNDO_POWERS[starts]


def char_stretches(is_space: NDArray[np.bool_]) -> tuple[Places, Places]:
    """Return where the n-grams of up to five characters within each word begin and end, its edges marked by a space."""
    length = len(is_space)
    # A gram may begin with a space and end with one; the next space after its first character ends it.
    spaces = np.flatnonzero(is_space)
    every = np.arange(length - 1)
    limits = spaces[np.searchsorted(spaces, every, side="right")] + 1
    starts, ends = [every[~is_space[:-1]]], [every[~is_space[:-1]] + 1]
    for size in range(2, MAX_GRAM + 1):
        fitting = every[every + size <= limits]
        starts.append(fitting)
        ends.append(fitting + size)
    return np.concatenate(starts), np.concatenate(ends)


def word_stretches(codes: NDArray[np.uint32]) -> tuple[Places, Places]:
    """Return where words begin and end."""
    is_break = BREAKS[np.minimum(codes, len(BREAKS) - 1)]
    return np.flatnonzero(is_break[:-1] & ~is_break[1:]) + 1, np.flatnonzero(~is_break[:-1] & is_break[1:]) + 1


def runs_of(words: Keys) -> Keys:
    """Return a number for each run of up to three words, from the words' numbers."""
    runs = [words]
    for size in range(2, MAX_WORDS + 1):
        runs.append(runs[-1][:-1] * MIX + words[size - 1 :])
    return np.concatenate(runs)


def key_of_characters(characters: str) -> int:
    """Return the key of one n-gram: what all are made of at once above, a character at a time."""
    return number_of(characters) & ~int(WORDS_FROM)


def key_of_words(words: Sequence[str]) -> int:
    """Return the key of one run of words."""
    number = 0
    for word in words:
        number = (number * int(MIX) + number_of(word)) % MODULUS
    return number | int(WORDS_FROM)


def number_of(characters: str) -> int:
    """Return the number of a stretch of text."""
    total = 0
    for place, character in enumerate(characters):
        mixed = ord(character) * int(MIX) % MODULUS
        mixed = (mixed ^ (mixed >> int(MIX_SHIFT))) * int(MIX_AGAIN) % MODULUS
        total += mixed * pow(BASE, place, MODULUS)
    return total % MODULUS


def counted(keys: Keys) -> tuple[Keys, Places]:
    """Return the keys in order, each once, and how often each is there."""
    ordered = np.sort(keys)
    is_first = np.ones(len(ordered) + 1, np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:-1])
    firsts = np.flatnonzero(is_first)
    return ordered[firsts[:-1]], np.diff(firsts)
