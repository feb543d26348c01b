"""The cold stream: it begins with nothing, and every question that is answered by the model may become known.

Each question is served from what is known if it is the very same and enough earlier answers to it agreed; one in twenty
is answered by the model all the same, and an answer that was contradicted is never served again.
"""

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conversations.answers.limit import interval
from conversations.answers.normal import question_key
from conversations.answers.selfcontained import unfit

EXPLORE_SHARE: Final = 0.05
SEED: Final = 11


@dataclass
class Known:
    """An answer, and how often it was right."""

    label: str
    right: int = 1
    is_contested: bool = False


def cold_stream(source: Path, *, columns: Sequence[str]) -> None:
    """Print hits and wrong ones by how many agreeing answers it takes."""
    with source.open(encoding="utf-8") as lines:
        stream = [(row["text"], "/".join(row[column] for column in columns)) for row in csv.DictReader(lines)]
    print(f"\n### {source.stem}, cold stream of {len(stream)}, the very same question\n")
    print("| agreeing answers needed | served | wrong of served (95 %) |\n|---|---|---|")
    for needed in (1, 2, 3):
        hits, wrong = serve(stream, needed=needed)
        seen = interval(wrong, hits)
        served = f"{100 * hits / len(stream):.1f} %"
        print(f"| {needed} | {served} | {100 * seen.share:.2f} % ({100 * seen.low:.2f}-{100 * seen.high:.2f}) |")


def serve(stream: Sequence[tuple[str, str]], *, needed: int) -> tuple[int, int]:
    """Return how many were served, and how many of those wrong."""
    draw = random.Random(SEED)
    known: dict[str, Known] = {}
    hits = wrong = 0
    for text, label in stream:
        if unfit(text) is not None:
            continue
        found = known.setdefault(question_key(text), Known(label, right=0))
        if found.right >= needed and not found.is_contested and draw.random() >= EXPLORE_SHARE:
            hits += 1
            wrong += found.label != label
        elif found.label == label:
            found.right += 1
        else:
            found.is_contested = True
    return hits, wrong
