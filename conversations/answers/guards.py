"""Guards between a question and a known one: cosine can't tell opposites apart (0.99), these can.

Two questions may share an answer only if nothing that answers turn on differs: language, numbers, dates, negation,
what is asked for, opposites, things named, order of words. Two that differ in hardly a word are the dangerous ones:
there, what differs must be harmless. A guard never says that two questions are the same, only that they may be.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

from conversations.answers.normal import folded, normal_form
from conversations.answers.selfcontained import has_thai
from conversations.answers.words import as_set, as_tuple, opposites, questions

NUMBER_WORDS: Final = as_set("number_words")
THAI_NUMBER_WORDS: Final = as_tuple("number_words_thai")
NEGATIONS: Final = as_set("negations")
THAI_NEGATIONS: Final = as_tuple("negations_thai")
THAI_NO_NEGATIONS: Final = as_tuple("no_negations_thai")
KINDS: Final = as_set("kinds")
THAI_KINDS: Final = as_tuple("kinds_thai")
HARMLESS: Final = as_set("harmless")
QUESTIONS: Final = questions("questions")
THAI_QUESTIONS: Final = questions("questions_thai")
OPPOSITES: Final = tuple((frozenset(one), frozenset(other)) for one, other in opposites("opposites"))
THAI_OPPOSITES: Final = opposites("opposites_thai")
NUMBER: Final = re.compile(r"\d+(?:[.:/-]\d+)*%?")
WORD: Final = re.compile(r"[^\W\d_\u0e00-\u0e7f]+")
NAME: Final = re.compile(r"(?<=[\w,] )[A-Z][A-Za-z0-9]+")
HARMLESS_THAI: Final = re.compile("|".join(sorted(as_tuple("harmless_thai"), key=len, reverse=True)))
MINIMAL_SHARE: Final = 0.7
"""From how much of two texts in common on they are a minimal pair."""
MAX_STRAYS: Final = 2
MAX_COMPARED_CHARS: Final = 160
INFLECTION_CHARS: Final = 4


class Guard(StrEnum):
    """What two questions differ in."""

    LANGUAGE = "language"
    NUMBERS = "numbers"
    NEGATION = "negation"
    ASKS = "asks"
    OPPOSITE = "opposite"
    THINGS = "things"
    NAMES = "names"
    ORDER = "order"
    MINIMAL_PAIR = "minimal_pair"


@dataclass(frozen=True, slots=True)
class Traits:
    """What answers turn on, of one question."""

    normal: str
    is_thai: bool
    numbers: tuple[str, ...]
    is_negated: bool
    asks: frozenset[str]
    words: tuple[str, ...]
    things: frozenset[str]
    names: frozenset[str]


def traits_of(text: str) -> Traits:
    """Return what answers to this question turn on."""
    plain = folded(text)
    is_thai = has_thai(plain)
    words = tuple(word.replace("'", "") for word in WORD.findall(plain.replace("'", "").replace("’", "")))
    return Traits(
        normal=normal_form(text),
        is_thai=is_thai,
        numbers=numbers_in(plain, words),
        is_negated=is_negated(plain, words),
        asks=asked_for(plain, words),
        words=words,
        things=frozenset(word for word in words if word in KINDS) | frozenset(t for t in THAI_KINDS if t in plain),
        names=frozenset(words) if is_thai else frozenset(map(str.casefold, NAME.findall(text))) - HARMLESS,
    )


def numbers_in(plain: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return all numbers, however written, each as often as it is there."""
    found = NUMBER.findall(plain)
    found += [word for word in words if word in NUMBER_WORDS]
    for word in THAI_NUMBER_WORDS:
        found += [word] * plain.count(word)
    return tuple(sorted(found))


def is_negated(plain: str, words: Iterable[str]) -> bool:
    """Whether it says no to something."""
    for phrase in THAI_NO_NEGATIONS:
        plain = plain.replace(phrase, "")
    return any(word in plain for word in THAI_NEGATIONS) or any(word in NEGATIONS for word in words)


def asked_for(plain: str, words: tuple[str, ...]) -> frozenset[str]:
    """Return the kinds of things asked for by which answers differ."""
    spoken = f" {' '.join(words)} "
    latin = {kind for kind, phrases in QUESTIONS if any(f" {phrase} " in spoken for phrase in phrases)}
    thai = {kind for kind, phrases in THAI_QUESTIONS if any(phrase in plain for phrase in phrases)}
    return frozenset(latin | thai)


