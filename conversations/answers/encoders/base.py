"""What an encoder is."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]


class EncoderAwayError(RuntimeError):
    """An encoder that can't be reached now; what needs it is left to the model."""


class UnfitEncoderError(RuntimeError):
    """An encoder that must not be used: it can't read what customers write. The reason is its only argument."""


class Encoder(Protocol):
    """Turns texts into vectors of length 1. Vectors may be compared only where `name` is the same."""

    name: str
    """With the version: another name, other vectors."""
    dimensions: int
    is_quick: bool
    """Whether it takes well under a millisecond, so that it needs no thread of its own."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return a row for each text. Raises EncoderAwayError."""
        ...

    def unknown_share(self, text: str) -> float:
        """Return which share (0-1) of a text it can't read at all; 0 where that can't be told."""
        ...


def normalised(rows: Vectors) -> Vectors:
    """Return the rows scaled to length 1; what is zero stays so."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Vectors = (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)
    return scaled
