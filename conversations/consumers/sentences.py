"""What the socket says when something can't be done, in the customer's language."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from conversations.models import Locale


class Code(StrEnum):
    """The codes of `nack` and `error` frames."""

    TOO_LONG = "too_long"
    EMPTY = "empty"
    INVALID = "invalid"
    RATE_LIMITED = "rate_limited"
    CONFLICT = "conflict"
    CLOSED = "closed"
    TOO_LARGE = "too_large"
    BAD_JSON = "bad_json"
    UNKNOWN_TYPE = "unknown_type"
    BAD_FRAME = "bad_frame"
    UNSUPPORTED_VERSION = "unsupported_version"
    HELLO_FIRST = "hello_first"
    HELLO_AGAIN = "hello_again"
    HELLO_TIMEOUT = "hello_timeout"
    NO_SESSION = "invalid_session"
    BAD_ORIGIN = "origin_not_allowed"
    NOT_RESOLVED = "not_resolved"
    UNAVAILABLE = "unavailable"


SENTENCES: Final[Mapping[Code, tuple[str, str]]] = {
    Code.TOO_LONG: (
        "ข้อความยาวเกิน {max_chars} ตัวอักษร กรุณาแบ่งส่งค่ะ",
        "This message is longer than {max_chars} characters; please send it in parts.",
    ),
    Code.EMPTY: ("ข้อความว่างเปล่าค่ะ", "This message is empty."),
    Code.INVALID: (
        "ข้อความนี้มีอักขระที่ระบบเก็บไม่ได้ กรุณาพิมพ์ใหม่ค่ะ",
        "This message has a character that can't be stored; please type it again.",
    ),
    Code.RATE_LIMITED: (
        "ส่งข้อความเร็วเกินไป กรุณารอสักครู่แล้วส่งใหม่ค่ะ",
        "That was a bit fast; please wait a moment and send it again.",
    ),
    Code.CONFLICT: (
        "ข้อความนี้ถูกส่งไปแล้วด้วยเนื้อหาอื่น กรุณาส่งเป็นข้อความใหม่ค่ะ",
        "This message was already sent with another text; please send it as a new one.",
    ),
    Code.CLOSED: ("การสนทนานี้ปิดแล้วค่ะ กรุณาเริ่มใหม่", "This conversation no longer exists; please start a new one."),
    Code.TOO_LARGE: ("ข้อมูลที่ส่งมาใหญ่เกิน 64 KiB", "The frame is larger than 64 KiB."),
    Code.BAD_JSON: ("ข้อมูลที่ส่งมาไม่ใช่ JSON", "The frame is not a JSON object."),
    Code.UNKNOWN_TYPE: ("ไม่รู้จักข้อมูลชนิดนี้", "The frame's type is not known."),
    Code.BAD_FRAME: ("ข้อมูลที่ส่งมาไม่ครบหรือไม่ถูกต้อง", "A field of the frame is missing or of the wrong kind."),
    Code.UNSUPPORTED_VERSION: ("ไม่รองรับเวอร์ชันนี้", "This version of the protocol is not spoken here."),
    Code.HELLO_FIRST: ("ต้องส่ง hello ก่อน", "The first frame must be a hello."),
    Code.HELLO_AGAIN: ("ส่ง hello ไปแล้ว", "There was a hello already."),
    Code.HELLO_TIMEOUT: ("ไม่ได้รับ hello ภายในเวลาที่กำหนด", "No hello came in time."),
    Code.NO_SESSION: ("เซสชันไม่ถูกต้องหรือหมดอายุแล้ว", "The session is not valid or has expired."),
    Code.BAD_ORIGIN: ("หน้านี้ไม่ได้รับอนุญาต", "This page is not among the site's allowed origins."),
    Code.NOT_RESOLVED: ("ให้คะแนนได้เมื่อปิดเรื่องแล้วค่ะ", "You can rate once the matter is resolved."),
    Code.UNAVAILABLE: (
        "ระบบขัดข้องชั่วคราว กำลังเชื่อมต่อใหม่ค่ะ",
        "Something is wrong on our side; please connect again in a moment.",
    ),
}


def sentence(code: Code, *, locale: str, **details: object) -> str:
    """Return what to tell the customer."""
    thai, english = SENTENCES[code]
    return (thai if locale == Locale.TH else english).format(**details)
