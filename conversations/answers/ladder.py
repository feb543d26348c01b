"""The ladder's decisions, pure: what may be served to a question, and why not. Cheapest first; the model is below it.

Says for each step why it answered or passed. Serves nothing that isn't known to be within the bound: whatever is in
doubt passes through, and a share of what is not in doubt is answered by the model too (`EXPLORED`), so that the promise
is checked for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from conversations.answers.bound import USUAL_REPEATS, USUAL_SHARE, Curve, Repeats
from conversations.answers.guards import Guard, Traits, difference, traits_of
from conversations.answers.limit import is_broken
from conversations.answers.score import Features, backing_of, score_of

EXACT_SCORE: Final = 1.0
MIN_STUDENT: Final = 0.5
KEPT_TRAITS: Final = 4096

known_traits = lru_cache(maxsize=KEPT_TRAITS)(traits_of)
"""Of known questions, which come again and again. What customers ask is not kept."""


class Why(StrEnum):
    """Why a step answered or passed."""

    SERVED = "served"
    EXPLORED = "explored"
    OFF = "off"
    STOPPED = "stopped"
    NOTHING_KNOWN = "nothing_known"
    SEVERAL_MESSAGES = "several_messages"
    NOT_FIRST = "not_first"
    UNFIT = "unfit"
    NO_ENTRY = "no_entry"
    NOT_REUSABLE = "not_reusable"
    OTHER_RELEASE = "other_release"
    IN_DOUBT = "in_doubt"
    NO_STUDENT = "no_student"
    STUDENT_UNSURE = "student_unsure"
    STUDENT_DISAGREES = "student_disagrees"
    NEEDS_ACTION = "needs_action"
    GUARDED = "guarded"
    ABOVE_LIMIT = "above_limit"
    ENCODER_AWAY = "encoder_away"


@dataclass(frozen=True, slots=True)
class Entry:
    """A known answer as a step sees it."""

    answer_id: int
    question_id: int | None
    text: str
    intent: str
    right: int
    wrong: int
    curve: Curve | None = None
    is_approved: bool = True


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A known question near the one asked."""

    entry: Entry
    question: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the student says of the question."""

    intent: str
    probability: float
    is_unsure: bool = False
    action_required: bool = False
    escalate: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What the known questions near the one asked say of the student's intent.

    `nearest` of all, the nearest `agreeing` with the student, and the `candidate`: the nearest of those that passes
    every guard. `features`: what the score is made of, for the near and the fixed step alike.
    """

    nearest: Neighbour | None
    agreeing: Neighbour | None
    candidate: Neighbour | None
    features: Features
    guarded: Mapping[int, Guard] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a step decided. `entry` is set wherever there was something to serve or to compare with."""

    why: Why
    entry: Entry | None = None
    score: float = 0.0
    risk: float = 1.0
    features: tuple[float, ...] = ()
    detail: str = ""
    guarded: Mapping[int, Guard] = field(default_factory=dict)

    @property
    def is_hit(self) -> bool:
        """Whether it would be served, were it not for checking."""
        return self.why in {Why.SERVED, Why.EXPLORED}


@dataclass(frozen=True, slots=True)
class Rules:
    """By what it is decided: see `board.Board`."""

    tolerated_share: float
    explore_share: float
    risk_limit: float
    prior: Curve
    weights: Sequence[float]
    reusable: frozenset[str]
    repeats: Repeats = USUAL_REPEATS


def decide_exact(entry: Entry | None, rules: Rules, *, draw: float) -> Decision:
    """Decide on an entry that has the very question. `draw` is a random number, 0 to 1.

    What was contradicted, or belongs to a shop where the same text often means two things, is served only after as many
    agreements as that takes.
    """
    if entry is None:
        return Decision(Why.NO_ENTRY)
    if entry.intent not in rules.reusable:
        return Decision(Why.NOT_REUSABLE, entry)
    risk = rules.repeats.risk(right=entry.right, wrong=entry.wrong)
    if is_in_doubt(entry, rules) or risk > max(rules.tolerated_share, USUAL_SHARE):
        return Decision(Why.IN_DOUBT, entry, score=EXACT_SCORE, risk=risk)
    return Decision(_served_or_explored(rules, draw=draw), entry, score=EXACT_SCORE, risk=risk)


def is_in_doubt(entry: Entry, rules: Rules) -> bool:
    """Whether an entry's own labels speak against it. What no person approved falls with its first wrong one."""
    if not entry.is_approved:
        return entry.wrong > 0
    return is_broken(entry.wrong, entry.right, tolerated=rules.tolerated_share)


