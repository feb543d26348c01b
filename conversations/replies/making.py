"""Making one reply: call a model, let the reply's text through as it comes, and end the run in exactly one way.

Lives on the worker's loop. Holds no database connection while it streams; the run's row says whether the reply is
still wanted. Whatever goes wrong ends with a person, by code.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from conversations.actions.runs import LOST, Ended, Figures, drop_run, fail_run, finish_run, stop_run
from conversations.database import in_database, persistently
from conversations.events.control import Order
from conversations.events.live import LivePublisher
from conversations.gateway.admission import Lease
from conversations.gateway.catalog import Candidate
from conversations.gateway.dispatch import Dispatcher
from conversations.gateway.metering import CallWatch, record_calls
from conversations.gateway.placement import placed, without_history
from conversations.gateway.rollout_shadow import Asked
from conversations.gateway.settling import NOTHING_LEARNT, Settlement, failure, success
from conversations.llm.client import Client
from conversations.llm.envelope import Envelope, EnvelopeReader, read_envelope
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import ChatMessage, Deadlines, Endpoint, Sampling
from conversations.models import Reason
from conversations.playbook.rules import Guard
from conversations.replies.attempts import Attempt, Failure, next_attempt, reason_for_people
from conversations.replies.judging import verdict_on, with_correction, wrong_figures
from conversations.replies.opening import OpenReply, extend_reply, open_reply
from conversations.replies.watch import Watch

MAX_EXTENSIONS: Final = 5
STORE_PAUSES_SECONDS: Final = (0.2, 0.8, 2.0)


T = TypeVar("T")


async def through_a_restart(work: Callable[[], T]) -> T:
    """Do database work again after it failed for want of a database: a restart takes seconds, a reply costs money."""
    for pause_seconds in STORE_PAUSES_SECONDS:
        try:
            return await persistently(work)
        except (OperationalError, InterfaceError):
            await asyncio.sleep(pause_seconds)
    return await persistently(work)


class Surroundings(Protocol):
    """What a reply needs of the process it is made in."""

    worker: str
    publisher: LivePublisher
    dispatcher: Dispatcher

    def client(self, endpoint: Endpoint) -> Client:
        """Return the process's long-lived client of an endpoint."""
        ...

    async def note_failure(self, provider: str, error: LLMError) -> None:
        """Hear of a call that gave no usable reply."""
        ...

    async def note_success(self, provider: str) -> None:
        """Hear of a call that did."""
        ...

    def offer_shadow(self, asked: Asked) -> None:
        """Hear what a reply was made from, for a model that is tried in the background."""
        ...

    def track(self, reply: "Reply") -> None:
        """Deliver orders for this run to this reply from now on."""
        ...

    def untrack(self, reply: "Reply") -> None:
        """Deliver no more orders for this run."""
        ...


