"""What each step of the ladder would say to a question, without answering, storing or counting anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from conversations.answers import lookup
from conversations.answers.board import Board, Scope
from conversations.answers.encoders import ENCODERS, EncoderAwayError
from conversations.answers.guards import traits_of
from conversations.answers.knowledge import reusable_intents
from conversations.answers.ladder import Decision, Opinion, Rules, Why, decide_exact, decide_fixed, decide_near
from conversations.answers.models import SERVED_STATES
from conversations.answers.normal import question_key
from conversations.answers.opinion import opinion_on
from conversations.answers.selfcontained import unfit
from conversations.answers.vectors import nearest, serving_space
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
    opinion = opinion_on(text)
    found = lookup.exact(
        scope, question_key(text), version=playbook.version, states=states, customers=board.confirm_customers
    )
    fixed_id = board.fixed.get((scope, opinion.intent)) if opinion else None
    fixed = lookup.fixed(fixed_id, version=playbook.version, states=states) if fixed_id else None
    decisions = {
        "exact": decide_exact(found, rules, draw=NEVER_EXPLORED),
        "near": _near(text, scope, board, rules, opinion, version=playbook.version),
        "fixed": decide_fixed(fixed, opinion, rules, draw=NEVER_EXPLORED),
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
        reusable=reusable,
    )


def _near(text: str, scope: Scope, board: Board, rules: Rules, opinion: Opinion | None, *, version: str) -> Decision:
    searched = serving_space(ENCODERS.in_use())
    if opinion is None or searched is None:
        return Decision(Why.NO_STUDENT if opinion is None else Why.ENCODER_AWAY)
    try:
        vector = list(map(float, searched.encoder.encode([text])[0]))
    except EncoderAwayError:
        return Decision(Why.ENCODER_AWAY)
    neighbours = nearest(searched.space, vector, scope, version=version, customers=board.confirm_customers)
    return decide_near(traits_of(text), neighbours, opinion, rules, draw=NEVER_EXPLORED)
