"""Tells by the words around them what the numbers of a question are: a price, a discount, VAT, a budget."""

import re
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum, auto
from typing import Final

from conversations.playbook.arithmetic.numbers import Amount, amounts_in, plain_digits


class Part(Enum):
    """What a number is."""

    PRICE = auto()
    EACH = auto()
    QUANTITY = auto()
    BUDGET = auto()
    DISCOUNT = auto()
    DISCOUNT_SHARE = auto()
    TAX_SHARE = auto()
    FEE = auto()


Known = Sequence[tuple[Part, Decimal]]

NEVER: Final = re.compile("(?!)")
CLASSIFIER: Final = r"(?:ตัว|ชิ้น|อัน|คู่|กล่อง|ขวด|แพ็ค|แพค|เล่ม|ใบ|ชุด|ซอง|ผืน|เครื่อง|กระปุก|หลอด|ถุง|ลัง|แท่ง)"
MONEY: Final = r"(?:฿|บาท|baht|thb)"
SHIPPING: Final = ("ค่า(?:จัด)?ส่ง", "shipping", "delivery")


def before(*words: str, then: str = "") -> re.Pattern[str]:
    """Return what matches a text that ends with one of these words, perhaps with `then` and a currency behind it."""
    return re.compile(rf"(?:{'|'.join(words)})\s*(?:{then})?\s*:?\s*{MONEY}?\s*$", re.IGNORECASE)


def after(*words: str, money: str = f"{MONEY}?") -> re.Pattern[str]:
    """Return what matches a text that begins with one of these words, perhaps behind a currency."""
    return re.compile(rf"^\s*{money}\s*(?:{'|'.join(words)})(?![a-z])", re.IGNORECASE)


LESS: Final = ("ลด(?:ราคา|ให้|อีก|ได้|ไป)?", "ส่วนลด", "discount(?:ed)?", "less", "minus")
COUPON: Final = ("คูปอง", "โค้ด(?:ลด)?", "coupon", "voucher")
TAX: Final = ("vat", "tax", "แวต", "แวท", "ภาษี(?:มูลค่าเพิ่ม)?")
GOODS: Final = ("สินค้า", "ซื้อ(?:ของ)?", "ยอด", "ของ", "เสื้อ", "กางเกง", "รองเท้า", "กระเป๋า", "buy", "item", "worth")

BEFORE: Final = {
    Part.TAX_SHARE: before(*TAX, then="of|อีก|at"),
    Part.DISCOUNT_SHARE: before(*LESS, then="of|by|-"),
    Part.BUDGET: before("งบ(?:ประมาณ)?", "มีเงิน", "มีตังค์", "budget", "i have", then="is|of|แค่|อยู่|ประมาณ|only"),
    Part.EACH: before(f"{CLASSIFIER}ละ", "หน่วยละ", r"\bat", then="ราคา"),
    Part.QUANTITY: NEVER,
    Part.FEE: before(*SHIPPING, "ค่าธรรมเนียม", "ค่าบริการ", "fee", then="fee|of|is|อีก|costs?"),
    Part.DISCOUNT: before(*LESS, *COUPON, then="of|by"),
}
AFTER: Final = {
    Part.TAX_SHARE: after(*(f"(?:of )?{word}" for word in TAX), money=""),
    Part.DISCOUNT_SHARE: after("off", "discount", "reduction", "ส่วนลด"),
    Part.BUDGET: after("budget", "งบ"),
    Part.EACH: after(
        "each", "apiece", "per", "a piece", rf"/\s*{CLASSIFIER}", rf"ต่อ\s*{CLASSIFIER}", f"{CLASSIFIER}ละ"
    ),
    Part.QUANTITY: after(
        f"{CLASSIFIER}(?!ละ)", "(?:pcs|pieces?|items?|shirts?|pairs?|boxes|bottles?|units?)", money=""
    ),
    Part.FEE: after(*SHIPPING, *(f"for {word}" for word in SHIPPING)),
    Part.DISCOUNT: after("off", "discount", "ส่วนลด", *COUPON),
}
PRICE_BEFORE: Final = before("^", "ราคา", "prices?", "costs?", r"\bis", "for", "of", *GOODS, then="อยู่ที่|is|ที่")
PRICE_AFTER: Final = after("", money=f"(?:{MONEY}|-)")
ALSO_BEFORE: Final = before(*TAX, *SHIPPING, *LESS, *COUPON)
"""Words that stand on either side of their number: right before another one, they belong to that."""
SHARES: Final = (Part.TAX_SHARE, Part.DISCOUNT_SHARE)
SUMS: Final = (Part.BUDGET, Part.EACH, Part.QUANTITY, Part.FEE, Part.DISCOUNT)
"""Looked for in this order: a discount of 100 baht is no price of 100 baht."""


def parts_of(question: str) -> Known:
    """Return what each number of the question is, in their order; nothing at all where one of them is unclear."""
    text, amounts = plain_digits(question), amounts_in(question)
    starts = [*(amount.start for amount in amounts), len(text)]
    found: list[tuple[Part, Decimal]] = []
    words_before = text[: starts[0]]
    for amount, start in zip(amounts, starts[1:], strict=True):
        words_after = text[amount.end : start]
        part, used = _part(amount, words_before, words_after, is_last=start == len(text))
        if part is None:
            return []
        found.append((part, amount.value))
        words_before = words_after[used:]
    return found


def _part(amount: Amount, words_before: str, words_after: str, *, is_last: bool) -> tuple[Part | None, int]:
    """Return what an amount is, and how much of the words behind it say so."""
    for part in SHARES if amount.is_percent else SUMS:
        if BEFORE[part].search(words_before):
            return part, 0
    for part in SHARES if amount.is_percent else SUMS:
        said = AFTER[part].search(words_after)
        if said and (is_last or not ALSO_BEFORE.search(words_after) or words_after[said.end() :].strip()):
            return part, said.end()
    is_price = not amount.is_percent and (PRICE_BEFORE.search(words_before) or PRICE_AFTER.search(words_after))
    return (Part.PRICE if is_price else None), 0
