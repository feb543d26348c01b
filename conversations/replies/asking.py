"""Asks a model one case of an evaluation as a customer would be answered, and says what came of it.

The same prompt, sampling, checks and rules as a reply's, but never streamed to anybody, and always last in line: a call
waits while customers' calls do, and what becomes of it changes no circuit.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, Protocol

from django.conf import settings

from conversations.gateway.admission import Lease
from conversations.gateway.catalog import Candidate
from conversations.gateway.dispatch import Dispatcher
from conversations.gateway.metering import CallWatch, Origin
from conversations.gateway.models import Outcome, Purpose
from conversations.gateway.placement import placed
from conversations.gateway.rollout_shadow import deadlines_of
from conversations.gateway.routing import Plan
from conversations.gateway.settling import NOTHING_LEARNT
from conversations.llm.client import Client, TextDelta
from conversations.llm.envelope import Envelope, EnvelopeReader
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Endpoint
from conversations.playbook.content import Playbook
from conversations.playbook.evaluation.cases import Case
from conversations.playbook.prompt import build_prompt
from conversations.replies.judging import verdict_on, with_correction, wrong_figures
from conversations.replies.opening import Question, estimated_tokens

TRIES: Final = 3
PAUSE_SECONDS: Final = 1.0
LOOK_AGAIN_SECONDS: Final = 0.25
PLACE_SECONDS: Final = 300.0
WRONG_FIGURES: Final = "wrong_figures"

ANSWER_FAULTS: Final = frozenset(
    {
        Kind.INVALID,
        Kind.BLANK,
        Kind.TOO_LONG,
        Kind.FILTERED,
        Kind.REFUSED,
        Kind.BAD_REQUEST,
        Kind.UNPROCESSABLE,
    }
)
"""What the release brought about: another prompt may be answered. The rest is the provider's, and tells nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One asking of a case."""

    item_id: int
    arm: str
    number: int
    case: Case
    playbook: Playbook


@dataclass(slots=True)
class Answered:
    """What came of it. `is_told`: it says something about the release."""

    outcome: str = Kind.NETWORK.value
    is_told: bool = False
    is_valid: bool = False
    intent: str = ""
    escalate: bool = False
    action_required: bool = False
    response: str = ""
    raw: str = ""
    calls: list[CallWatch] = field(default_factory=list)


class Surroundings(Protocol):
    """What an evaluation needs of the process it runs in."""

    worker: str
    dispatcher: Dispatcher

    def client(self, endpoint: Endpoint) -> Client:
        """Return the process's long-lived client of an endpoint."""
        ...


def question_for(sample: Sample, candidates: Sequence[Candidate]) -> Question:
    """Return what the model is asked, made as a reply's question is."""
    playbook, case = sample.playbook, sample.case
    prompt = build_prompt(playbook, case.turns, locale=case.locale, budget_tokens=settings.CSBOT_HISTORY_TOKENS)
    origin = Origin(Purpose.EVALUATION, playbook_version=playbook.version, release=playbook.number)
    return Question(
        prompt.messages,
        prompt.sampling,
        playbook.intent_keys,
        prompt.trace,
        tokens=estimated_tokens(prompt.trace),
        plan=Plan(tuple(candidates)),
        origin=origin,
        rules=playbook.intents_by_key,
        calculation=prompt.calculation,
    )


class Asking:
    """One sample in the making."""

    def __init__(self, sample: Sample, candidates: Sequence[Candidate], around: Surroundings) -> None:
        self._around = around
        self._question = question_for(sample, candidates)
        self._answered = Answered()

    @property
    def tokens(self) -> int:
        """About how many tokens the call will take."""
        return self._question.tokens

    async def ask(self) -> Answered:
        """Ask until there is an answer, or none is to be had. Never raises LLMError."""
        is_corrected = False
        for number in range(TRIES):
            try:
                envelope = await self._call()
            except LLMError as error:
                self._answered.outcome, self._answered.is_told = error.kind.value, error.kind in ANSWER_FAULTS
                if self._answered.is_told:
                    return self._answered
                await asyncio.sleep(error.retry_after_seconds or PAUSE_SECONDS * (number + 1))
                continue
            wrong = wrong_figures(self._question, envelope, answer=self._answered.raw)
            if not wrong:
                return self._with(envelope)
            if is_corrected:
                break
            is_corrected = True
            self._question = with_correction(self._question, wrong)
        return self._with_wrong_figures() if is_corrected else self._answered

    def _with(self, envelope: Envelope) -> Answered:
        answered = self._answered
        verdict, _guards = verdict_on(self._question, envelope)
        answered.outcome = (Outcome.REPAIRED if envelope.is_repaired else Outcome.OK).value
        answered.is_told = answered.is_valid = True
        answered.intent, answered.response = verdict.intent, envelope.response
        answered.escalate, answered.action_required = verdict.escalate, verdict.action_required
        return answered

    def _with_wrong_figures(self) -> Answered:
        """A customer would get a person instead of the answer."""
        self._answered.outcome, self._answered.is_told = WRONG_FIGURES, True
        return self._answered

    async def _call(self) -> Envelope:
        lease = await self._take_place()
        call = CallWatch(lease, self._question.origin, number=len(self._answered.calls))
        try:
            envelope = await self._read(call)
            call.succeed(is_repaired=envelope.is_repaired, has_escalated=envelope.escalate)
        except LLMError as error:
            call.fail(error)
            raise
        finally:
            call.close()
            self._answered.calls.append(call)
            await asyncio.shield(asyncio.ensure_future(self._around.dispatcher.settle(lease, NOTHING_LEARNT)))
        return envelope

    async def _take_place(self) -> Lease:
        """Return a lease that no customer waits for. Raises LLMError where there was none for a long time."""
        give_up_at = time.monotonic() + PLACE_SECONDS
        while time.monotonic() < give_up_at:
            lease = None if self._around.dispatcher.waiting else await self._free_place()
            if lease is not None:
                return lease
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        raise LLMError(Kind.RATE_LIMITED)

    async def _free_place(self) -> Lease | None:
        try:
            lease = await self._around.dispatcher.acquire(
                self._question.plan.candidates, conversation_id=0, tokens=self._question.tokens, patience_seconds=0
            )
        except LLMError:
            return None
        if not lease.is_forced:
            return lease
        # All circuits are open: the one call that may try is a customer's.
        await self._around.dispatcher.settle(lease, NOTHING_LEARNT)
        return None

    async def _read(self, call: CallWatch) -> Envelope:
        reader, candidate = EnvelopeReader(self._question.intents), call.lease.candidate
        events = self._around.client(candidate.endpoint(call.lease.key)).stream(
            placed(self._question.messages, candidate.placement),
            # As customers would be answered.
            sampling=candidate.sampling(self._question.sampling, purpose=Purpose.REPLY),
            deadlines=deadlines_of(candidate),
        )
        try:
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, TextDelta):
                        if not event.text.isspace():
                            call.see_text()
                        reader.feed(event.text)
                    else:
                        call.see_end(event.finish_reason, event.usage)
            return reader.finish()
        finally:
            self._answered.raw = reader.answer
