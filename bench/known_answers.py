"""Known answers on real questions, through the ladder's own code: what is served, and how much of it is wrong.

    uv run python -m bench.known_answers --data DIR [--fixed] [--vectors NAME banking77.npy truevoice.npy]
    uv run python -m bench.known_answers --known FILE --asked FILE --columns label [--encoder FOLDER] [--fixed]

Warm: four fifths of the rows are known (cache and student), the last fifth asks; five times over, so that each row asks
once. Or one file is known and another one asks. Of truevoice's rows those that are like its test rows in length and
repeats are counted by themselves, too. Weights, curves and limits come from the known part only. The cold
stream: `bench.known_answers_cold`.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Final

import numpy as np

from bench.known_answers_data import BenchStudent, Places, Rows, both_rows, like_test_rows, nearest_rows, read_rows
from bench.known_answers_hits import (
    NEIGHBOURS,
    Asked,
    Bound,
    Shop,
    Told,
    bound_of,
    look_at_all,
    same_questions,
    shop_of,
)
from conversations.answers.ladder import Entry
from conversations.answers.limit import interval

FOLDS: Final = 5
BOUNDS: Final = (0.01, 0.05)
SEED: Final = 7
WAYS: Final = {False: "as the records set it", True: "with 90 % confidence"}
SOURCES: Final = {
    "banking77": ("banking77_train.csv", ("label",)),
    "truevoice": ("truevoice_train.csv", ("action", "object")),
}


@dataclass
class Served:
    """What one way of setting the limit served."""

    asked: int = 0
    hits: int = 0
    wrong: int = 0

    def add(self, asked: Sequence[Asked | None], bound: Bound) -> None:
        """Add what is served of these."""
        answers = [(each.label, bound.answer_to(each)) for each in asked if each]
        self.asked += len(asked)
        self.hits += sum(answer is not None for _label, answer in answers)
        self.wrong += sum(answer is not None and answer != label for label, answer in answers)

    def line(self, name: str) -> str:
        """Return a row of the table."""
        seen = interval(self.wrong, self.hits)
        share = f"{100 * self.hits / max(1, self.asked):5.1f} %"
        wrong = f"{100 * seen.share:.2f} % ({100 * seen.low:.2f}-{100 * seen.high:.2f})"
        return f"| {name} | {share} | {wrong} | {self.hits} |"


def folds_of(places: Places, count: int, *, seed: int) -> list[Places]:
    """Return the places in random parts."""
    return np.array_split(np.random.default_rng(seed).permutation(places), count)


@dataclass
class Warm:
    """Rows in parts. Each look sees what a student and a cache say of a part that they never saw.

    A student is shared: one that saw neither part 1 nor part 2 judges the labels of 2 for when 1 asks, and those of 1
    for when 2 does.
    """

    rows: Rows
    parts: Sequence[Places]
    shop: Shop
    told: dict[frozenset[int], dict[int, Told]] = field(default_factory=dict)

    def look(self, part: int, *, without: frozenset[int]) -> list[Asked | None]:
        """Return what the ladder sees of a part's questions where some parts, it among them, aren't known."""
        known, asked = self.known(without), self.parts[part]
        if without not in self.told:
            student = BenchStudent(self.rows, known, sees_vectors=self.rows.has_meaning)
            self.told[without] = {each: Told(*student.judge(self.parts[each])) for each in without}
        found = nearest_rows(self.rows, asked, known, count=NEIGHBOURS)
        same = same_questions(self.rows, map(int, known))
        return look_at_all(self.rows, asked, found, self.told[without][part], same=same, shop=self.shop)

    def known(self, without: frozenset[int]) -> Places:
        """Return the places of all other parts."""
        return np.sort(np.concatenate([places for part, places in enumerate(self.parts) if part not in without]))

    def labels(self, part: int) -> list[Asked | None]:
        """Return the labels of what is known when a part asks: its own rows, part by part, seen without that part."""
        others = [each for each in range(len(self.parts)) if each != part]
        return [seen for each in others for seen in self.look(each, without=frozenset({each, part}))]


def warm(rows: Rows, parts: Sequence[Places], asking: Sequence[int], *, has_fixed: bool, alike: Places | None) -> None:
    """Print what is served warm to the parts that ask, each while all others are known; `alike`: and to these rows."""
    shop = shop_of(rows, has_fixed=has_fixed)
    setting = Warm(rows, parts, shop)
    served = {(tolerated, is_sure): Served() for tolerated in BOUNDS for is_sure in WAYS}
    served_alike = {way: Served() for way in served}
    for part in asking:
        seen, labels = setting.look(part, without=frozenset({part})), setting.labels(part)
        same = list(same_questions(rows, map(int, setting.known(frozenset({part})))).values())
        if part == asking[0]:
            growth(rows, labels, seen, same=same, shop=shop)
        for (tolerated, is_sure), table in served.items():
            bound = bound_of(labels, same, tolerated=tolerated, is_sure=is_sure, rules=shop.rules)
            table.add(seen, bound)
            if alike is not None:
                served_alike[tolerated, is_sure].add(list(compress(seen, np.isin(parts[part], alike))), bound)
    steps = "exact, near, fixed" if has_fixed else "exact, near"
    print_served(f"{rows.name}, warm, {rows.encoder}: {steps}", served)
    if alike is not None:
        print_served(f"{rows.name}, of these the rows whose lengths and repeats are like the test's", served_alike)


def print_served(title: str, served: Mapping[tuple[float, bool], Served]) -> None:
    """Print what each way of setting the limit served."""
    asked = max(table.asked for table in served.values())
    print(f"\n### {title} ({asked} asked)\n")
    print("| limit | served | wrong of served (95 %) | hits |\n|---|---|---|---|")
    for (tolerated, is_sure), table in served.items():
        print(table.line(f"{100 * tolerated:.0f} %, {WAYS[is_sure]}"), flush=True)


def growth(
    rows: Rows, labels: Sequence[Asked | None], asked: Sequence[Asked | None], *, same: Sequence[Entry], shop: Shop
) -> None:
    """Print how what is served grows with the number of labels; what repeats were worth is known from the start."""
    print(f"\n### {rows.name}, {rows.encoder}: served at 1 %, with 90 % confidence, by number of labels\n")
    print("| labels | served | wrong of served (95 %) | hits |\n|---|---|---|---|")
    for count in (500, 1000, 2000, 4000, len(labels)):
        bound = bound_of(labels[:count], same, tolerated=BOUNDS[0], is_sure=True, rules=shop.rules)
        table = Served()
        table.add(asked, bound)
        print(table.line(str(min(count, len(labels)))), flush=True)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", choices=sorted(SOURCES), action="append")
    parser.add_argument("--vectors", nargs=3, action="append", default=[], metavar=("NAME", "BANKING77", "TRUEVOICE"))
    parser.add_argument("--without-hashed", action="store_true")
    parser.add_argument("--parts", type=int, default=FOLDS, help="how many of the five fifths ask")
    parser.add_argument("--known", type=Path)
    parser.add_argument("--asked", type=Path)
    parser.add_argument("--columns", nargs="+", default=["label"])
    parser.add_argument("--encoder", type=Path, help="a folder with a model, as for CSBOT_EMBEDDINGS")
    parser.add_argument("--fixed", action="store_true", help="each label has a fixed text: the student alone may serve")
    given = parser.parse_args()
    if given.known and given.asked:
        rows, known = both_rows(given.known, given.asked, columns=given.columns, encoder=given.encoder)
        everything = np.arange(len(rows.texts))
        parts = [*folds_of(everything[:known], FOLDS, seed=SEED), everything[known:]]
        warm(rows, parts, [FOLDS], has_fixed=given.fixed, alike=None)
        return
    if not given.data:
        parser.error("--data, or --known and --asked")
    encoders = [] if given.without_hashed else [("hashed", "", "")]
    for name, *files in [*encoders, *given.vectors]:
        for source, file in zip(SOURCES, files, strict=True):
            if source not in (given.only or SOURCES) or file == "-":
                continue
            table, columns = SOURCES[source]
            rows = read_rows(given.data / table, columns=columns, vectors=Path(file) if file else None, encoder=name)
            parts = folds_of(np.arange(len(rows.texts)), FOLDS, seed=SEED)
            alike = like_test_rows(rows.texts) if source == "truevoice" else None
            warm(rows, parts, range(given.parts), has_fixed=given.fixed, alike=alike)


if __name__ == "__main__":
    main()
