"""Known answers on real questions, through the ladder's own code: what is served, and how much of it is wrong.

    uv run python -m bench.known_answers --data DIR [--vectors NAME banking77.npy truevoice.npy]

Warm: four fifths of the rows are known (cache and student), the last fifth asks; five times over, so that each row asks
once. Weights, curves and limits come from the known part only. The cold stream: `bench.known_answers_cold`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from bench.known_answers_data import BenchStudent, Numbers, Places, Rows, nearest_rows, read_rows
from conversations.answers.bound import Curve, Label, shared_prior
from conversations.answers.guards import difference, traits_of
from conversations.answers.limit import interval, risk_limit
from conversations.answers.normal import question_key
from conversations.answers.score import Features, backing_of, fit_weights, score_of
from conversations.answers.selfcontained import unfit

FOLDS: Final = 5
NEIGHBOURS: Final = 20
BOUNDS: Final = (0.01, 0.05)
SEED: Final = 7

traits = lru_cache(maxsize=50_000)(traits_of)


@dataclass(frozen=True, slots=True)
class WouldBe:
    """A would-be hit: which answer, how it looks, and whether it would be right."""

    answer: int
    features: Features
    is_right: bool
    is_exact: bool = False


@dataclass
class Served:
    """What one way of setting the limit served."""

    asked: int = 0
    hits: int = 0
    wrong: int = 0

    def line(self, name: str) -> str:
        """Return a row of the table."""
        seen = interval(self.wrong, self.hits)
        share = f"{100 * self.hits / max(1, self.asked):5.1f} %"
        wrong = f"{100 * seen.share:.2f} % ({100 * seen.low:.2f}-{100 * seen.high:.2f})"
        return f"| {name} | {share} | {wrong} | {self.hits} |"


def would_be_hits(
    rows: Rows, asked: Places, cached: Places, *, intents: Places, sure: Numbers, has_fixed: bool
) -> list[WouldBe | None]:
    """Return each question's candidate: the nearest cached one of the student's intent that passes every guard."""
    near, cosines = nearest_rows(rows, asked, cached, count=NEIGHBOURS)
    exact = exact_index(rows, cached)
    found: list[WouldBe | None] = []
    for place, neighbours, values, intent, p in zip(asked, near, cosines, intents, sure, strict=True):
        text = rows.texts[place]
        if unfit(text) is not None:
            found.append(None)
            continue
        labels = exact.get(question_key(text))
        if labels is not None and len(labels) == 1:
            label = next(iter(labels))
            feature = Features(float(p) if label == intent else 0.01, 1.0, 1.0, 1.0, 1.0)
            found.append(WouldBe(label, feature, bool(label == rows.labels[place]), is_exact=True))
            continue
        choose = fixed_candidate if has_fixed else near_candidate
        found.append(choose(rows, int(place), neighbours, values, intent=int(intent), sure=float(p)))
    return found


def fixed_candidate(
    rows: Rows, place: int, neighbours: Places, cosines: Sequence[float], *, intent: int, sure: float
) -> WouldBe:
    """Return the fixed text of the intent that the student names, seen as the neighbours see that intent."""
    labels = rows.labels[neighbours]
    mine = [float(each) for each, label in zip(cosines, labels, strict=True) if label == intent]
    rivals = [float(each) for each, label in zip(cosines, labels, strict=True) if label != intent]
    nearest = max(mine, default=0.0)
    lead = nearest - max(rivals, default=0.0)
    same = (labels == intent).tolist()
    features = Features(sure, nearest, lead, votes=sum(same) / len(same), backing=backing_of(cosines, same))
    return WouldBe(intent, features, bool(intent == rows.labels[place]))


def exact_index(rows: Rows, cached: Places) -> dict[str, set[int]]:
    """Return the labels of each cached question's key."""
    index: dict[str, set[int]] = {}
    for place in cached:
        index.setdefault(question_key(rows.texts[place]), set()).add(int(rows.labels[place]))
    return index


def near_candidate(
    rows: Rows, place: int, neighbours: Places, cosines: Sequence[float], *, intent: int, sure: float
) -> WouldBe | None:
    """Return the best neighbour as the ladder would choose it."""
    labels = rows.labels[neighbours]
    asked = traits(rows.texts[place])
    for neighbour, cosine, label in zip(neighbours, cosines, labels, strict=True):
        if label != intent or difference(asked, traits(rows.texts[neighbour])) is not None:
            continue
        rivals = [float(each) for each, other in zip(cosines, labels, strict=True) if other != intent]
        features = Features(
            student=sure,
            similarity=float(cosine),
            lead=float(cosine) - max(rivals, default=0.0),
            votes=float((labels == intent).mean()),
            backing=backing_of(cosines, (labels == intent).tolist()),
        )
        return WouldBe(intent, features, bool(intent == rows.labels[place]))
    return None


def folds_of(places: Places, count: int, *, seed: int) -> list[Places]:
    """Return the places in random parts."""
    return np.array_split(np.random.default_rng(seed).permutation(places), count)


def held_out(rows: Rows, places: Places, *, seed: int, sees_vectors: bool, has_fixed: bool) -> list[WouldBe]:
    """Return the would-be hits of the known part, each from a student and a cache that never saw the question."""
    found: list[WouldBe] = []
    for part in folds_of(places, FOLDS, seed=seed):
        others = np.setdiff1d(places, part)
        intents, sure = BenchStudent(rows, others, sees_vectors=sees_vectors).judge(part)
        found += [
            hit for hit in would_be_hits(rows, part, others, intents=intents, sure=sure, has_fixed=has_fixed) if hit
        ]
    return found


