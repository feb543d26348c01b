"""The ladder's decisions, pure: what may be served to a question, and why not. Cheapest first; the model is below it.

Says for each step why it answered or passed. Serves nothing that isn't known to be within the bound: whatever is in
doubt passes through, and a share of what is not in doubt is answered by the model too (`EXPLORED`), so that the promise
is checked for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from conversations.answers.bound import Curve
from conversations.answers.guards import Guard, Traits, difference, traits_of
from conversations.answers.limit import is_broken
from conversations.answers.score import Features, backing_of, score_of

EXACT_SCORE: Final = 1.0
MIN_STUDENT: Final = 0.5


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


def decide_exact(entry: Entry | None, rules: Rules, *, draw: float) -> Decision:
    """Decide on an entry that has the very question. `draw` is a random number, 0 to 1."""
    if entry is None:
        return Decision(Why.NO_ENTRY)
    if entry.intent not in rules.reusable:
        return Decision(Why.NOT_REUSABLE, entry)
    if is_in_doubt(entry, rules):
        return Decision(Why.IN_DOUBT, entry, score=EXACT_SCORE)
    return Decision(_served_or_explored(rules, draw=draw), entry, score=EXACT_SCORE, risk=0.0)


def is_in_doubt(entry: Entry, rules: Rules) -> bool:
    """Whether an entry's own labels speak against it. What no person approved falls with its first wrong one."""
    if not entry.is_approved:
        return entry.wrong > 0
    return is_broken(entry.wrong, entry.right, tolerated=rules.tolerated_share)


def decide_near(
    asked: Traits, neighbours: Sequence[Neighbour], opinion: Opinion | None, rules: Rules, *, draw: float
) -> Decision:
    """Decide on the nearest known questions, best first: the first that passes every guard is the candidate."""
    if not neighbours:
        return Decision(Why.NO_ENTRY)
    if (doubt := doubt_of(opinion)) is not None or opinion is None:
        return Decision(doubt or Why.NO_STUDENT, neighbours[0].entry)
    agreeing = [each for each in neighbours if each.entry.intent == opinion.intent]
    if not agreeing:
        return Decision(Why.STUDENT_DISAGREES, neighbours[0].entry, detail=opinion.intent)
    guarded: dict[int, Guard] = {}
    for neighbour in agreeing:
        if (guard := difference(asked, traits_of(neighbour.question))) is None:
            return _decide_candidate(neighbour, neighbours, opinion, rules, guarded=guarded, draw=draw)
        guarded[neighbour.entry.question_id or 0] = guard
    return Decision(Why.GUARDED, agreeing[0].entry, detail=next(iter(guarded.values())), guarded=guarded)


def doubt_of(opinion: Opinion | None) -> Why | None:
    """Return why the student's word is not enough to serve anything, or None."""
    if opinion is None:
        return Why.NO_STUDENT
    if opinion.action_required or opinion.escalate:
        return Why.NEEDS_ACTION
    return Why.STUDENT_UNSURE if opinion.probability < MIN_STUDENT else None


def _decide_candidate(
    candidate: Neighbour,
    neighbours: Sequence[Neighbour],
    opinion: Opinion,
    rules: Rules,
    *,
    guarded: Mapping[int, Guard],
    draw: float,
) -> Decision:
    entry = candidate.entry
    features = features_of(candidate, neighbours, opinion)
    score = score_of(features, rules.weights)
    risk = (entry.curve or rules.prior).risk(score)
    why = _served_or_explored(rules, draw=draw)
    if entry.intent not in rules.reusable:
        why = Why.NOT_REUSABLE
    elif is_in_doubt(entry, rules):
        why = Why.IN_DOUBT
    elif risk > rules.risk_limit:
        why = Why.ABOVE_LIMIT
    return Decision(why, entry, score=score, risk=risk, features=tuple(features), guarded=guarded)


def features_of(candidate: Neighbour, neighbours: Sequence[Neighbour], opinion: Opinion) -> Features:
    """Return what speaks for a candidate among the neighbours."""
    intent = candidate.entry.intent
    rivals = [each.similarity for each in neighbours if each.entry.intent != intent]
    is_same = [each.entry.intent == intent for each in neighbours]
    return Features(
        student=opinion.probability,
        similarity=candidate.similarity,
        lead=candidate.similarity - max(rivals, default=0.0),
        votes=sum(is_same) / len(neighbours),
        backing=backing_of([each.similarity for each in neighbours], is_same),
    )


def decide_fixed(entry: Entry | None, opinion: Opinion | None, rules: Rules, *, draw: float) -> Decision:
    """Decide on the fixed text of the intent that the student is sure of."""
    if entry is None:
        return Decision(Why.NO_ENTRY)
    if (doubt := doubt_of(opinion)) is not None or opinion is None:
        return Decision(doubt or Why.NO_STUDENT, entry)
    if opinion.is_unsure:
        return Decision(Why.STUDENT_UNSURE, entry)
    if entry.intent not in rules.reusable:
        return Decision(Why.NOT_REUSABLE, entry)
    risk = (entry.curve or rules.prior).risk(opinion.probability)
    if is_in_doubt(entry, rules) or risk > rules.risk_limit:
        return Decision(Why.ABOVE_LIMIT, entry, score=opinion.probability, risk=risk)
    return Decision(_served_or_explored(rules, draw=draw), entry, score=opinion.probability, risk=risk)


def _served_or_explored(rules: Rules, *, draw: float) -> Why:
    return Why.EXPLORED if draw < rules.explore_share else Why.SERVED
