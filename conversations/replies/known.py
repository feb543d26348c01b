"""Answers known without the model, in a reply's way: looked up when a run is opened, stored at once with their trace.

Serving costs no model call, so it goes on while a budget is used up. Never raises for want of anything: what can't be
looked up is answered by the model.
"""

import asyncio
import logging
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Final

from django.db import DatabaseError, transaction

from conversations.actions.append import Verdict
from conversations.actions.runs import Ended, Figures, finish_run
from conversations.answers import lookup
from conversations.answers.board import Board, Scope
from conversations.answers.counting import Served, count_served
from conversations.answers.encoders import ENCODERS, Encoder, EncoderAwayError
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
from conversations.answers.models import Step
from conversations.answers.normal import question_key
from conversations.answers.opinion import opinion_on, with_vector
from conversations.answers.selfcontained import is_greeting, unfit
from conversations.answers.trying import rules_of
from conversations.answers.vectors import Searched, nearest, serving_space
from conversations.database import in_database
from conversations.models import Conversation, Run, Sender, Spoken
from conversations.playbook.content import Playbook

logger = logging.getLogger(__name__)

ENCODING_SECONDS: Final = 1.0

LAST_MESSAGES: Final = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that may be known, with everything its look-up needs."""

    scope: Scope
    text: str
    version: str
    release: int | None
    rules: Rules
    states: Sequence[str]
    fixed: Mapping[tuple[Scope, str], int]
    customers: int
    money: Decimal
    milliseconds: int


@dataclass(slots=True)
class LookUp:
    """What became of looking up: the run's end, or why each step passed. `asked` where further steps may be tried."""

    trace: dict[str, object] = field(default_factory=dict)
    ended: Ended | None = None
    asked: Asked | None = None

    def note(self, step: Step, decision: Decision) -> None:
        """Write down what a step decided: ids, numbers and reasons, no text."""
        told: dict[str, object] = {"why": decision.why.value}
        if decision.entry is not None:
            told |= {"answer": decision.entry.answer_id, "question": decision.entry.question_id}
        if decision.score:
            told |= {"score": round(decision.score, 4), "risk": round(decision.risk, 5)}
        if decision.features:
            told["features"] = [round(value, 6) for value in decision.features]
        if decision.detail:
            told["detail"] = str(decision.detail)
        self.trace[step.value] = told


def look_up(
    conversation: Conversation, run: Run, *, spoken: Sequence[Spoken], playbook: Playbook, board: Board
) -> LookUp:
    """Answer from what is known, if it is the very same question; else say whether a similar one may be looked for.

    `spoken`: the episode's newest messages, oldest first.
    """
    scope = Scope(conversation.site_id, conversation.locale)
    if not board.states or scope not in board.scopes:
        return LookUp({"why": why_nothing(board)} if board.learns else {})
    newest = [message for message in spoken if message.seq <= run.covers_seq][-LAST_MESSAGES:]
    text, why = question_of(newest, answered_seq=conversation.answered_seq)
    if text is None:
        return LookUp({"why": why})
    asked = Asked(
        scope,
        text,
        playbook.version,
        playbook.number,
        rules_of(board, reusable_intents(playbook)),
        board.states,
        board.fixed,
        board.confirm_customers,
        board.money_per_reply,
        board.milliseconds_per_reply,
    )
    return _look_up_exact(run, asked)


def why_nothing(board: Board) -> str:
    """Return why nothing is even looked up."""
    return (Why.STOPPED if board.is_stopped else Why.NOTHING_KNOWN).value


def question_of(spoken: Sequence[Spoken], *, answered_seq: int) -> tuple[str | None, str]:
    """Return the one question asked, if it stands for itself; else None and why it doesn't."""
    asked = [message for message in spoken if message.sender == Sender.CUSTOMER]
    open_texts = [message.text for message in asked if message.seq > answered_seq]
    if len(open_texts) != 1:
        return None, Why.SEVERAL_MESSAGES.value
    said_before = [message.text for message in asked if message.seq <= answered_seq]
    spoke_people = any(message.sender == Sender.AGENT for message in spoken)
    if spoke_people or not all(map(is_greeting, said_before)):
        return None, Why.NOT_FIRST.value
    if (problem := unfit(open_texts[0])) is not None:
        return None, f"{Why.UNFIT.value}:{problem.value}"
    return open_texts[0], ""


