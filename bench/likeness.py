"""How often near-duplicates ask the same, and how many wrong labels contradictions find, on real questions.

    uv run python -m bench.likeness FOLDER

FOLDER holds `banking77_train.csv` (text, label) and `truevoice_train.csv` (text, action, object).
Of each, 4,000 distinct questions; 2 % of them get another label, drawn with a fixed seed.
"""

import csv
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conversations.playbook.grams import normalise
from conversations.playbook.similar import NEAR_DUPLICATE, alike, compare

COUNT: Final = 4000
WRONG_SHARE: Final = 0.02
SEED: Final = 1


@dataclass(frozen=True)
class Row:
    """A question and its label."""

    customer_text: str
    intent: str
    action_required: bool = False
    escalate: bool = False


def rows_of(path: Path, *columns: str) -> list[Row]:
    """Return distinct questions of a file in a fixed random order."""
    with path.open(encoding="utf-8", newline="") as file:
        found = [Row(line["text"], "/".join(line[column] for column in columns)) for line in csv.DictReader(file)]
    random.Random(SEED).shuffle(found)
    return list({normalise(row.customer_text): row for row in found}.values())[:COUNT]


def with_wrong_labels(rows: list[Row]) -> tuple[list[Row], set[int]]:
    """Return the rows with some labels changed, and the places of those."""
    chance = random.Random(SEED)
    labels = sorted({row.intent for row in rows})
    wrong = set(chance.sample(range(len(rows)), round(len(rows) * WRONG_SHARE)))
    changed = [
        Row(row.customer_text, chance.choice([label for label in labels if label != row.intent]))
        if place in wrong
        else row
        for place, row in enumerate(rows)
    ]
    return changed, wrong


def report(name: str, rows: list[Row]) -> None:
    """Print what was measured on one set of questions."""
    started = time.perf_counter()
    found = compare(rows)
    seconds = time.perf_counter() - started
    against = [pair for pair in found.contradictions if pair.similarity >= NEAR_DUPLICATE]
    near = len(found.duplicates) + len(against)
    changed, wrong = with_wrong_labels(rows)
    pairs = alike([row.customer_text for row in rows])
    comparable = {place for pair in pairs for place in (pair.first, pair.second)}
    shown = {place for pair in compare(changed).contradictions for place in (pair.first, pair.second)}
    print(f"{name}: {len(rows)} questions, {len({row.intent for row in rows})} labels, compared in {seconds:.1f} s")
    print(f"  near-duplicates: {near} pairs, {len(found.duplicates) / near:.1%} of them with one label")
    print(f"  contradictions as labelled: {len(found.contradictions)} pairs")
    print(f"  of {len(wrong)} wrong labels, {len(wrong & shown)} shown, {len(wrong & comparable)} have a like question")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    report("banking77", rows_of(folder / "banking77_train.csv", "label"))
    report("truevoice", rows_of(folder / "truevoice_train.csv", "action", "object"))
