"""Works out what code alone can: prices after discounts, fees and VAT, and how many fit a budget.

Cautious on purpose. Every number of the question must have a part that its words make plain, in an order in which
nothing is ambiguous; otherwise there is no answer from here, and only the model's own steps are checked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conversations.playbook.arithmetic.expressions import Value, evaluate
from conversations.playbook.arithmetic.numbers import exact
from conversations.playbook.arithmetic.parts import Known, Part, parts_of

MAX_CHARS: Final = 300

_UNSURE_WORDS: Final = (
    r"ก่อน|ไม่รวม|ยังไม่|ราคาเต็ม|เดิม|ถอด|รวม\s*(?:vat|แวต|ภาษี)\s*แล้ว|อยู่แล้ว|หรือ|ต่างกัน|คนละ|หาร|แถม|มัดจำ|ผ่อน|งวด|ดอกเบี้ย",
    r"เหลือ\s*\d|ชิ้นที่|ตัวที่|ขั้นต่ำ|ครบ|เกิน|ไม่ถึง|ถ้าไม่|ครึ่ง|กี่\s*(?:%|เปอร์|วัน|คน|ครั้ง|เดือน|ปี|สี|ไซ|โมง)",
    r"ประหยัด|ลด(?:ไป|ได้)?\s*(?:กี่|เท่า)|(?:vat|ภาษี|ส่วนลด)\s*(?:เป็นเงิน)?\s*(?:กี่|เท่า)",
    r"(?:สอง|สาม|สี่|ห้า|หก|เจ็ด|แปด|เก้า|สิบ)\s*(?:ตัว|ชิ้น|อัน|คู่|กล่อง|ใบ)",
    r"before|without|exclu|inclu|original|already|\bor\b|differ|percent(?:age)? (?:off )?(?:is|do)|sav(?:e|ing)|split",
    r"free|deposit|instal|interest|minimum|\bover\b|\bunder\b|at least|more than|less than|second|down to|half|double",
    r"how much (?:is )?(?:the )?(?:vat|tax|discount)|\b(?:two|three|four|five|six|seven|eight|nine|ten)\b",
)
UNSURE: Final = re.compile("|".join(_UNSURE_WORDS), re.IGNORECASE)
"""What makes a question another one than "what does it come to", or leaves open what a number belongs to."""
HOW_MANY: Final = re.compile(r"กี่|เท่าไหร่|เท่าไร|how many", re.IGNORECASE)

CHANGES: Final = {
    Part.DISCOUNT_SHARE: "{whole} * (1 - {value}/100)",
    Part.TAX_SHARE: "{whole} * (1 + {value}/100)",
    Part.DISCOUNT: "{whole} - {value}",
    Part.FEE: "{whole} + {value}",
}
AMBIGUOUS_BEFORE: Final = {
    Part.FEE: {Part.DISCOUNT_SHARE, Part.TAX_SHARE},
    Part.DISCOUNT: {Part.DISCOUNT_SHARE},
    Part.TAX_SHARE: {Part.DISCOUNT},
}
"""In another order a sum and a share come to something else, and people say either: code keeps out of it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a question must come to, and how."""

    expression: str
    value: Value


def expected_answer(question: str) -> Expected | None:
    """Return what the question comes to, or None where code can't be sure what is meant."""
    if len(question) > MAX_CHARS or UNSURE.search(question):
        return None
    parts = parts_of(question)
    expression = _expression(parts, question) if parts else ""
    return Expected(expression, evaluate(expression).value) if expression else None


def _expression(parts: Known, question: str) -> str:
    kinds = [part for part, _ in parts]
    changes = [(part, value) for part, value in parts if part in CHANGES]
    if not _is_plain([part for part, _ in changes]):
        return ""
    if Part.BUDGET in kinds:
        return _fitting(parts, changes, question)
    base = _base(parts)
    if not base or (not changes and Part.QUANTITY not in kinds):
        return ""
    return _changed(base, changes)


def _is_plain(changes: Sequence[Part]) -> bool:
    """Each kind of change once, and none before one that it doesn't commute with."""
    pairs = ((earlier, later) for at, earlier in enumerate(changes) for later in changes[at + 1 :])
    return len(set(changes)) == len(changes) and not any(
        later in AMBIGUOUS_BEFORE.get(earlier, ()) for earlier, later in pairs
    )


def _base(parts: Known) -> str:
    """Return the price before all changes: one price, or one quantity of one price each."""
    prices, each, quantities = (
        [exact(value) for part, value in parts if part is wanted] for wanted in (Part.PRICE, Part.EACH, Part.QUANTITY)
    )
    if len(prices) == 1 and not each and not quantities:
        return prices[0]
    if len(each) == 1 and len(quantities) == 1 and not prices:
        return f"{each[0]} * {quantities[0]}"
    return ""


def _fitting(parts: Known, changes: Known, question: str) -> str:
    """Return how many of one price fit a budget."""
    budgets = [value for part, value in parts if part is Part.BUDGET]
    prices = [value for part, value in parts if part in {Part.PRICE, Part.EACH}]
    has_others = len(parts) != len(changes) + len(budgets) + len(prices)
    if len(budgets) != 1 or len(prices) != 1 or has_others or not HOW_MANY.search(question):
        return ""
    if prices[0] <= 0 or any(part in {Part.FEE, Part.DISCOUNT} for part, _ in changes):
        return ""
    price = _changed(exact(prices[0]), changes)
    return f"floor({exact(budgets[0])} / {price if price.isdecimal() else f'({price})'})"


def _changed(base: str, changes: Known) -> str:
    whole = base
    for part, value in changes:
        whole = CHANGES[part].format(whole=f"({whole})" if " " in whole else whole, value=exact(value))
    return whole
