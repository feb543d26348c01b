"""Hard negatives: pairs of real questions that look alike and must never share an answer.

    uv run python -m bench.known_answers_hard --data DIR

Each asked question is put to the guards as if everything else said yes: cosine 1, a student sure of the same intent, no
limit. What is served here would be a wrong answer whatever an encoder or a student thinks.
"""

import argparse
import csv
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conversations.answers.guards import difference, traits_of
from conversations.answers.normal import question_key
from conversations.answers.selfcontained import unfit

EACH: Final = 90
LEAST_PAIRS: Final = 500
SEED: Final = 5
SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """A known question, and one that is asked."""

    kind: str
    known: str
    asked: str


def would_be_served(pair: Pair) -> bool:
    """Whether the known question's answer could be served to the one that is asked, were everything else for it."""
    if unfit(pair.known) is not None or unfit(pair.asked) is not None:
        return False
    if question_key(pair.known) == question_key(pair.asked):
        return True
    return difference(traits_of(pair.asked), traits_of(pair.known)) is None


def replaced(pattern: str, new: str) -> Callable[[str], str]:
    """Return a change of the first match of a pattern."""
    return lambda text: re.sub(pattern, new, text, count=1, flags=re.IGNORECASE)


def more(text: str) -> str:
    """Return the text with its first number made another one."""
    return re.sub(r"\d+", lambda found: str(int(found.group()) + 3), text, count=1)


def swapped(text: str) -> str:
    """Return the text with before and after changed for each other."""
    return text.replace("before", "\0").replace("after", "before").replace("\0", "after")


ASKING: Final = r"\b(can|do|does|is|will|should) (i|my|you|the|it)\b"
THAI_NUMBERS: Final = "หนึ่ง|สอง|สาม|สี่|ห้า|หก|เจ็ด|แปด|เก้า|สิบ"
ENGLISH: Final[tuple[tuple[str, str, Callable[[str], str]], ...]] = (
    ("number", r"\b\d{1,4}\b", more),
    ("negation", ASKING, replaced(ASKING, r"\1 \2 not")),
    ("negation", r"\bnot\b", replaced(r"\s*\bnot\b", "")),
    ("reversal", r"\bfrom (\w+) to (\w+)\b", replaced(r"\bfrom (\w+) to (\w+)\b", r"from \2 to \1")),
    ("reversal", r"\b(before|after)\b", swapped),
    ("product", r"\bcard\b", replaced(r"\bcard\b", "watch")),
    ("product", r"\b(visa|mastercard|apple|google)\b", replaced(r"\b(visa|mastercard|apple|google)\b", "samsung")),
    ("product", r"\baccount\b", replaced(r"\baccount\b", "insurance")),
    ("cancel/keep", r"\bcancel\b", replaced(r"\bcancel\b", "keep")),
    ("cancel/keep", r"\bactivate\b", replaced(r"\bactivate\b", "deactivate")),
    ("amount", r"[$£€]\s?\d+", more),
    ("other customer", r"\bmy\b", lambda text: f"{text} my order number is A{sum(map(ord, text)) % 90000 + 10000}"),
)  # fmt: skip
THAI: Final[tuple[tuple[str, str, Callable[[str], str]], ...]] = (
    ("number", r"\d+", more),
    ("negation", r"ไม่(?!เป็นไร|ทราบ|แน่ใจ|รู้)", replaced(r"ไม่", "")),
    ("negation", r"(?<!ไม่)ได้", replaced(r"(?<!ไม่)ได้", "ไม่ได้")),
    ("cancel/keep", r"ยกเลิก", replaced(r"ยกเลิก", "ใช้ต่อ")),
    ("cancel/keep", r"เปิด", replaced(r"เปิด", "ปิด")),
    ("reversal", r"ก่อน", replaced(r"ก่อน", "หลัง")),
    ("product", r"โปรโมชั่น|โปรโมชัน", replaced(r"โปรโมชั่น|โปรโมชัน", "รองเท้า")),
    ("product", r"อินเตอร์เน็ต|อินเทอร์เน็ต", replaced(r"อินเตอร์เน็ต|อินเทอร์เน็ต", "เสื้อ")),
    ("amount", r"บาท", replaced(r"บาท", "ดอลลาร์")),
    ("amount", THAI_NUMBERS, replaced(THAI_NUMBERS, "ล้าน")),
    ("other customer", r"ค่ะ|ครับ", lambda text: f"{text} เบอร์ 08{sum(map(ord, text)) % 90000000 + 10000000}"),
)  # fmt: skip


def changed_pairs(texts: list[str], changes: tuple[tuple[str, str, Callable[[str], str]], ...]) -> Iterator[Pair]:
    """Yield real questions beside what they become by one change that turns their answer."""
    for kind, pattern, change in changes:
        found = 0
        for text in texts:
            if found < EACH and re.search(pattern, text, re.IGNORECASE) and (new := change(text)) != text:
                found += 1
                yield Pair(kind, text, new)


def follow_ups(path: Path) -> Iterator[Pair]:
    """Yield real turns that depend on their conversation, each as if the same words had been known from another one."""
    dependent = {"confirmation", "rejection"}
    seen = 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            text = row["text"]
            if row["intent"] in dependent and len(text.split()) <= 2 and seen < EACH:
                seen += 1
                yield Pair("follow-up", text, text)
    yield from (
        Pair("follow-up", text, text)
        for text in ("ใช่", "ใช่ค่ะ", "2", "ได้ครับ", "เอาค่ะ", "ตกลง", "yes", "ok", "no thanks")
    )


def other_language(path: Path) -> Iterator[Pair]:
    """Yield the same question in two languages: an answer in the wrong one helps nobody."""
    with path.open(encoding="utf-8") as lines:
        for _number, line in zip(range(EACH), lines, strict=False):
            row = json.loads(line)
            yield Pair("other language", row["en"], row["th"])


def all_pairs(data: Path) -> list[Pair]:
    """Return every pair that the real rows give."""
    draw = random.Random(SEED)
    english = [row["text"] for row in csv.DictReader((data / "banking77_train.csv").open(encoding="utf-8"))]
    thai = [row["text"] for row in csv.DictReader((data / "truevoice_train.csv").open(encoding="utf-8"))]
    draw.shuffle(english)
    draw.shuffle(thai)
    return [
        *changed_pairs(english, ENGLISH),
        *changed_pairs(thai, THAI),
        *follow_ups(data / "en_dialog_turns_dev.jsonl"),
        *other_language(data / "th_en_parallel_questions_dev.jsonl"),
    ]


def main() -> None:
    """Print how many pairs of each kind there are, and how many would be served."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    found = all_pairs(parser.parse_args().data)
    served = [pair for pair in found if would_be_served(pair)]
    print("| kind | pairs | served (every one would be wrong) |\n|---|---|---|")
    for kind in sorted({pair.kind for pair in found}):
        counts = sum(pair.kind == kind for pair in found), sum(pair.kind == kind for pair in served)
        print(f"| {kind} | {counts[0]} | {counts[1]} |")
    print(f"| all | {len(found)} | {len(served)} |")
    for pair in served[:SHOWN]:
        print(f"served: {pair.kind}: {pair.known!r} -> {pair.asked!r}", file=sys.stderr)
    if served or len(found) < LEAST_PAIRS:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
