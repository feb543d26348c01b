"""A shop's day for `cost_replay`: real messages at their own moments, what each is about, and the right answer to it.

Messages come from a replay (t, session, lang, source, text), labels from the sets that it was made of. No answers are
published with them, so each label has one text of ordinary length; what can't have one answer (chats, social posts,
whatever needs a look into somebody's account) is never reusable.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPLAY: Final = "load_replay_dev.jsonl"
CALLS: Final = "truevoice_train.csv"
BANK: Final = "banking77_train.csv"
TURNS: Final = "en_dialog_turns_dev.jsonl"
KEY_CHARS: Final = 40
CHAT: Final = "chat"
POST: Final = "post"
GREETING: Final = "greeting"
GREETS: Final = "openinggreeting"
HELLO: Final = (
    "Hello and welcome! What can we do for you today? Just write your question here and we will look into it."
)
GENERAL: Final = frozenset({
    "balance_minutes", "idd", "information", "internet", "iservice", "loyalty_card", "mobile_setting", "nontruemove",
    "package", "payment", "promotion", "rate", "ringtone", "roaming", "service", "truemoney",
})  # fmt: skip
"""What calls enquire about and one text can answer; the rest needs a look into an account, or something to be done."""
THAI: Final = (
    "เรื่อง{about} ดูรายละเอียดทั้งหมดได้ในหน้าช่วยเหลือของร้าน หัวข้อ{about}นะคะ ในนั้นมีขั้นตอนทีละข้อพร้อมเงื่อนไขและคำถามที่พบบ่อย"
    " ถ้าทำตามแล้วยังติดตรงไหน พิมพ์บอกได้เลยค่ะ ยินดีช่วยต่อค่ะ"
)
ENGLISH: Final = (
    "You will find all about {about} on our help page under that heading, step by step, with the conditions and the"
    " questions that people ask most. If you get stuck anywhere, write to us here and we will go through the steps"
    " together with you."
)


@dataclass(frozen=True, slots=True)
class Label:
    """What a message is about: an intent, with one answer of its own."""

    intent: str
    about: str
    locale: str
    is_reusable: bool = False
    action_required: bool = False

    @property
    def answer(self) -> str:
        """The right answer."""
        if self.intent == GREETING:
            return HELLO
        return (THAI if self.locale == "th" else ENGLISH).format(about=self.about)


@dataclass(frozen=True, slots=True)
class Line:
    """A message of the replay."""

    at: float
    session: str
    locale: str
    text: str
    labels: tuple[Label, ...]
    """Sets label the same words now and then in two ways: either is right then."""


def read_day(folder: Path, *, messages: int) -> list[Line]:
    """Return the first messages of the replay."""
    known = read_labels(folder)
    with (folder / REPLAY).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for _number, line in zip(range(messages), lines, strict=False)]
    return [line_of(row, known) for row in rows]


def read_labels(folder: Path) -> dict[str, dict[Label, None]]:
    """Return the labels of each text that has some."""
    found: dict[str, dict[Label, None]] = {}
    for text, label in (*call_labels(folder / CALLS), *bank_labels(folder / BANK), *chat_labels(folder / TURNS)):
        found.setdefault(text, {})[label] = None
    return found


def call_labels(path: Path) -> Iterator[tuple[str, Label]]:
    """Yield the Thai calls' texts with their labels."""
    for row in csv_rows(path):
        is_general = row["action"] == "enquire" and row["object"] in GENERAL
        intent = f"{row['action']}_{row['object']}".replace(" ", "_")
        about = f" {row['action']} {row['object']} "
        yield row["text"], Label(intent, about, "th", is_reusable=is_general, action_required=not is_general)


def bank_labels(path: Path) -> Iterator[tuple[str, Label]]:
    """Yield the English bank questions' texts with their labels."""
    for row in csv_rows(path):
        label = row["label"]
        yield row["text"], Label(label.lower()[:KEY_CHARS], label.replace("_", " "), "en", is_reusable=True)


def chat_labels(path: Path) -> Iterator[tuple[str, Label]]:
    """Yield the chats' turns: all of one intent, answered by what they are; but a greeting is greeted back."""
    with path.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            kind = row["intent"].partition("<")[0][:40]
            if kind == GREETS:
                yield row["text"], Label(GREETING, "a greeting and nothing else", "en", is_reusable=True)
            else:
                yield row["text"], Label(CHAT, f"{row['domain']} ({kind})", "en")


def csv_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield a CSV file's rows."""
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def line_of(row: dict[str, str], known: dict[str, dict[Label, None]]) -> Line:
    """Return a row of the replay with its labels; what has none is a post."""
    text, locale = row["text"], row["lang"]
    # "hi" was labelled in nine ways; what greets is greeted back.
    found = sorted(known.get(text, {}), key=lambda label: label.intent != GREETING)
    labels = tuple(found) or (Label(POST, text[:20], locale),)
    return Line(float(row["t"]), row["session"], locale, text, labels)


def labels_of(day: Sequence[Line]) -> list[Label]:
    """Return all labels of a day, each once."""
    return list({label: None for line in day for label in line.labels})


def halves(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """Return two halves; a session is wholly in the one in which it begins."""
    middle = lines[len(lines) // 2].at
    begins: dict[str, float] = {}
    for line in lines:
        begins.setdefault(line.session, line.at)
    return (
        [line for line in lines if begins[line.session] < middle],
        [line for line in lines if begins[line.session] >= middle],
    )
