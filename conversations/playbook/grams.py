"""The pieces that texts are compared by: runs of 2 to 4 characters, as hashes. Pure: no clock, no database.

Thai has no spaces between words, and shops write in two languages and with typos: runs of characters need no word list
and no model. What they are taken for is decided elsewhere: `nearest` finds examples for a question (BM25), `similar`
finds examples that say the same (cosine).
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIZES: Final = (2, 3, 4)
MAX_CHARS: Final = 1000
"""Nobody asks one thing in more; a very long message would take time that others wait for."""

PARTICLES: Final = re.compile(r"(?:นะ)?(?:ค่ะ|คะ|ค่า|คร้าบ|ครับ|คับ|ค้าบ|จ้า|จ๊ะ)+(?=\W|$)")
DIGITS: Final = re.compile(r"\d")
LONG_RUNS: Final = re.compile(r"(.)\1{2,}")
NOT_WORDS: Final = re.compile(r"[^\w\u0e00-\u0e7f]+")

Hashes = NDArray[np.uint64]
MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
SHIFT: Final = np.uint64(29)


def normalise(text: str) -> str:
    """Return a text with only what tells questions apart: no case, no politeness, one sign for every digit."""
    text = unicodedata.normalize("NFC", text[:MAX_CHARS]).lower()
    text = LONG_RUNS.sub(r"\1\1", DIGITS.sub("0", PARTICLES.sub(" ", text)))
    return f" {NOT_WORDS.sub(' ', text).strip()} "


def grams_of(texts: Sequence[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the hashes of all grams of all texts, which are normalised, and whose each is; the same everywhere."""
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    codes = _code_points("".join(texts))
    grams, whose = [], []
    for size in SIZES:
        found = _hashed(codes, size)
        starts, ends = owners[: len(found)], owners[size - 1 :]
        is_within = starts == ends
        grams.append(found[is_within])
        whose.append(starts[is_within])
    return np.concatenate(grams), np.concatenate(whose)


def _code_points(text: str) -> NDArray[np.uint64]:
    return np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)


def _hashed(codes: NDArray[np.uint64], size: int) -> Hashes:
    """Return a hash of each run of `size` characters."""
    count = max(len(codes) - size + 1, 0)
    found = np.full(count, size, dtype=np.uint64)
    for offset in range(size):
        found = (found ^ codes[offset : offset + count]) * MULTIPLIER
        found ^= found >> SHIFT
    return found
