"""The cold stream: it begins with nothing, and every question that the model answers may become known.

    uv run python -m bench.known_answers_cold --data DIR [--stream FILE] [--vectors NAME FILE] [--way gated]

The stream is taken in its order. What the model answered is known to the very same question at once; similar ones find
it, and a new student is trained on it, after 250, 500, 1,000 ... rows. Each answer is approved when it is first given
(a label stands for one text). One in twenty would-be hits is answered by the model all the same; limits are learnt from
nothing but what the model had answered by then.

- `record`: the very same question only, from its first answer on, whatever it is, nothing checked: as records count.
- `ladder`: the same, but given up where it was contradicted; then near and fixed below the learnt limit.
- `gated`: the very same question, too, is only served below the learnt limit.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from bench.known_answers import NEIGHBOURS, WouldBe, fixed_candidate, learn, near_candidate, point_limit
from bench.known_answers_data import BenchStudent, Places, Rows, nearest_rows, read_rows
from conversations.answers.limit import interval, is_broken, risk_limit
from conversations.answers.normal import question_key
from conversations.answers.score import Features
from conversations.answers.selfcontained import unfit

EXPLORE_SHARE: Final = 0.05
TOLERATED: Final = 0.01
SEED: Final = 11
BLOCKS: Final = (250, 500, 1000, 2000, 3000, 4500, 6500, 9000)
LABELS: Final = 5000
SHARES: Final = 4
WAYS: Final = ("record", "ladder", "gated")
NEVER: Final = -1.0


@dataclass
class Asked:
    """How often a question's answers agreed with its first one."""

    label: int
    right: int = 0
    wrong: int = 0


@dataclass
class Cold:
    """All that is known at one moment of the stream, and what came of it."""

    rows: Rows
    way: str
    is_sure: bool
    same: dict[str, Asked] = field(default_factory=dict)
    answered: list[int] = field(default_factory=list)
    labels: list[WouldBe] = field(default_factory=list)
    hits: list[bool] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def run(self) -> None:
        """Let the whole stream through."""
        draw = random.Random(SEED)
        count = len(self.rows.texts)
        starts = [0, *(each for each in BLOCKS if each < count)]
        for start, end in zip(starts, [*starts[1:], count], strict=True):
            self._block(np.arange(start, end), draw)

    def _block(self, places: Places, draw: random.Random) -> None:
        candidates = self._candidates(places)
        learnt = learn(self.labels[-LABELS:]) if self.labels else None
        find = risk_limit if self.is_sure else point_limit
        explored = 0.0 if self.way == "record" else EXPLORE_SHARE
        limit = find(learnt.judged, tolerated=TOLERATED) if learnt else NEVER
        for place in map(int, places):
            text = self.rows.texts[place]
            if self.way != "record" and unfit(text) is not None:
                continue
            key = question_key(text)
            same = self.same.get(key)
            hit = self._same_hit(place, same, candidates.get(place)) if same else candidates.get(place)
            is_below = hit is not None and learnt is not None and learnt.risk(hit) <= limit
            is_served = self._serves(same, is_below=is_below) if same else is_below
            if hit is not None and is_served and draw.random() >= explored:
                self.hits.append(hit.is_right)
                self.places.append(place)
            else:
                self._answer(place, key, hit)

    def _serves(self, same: Asked, *, is_below: bool) -> bool:
        if self.way == "ladder":
            return not is_broken(same.wrong, same.right, tolerated=TOLERATED)
        return self.way == "record" or is_below

    def _answer(self, place: int, key: str, hit: WouldBe | None) -> None:
        label = int(self.rows.labels[place])
        same = self.same.setdefault(key, Asked(label))
        same.right += same.label == label
        same.wrong += same.label != label
        self.answered.append(place)
        if hit is not None:
            self.labels.append(hit)

    def _same_hit(self, place: int, same: Asked, other: WouldBe | None) -> WouldBe:
        """Return the same question's answer, seen as student and neighbours see it."""
        agrees = other is not None and other.answer == same.label
        seen = other.features if other is not None and agrees else Features(0.01, 1.0, 0.0, 0.0, 0.0)
        features = Features(seen.student, 1.0, max(seen.lead, 0.0), seen.votes, seen.backing)
        return WouldBe(same.label, features, bool(same.label == self.rows.labels[place]), is_exact=True)

    def _candidates(self, places: Places) -> dict[int, WouldBe]:
        """Return near and fixed ones, by what the model had answered when this part of the stream began."""
        known = np.array(self.answered, dtype=np.int64)
        if self.way == "record" or len(known) <= NEIGHBOURS:
            return {}
        intents, sure = BenchStudent(self.rows, known, sees_vectors=self.rows.encoder != "hashed").judge(places)
        near, cosines = nearest_rows(self.rows, places, known, count=NEIGHBOURS)
        found: dict[int, WouldBe] = {}
        for place, neighbours, values, intent, p in zip(places, near, cosines, intents, sure, strict=True):
            here, label, how = int(place), int(intent), float(p)
            near_hit = near_candidate(self.rows, here, neighbours, values, intent=label, sure=how)
            found[here] = near_hit or fixed_candidate(self.rows, here, neighbours, values, intent=label, sure=how)
        return found


def line(name: str, hits: Sequence[bool], asked: int) -> str:
    """Return a row of the table."""
    seen = interval(len(hits) - sum(hits), len(hits))
    share, low, high = (100 * each for each in (seen.share, seen.low, seen.high))
    return f"| {name} | {100 * len(hits) / asked:.1f} % | {share:.2f} % ({low:.2f}-{high:.2f}) | {len(hits)} |"


def report(cold: Cold) -> None:
    """Print what was served, altogether and in each quarter of the stream."""
    count = len(cold.rows.texts)
    limit = "90 % confidence" if cold.is_sure else "as the records set it"
    print(line(f"{cold.way}, {limit}", cold.hits, count), flush=True)
    for quarter in range(SHARES):
        span = range(count * quarter // SHARES, count * (quarter + 1) // SHARES)
        mine = [right for right, place in zip(cold.hits, cold.places, strict=True) if place in span]
        print(line(f"{cold.way}, quarter {quarter + 1}", mine, len(span)), flush=True)


def main() -> None:
    """Let the stream through in each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--stream", default="truevoice_train.csv")
    parser.add_argument("--columns", nargs="+", default=["action", "object"])
    parser.add_argument("--vectors", nargs=2, metavar=("NAME", "FILE"), default=("hashed", ""))
    parser.add_argument("--way", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--sure", action="store_true", help="limits with 90 % confidence, as csbot sets them")
    given = parser.parse_args()
    name, file = given.vectors
    vectors = Path(file) if file else None
    rows = read_rows(given.data / given.stream, columns=given.columns, vectors=vectors, encoder=name)
    print(f"\n### {rows.name}, cold stream of {len(rows.texts)}, {'/'.join(given.columns)}, {name}\n")
    print("| way | served | wrong of served (95 %) | hits |\n|---|---|---|---|")
    for way in given.way:
        cold = Cold(rows, way, given.sure)
        cold.run()
        report(cold)


if __name__ == "__main__":
    main()
