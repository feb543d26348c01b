"""Hashed character n-grams: needs no download, reads every script, knows no meaning. The default.

It finds the same wording in another order or with another ending, not another wording of the same: with it, near
matches serve little more than exact ones do (docs/known-answers.md).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import numpy as np

from conversations.answers.encoders.base import Vectors, normalised
from conversations.answers.normal import normal_form

DIMENSIONS: Final = 512
SIZES: Final = (2, 3, 4, 5)
SIGN_BIT: Final = 1 << 31


class HashedEncoder:
    """Counts the n-grams of a question's normal form in a fixed number of places, each with a sign."""

    name = f"hashed-char-2-5:v1:{DIMENSIONS}"
    dimensions = DIMENSIONS
    is_quick = True

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return a row for each text."""
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for gram, count in Counter(grams(text)).items():
                place = crc32(gram.encode())
                weight = 1 + math.log(count)
                row[place % DIMENSIONS] += weight if place & SIGN_BIT else -weight
        return normalised(rows)

    def unknown_share(self, text: str) -> float:  # noqa: ARG002 - the interface's
        """There is nothing that it can't read."""
        return 0.0


def grams(text: str) -> list[str]:
    """Return all n-grams of a text's normal form, its ends marked."""
    padded = f" {normal_form(text)} "
    return [padded[start : start + size] for size in SIZES for start in range(len(padded) - size + 1)]
