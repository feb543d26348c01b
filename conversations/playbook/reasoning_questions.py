"""Finds the questions that have to be worked out, in Thai and English, by rule.

Of posts to brands about one in a hundred is taken for one (most of these advertise with figures), of calls and bank
questions none: bench/README.md, "Questions to work out". Being wrong costs a slower answer, never a wrong one.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from conversations.playbook.arithmetic.numbers import Amount, amounts_in, plain_digits

MAX_CHARS: Final = 400
"""Longer messages tell a story or advertise: what is asked in them is not for a rule to find."""

CLUE: Final = re.compile(
    r"[\d๐-๙]|จันทร์|อังคาร|พุธ|พฤหัส|ศุกร์|เสาร์|อาทิตย์|(?:mon|tues|wednes|thurs|fri|satur|sun)day", re.IGNORECASE
)
CHANGED: Final = re.compile(
    r"ลด|ส่วนลด|vat|แวต|แวท|ภาษี|บวกเพิ่ม|คูปอง|off\b|discount|\btax\b|coupon|voucher", re.IGNORECASE
)
HOW_MUCH: Final = re.compile(
    r"เท่าไ[หร]|กี่บาท|เหลือ(?:กี่|เท่า)|คำนวณ|คิดเป็น|ต้องจ่าย|จ่ายกี่|สุทธิ|ยอดรวม|ราคารวม"
    r"|how much|calculate|what(?:'s| is| would| will).{0,30}(?:price|total|cost|pay)"
    r"|(?:do|would|will) i (?:have to )?pay|come[s]? to",
    re.IGNORECASE,
)
TOTAL: Final = re.compile(
    r"รวม|ทั้งหมด|total|altogether|in all\b|sum|เป็นเงิน|คิดเป็น|คำนวณ|calculate|ต่างกัน|difference|ทอน|change back|หาร|split"
    r"|คนละ(?:กี่|เท่า)|กี่บาท|ต้องจ่าย|how much (?:for|is|are|would|will|do)|come[s]? to",
    re.IGNORECASE,
)
MISSING: Final = re.compile(r"(?:อีก|ขาด(?:อีก)?)\s*(?:เท่าไ|กี่)|how much more|how far (?:am i )?from", re.IGNORECASE)
BUDGET: Final = re.compile(
    r"งบ|มีเงิน|มีตังค์|มีอยู่|budget|i(?:'ve| have)(?: got)?(?: only)?\s*(?:฿|thb)?\s*\d|ซื้อได้กี่", re.IGNORECASE
)
FITS: Final = re.compile(
    r"กี่|พอไหม|พอมั้ย|พอมั๊ย|พอรึ|พอหรือ|ซื้อได้|how many|enough|afford|can i (?:buy|get)|fit", re.IGNORECASE
)
DAY: Final = re.compile(
    r"วัน(?:จันทร์|อังคาร|พุธ|พฤหัส|ศุกร์|เสาร์|อาทิตย์)|วันที่\s*\d|\d\s*วัน(?:ก่อน|ที่แล้ว)"
    r"|\d\s*(?:ม\.?ค|ก\.?พ|มี\.?ค|เม\.?ย|พ\.?ค|มิ\.?ย|ก\.?ค|ส\.?ค|ก\.?ย|ต\.?ค|พ\.?ย|ธ\.?ค)"
    r"|มกรา|กุมภา|มีนา|เมษา|พฤษภา|มิถุนา|กรกฎา|สิงหา|กันยา|ตุลา|พฤศจิกา|ธันวา"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day|\b(?:jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d"
    r"|\d(?:st|nd|rd|th)?\s+(?:of\s+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|\d+\s+days? ago|\d/\d",
    re.IGNORECASE,
)
WHICH_DAY: Final = re.compile(
    r"วันไหน|วันที่เท่าไ|วันอะไร|ถึงเมื่อไ|ได้ถึง|ถึงวัน(?:ไหน|ที่)|ได้ของเมื่อไ|ทันไหม|ทันมั้ย|ทันมั๊ย|จะทัน|ยัง(?:คืน|เปลี่ยน|ส่งคืน)?ได้ไหม"
    r"|ยังทัน|เกินกำหนด|หมดเขต|อีกกี่วัน|กี่วัน"
    r"|what day|which day|what date|by when|until when|in time|last day|deadline|how many days"
    r"|still (?:return|send|exchange)"
    r"|when (?:will|would|should|can|do|does)|arrive by|get (?:it|them) by|too late",
    re.IGNORECASE,
)
MANY: Final = 2


class Kind(StrEnum):
    """What has to be worked out."""

    PRICE = "price"
    BUDGET = "budget"
    DATE = "date"
    INTENT = "intent"
    """The question is of an intent whose profile is that of reasoning."""


def recognise(text: str) -> Kind | None:
    """Return what has to be worked out to answer these words; None for most questions, at little cost."""
    if len(text) > MAX_CHARS or not CLUE.search(text):
        return None
    text = plain_digits(text)
    if DAY.search(text) and WHICH_DAY.search(text):
        return Kind.DATE
    amounts = amounts_in(text)
    if amounts and BUDGET.search(text) and FITS.search(text):
        return Kind.BUDGET
    return Kind.PRICE if _is_about_a_price(text, amounts) else None


def _is_about_a_price(text: str, amounts: Sequence[Amount]) -> bool:
    shares = sum(amount.is_percent for amount in amounts)
    sums = len(amounts) - shares
    if shares and CHANGED.search(text):
        return bool(sums) or HOW_MUCH.search(text) is not None
    if sums >= MANY and TOTAL.search(text):
        return True
    return bool(sums) and MISSING.search(text) is not None
