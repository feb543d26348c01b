"""What csbot itself says to customers, in their language: honest, short, polite."""

from enum import StrEnum
from typing import Final

from conversations.models import Locale


class Sentence(StrEnum):
    """A sentence's code; it is stored with the system message that says it."""

    ESCALATED_ON_DUTY = "escalated_on_duty"
    ESCALATED_OFF_DUTY = "escalated_off_duty"
    FAILED_ON_DUTY = "failed_on_duty"
    FAILED_OFF_DUTY = "failed_off_duty"
    AGENT_JOINED = "agent_joined"
    HANDED_BACK = "handed_back"
    RESOLVED = "resolved"
    PLEASE_WAIT = "please_wait"


SENTENCES: Final[dict[Sentence, dict[str, str]]] = {
    Sentence.ESCALATED_ON_DUTY: {
        Locale.TH: "ส่งเรื่องให้เจ้าหน้าที่แล้วค่ะ เจ้าหน้าที่จะตอบในแชตนี้ เวลาทำการวันนี้ถึง {until} น. ค่ะ",
        Locale.EN: "I've passed this on to our team. Someone will answer here; we are on duty until {until} today.",
    },
    Sentence.ESCALATED_OFF_DUTY: {
        Locale.TH: "ส่งเรื่องให้เจ้าหน้าที่แล้วค่ะ ตอนนี้อยู่นอกเวลาทำการ เจ้าหน้าที่จะกลับมาตอบในแชตนี้ตั้งแต่ {from_} น. ค่ะ",
        Locale.EN: "I've passed this on to our team. Nobody is on duty right now; "
        "someone will answer here from {from_}.",
    },
    Sentence.FAILED_ON_DUTY: {
        Locale.TH: "ขออภัยค่ะ ระบบตอบคำถามนี้ไม่ได้ในตอนนี้ จึงส่งเรื่องให้เจ้าหน้าที่แล้ว "
        "เจ้าหน้าที่จะตอบในแชตนี้ เวลาทำการวันนี้ถึง {until} น. ค่ะ",
        Locale.EN: "Sorry, I can't answer this right now, so I've passed it on to our team. Someone will answer here; "
        "we are on duty until {until} today.",
    },
    Sentence.FAILED_OFF_DUTY: {
        Locale.TH: "ขออภัยค่ะ ระบบตอบคำถามนี้ไม่ได้ในตอนนี้ จึงส่งเรื่องให้เจ้าหน้าที่แล้ว ตอนนี้อยู่นอกเวลาทำการ "
        "เจ้าหน้าที่จะกลับมาตอบในแชตนี้ตั้งแต่ {from_} น. ค่ะ",
        Locale.EN: "Sorry, I can't answer this right now, so I've passed it on to our team. "
        "Nobody is on duty right now; someone will answer here from {from_}.",
    },
    Sentence.AGENT_JOINED: {
        Locale.TH: "{agent} เข้ามาดูแลการสนทนานี้แล้วค่ะ",
        Locale.EN: "{agent} has joined the conversation.",
    },
    Sentence.HANDED_BACK: {
        Locale.TH: "ผู้ช่วยอัตโนมัติกลับมาดูแลต่อแล้วค่ะ",
        Locale.EN: "The assistant is back with you.",
    },
    Sentence.RESOLVED: {
        Locale.TH: "ปิดเรื่องนี้แล้วค่ะ ขอบคุณที่ติดต่อเรา หากมีคำถามเพิ่มเติม พิมพ์มาได้เลยค่ะ",
        Locale.EN: "This conversation was resolved. Thank you for contacting us; just write if anything else comes up.",
    },
    Sentence.PLEASE_WAIT: {
        Locale.TH: "ได้รับข้อความแล้วค่ะ ขณะนี้มีผู้ติดต่อเข้ามามาก กรุณารอสักครู่ เราจะตอบในแชตนี้แน่นอนค่ะ",
        Locale.EN: "We have your message. Many people are writing right now, so this takes a little longer; "
        "you will get an answer here.",
    },
}

DAYS: Final[dict[str, tuple[str, ...]]] = {
    Locale.TH: ("วันจันทร์", "วันอังคาร", "วันพุธ", "วันพฤหัสบดี", "วันศุกร์", "วันเสาร์", "วันอาทิตย์"),
    Locale.EN: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def say(sentence: Sentence, *, locale: str, **details: str) -> str:
    """Return the sentence in the customer's language (English where we have none)."""
    texts = SENTENCES[sentence]
    return texts.get(locale, texts[Locale.EN]).format(**details)


def clock(moment_text: str, *, weekday: int | None, locale: str) -> str:
    """Return a time of day with its weekday, or without where it is today (`weekday` None)."""
    if weekday is None:
        return moment_text
    days = DAYS.get(locale, DAYS[Locale.EN])
    return f"{days[weekday]} {moment_text}"
