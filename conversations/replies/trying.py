"""Tries an answer out for staff: made as a reply is, from any playbook and by any model, and given to no customer.

A call waits a little for its limits as customers' calls do, and what becomes of it changes no circuit. Its row says
`playground`. What is tried is never failed over: staff want to see what this model does.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from django.conf import settings
from django.db import DatabaseError

from conversations.actions.append import Verdict
from conversations.gateway.catalog import Candidate
from conversations.gateway.dispatch import Dispatcher
from conversations.gateway.metering import CallWatch, Origin, record_calls
from conversations.gateway.models import Purpose
from conversations.gateway.placement import placed
from conversations.gateway.rollout_shadow import deadlines_of
from conversations.gateway.routing import Plan
from conversations.gateway.settling import NOTHING_LEARNT
from conversations.llm.client import Client
from conversations.llm.envelope import Envelope, EnvelopeReader
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Endpoint
from conversations.playbook.content import Playbook
from conversations.playbook.prompt import Prompt, Turn, build_prompt
from conversations.playbook.rules import Guard
from conversations.replies.judging import verdict_on, with_correction, wrong_figures
from conversations.replies.making import through_a_restart
from conversations.replies.opening import Question, estimated_tokens

logger = logging.getLogger(__name__)

JOIN_SECONDS: Final = 0.05
"""For how long pieces of an answer are joined before they are told."""
Tell = Callable[[str], None]
"""Hears the next piece of the reply's text."""


class Surroundings(Protocol):
    """What trying needs of the process it happens in."""

    dispatcher: Dispatcher

    def client(self, endpoint: Endpoint) -> Client:
        """Return a client of the endpoint that stays open while this is tried."""
        ...


@dataclass(slots=True)
class Tried:
    """What came of it: the reply with its verdict, or the error's kind; its calls; the model's own words."""

    envelope: Envelope | None = None
    verdict: Verdict | None = None
    guards: list[Guard] = field(default_factory=list)
    error: Kind | None = None
    raw: str = ""
    calls: list[CallWatch] = field(default_factory=list)


def prompt_for(playbook: Playbook, turns: Sequence[Turn], *, locale: str) -> Prompt:
    """Return the prompt that a customer's question with this history gets."""
    return build_prompt(playbook, turns, locale=locale, budget_tokens=settings.CSBOT_HISTORY_TOKENS)


def question_for(playbook: Playbook, prompt: Prompt, candidates: Sequence[Candidate]) -> Question:
    """Return what is asked of one of the candidates."""
    return Question(
        prompt.messages,
        prompt.sampling,
        playbook.intent_keys,
        prompt.trace,
        tokens=estimated_tokens(prompt.trace),
        plan=Plan(tuple(candidates)),
        origin=Origin(Purpose.PLAYGROUND, playbook_version=playbook.version, release=playbook.number),
        rules=playbook.intents_by_key,
        calculation=prompt.calculation,
    )


class Trying:
    """One answer in the making."""

    def __init__(self, question: Question, around: Surroundings, tell: Tell) -> None:
        self._question = question
        self._around = around
        self._tell = tell
        self._tried = Tried()

    async def run(self) -> Tried:
        """Return what came of it, also of a failure. Its calls are written down whatever happens."""
        try:
            await self._answer()
        except LLMError as error:
            self._tried.error = error.kind
        finally:
            await asyncio.shield(asyncio.ensure_future(write_down(tuple(self._tried.calls))))
        return self._tried

    async def _answer(self) -> None:
        tried = self._tried
        envelope = await self._call()
        if lines := wrong_figures(self._question, envelope, answer=tried.raw):
            tried.guards.append(Guard.WRONG_FIGURES)
            self._question = with_correction(self._question, lines)
            envelope = await self._call()
            if wrong_figures(self._question, envelope, answer=tried.raw):
                # A customer would get a person instead.
                tried.guards.append(Guard.WRONG_FIGURES)
                return
        tried.envelope = envelope
        tried.verdict, guards = verdict_on(self._question, envelope)
        tried.guards += guards

    async def _call(self) -> Envelope:
        question = self._question
        lease = await self._around.dispatcher.acquire(
            question.plan.candidates,
            conversation_id=0,
            tokens=question.tokens,
            patience_seconds=settings.CSBOT_LIMIT_WAIT_SECONDS,
        )
        call = CallWatch(lease, question.origin, number=len(self._tried.calls))
        try:
            envelope = await self._read(call)
            call.succeed(is_repaired=envelope.is_repaired, has_escalated=envelope.escalate)
        except LLMError as error:
            call.fail(error)
            raise
        finally:
            call.close()
            self._tried.calls.append(call)
            await asyncio.shield(asyncio.ensure_future(self._around.dispatcher.settle(lease, NOTHING_LEARNT)))
        return envelope

    async def _read(self, call: CallWatch) -> Envelope:
        question, candidate = self._question, call.lease.candidate
        reader = EnvelopeReader(question.intents)

        def on_text(text: str) -> float:
            if not text.isspace():
                call.see_text()
            shown = reader.feed(text)
            # Figures that code has yet to check are not shown to customers either.
            if not shown or question.calculation is not None:
                return 0.0
            self._tell(shown)
            return JOIN_SECONDS

        try:
            finished = await self._around.client(candidate.endpoint(call.lease.key)).read(
                placed(question.messages, candidate.placement),
                # As customers would be answered.
                sampling=candidate.sampling(question.sampling, purpose=Purpose.REPLY),
                deadlines=deadlines_of(candidate),
                on_text=on_text,
            )
        finally:
            self._tried.raw = reader.answer
        call.see_end(finished.finish_reason, finished.usage)
        return reader.finish()


async def write_down(calls: Sequence[CallWatch]) -> None:
    """Write the calls down; the answer is shown also where that can't be done."""
    try:
        await through_a_restart(partial(record_calls, None, calls))
    except DatabaseError as error:
        logger.warning("calls of the playground were not recorded: %s", type(error).__name__)