def _look_up_exact(run: Run, asked: Asked) -> LookUp:
    found = lookup.exact(
        asked.scope, question_key(asked.text), version=asked.version, states=asked.states, customers=asked.customers
    )
    decision = decide_exact(found, asked.rules, draw=_drawn())
    looked = LookUp()
    looked.note(Step.EXACT, decision)
    if decision.why is Why.SERVED:
        looked.ended = store(run.pk, decision, asked, step=Step.EXACT, trace=looked.trace, total_ms=0)
    elif decision.why in {Why.NO_ENTRY, Why.IN_DOUBT}:
        # What its own answers leave in doubt, student and neighbours may still be sure of.
        looked.asked = asked
    return looked


def store(
    run_id: int, decision: Decision, asked: Asked, *, step: Step, trace: dict[str, object], total_ms: int
) -> Ended | None:
    """Store a known answer as the run's reply, with what it saved."""
    entry = decision.entry
    if entry is None:
        return None
    figures = Figures(
        attempts=0,
        first_token_ms=total_ms,
        total_ms=total_ms,
        trace={"known": {**trace, "served": step.value}, "playbook": asked.version},
        release=asked.release,
    )
    verdict = Verdict(entry.intent, action_required=False, escalate=False)
    with transaction.atomic():
        ended = finish_run(run_id, text=entry.text, verdict=verdict, figures=figures)
        if ended.message is not None:
            count_served(
                Served(entry.answer_id, asked.scope.site_id, step, money=asked.money, milliseconds=asked.milliseconds)
            )
    return ended


@cache
def encoding_threads() -> ThreadPoolExecutor:
    """Return this process's threads for encoders that take long."""
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="encoding")


async def answer_similar(run_id: int, looked: LookUp) -> Ended | None:
    """Try the steps below the very same question, for a run that is open. None where the model has to answer."""
    if looked.asked is None:
        return None
    started = time.monotonic()
    opinion = opinion_on(looked.asked.text)
    if opinion is None:
        looked.note(Step.NEAR, Decision(Why.NO_STUDENT))
        return None
    encoders = ENCODERS.in_use_now(encoding_threads().submit)
    try:
        searched = await in_database(serving_space, encoders)
        vector = await encoded(searched.encoder, looked.asked.text) if searched else None
        if searched:
            opinion = with_vector(opinion, looked.asked.text, vector, encoder=searched.encoder.name)
        return await in_database(_look_up_similar, run_id, looked, opinion, vector, searched, started)
    except DatabaseError as error:
        logger.warning("run %d: nothing similar was looked up: %s", run_id, type(error).__name__)
        return None


async def encoded(encoder: Encoder, text: str) -> Sequence[float] | None:
    """Return a question's vector; None where the encoder doesn't give one in time."""
    try:
        if encoder.is_quick:
            return list(map(float, encoder.encode([text])[0]))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(ENCODING_SECONDS):
            rows = await loop.run_in_executor(encoding_threads(), encoder.encode, [text])
        return list(map(float, rows[0]))
    except (EncoderAwayError, TimeoutError) as error:
        logger.warning("a question was not encoded: %s", type(error).__name__)
        return None


def _look_up_similar(
    run_id: int,
    looked: LookUp,
    opinion: Opinion,
    vector: Sequence[float] | None,
    searched: Searched | None,
    started: float,
) -> Ended | None:
    asked = looked.asked
    if asked is None:
        return None
    seen = _seen(asked, opinion, vector, searched)
    for step in (Step.NEAR, Step.FIXED):
        decision = (_decide_near if step is Step.NEAR else _decide_fixed)(asked, seen, opinion)
        looked.note(step, decision)
        if decision.why is Why.SERVED:
            total_ms = round((time.monotonic() - started) * 1000)
            return store(run_id, decision, asked, step=step, trace=looked.trace, total_ms=total_ms)
        if decision.why is Why.EXPLORED:
            return None
    return None


def _seen(asked: Asked, opinion: Opinion, vector: Sequence[float] | None, searched: Searched | None) -> Seen | None:
    """Return what known questions say; None where they can't be looked up."""
    if vector is None or searched is None:
        return None
    neighbours = nearest(searched.space, vector, asked.scope, version=asked.version, customers=asked.customers)
    return look_at(traits_of(asked.text), neighbours, opinion)


def _drawn() -> float:
    return random.random()  # noqa: S311 - which hits are checked need not be a secret


def _decide_near(asked: Asked, seen: Seen | None, opinion: Opinion) -> Decision:
    if seen is None:
        return Decision(Why.ENCODER_AWAY)
    return decide_near(seen, opinion, asked.rules, draw=_drawn())


def _decide_fixed(asked: Asked, seen: Seen | None, opinion: Opinion) -> Decision:
    answer_id = asked.fixed.get((asked.scope, opinion.intent))
    entry = lookup.fixed(answer_id, version=asked.version, states=asked.states) if answer_id else None
    return decide_fixed(entry, seen, opinion, asked.rules, draw=_drawn())
