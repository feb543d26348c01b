"""What may be known at all: questions that mean the same whoever asks them, and whenever.

Of real customer turns 56 % depend on what was said before, and half of those repeat a text from another conversation:
an answer that ignores this is wrong up to 30 % of the time (records). So whatever looks like a follow-up, points at
something, names a case of its own or hides something passes through to the model.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final

from conversations.answers.normal import folded, normal_form
from conversations.answers.words import as_set

MIN_LETTERS: Final = 4
MAX_CHARS: Final = 300
MAX_STRIPPED_SIGNS: Final = 12
SHORT_WORDS: Final = 6
SHORT_THAI_CHARS: Final = 45


class Unfit(StrEnum):
    """Why a question can't be known."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    HIDDEN_SIGNS = "hidden_signs"
    FOLLOW_UP = "follow_up"
    POINTS_ELSEWHERE = "points_elsewhere"
    OWN_CASE = "own_case"
    PERSONAL = "personal"
    LINK = "link"
    SEVERAL_LINES = "several_lines"


ALONE: Final = as_set("alone")
SMALL_TALK: Final = as_set("small_talk")
GREETINGS: Final = as_set("greetings")
SAY_NOTHING: Final = GREETINGS | as_set("thanks")
OPENERS_THAI: Final = re.compile(
    r"^(แล้ว(?!แต่)|ส่วน|งั้น|ถ้างั้น|ถ้าอย่างนั้น|อย่างนั้น|แบบนั้น|แบบนี้|แต่|และ|หรือ|เพราะ|ก็|อ๋อ|อ้าว|ใช่|ไม่ใช่|โอเค|ตกลง|ได้(?!รับ)|เอา|ต่อไป|อีกอย่าง)"
)
POINTERS_THAI: Final = re.compile(
    r"(ตัวนี้|ตัวนั้น|อันนี้|อันนั้น|อันเดิม|อันไหน|แบบนี้|แบบนั้น|รุ่นนี้|รุ่นนั้น|เรื่องนี้|เรื่องนั้น|ที่ว่า|ที่บอก|ที่ถาม|เมื่อกี้|เมื่อสักครู่|ข้างบน|ด้านบน"
    r"|ดังกล่าว|อย่างนั้น|อย่างนี้|ที่คุย|เหมือนเดิม|คนนี้|คนนั้น|ชิ้นนี้|ชิ้นนั้น|สินค้านี้|สีนี้|ไซส์นี้|ไซซ์นี้|ล่ะ$|ละ$|มันคือ|ตรงนี้|ตรงนั้น|อันแรก|ข้อแรก)"
)
OPENERS_LATIN: Final = re.compile(
    r"^(and|but|or|so|then|also|because|ok|okay|yes|no|yeah|yep|nope|sure|what about|how about|in that case|same"
    r"|instead|the other|another|that s|thats|it s|its|it|that|this|those|these|they|he|she)\b"
)
EMPTY_LATIN: Final = re.compile(
    r"\b(?:is|are|was|were|be) there\b|\bthere (?:is|are|was|were)\b"
    r"|^it (?:seems|appears|looks like)(?= (?:that )?(?:my|the|i|someone|somebody)\b)"
)
"""Words that only fill the subject's place ("is there a transfer fee?") and point at nothing."""
LEFT_OUT_LATIN: Final = re.compile(r"\b(more|any|anyone|anybody|anything|some|something|left)$|\b(others?|another)\b")
"""What makes even those point at what was said before: "are there any others?"."""
MIN_NAMED: Final = 2
UNNAMED: Final = frozenset(("a", "an", "the", "any", "some", "no"))
POINTERS_LATIN: Final = re.compile(
    r"\b(it|its|that|this|those|these|they|them|one|ones|there|above|previous|earlier|again|else|instead|mentioned)\b"
)
OWN_LATIN: Final = re.compile(
    r"\b(order|ticket|tracking|invoice|case|account|booking|reference)\s*(no|number|id|#)?\s*[:#]?\s*[a-z]*\d"
)
CODE: Final = re.compile(r"(?<![a-z0-9])(?=[a-z0-9-]*\d)(?=[a-z0-9-]*[a-z])[a-z0-9-]{6,}(?![a-z0-9])")
LONG_NUMBER: Final = re.compile(r"\d(?:[ .-]?\d){4,}")
LINK: Final = re.compile(r"https?:|www\.|\b[a-z0-9-]+\.(?:com|net|org|co|th|io|ly|me|app|xyz|shop)\b")
ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+|<email>|0x{4,}|\bline\s?id\b|ไอดีไลน์")
NAMED: Final = re.compile(
    r"(ผมชื่อ|ดิฉันชื่อ|หนูชื่อ|ฉันชื่อ|ชื่อผม|ชื่อหนู|my name is|i am called|บ้านเลขที่|เบอร์โทร(?:ผม|หนู|ของ)|ที่อยู่ผม|ที่อยู่หนู)"
)
ODD_MARKS_IN_A_ROW: Final = 3