class Reply:
    """One reply in the making; `run_id` changes where what was shown had to be thrown away."""

    def __init__(self, opened: OpenReply, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._watch = Watch()
        self._failures: list[Failure] = []
        self._call: asyncio.Task[Envelope] | None = None
        self._order: Order | None = None
        self._extensions = 0
        self._wrong_figures: tuple[str, ...] = ()
        self._guards: list[Guard] = []
        self._begin(opened)

    def _begin(self, opened: OpenReply) -> None:
        self.run_id = opened.run_id
        self.conversation_id = opened.conversation_id
        self._question = opened.question
        self._stream = opened.stream
        self._around.track(self)

    def obey(self, order: Order) -> None:
        """Do as told from outside: what arrives too late, or doesn't apply, has no effect."""
        if self._call is None or self._call.done() or self._order is not None:
            return
        if order is Order.EXTEND and (self._stream.text or self._extensions >= MAX_EXTENSIONS):
            return
        self._order = order
        self._call.cancel()

    async def make(self) -> Ended:
        """Make the reply and end its run."""
        attempt: Attempt | None = Attempt(self._question.plan.candidates)
        while attempt is not None:
            try:
                envelope = await self._run_call(attempt)
            except LLMError as error:
                attempt = await self._after_failure(error)
            except asyncio.CancelledError:
                if self._order is None:
                    raise
                if (ended := await self._after_order()) is not None:
                    return ended
            else:
                if not self._wrong_figures:
                    return await self._finish(envelope)
                attempt = await self._after_wrong_figures()
        return LOST

    async def hand_on(self) -> None:
        """Throw the run away so that another process can make this reply."""
        await self._around.publisher.settle(self._stream)
        await self._end(partial(drop_run, self.run_id, outcome="handed_on", figures=self._figures(None)))

    async def fail(self, error: LLMError) -> None:
        """End the run with a person."""
        await self._around.publisher.settle(self._stream)
        last = self._watch.calls[-1].lease.candidate if self._watch.calls else None
        figures = self._figures(last)
        reason = reason_for_people(error)
        await self._end(partial(fail_run, self.run_id, reason=reason, outcome=error.kind.value, figures=figures))

    async def _end(self, work: Callable[[], T]) -> T:
        """End the run, and write what its calls took in the same transaction: both are there, or neither."""
        calls = tuple(self._watch.unwritten)
        ended = await through_a_restart(partial(with_calls, work, self.run_id, calls))
        del self._watch.unwritten[: len(calls)]
        return ended

    async def _run_call(self, attempt: Attempt) -> Envelope:
        self._call = asyncio.create_task(self._answer(attempt))
        return await self._call

    async def _answer(self, attempt: Attempt) -> Envelope:
        await asyncio.sleep(attempt.pause_seconds)
        lease = await self._around.dispatcher.acquire(
            attempt.candidates,
            conversation_id=self.conversation_id,
            tokens=self._question.tokens,
            patience_seconds=self._patience_seconds(),
        )
        call = self._new_call(lease, is_streamed=attempt.is_streamed)
        settlement = NOTHING_LEARNT
        try:
            envelope = await (self._read_stream(call) if call.is_streamed else self._read_whole(call))
            call.succeed(is_repaired=envelope.is_repaired, has_escalated=envelope.escalate)
            settlement = success(call.usage)
        except LLMError as error:
            call.fail(error)
            settlement = failure(error)
            self._failures.append(Failure(lease, error, call.is_streamed, was_shown=bool(self._stream.text)))
            raise
        else:
            return envelope
        finally:
            call.close()
            self._watch.add_call(call)
            await self._settle(lease, settlement)

    def _new_call(self, lease: Lease, *, is_streamed: bool) -> CallWatch:
        first = self._question.plan.candidates[0]
        return CallWatch(
            lease,
            self._question.origin,
            number=len(self._watch.calls),
            is_streamed=is_streamed,
            is_switched=lease.candidate.pair != first.pair,
        )

    async def _settle(self, lease: Lease, settlement: Settlement) -> None:
        # A call that is given up must still give its place back, however often it is told to stop.
        await asyncio.shield(asyncio.ensure_future(self._around.dispatcher.settle(lease, settlement)))

    async def _read_stream(self, call: CallWatch) -> Envelope:
        reader = EnvelopeReader(self._question.intents)
        try:
            return await self._read_events(call, reader)
        finally:
            # Also of an answer that was no reply: staff want to see what the model said instead.
            self._watch.see_answer(reader.answer)

    async def _read_events(self, call: CallWatch, reader: EnvelopeReader) -> Envelope:
        candidate = call.lease.candidate

        def on_text(text: str) -> float:
            if not text.isspace():
                call.see_text()
            return self._show(reader.feed(text))

        finished = await self._client(call.lease).read(
            self._messages(candidate),
            sampling=self._sampling(candidate),
            deadlines=self._deadlines(candidate),
            on_text=on_text,
        )
        call.see_end(finished.finish_reason, finished.usage)
        # What the reader releases only at the end comes with the stored message; nobody needs it as a delta.
        return self._judged(reader.finish(), answer=reader.answer)

    async def _read_whole(self, call: CallWatch) -> Envelope:
        candidate = call.lease.candidate
        completion = await self._client(call.lease).complete(
            self._messages(candidate), sampling=self._sampling(candidate), deadlines=self._deadlines(candidate)
        )
        call.see_text()
        call.see_end("", completion.usage)
        self._watch.see_answer(completion.text)
        return self._judged(read_envelope(completion.text, self._question.intents), answer=completion.text)

    def _judged(self, envelope: Envelope, *, answer: str) -> Envelope:
        self._wrong_figures = wrong_figures(self._question, envelope, answer=answer)
        return envelope

    def _client(self, lease: Lease) -> Client:
        return self._around.client(lease.candidate.endpoint(lease.key))

    def _messages(self, candidate: Candidate) -> Sequence[ChatMessage]:
        messages = self._question.messages
        if any(each.error.is_too_large for each in self._failures):
            messages = without_history(messages)
        return placed(messages, candidate.placement)

    def _sampling(self, candidate: Candidate) -> Sampling:
        return candidate.sampling(self._question.sampling, purpose=self._question.origin.purpose)

    def _patience_seconds(self) -> float:
        return max(0.0, min(settings.CSBOT_LIMIT_WAIT_SECONDS, self._watch.remaining_seconds()))

    def _show(self, text: str) -> float:
        """Show more of the reply; return for how many seconds more of it would only wait."""
        # Figures that code has yet to check are not shown.
        if not text or self._question.calculation is not None:
            return 0.0
        self._watch.see_text()
        return self._around.publisher.write(self._stream, text)

    def _deadlines(self, candidate: Candidate) -> Deadlines:
        waits = candidate.waits
        return Deadlines(
            first_token_seconds=waits.first_token_seconds or settings.CSBOT_FIRST_TOKEN_SECONDS,
            between_chunks_seconds=waits.between_chunks_seconds or settings.CSBOT_BETWEEN_CHUNKS_SECONDS,
            total_seconds=max(0.1, self._watch.remaining_seconds()),
        )

    async def _finish(self, envelope: Envelope) -> Ended:
        await self._around.publisher.settle(self._stream)
        self._watch.see_text()
        verdict, guards = verdict_on(self._question, envelope)
        self._guards += guards
        candidate = self._watch.calls[-1].lease.candidate
        figures = self._figures(candidate, envelope)
        calls = tuple(self._watch.unwritten)
        ended = await through_a_restart(
            partial(finish_run, self.run_id, text=envelope.response, verdict=verdict, figures=figures, calls=calls)
        )
        del self._watch.unwritten[: len(calls)]
        await self._around.note_success(candidate.provider)
        self._around.offer_shadow(self._asked())
        return ended

    def _asked(self) -> Asked:
        question = self._question
        version = question.origin.playbook_version
        return Asked(question.messages, question.sampling, question.intents, question.tokens, version)

    async def _after_failure(self, error: LLMError) -> Attempt | None:
        if not self._failures or self._failures[-1].error is not error:
            # No call was made: nobody to ask, or no place in time.
            await self.fail(error)
            return None
        await self._around.note_failure(self._failures[-1].lease.candidate.provider, error)
        following = next_attempt(self._failures, candidates=self._question.plan.candidates)
        if following is None or self._watch.remaining_seconds() <= following.pause_seconds:
            await self.fail(error)
            return None
        if self._stream.text and not await self._start_over(error.kind):
            return None
        return following

    async def _after_wrong_figures(self) -> Attempt | None:
        """Ask once more, with what a calculator says; after that a person has to answer."""
        is_last = Guard.WRONG_FIGURES in self._guards
        self._guards.append(Guard.WRONG_FIGURES)
        if is_last:
            figures = self._figures(self._watch.calls[-1].lease.candidate)
            outcome = Guard.WRONG_FIGURES.value
            await self._end(partial(fail_run, self.run_id, reason=Reason.FAILED, outcome=outcome, figures=figures))
            return None
        self._question = with_correction(self._question, self._wrong_figures)
        return Attempt(self._question.plan.candidates)

    async def _start_over(self, kind: Kind) -> bool:
        """Throw away, visibly, what was shown, and go on in a new run. False if somebody else has it now."""
        await self._around.publisher.settle(self._stream)
        await self._end(partial(drop_run, self.run_id, outcome=kind.value, figures=self._figures(None)))
        opened = await in_database(open_reply, self.conversation_id, worker=self._around.worker)
        if opened is None:
            return False
        self._around.untrack(self)
        self._begin(opened)
        return True

    async def _after_order(self) -> Ended | None:
        """End the run as ordered; None where the same run goes on with a longer question."""
        order, self._order = self._order, None
        await self._around.publisher.settle(self._stream)
        if order is Order.STOP:
            figures = self._figures(None)
            shown = self._stream.sent_text
            return await self._end(partial(stop_run, self.run_id, shown_text=shown, figures=figures))
        if order is Order.CANCEL:
            await self._end(do_nothing)
            return LOST
        self._extensions += 1
        longer = await in_database(extend_reply, self.run_id)
        self._question = self._question if longer is None else longer
        return None

    def _figures(self, candidate: Candidate | None, envelope: Envelope | None = None) -> Figures:
        usage = self._watch.usage
        calls = [attempt_trace(call) for call in self._watch.calls]
        trace = {**self._question.trace, "attempts": calls, "guards": self._guards}
        if envelope is not None and envelope.repairs:
            trace["repairs"] = [repair.value for repair in envelope.repairs]
        return Figures(
            provider=candidate.provider if candidate else "",
            model=candidate.model if candidate else "",
            attempts=len(self._watch.calls),
            first_token_ms=self._watch.first_token_ms,
            total_ms=self._watch.elapsed_ms(),
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            completion_tokens=usage.completion_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            is_repaired=envelope is not None and envelope.is_repaired,
            trace=trace,
            release=self._question.origin.release,
            raw=self._watch.raw,
        )


def attempt_trace(call: CallWatch) -> dict[str, object]:
    """Return one attempt as a run's trace tells it."""
    candidate = call.lease.candidate
    return {
        "provider": candidate.provider,
        "model": candidate.model,
        "streamed": call.is_streamed,
        "outcome": call.outcome.value,
        "ms": call.total_ms,
    }


def with_calls(work: Callable[[], T], run_id: int, calls: Sequence[CallWatch]) -> T:
    """Do the work and write the calls in one transaction."""
    with transaction.atomic():
        done = work()
        record_calls(run_id, calls)
    return done


def do_nothing() -> None:
    """End nothing: the run belongs to somebody else, but its calls were made."""
