"""The cold stream: it begins with nothing, and every question that the model answers may become known.

    uv run python -m bench.known_answers_cold --data DIR [--stream FILE] [--columns destination] [--short] [--sure]

The stream is taken in its order. What the model answered is known to the very same question at once; similar ones find
it, and a new student is trained on it, after 250, 500, 1,000 ... rows. Each answer is approved when it is first given
(a label stands for one text). One in twenty would-be hits is answered by the model all the same and compared; bounds
and limits are learnt from nothing but what the model had answered by then.

- `record`: the very same question only, from its first answer on, whatever it is, nothing checked: as records count.
- `ladder`: as csbot serves. The very same question while its bound holds, then near and fixed below the learnt limit.

`--short` takes a part of the stream that resembles truevoice's test rows (see `like_test_rows`).
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from bench.known_answers_data import BenchStudent, Places, Rows, like_test_rows, nearest_rows, part_of, read_rows
from bench.known_answers_hits import (
    NEIGHBOURS,
    Asked,
    Bound,
    Told,
    bound_of,
    entry_of,
    look_at_all,
    shop_of,
)
from conversations.answers.bound import NO_PRIOR, USUAL_REPEATS
from conversations.answers.ladder import Decision, Entry, Why
from conversations.answers.limit import interval
from conversations.answers.normal import question_key
from conversations.answers.score import DEFAULT_WEIGHTS
from conversations.answers.selfcontained import unfit
from conversations.answers.verified import MIN_LABELS, Learnt

EXPLORE_SHARE: Final = 0.05
TOLERATED: Final = 0.01
SEED: Final = 11
BLOCKS: Final = (250, 500, 1000, 2000, 3000, 4500, 6500, 9000)
LABELS: Final = 5000
SHARES: Final = 4
WAYS: Final = ("record", "ladder")


@dataclass
class Cold:
    """All that is known at one moment of the stream, and what came of it."""

    rows: Rows
    way: str
    is_sure: bool
    same: dict[str, Entry] = field(default_factory=dict)
    answered: list[int] = field(default_factory=list)
    labels: list[Asked] = field(default_factory=list)
    hits: dict[int, bool] = field(default_factory=dict)
    repeats: int = 0

    def __post_init__(self) -> None:
        """Begin with nothing learnt."""
        self._shop = shop_of(self.rows, has_fixed=True)
        self._draw = random.Random(SEED)
        nothing = Learnt(DEFAULT_WEIGHTS, NO_PRIOR.curve, {}, USUAL_REPEATS, ())
        rules = replace(self._shop.rules, risk_limit=TOLERATED, tolerated_share=TOLERATED)
        self._bound = Bound(nothing, -1.0, rules)

    def run(self) -> None:
        """Let the whole stream through."""
        count = len(self.rows.texts)
        starts = [0, *(each for each in BLOCKS if each < count)]
        for start, end in zip(starts, [*starts[1:], count], strict=True):
            places = np.arange(start, end)
            self._learn()
            for place, asked in zip(map(int, places), self._looked(places), strict=True):
                self._ask(place, asked)

    def _learn(self) -> None:
        newest = [each for each in self.labels[-LABELS:] if each.compared]
        if self.way == "ladder" and len(newest) >= MIN_LABELS:
            rules = self._shop.rules
            self._bound = bound_of(newest, self.same.values(), tolerated=TOLERATED, is_sure=self.is_sure, rules=rules)

    def _looked(self, places: Places) -> Sequence[Asked | None]:
        """Return what the steps below the very same question see, by what the model had answered by then."""
        known = np.array(self.answered, dtype=np.int64)
        if self.way == "record" or len(known) <= NEIGHBOURS:
            nothing = Decision(Why.NO_STUDENT)
            return [None if self._is_unfit(place) else Asked(int(self.rows.labels[place]), nothing) for place in places]
        intents, sure = BenchStudent(self.rows, known, sees_vectors=self.rows.has_meaning).judge(places)
        found = nearest_rows(self.rows, places, known, count=NEIGHBOURS)
        return look_at_all(self.rows, places, found, Told(intents, sure), same={}, shop=self._shop)

    def _is_unfit(self, place: int) -> bool:
        return self.way != "record" and unfit(self.rows.texts[place]) is not None

    def _ask(self, place: int, asked: Asked | None) -> None:
        if asked is None:
            return
        label, key = asked.label, question_key(self.rows.texts[place])
        same = self.same.get(key)
        asked = replace(asked, same=same)
        answer = self._answer_to(asked)
        is_checked = self.way == "ladder" and self._draw.random() < EXPLORE_SHARE
        if answer is not None and not is_checked:
            self.hits[place] = answer == label
            self.repeats += same is not None
            return
        self.answered.append(place)
        self.labels.append(asked)
        if same is None:
            self.same[key] = entry_of(label)
            return
        is_right = same.answer_id == label
        self.same[key] = replace(same, right=same.right + is_right, wrong=same.wrong + (not is_right))

    def _answer_to(self, asked: Asked) -> int | None:
        if self.way == "record":
            return asked.same.answer_id if asked.same else None
        return self._bound.answer_to(asked)


def line(name: str, hits: Sequence[bool], asked: int) -> str:
    """Return a row of the table."""
    seen = interval(len(hits) - sum(hits), len(hits))
    share, low, high = (100 * each for each in (seen.share, seen.low, seen.high))
    return f"| {name} | {100 * len(hits) / asked:.1f} % | {share:.2f} % ({low:.2f}-{high:.2f}) | {len(hits)} |"


def report(cold: Cold) -> None:
    """Print what was served, altogether and in each quarter of the stream."""
    count = len(cold.rows.texts)
    limit = "90 % confidence" if cold.is_sure else "as the records set it"
    print(line(f"{cold.way}, {limit}; of it {cold.repeats} repeats", list(cold.hits.values()), count), flush=True)
    for quarter in range(SHARES):
        span = range(count * quarter // SHARES, count * (quarter + 1) // SHARES)
        mine = [cold.hits[place] for place in span if place in cold.hits]
        print(line(f"{cold.way}, quarter {quarter + 1}", mine, len(span)), flush=True)


def main() -> None:
    """Let the stream through in each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--stream", default="truevoice_train.csv")
    parser.add_argument("--columns", nargs="+", default=["action", "object"])
    parser.add_argument("--vectors", nargs=2, metavar=("NAME", "FILE"), default=("hashed", ""))
    parser.add_argument("--way", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--short", action="store_true", help="a part that resembles truevoice's test rows")
    parser.add_argument("--sure", action="store_true", help="limits with 90 % confidence, as csbot sets them")
    given = parser.parse_args()
    name, file = given.vectors
    vectors = Path(file) if file else None
    rows = read_rows(given.data / given.stream, columns=given.columns, vectors=vectors, encoder=name)
    if given.short:
        rows = part_of(rows, like_test_rows(rows.texts))
    print(f"\n### {rows.name}, cold stream of {len(rows.texts)}, {'/'.join(given.columns)}, {name}\n")
    print("| way | served | wrong of served (95 %) | hits |\n|---|---|---|---|")
    for way in given.way:
        cold = Cold(rows, way, given.sure)
        cold.run()
        report(cold)


if __name__ == "__main__":
    main()