def unfit(text: str) -> Unfit | None:
    """Return why this question can't be known, or None. It sees only obvious personal data (see text.masking)."""
    problem = _unfit_form(text)
    if problem in {None, Unfit.TOO_SHORT} and normal_form(text) in GREETINGS:
        # Whoever begins with it wants to be greeted back, and nothing else yet.
        return None
    if problem is not None:
        return problem
    plain = folded(text)
    if LINK.search(plain):
        return Unfit.LINK
    if ADDRESS.search(plain) or NAMED.search(plain):
        return Unfit.PERSONAL
    if LONG_NUMBER.search(plain) or CODE.search(plain) or OWN_LATIN.search(plain):
        return Unfit.OWN_CASE
    return _unfit_alone(plain, normal_form(text))


def _unfit_form(text: str) -> Unfit | None:
    if "\n" in text.strip():
        return Unfit.SEVERAL_LINES
    if len(text) > MAX_CHARS:
        return Unfit.TOO_LONG
    if has_hidden_signs(text):
        return Unfit.HIDDEN_SIGNS
    return Unfit.TOO_SHORT if sum(map(str.isalpha, text)) < MIN_LETTERS else None


def has_hidden_signs(text: str) -> bool:
    """Whether it has what the normal form drops but a model would read: nobody may hide instructions there."""
    stripped = marks = 0
    for sign in text:
        category = unicodedata.category(sign)
        if category in {"Cf", "Cc", "Co", "Cn", "Cs", "Zl", "Zp"}:
            return True
        stripped += category[0] == "P"
        marks = marks + 1 if category[0] == "M" else 0
        if marks > ODD_MARKS_IN_A_ROW:
            return True
    return stripped > MAX_STRIPPED_SIGNS


def _unfit_alone(plain: str, normal: str) -> Unfit | None:
    if normal in ALONE:
        return Unfit.FOLLOW_UP
    words = plain.split()
    if has_thai(plain):
        if OPENERS_THAI.search(plain):
            return Unfit.FOLLOW_UP
        return Unfit.POINTS_ELSEWHERE if POINTERS_THAI.search(normal) else None
    pointing = _without_empty(normal)
    if OPENERS_LATIN.search(pointing) or SMALL_TALK.issuperset(normal.split()):
        return Unfit.FOLLOW_UP
    if len(words) <= SHORT_WORDS and POINTERS_LATIN.search(pointing):
        return Unfit.POINTS_ELSEWHERE
    return Unfit.TOO_SHORT if len(words) == 1 else None


def _without_empty(normal: str) -> str:
    """Return it without words that only fill a place, where what is left names what it is about."""
    rest = EMPTY_LATIN.sub("", normal).strip()
    named = [word for word in rest.split() if word not in UNNAMED]
    return normal if len(named) < MIN_NAMED or LEFT_OUT_LATIN.search(rest) else rest


def is_greeting(text: str) -> bool:
    """Whether it says nothing that a later question could depend on."""
    return normal_form(text) in SAY_NOTHING


def has_thai(text: str) -> bool:
    """Whether there is a Thai letter in it."""
    return any("\u0e01" <= sign <= "\u0e5b" for sign in text)
