"""The columns of a file of examples, under the names that people give them in English and Thai."""

import re
from collections.abc import Iterable
from typing import Any, Final

from conversations.playbook.models import Example

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "id": ("number", "รหัส", "ลำดับที่"),
    "edit_version": ("version", "edit_number", "รุ่น"),
    "customer_text": (
        "customer_says",
        "customer",
        "question",
        "text",
        "message",
        "ลูกค้าพูดว่า",
        "ลูกค้าถาม",
        "คำถาม",
        "ข้อความ",
    ),
    "intent": ("label", "category", "หมวด", "ประเภท", "เจตนา", "เรื่อง"),
    "response": ("the_bot_answers", "answer", "reply", "คำตอบ", "บอทตอบ", "ตอบ"),
    "locale": ("language", "lang", "ภาษา"),
    "action_required": ("action", "ต้องดำเนินการ", "ต้องทำ"),
    "escalate": ("hand_to_a_person", "person", "ส่งต่อ", "ส่งต่อเจ้าหน้าที่", "ให้คนตอบ"),
    "tags": ("tag", "แท็ก", "ป้าย"),
    "is_pinned": ("pinned", "always_shown", "ใช้เสมอ", "แสดงเสมอ"),
    "is_on": ("on", "enabled", "active", "เปิด", "เปิดใช้", "ใช้งาน"),
    "position": ("order", "ลำดับ"),
    "note": ("notes", "comment", "หมายเหตุ", "โน้ต"),
}
COLUMNS: Final = tuple(NAMES)
_COLUMN_OF: Final = {name: column for column, names in NAMES.items() for name in (column, *names)}


def column_of(header: str) -> str:
    """Return the column that a header names; "" if it is none."""
    return _COLUMN_OF.get(re.sub(r"[\s_\-]+", "_", header.strip().lower().lstrip("\ufeff")), "")


def exported(examples: Iterable[Example]) -> Iterable[dict[str, Any]]:
    """Yield examples as rows of a file, which can be changed there and imported again."""
    for example in examples:
        yield {column: getattr(example, column) for column in COLUMNS} | {"intent": example.intent.key}
