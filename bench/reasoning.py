"""How many real messages are taken for questions to work out, and what looking costs.

    python -m bench.reasoning --data DIR [--show 5]

DIR holds the files named below. None of these people asked for a calculation, but for a few: what is found is read by a
person (`--show`), and a wrong find costs a slower and dearer answer, never a wrong one.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.figures import Checked, at_most, table
from conversations.playbook.reasoning_questions import recognise

FILES: Final = {
    "truevoice_train.csv": ("Thai phone calls", 0.1),
    "th_social_messages_dev.jsonl": ("Thai posts to brands", 2.0),
    "th_ecom5_dev.jsonl": ("Thai messages to shops", 2.0),
    "banking77_train.csv": ("English bank questions", 0.1),
    "en_dialog_turns_dev.jsonl": ("English support chats", 0.2),
    "en_ecom5_bitext_dev.csv": ("English shop questions", 0.1),
}
LIMIT_US: Final = 150.0
MILLION: Final = 1e6
PER_CENT: Final = 100


def main() -> None:
    """Look through every file and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    checked: list[Checked] = []
    for name, (what, limit) in FILES.items():
        texts = read_texts(options.data / name)
        started = time.thread_time()
        found = [text for text in texts if recognise(text)]
        each_us = (time.thread_time() - started) / len(texts) * MILLION
        share = len(found) * PER_CENT / len(texts)
        checked.append(at_most(f"{what}: {len(found)} of {len(texts):,}", share, limit=limit, unit="%"))
        checked.append(at_most(f"{what}: CPU a message", each_us, limit=LIMIT_US, unit="us"))
        show(found[: options.show])
    print(table(("figure", "measured", "limit", ""), [figure.cells() for figure in checked]))
    sys.exit(0 if all(figure.is_kept for figure in checked) else 1)


def show(found: Sequence[str]) -> None:
    """Print what was found, on a line each."""
    for text in found:
        print("  ", repr(text[:200]))


def read_texts(path: Path) -> list[str]:
    """Return the texts of a file of messages."""
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return [row["text"] for row in csv.DictReader(file)]
        return [json.loads(line)["text"] for line in file]


if __name__ == "__main__":
    main()
