"""Finds personal data and secrets by their form, and puts a mark in their place. Rules only: no model, no network.

Found: phone numbers, payment cards (Luhn), e-mail addresses, Thai national ids (checksum), bank accounts, Thai postal
addresses, passwords, one-time codes and API keys, and, where wanted, order and parcel numbers. Names have no form: who
knows the customer's name passes it as `known`; what else is a name, only a person can tell.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import Final


class PersonalData(StrEnum):
    """What was found. `[value]` is also the mark that takes its place."""

    PHONE = "phone"
    CARD = "card"
    EMAIL = "email"
    NATIONAL_ID = "national id"
    ACCOUNT = "account"
    ADDRESS = "address"
    CREDENTIAL = "secret"
    NAME = "name"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Finding:
    """Where in a text what was found: `text[start:end]`."""

    kind: PersonalData
    start: int
    end: int


ZEROS: Final = (0x660, 0x6F0, 0x966, 0xE50, 0xED0, 0x1040, 0x17E0, 0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6)
"""The zeros of the scripts that digits are typed in; each is followed by its nine others."""
PLAIN: Final = {zero + digit: str(digit) for zero in ZEROS for digit in range(10)} | str.maketrans(
    "＠＋．－（）", "@+.-()"
)
"""One character for one, so that places in the plain text are places in the text."""

GAP: Final = r"[ .()\-\u00a0\u00ad\u200b-\u200d\u2010-\u2015\u2060\ufeff]{0,3}"
"""What people put between digits of one number. Not commas (thousands), slashes (dates) or line ends."""
NOT_BEFORE: Final = r"(?:(?<![0-9A-Za-z])|(?<=tel)|(?<=call)|(?<=line))(?<!\d[.,])"
"""Numbers within longer ones, decimals and codes such as TH0812345678 are none; Thai letters may touch."""
DIGITS: Final = re.compile(rf"(?<![0-9A-Za-z])\d(?:{GAP}\d){{9,}}")
TOKEN: Final = re.compile(r"\d+")

THAI_PHONE: Final = rf"(?:(?:\+|00){GAP}66{GAP}(?:0{GAP})?|0{GAP})(?:[689]{GAP}\d|[2-57])(?:{GAP}\d){{7}}"
FOREIGN_PHONE: Final = rf"\+{GAP}[1-9](?:{GAP}\d){{7,14}}"
PHONE: Final = re.compile(rf"{NOT_BEFORE}(?:{THAI_PHONE}|{FOREIGN_PHONE})(?!\d)", re.IGNORECASE)
EMAIL: Final = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,200}(?:@|\s?[(\[]at[)\]]\s?)"
    r"[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{2,63}){1,4}",
    re.IGNORECASE,
)
ACCOUNT: Final = re.compile(
    rf"(?<!\d)\d{{3}}-\d-\d{{5}}-\d(?!\d)"
    rf"|(?:บัญชี|พร้อมเพย์|account|acct|a/c|promptpay)[^\d\n]{{0,30}}(?P<value>\d(?:{GAP}\d){{9,14}})(?!\d)",
    re.IGNORECASE,
)
STREET: Final = r"(?:หมู่|ม\.\s?(?=\d)|ซอย|ซ\.|ถนน|ถ\.)"
PLACE: Final = rf"(?:{STREET}|แขวง|ตำบล|ต\.|เขต|อำเภอ|อ\.|จังหวัด|จ\.|กรุงเทพ|กทม)"
ADDRESS: Final = re.compile(
    rf"(?<![\d/])(?:\d{{1,5}}/\d{{1,5}}[^\n]{{0,40}}?{PLACE}|\d{{1,5}} ?{STREET})(?:[^\n]{{1,40}}?{PLACE}){{1,8}}"
    r"(?:[^\n]{0,40}?(?<!\d)[1-9]\d{4}(?!\d)|[^\s\d]{0,30})"
)
"""A house number, then at least two words that only addresses have; up to the postcode if there is one."""
SAID_BEFORE: Final = r"(?:รหัสผ่าน|พาสเวิร์ด|โอทีพี|รหัส ?otp|(?<![a-z])(?:password|passwd|passcode|pwd|otp|cvv|cvc|pin))"
SECRETS: Final = (
    re.compile(rf"{SAID_BEFORE}[ ]?[:=][ ]?(?P<value>(?!\[)[!-~]{{3,}})", re.IGNORECASE),
    re.compile(
        rf"{SAID_BEFORE}[ ]?(?:คือ|เป็น|is|code|ของ(?:ผม|ฉัน|หนู)คือ)?[ ]?(?P<value>(?!\[)(?=[!-~]*\d)[!-~]{{3,}})",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?<![A-Za-z0-9_\-])(?:(?:sk|pk|rk)[-_][A-Za-z0-9_\-]{16,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}"
        r"|xox[abprs]-[A-Za-z0-9\-]{10,}|AIza[A-Za-z0-9_\-]{30,}|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)?)"
    ),
    re.compile(r"(?<![a-z])bearer (?P<value>[A-Za-z0-9._~+/=\-]{16,})", re.IGNORECASE),
    re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,4000}?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)"),
)
ORDER: Final = re.compile(
    r"(?<![0-9A-Za-z.,/\-])(?!\d+x\d)(?=[A-Z0-9\-]{0,12}\d)[A-Z]{0,6}-?\d[0-9A-Z]*(?:-[0-9A-Z]+){0,5}(?![0-9A-Za-z/]|[.,]\d)",
    re.IGNORECASE,
)
ORDER_DIGITS: Final = 6

CARD_LENGTHS: Final = range(13, 20)
CARD_BEGINS: Final = "23456"
"""The first digits of payment networks (ISO/IEC 7812)."""
NATIONAL_ID_DIGITS: Final = 13
NATIONAL_ID_BEGINS: Final = "12345678"
LUHN_TWICE: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
KNOWN_CHARS: Final = 3
KNOWN_THAI_CHARS: Final = 4
"""Shorter Thai names are parts of other words: นก is a bird, and in นกหวีด too."""
THAI: Final = re.compile(r"[\u0e00-\u0e7f]")


def find_personal_data(
    text: str, *, with_orders: bool = False, known: Iterable[str] = (), public: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """Return what was found, in order, without overlaps.

    `known`: what is known of the customer, to be found word for word. `public`: texts (the shop's facts) whose own
    phone numbers and addresses are no secret: what stands in them is not reported.
    """
    plain = text.translate(PLAIN)
    found = [*_known_values(plain, known), *_personal(plain)]
    if with_orders:
        found += _orders(plain)
    shown = frozenset().union(*map(_shown_in, public)) if found else frozenset()
    return _without_overlaps(each for each in found if _bare(plain[each.start : each.end]) not in shown)


def mask(text: str, *, with_orders: bool = False, known: Iterable[str] = (), public: Iterable[str] = ()) -> str:
    """Return the text with a mark such as `[phone]` in place of each finding. Masking twice changes nothing more."""
    parts, done = [], 0
    for finding in find_personal_data(text, with_orders=with_orders, known=known, public=public):
        parts += [text[done : finding.start], f"[{finding.kind}]"]
        done = finding.end
    return "".join([*parts, text[done:]])


def kinds_in(
    text: str, *, with_orders: bool = False, known: Iterable[str] = (), public: Iterable[str] = ()
) -> tuple[PersonalData, ...]:
    """Return each kind of personal data in the text once, in the order of PersonalData."""
    found = {each.kind for each in find_personal_data(text, with_orders=with_orders, known=known, public=public)}
    return tuple(kind for kind in PersonalData if kind in found)


def is_luhn(digits: str) -> bool:
    """Say whether the last digit of a card number fits the others (ISO/IEC 7812-1, annex B)."""
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(LUHN_TWICE[value] for value in values[1::2])) % 10 == 0


def is_national_id(digits: str) -> bool:
    """Say whether these are a Thai national id: 13 digits, the last one a checksum of the others (modulo 11)."""
    if len(digits) != NATIONAL_ID_DIGITS or digits[0] not in NATIONAL_ID_BEGINS:
        return False
    weighed = sum(int(digit) * (NATIONAL_ID_DIGITS - place) for place, digit in enumerate(digits[:-1]))
    return (11 - weighed % 11) % 10 == int(digits[-1])


def is_card(digits: str) -> bool:
    """Say whether these can be the number of a payment card."""
    is_plausible = len(digits) in CARD_LENGTHS and digits[0] in CARD_BEGINS and len(set(digits)) > 1
    return is_plausible and is_luhn(digits)


def _personal(plain: str) -> Iterator[Finding]:
    for pattern in SECRETS:
        yield from _matches(pattern, plain, kind=PersonalData.CREDENTIAL)
    yield from _matches(EMAIL, plain, kind=PersonalData.EMAIL)
    if not TOKEN.search(plain):
        return
    yield from _checked_numbers(plain, is_national_id, kind=PersonalData.NATIONAL_ID)
    yield from _checked_numbers(plain, is_card, kind=PersonalData.CARD)
    yield from _matches(PHONE, plain, kind=PersonalData.PHONE)
    yield from _matches(ACCOUNT, plain, kind=PersonalData.ACCOUNT)
    yield from _matches(ADDRESS, plain, kind=PersonalData.ADDRESS)


def _matches(pattern: re.Pattern[str], plain: str, *, kind: PersonalData) -> Iterator[Finding]:
    """Yield what the pattern finds; of one with a `value`, only that."""
    for match in pattern.finditer(plain):
        group = "value" if pattern.groupindex and match["value"] else 0
        yield Finding(kind, match.start(group), match.end(group))


def _checked_numbers(plain: str, is_such: Callable[[str], bool], *, kind: PersonalData) -> Iterator[Finding]:
    """Yield the numbers that pass a check: whole groups of digits, so that a quantity behind one is no part of it."""
    for run in DIGITS.finditer(plain):
        groups = [(run.start() + group.start(), run.start() + group.end()) for group in TOKEN.finditer(run.group())]
        yield from (Finding(kind, *span) for span in _passing(plain, groups, is_such))


def _passing(
    plain: str, groups: Sequence[tuple[int, int]], is_such: Callable[[str], bool]
) -> Iterator[tuple[int, int]]:
    first = 0
    while first < len(groups):
        last = _last_group(plain, groups[first : first + CARD_LENGTHS.stop], is_such)
        if last is not None:
            yield groups[first][0], groups[first + last][1]
            first += last
        first += 1


def _last_group(plain: str, groups: Sequence[tuple[int, int]], is_such: Callable[[str], bool]) -> int | None:
    """Return how many groups behind the first one make a number that passes the check."""
    joined = accumulate(plain[start:end] for start, end in groups)
    for place, digits in enumerate(joined):
        if len(digits) >= CARD_LENGTHS.stop:
            return None
        if len(digits) >= NATIONAL_ID_DIGITS and is_such(digits):
            return place
    return None


def _orders(plain: str) -> Iterator[Finding]:
    for match in ORDER.finditer(plain):
        if sum(character.isdigit() for character in match.group()) >= ORDER_DIGITS:
            yield Finding(PersonalData.ORDER, match.start(), match.end())


def _known_values(plain: str, known: Iterable[str]) -> Iterator[Finding]:
    """Yield where known values stand: whole, and each word of a name alone. Latin ones only as whole words."""
    values = {part for value in known for part in (value.strip().translate(PLAIN), *value.translate(PLAIN).split())}
    for value in values:
        is_thai = THAI.search(value) is not None
        if len(value) < (KNOWN_THAI_CHARS if is_thai else KNOWN_CHARS):
            continue
        edge = "" if is_thai else r"(?<![A-Za-z0-9])"
        end = "" if is_thai else r"(?![A-Za-z0-9])"
        for match in re.finditer(edge + re.escape(value) + end, plain, re.IGNORECASE):
            yield Finding(PersonalData.NAME, match.start(), match.end())


@lru_cache(maxsize=512)
def _shown_in(text: str) -> frozenset[str]:
    """Return what a public text itself shows; thousands of texts are held against the same few."""
    plain = text.translate(PLAIN)
    return frozenset(_bare(plain[each.start : each.end]) for each in _personal(plain))


def _bare(value: str) -> str:
    """Return a value without what people write differently: case and signs between digits."""
    return re.sub(GAP.removesuffix("{0,3}"), "", value).lower()


def _without_overlaps(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep the longest of those that overlap; of equally long ones the first kind found, as the checks are stricter."""
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda each: each.start - each.end):
        if all(finding.end <= other.start or finding.start >= other.end for other in kept):
            kept.append(finding)
    return tuple(sorted(kept, key=lambda each: each.start))
