"""What each step of the ladder would say to a question, without answering, storing or counting anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from conversations.answers import lookup
from conversations.answers.board import Board, Scope
from conversations.answers.encoders import ENCODERS, EncoderAwayError
from conversations.answers.guards import traits_of
from conversations.answers.knowledge import reusable_intents
from conversations.answers.ladder import (
    Decision,
    Opinion,
    Rules,
    Seen,
    Why,
    decide_exact,
    decide_fixed,
    decide_near,
    look_at,
)
from conversations.answers.models import SERVED_STATES
from conversations.answers.normal import question_key
from conversations.answers.opinion import opinion_on, with_vector
from conversations.answers.selfcontained import unfit
from conversations.answers.vectors import Searched, nearest, serving_space
from conversations.playbook.reading import current_playbook

NEVER_EXPLORED: Final = 1.0


@dataclass(frozen=True, slots=True)
class Tried:
    """What was found: why the question is unfit ("": it isn't), each step's decision, answer, the student's word."""

    unfit: str
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    answer: str = ""
    opinion: Opinion | None = None


def try_question(text: str, scope: Scope, *, board: Board) -> Tried:
    """Return what the ladder would say. Every step is tried, also below one that would answer."""
    problem = unfit(text)
    if problem is not None:
        return Tried(problem.value)
    playbook = current_playbook()
    rules = rules_of(board, reusable_intents(playbook))
    states = board.states or SERVED_STATES
    opinion, asked = _told(text)
    found = lookup.exact(
        scope, question_key(text), version=playbook.version, states=states, customers=board.confirm_customers
    )
    fixed_id = board.fixed.get((scope, opinion.intent)) if opinion else None
    fixed = lookup.fixed(fixed_id, version=playbook.version, states=states) if fixed_id else None
    seen = _seen(asked, scope, board, opinion, version=playbook.version) if asked and opinion else None
    decisions = {
        "exact": decide_exact(found, rules, draw=NEVER_EXPLORED),
        "near": _near(seen, opinion, rules),
        "fixed": decide_fixed(fixed, seen, opinion, rules, draw=NEVER_EXPLORED),
    }
    hit = next((each for each in decisions.values() if each.is_hit and each.entry), None)
    return Tried("", decisions, hit.entry.text if hit and hit.entry else "", opinion)


def rules_of(board: Board, reusable: frozenset[str]) -> Rules:
    """Return by what the ladder decides now."""
    return Rules(
        tolerated_share=board.tolerated_share,
        explore_share=board.explore_share,
        risk_limit=board.risk_limit,
        prior=board.prior,
        weights=board.weights,
        repeats=board.repeats,
        reusable=reusable,
    )


def _near(seen: Seen | None, opinion: Opinion | None, rules: Rules) -> Decision:
    if opinion is None or seen is None:
        return Decision(Why.NO_STUDENT if opinion is None else Why.ENCODER_AWAY)
    return decide_near(seen, opinion, rules, draw=NEVER_EXPLORED)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A question, its vector, and where that is looked for."""

    text: str
    vector: Sequence[float]
    searched: Searched


def _told(text: str) -> tuple[Opinion | None, Encoded | None]:
    """Return the student's word and the question's vector, as far as there are any."""
    opinion, searched = opinion_on(text), serving_space(ENCODERS.in_use())
    if opinion is None or searched is None:
        return opinion, None
    try:
        vector = list(map(float, searched.encoder.encode([text])[0]))
    except EncoderAwayError:
        return opinion, None
    told = with_vector(opinion, text, vector, encoder=searched.encoder.name)
    return told, Encoded(text, vector, searched)


def _seen(asked: Encoded, scope: Scope, board: Board, opinion: Opinion, *, version: str) -> Seen:
    space = asked.searched.space
    neighbours = nearest(space, asked.vector, scope, version=version, customers=board.confirm_customers)
    return look_at(traits_of(asked.text), neighbours, opinion)