def difference(asked: Traits, known: Traits) -> Guard | None:
    """Return in what two questions differ so that they can't share an answer, or None. The cheap guards come first."""
    if asked.normal == known.normal:
        return None
    if asked.is_thai != known.is_thai:
        return Guard.LANGUAGE
    if asked.numbers != known.numbers:
        return Guard.NUMBERS
    if asked.is_negated != known.is_negated:
        return Guard.NEGATION
    if asked.asks != known.asks:
        return Guard.ASKS
    if asked.things != known.things:
        return Guard.THINGS
    return _wording_difference(asked, known)


def _wording_difference(asked: Traits, known: Traits) -> Guard | None:
    if is_opposite(asked, known):
        return Guard.OPPOSITE
    if has_other_names(asked, known):
        return Guard.NAMES
    return _thai_difference(asked.normal, known.normal) if asked.is_thai else _latin_difference(asked, known)


def is_opposite(asked: Traits, known: Traits) -> bool:
    """Whether one says one thing and the other its opposite."""
    mine, theirs = set(asked.words), set(known.words)
    if any(
        _is_crossed(bool(one & mine), bool(other & mine), bool(one & theirs), bool(other & theirs))
        for one, other in OPPOSITES
    ):
        return True
    return asked.is_thai and any(
        _is_crossed(
            _has(asked.normal, one), _has(asked.normal, other), _has(known.normal, one), _has(known.normal, other)
        )
        for one, other in THAI_OPPOSITES
    )


def _is_crossed(mine_one: bool, mine_other: bool, theirs_one: bool, theirs_other: bool) -> bool:  # noqa: FBT001 - four cells of a table
    return (mine_one, mine_other) != (theirs_one, theirs_other) and (
        (mine_one and theirs_other) or (mine_other and theirs_one)
    )


def _has(text: str, phrases: Iterable[str]) -> bool:
    return any(phrase in text for phrase in phrases)


def has_other_names(asked: Traits, known: Traits) -> bool:
    """Whether a name (in Thai text: any foreign word) of one is missing in the other."""
    return not (asked.names <= set(known.words) and known.names <= set(asked.words))


def _latin_difference(asked: Traits, known: Traits) -> Guard | None:
    mine, theirs = content(asked.words), content(known.words)
    mine_counted, theirs_counted = Counter(mine), Counter(theirs)
    if mine_counted == theirs_counted:
        return Guard.ORDER if mine != theirs or _is_turned(asked.words, known.words) else None
    common = sum((mine_counted & theirs_counted).values())
    extra, missing = list((mine_counted - theirs_counted).elements()), list((theirs_counted - mine_counted).elements())
    strays = max(len(extra), len(missing))
    is_alike = common >= MINIMAL_SHARE * min(len(mine), len(theirs)) and strays <= MAX_STRAYS
    if not is_alike and (strays > 1 or not common):
        return None
    return None if _are_inflections(extra, missing) else Guard.MINIMAL_PAIR


def content(words: Iterable[str]) -> list[str]:
    """Return the words that carry the meaning."""
    return [word for word in words if word not in HARMLESS]


def _is_turned(mine: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Whether the same words stand in another order around "from", "to" and the like."""
    anchors = {"from", "to", "before", "after", "between", "than", "by", "for", "into", "instead"}
    return [w for w in mine if w in anchors or w not in HARMLESS] != [
        w for w in theirs if w in anchors or w not in HARMLESS
    ]


def _are_inflections(extra: list[str], missing: list[str]) -> bool:
    if len(extra) != len(missing):
        return False
    return all(
        one[:INFLECTION_CHARS] == other[:INFLECTION_CHARS] and min(len(one), len(other)) >= INFLECTION_CHARS
        for one, other in zip(sorted(extra), sorted(missing), strict=True)
    )


def _thai_difference(mine: str, theirs: str) -> Guard | None:
    mine, theirs = HARMLESS_THAI.sub("", mine), HARMLESS_THAI.sub("", theirs)
    if mine == theirs:
        return None
    if Counter(mine) == Counter(theirs):
        return Guard.ORDER
    shorter, longer = sorted((mine, theirs), key=len)
    if len(longer) > MAX_COMPARED_CHARS or len(shorter) < MINIMAL_SHARE * len(longer) / 2:
        return None
    common = common_share(mine, theirs)
    return Guard.MINIMAL_PAIR if common >= MINIMAL_SHARE else None


def common_share(mine: str, theirs: str) -> float:
    """Return how much of the shorter text stands, in order, in the other too (0 to 1)."""
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    shared = sum(block.size for block in matcher.get_matching_blocks() if block.size > 1)
    return shared / max(1, min(len(mine), len(theirs)))
