"""The words that decide whether two questions may have one answer, read once from `words.toml`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

WORDS: Final[Mapping[str, Any]] = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


def as_set(name: str) -> frozenset[str]:
    """Return a list of words as a set."""
    return frozenset(WORDS[name])


def as_tuple(name: str) -> tuple[str, ...]:
    """Return a list of phrases in its order."""
    return tuple(WORDS[name])


def questions(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the kinds of things asked for, each with its phrases."""
    return tuple((kind, tuple(phrases)) for kind, phrases in WORDS[name].items())


def opposites(name: str) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Return pairs of phrases, one side saying the contrary of the other."""
    return tuple((tuple(pair["one"]), tuple(pair["other"])) for pair in WORDS[name])
