"""Who asks what in `leaks`, and whether an answer belongs to somebody else. Pure.

Every known answer says in its text where it holds; the model repeats what it was asked. So whatever a customer reads
tells whose it is.
"""

import random
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

LOCALES: Final = ("th", "en")
SEGMENTS: Final = ("", "vip")
QUESTIONS: Final = {
    "th": ("ร้านเปิดกี่โมงคะ", "หน้าร้านอยู่ที่ไหนคะ", "ส่งของไปต่างจังหวัดใช้เวลานานไหม"),
    "en": ("When do you open?", "Where can I find your shop?", "How long does delivery to the provinces take?"),
}
REWORDED: Final = {
    "th": ("ร้าน เปิดกี่โมงครับ?", "หน้าร้านอยู่ที่ไหน", "รบกวนสอบถามหน่อยว่าส่งของไปต่างจังหวัดใช้เวลานานไหมครับ"),
    "en": ("when do you open", "WHERE can I find your shop", "please tell me how long delivery to the provinces takes"),
}
GREETING: Final = {"th": "สวัสดีค่ะ", "en": "Hello"}
OWN: Final = {
    "th": ("พัสดุ {number} ของคุณ{name} ถึงไหนแล้ว", "ช่วยเก็บของไว้ให้คุณ{name} ที่หน้าร้านหน่อย", "ฉันชื่อ{name} ยอดค้างเท่าไหร่"),
    "en": ("where is parcel {number} of {name}", "please keep the shoes for {name}", "my name is {name} what do I owe"),
}
FOLLOW_UP: Final = {"th": "แล้วของ{name}ล่ะคะ", "en": "and for {name}?"}
KINDS: Final = (
    "known",
    "known",
    "known",
    "reworded",
    "reworded",
    "own",
    "own",
    "own then known",
    "known then own",
    "greeting",
)
LOGGED_IN_SHARE: Final = 0.3
TAG: Final = re.compile(r"\[(\d+)/(\w+)/(\w*)\]")
MARK: Final = re.compile(r"QZ[A-Z]{6}|TH\d{9}")
NAME_LETTERS: Final = 6


@dataclass(frozen=True, slots=True)
class Session:
    """One customer's conversation: at which of the sites, in which language, as whom, and what is said."""

    number: int
    site: int
    locale: str
    name: str
    is_logged_in: bool
    lines: tuple[str, ...]


def answer_text(site: int, locale: str, segment: str, place: int) -> str:
    """Return what is known at a site, with the mark of where it holds."""
    return f"[{site}/{locale}/{segment}] {QUESTIONS[locale][place]}"


def name_of(number: int) -> str:
    """Return a name that nobody else has, of letters alone: numbers would be refused sooner."""
    letters = ""
    for _place in range(NAME_LETTERS):
        number, digit = divmod(number, len(string.ascii_uppercase))
        letters += string.ascii_uppercase[digit]
    return f"QZ{letters}"


def sessions(count: int, *, sites: Sequence[int]) -> Iterator[Session]:
    """Yield so many different sessions, the same each time."""
    for number in range(count):
        draw = random.Random(number)
        locale, name = draw.choice(LOCALES), name_of(number)
        is_logged_in = draw.random() < LOGGED_IN_SHARE
        lines = tuple(lines_of(draw.choice(KINDS), locale, draw, name=name, number=number))
        yield Session(number, draw.choice(sites), locale, name, is_logged_in, lines)


def lines_of(kind: str, locale: str, draw: random.Random, *, name: str, number: int) -> Iterator[str]:
    """Yield what is said in a session of a kind."""
    known, reworded = draw.choice(QUESTIONS[locale]), draw.choice(REWORDED[locale])
    own = draw.choice(OWN[locale]).format(name=name, number=f"TH{number:09d}")
    yield from {
        "known": (known,),
        "reworded": (reworded,),
        "own": (own,),
        "own then known": (own, known),
        "known then own": (known, FOLLOW_UP[locale].format(name=name)),
        "greeting": (GREETING[locale], known),
    }[kind]


def is_own(text: str, line: str, session: Session) -> bool:
    """Whether an answer may be read by this customer, after this line."""
    if any(mark not in {session.name, f"TH{session.number:09d}"} for mark in MARK.findall(text)):
        return False
    if tag := TAG.search(text):
        return tag.groups() == (str(session.site), session.locale, "") and not MARK.search(line)
    return line in text