def look_at(asked: Traits, neighbours: Sequence[Neighbour], opinion: Opinion) -> Seen:
    """Return what the nearest known questions, best first, say of the intent that the student names."""
    guarded: dict[int, Guard] = {}
    candidate = None
    agreeing = [each for each in neighbours if each.entry.intent == opinion.intent]
    for neighbour in agreeing:
        if (guard := difference(asked, known_traits(neighbour.question))) is None:
            candidate = neighbour
            break
        guarded[neighbour.entry.question_id or 0] = guard
    features = features_of(candidate or next(iter(agreeing), None), neighbours, opinion)._replace(
        passes=float(candidate is not None),
        same=float(candidate is not None and known_traits(candidate.question).normal == asked.normal),
    )
    return Seen(next(iter(neighbours), None), next(iter(agreeing), None), candidate, features, guarded)


def decide_near(seen: Seen, opinion: Opinion | None, rules: Rules, *, draw: float) -> Decision:
    """Decide on the nearest known questions: the first of the student's intent that passes every guard may answer."""
    if seen.nearest is None:
        return Decision(Why.NO_ENTRY)
    if (doubt := doubt_of(opinion)) is not None or opinion is None:
        return Decision(doubt or Why.NO_STUDENT, seen.nearest.entry)
    if seen.agreeing is None:
        return Decision(Why.STUDENT_DISAGREES, seen.nearest.entry, detail=opinion.intent)
    if seen.candidate is None:
        detail = next(iter(seen.guarded.values()))
        return Decision(Why.GUARDED, seen.agreeing.entry, detail=detail, guarded=seen.guarded)
    return _decide_candidate(seen.candidate.entry, seen, rules, draw=draw)


def doubt_of(opinion: Opinion | None) -> Why | None:
    """Return why the student's word is not enough to serve anything, or None."""
    if opinion is None:
        return Why.NO_STUDENT
    if opinion.action_required or opinion.escalate:
        return Why.NEEDS_ACTION
    return Why.STUDENT_UNSURE if opinion.probability < MIN_STUDENT else None


def _decide_candidate(entry: Entry, seen: Seen, rules: Rules, *, draw: float) -> Decision:
    score = score_of(seen.features, rules.weights)
    risk = (entry.curve or rules.prior).risk(score)
    why = _served_or_explored(rules, draw=draw)
    if entry.intent not in rules.reusable:
        why = Why.NOT_REUSABLE
    elif is_in_doubt(entry, rules):
        why = Why.IN_DOUBT
    elif risk > rules.risk_limit:
        why = Why.ABOVE_LIMIT
    return Decision(why, entry, score=score, risk=risk, features=tuple(seen.features), guarded=seen.guarded)


def features_of(nearest: Neighbour | None, neighbours: Sequence[Neighbour], opinion: Opinion) -> Features:
    """Return what speaks for the student's intent; `nearest` is the known question of it that stands for the others."""
    similarity = nearest.similarity if nearest else 0.0
    rivals = [each.similarity for each in neighbours if each.entry.intent != opinion.intent]
    is_same = [each.entry.intent == opinion.intent for each in neighbours]
    return Features(
        student=opinion.probability,
        similarity=similarity,
        lead=similarity - max(rivals, default=0.0),
        votes=sum(is_same) / max(1, len(neighbours)),
        backing=backing_of([each.similarity for each in neighbours], is_same),
        passes=0.0,
        same=0.0,
    )


def decide_fixed(
    entry: Entry | None, seen: Seen | None, opinion: Opinion | None, rules: Rules, *, draw: float
) -> Decision:
    """Decide on the fixed text of the intent that the student is sure of, by what known questions say of that intent.

    `seen` is None where they can't be looked up: then nothing says what the student's word is worth here.
    """
    if entry is None:
        return Decision(Why.NO_ENTRY)
    if (doubt := doubt_of(opinion)) is not None or opinion is None:
        return Decision(doubt or Why.NO_STUDENT, entry)
    if opinion.is_unsure:
        return Decision(Why.STUDENT_UNSURE, entry)
    if seen is None:
        return Decision(Why.ENCODER_AWAY, entry)
    return _decide_candidate(entry, seen, rules, draw=draw)


def _served_or_explored(rules: Rules, *, draw: float) -> Why:
    return Why.EXPLORED if draw < rules.explore_share else Why.SERVED
