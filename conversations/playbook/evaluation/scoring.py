"""Is an answer as it should be? Pure: a case, an answer, the checks that failed."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from conversations.playbook.evaluation.cases import Expectation

THAI_DIGITS: Final = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
GROUPED: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
ZERO_CENTS: Final = re.compile(r"(?<=\d)\.0+(?!\d)")
LATIN: Final = "a-z0-9"


class Check(StrEnum):
    """What is looked at in an answer."""

    VALID = "valid"
    INTENT = "intent"
    ESCALATE = "escalate"
    ACTION = "action"
    MUST_SAY = "must_say"
    MUST_NOT_SAY = "must_not_say"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model answered. `is_valid`: it was the envelope that was asked for, repaired or not."""

    intent: str = ""
    escalate: bool = False
    action_required: bool = False
    response: str = ""
    is_valid: bool = True


def failed_checks(expected: Expectation, answer: Answer) -> tuple[Check, ...]:
    """Return what is wrong with an answer. One that is no envelope fails as a whole: customers would not see it."""
    if not answer.is_valid:
        return (Check.VALID,)
    verdicts = {
        Check.INTENT: not expected.intent or answer.intent == expected.intent,
        Check.ESCALATE: expected.escalate in {None, answer.escalate},
        Check.ACTION: expected.action_required in {None, answer.action_required},
        Check.MUST_SAY: all(says(answer.response, words) for words in expected.must_say),
        Check.MUST_NOT_SAY: not any(says(answer.response, words) for words in expected.must_not_say),
    }
    return tuple(check for check, is_right in verdicts.items() if not is_right)


def says(text: str, words: str) -> bool:
    """Say whether a text has some words, or one of those that `|` parts.

    Letters' size, spaces and the way of writing numbers make no difference. A number must be the whole number: "7 วัน"
    is not in "17 วัน".
    """
    plain = normalised(text)
    return any(pattern.search(plain) for pattern in patterns_of(words))


@lru_cache(maxsize=4096)
def patterns_of(words: str) -> tuple[re.Pattern[str], ...]:
    """Return what finds each of the ways to say it."""
    return tuple(pattern_of(way) for way in map(normalised, words.split("|")) if way)


def pattern_of(way: str) -> re.Pattern[str]:
    """Return what finds one way to say it: Thai anywhere, Latin letters and numbers only as whole words."""
    body = r"\s*".join(re.escape(part) for part in way.split())
    before = rf"(?<![{LATIN}])(?<!\d[.,])" if re.match(rf"[{LATIN}]", way) else ""
    after = rf"(?![{LATIN}])(?![.,]\d)" if re.search(rf"[{LATIN}]$", way) else ""
    return re.compile(before + body + after)


def normalised(text: str) -> str:
    """Return a text as it is compared: 1,284.00 is ๑๒๘๔, and THB is thb."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(THAI_DIGITS)
    return " ".join(ZERO_CENTS.sub("", GROUPED.sub("", plain)).split())