@dataclass(frozen=True)
class Learnt:
    """What was learnt from labels of the known part."""

    weights: tuple[float, ...]
    prior: Curve
    curves: dict[int, Curve]
    judged: list[tuple[float, bool]]

    def risk(self, hit: WouldBe) -> float:
        """Return a would-be hit's risk."""
        return self.curves.get(hit.answer, self.prior).risk(score_of(hit.features, self.weights))


def learn(hits: Sequence[WouldBe]) -> Learnt:
    """Learn weights, the entries' shared prior, each entry's curve, and cross-checked risks."""
    weights = fit_weights([hit.features for hit in hits], [hit.is_right for hit in hits])
    labels: dict[int, list[Label]] = {}
    for hit in hits:
        labels.setdefault(hit.answer, []).append(Label(score_of(hit.features, weights), is_right=hit.is_right))
    prior = shared_prior(list(labels.values())).curve
    judged: list[tuple[float, bool]] = []
    for mine in labels.values():
        halves = (mine[::2], mine[1::2])
        for one, other in (halves, halves[::-1]):
            curve = prior.posterior(other)
            judged += [(curve.risk(label.score), label.is_right) for label in one]
    return Learnt(weights, prior, {answer: prior.posterior(mine) for answer, mine in labels.items()}, judged)


def point_limit(judged: Sequence[tuple[float, bool]], *, tolerated: float) -> float:
    """Return the highest risk up to which no more than the tolerated share was wrong, as the records do it."""
    wrong, best = 0, -1.0
    for number, (risk, is_right) in enumerate(sorted(judged), start=1):
        wrong += not is_right
        if wrong <= tolerated * number:
            best = risk
    return best


def warm(rows: Rows, *, sees_vectors: bool, parts: int, has_fixed: bool) -> None:
    """Print what is served warm."""
    everything = np.arange(len(rows.texts))
    served = {(bound, way): Served() for bound in BOUNDS for way in ("as the records set it", "with 90 % confidence")}
    right = asked = 0
    for number, part in enumerate(folds_of(everything, FOLDS, seed=SEED)[:parts]):
        known = np.setdiff1d(everything, part)
        labels = held_out(rows, known, seed=number, sees_vectors=sees_vectors, has_fixed=has_fixed)
        learnt = learn(labels)
        intents, sure = BenchStudent(rows, known, sees_vectors=sees_vectors).judge(part)
        right, asked = right + int((intents == rows.labels[part]).sum()), asked + len(part)
        hits = would_be_hits(rows, part, known, intents=intents, sure=sure, has_fixed=has_fixed)
        if number == 0:
            growth(f"{rows.name}, {rows.encoder}", labels, hits)
        for (bound, way), table in served.items():
            limit = (point_limit if way.startswith("as") else risk_limit)(learnt.judged, tolerated=bound)
            chosen = [hit for hit in hits if hit and learnt.risk(hit) <= limit]
            table.asked += len(part)
            table.hits += len(chosen)
            table.wrong += sum(not hit.is_right for hit in chosen)
    steps = "exact, near, fixed" if has_fixed else "exact, near"
    print(f"\n### {rows.name}, warm, {rows.encoder}: {steps} ({asked} asked, student {100 * right / asked:.1f} %)\n")
    print("| limit | served | wrong of served (95 %) | hits |\n|---|---|---|---|")
    for (bound, way), table in served.items():
        print(table.line(f"{100 * bound:.0f} %, {way}"))


def growth(name: str, labels: Sequence[WouldBe], hits: Sequence[WouldBe | None]) -> None:
    """Print how what is served grows with the number of labels."""
    print(f"\n### {name}: served at 1 %, with 90 % confidence, by number of labels\n")
    print("| labels | served | wrong |\n|---|---|---|")
    for count in (250, 500, 1000, 2000, 4000, len(labels)):
        learnt = learn(labels[:count])
        limit = risk_limit(learnt.judged, tolerated=BOUNDS[0])
        chosen = [hit for hit in hits if hit and learnt.risk(hit) <= limit]
        wrong = sum(not hit.is_right for hit in chosen) / max(1, len(chosen))
        print(f"| {min(count, len(labels))} | {100 * len(chosen) / len(hits):.1f} % | {100 * wrong:.2f} % |")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--vectors", nargs=3, action="append", default=[], metavar=("NAME", "BANKING77", "TRUEVOICE"))
    parser.add_argument("--only", choices=("banking77", "truevoice"), action="append")
    parser.add_argument("--parts", type=int, default=FOLDS, help="how many of the five fifths ask")
    parser.add_argument("--fixed", action="store_true", help="each label has a fixed text: the student alone may serve")
    parser.add_argument("--without-hashed", action="store_true")
    options = parser.parse_args()
    wanted = options.only or ["banking77", "truevoice"]
    encoders: list[tuple[str, Path | None, Path | None]] = [] if options.without_hashed else [("hashed", None, None)]
    encoders += [(name, *(Path(each) if each != "-" else None for each in paths)) for name, *paths in options.vectors]
    for name, banking, truevoice in encoders:
        sees_vectors = name != "hashed"
        if "banking77" in wanted and (banking or not sees_vectors):
            rows = read_rows(options.data / "banking77_train.csv", columns=["label"], vectors=banking, encoder=name)
            warm(rows, sees_vectors=sees_vectors, parts=options.parts, has_fixed=options.fixed)
        if "truevoice" in wanted and (truevoice or not sees_vectors):
            columns = ["action", "object"]
            source = options.data / "truevoice_train.csv"
            rows = read_rows(source, columns=columns, vectors=truevoice, encoder=name)
            warm(rows, sees_vectors=sees_vectors, parts=options.parts, has_fixed=options.fixed)


if __name__ == "__main__":
    main()
