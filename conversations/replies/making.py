"""Making one reply: call a model, let the reply's text through as it comes, and end the run in exactly one way.

Lives on the worker's loop. Holds no database connection while it streams; the run's row says whether the reply is
still wanted. Whatever goes wrong ends with a person, by code.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError

from conversations.actions.append import Verdict
from conversations.actions.runs import LOST, Ended, Figures, drop_run, fail_run, finish_run, stop_run
from conversations.database import in_database
from conversations.events.control import Order
from conversations.events.live import LivePublisher
from conversations.llm.client import Client, TextDelta
from conversations.llm.envelope import Envelope, EnvelopeReader, read_envelope
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Deadlines, Endpoint, Usage
from conversations.replies.attempts import Attempt, Failure, next_attempt, reason_for_people
from conversations.replies.opening import OpenReply, extend_reply, open_reply

MAX_EXTENSIONS: Final = 5
STORE_PAUSES_SECONDS: Final = (0.2, 0.8, 2.0)


T = TypeVar("T")


async def persistently(work: Callable[[], T]) -> T:
    """Run database work again after it failed for want of a database: a restart takes seconds, a reply costs money."""
    for pause_seconds in STORE_PAUSES_SECONDS:
        try:
            return await in_database(work)
        except (OperationalError, InterfaceError):
            await asyncio.sleep(pause_seconds)
    return await in_database(work)


class Surroundings(Protocol):
    """What a reply needs of the process it is made in."""

    worker: str
    publisher: LivePublisher
    endpoints: Sequence[Endpoint]

    def client(self, endpoint: Endpoint) -> Client:
        """Return the process's long-lived client of an endpoint."""
        ...

    async def note_failure(self, endpoint: Endpoint, error: LLMError) -> None:
        """Hear of a call that gave no usable reply."""
        ...

    async def note_success(self, endpoint: Endpoint) -> None:
        """Hear of a call that did."""
        ...

    def track(self, reply: "Reply") -> None:
        """Deliver orders for this run to this reply from now on."""
        ...

    def untrack(self, reply: "Reply") -> None:
        """Deliver no more orders for this run."""
        ...


@dataclass(slots=True)
class Watch:
    """What is measured while a reply is made."""

    started: float = field(default_factory=time.monotonic)
    first_token_ms: int | None = None
    usage: Usage = field(default_factory=Usage)
    attempts: list[dict[str, object]] = field(default_factory=list)

    def elapsed_ms(self) -> int:
        """Return the milliseconds since the run was opened."""
        return round((time.monotonic() - self.started) * 1000)

    def remaining_seconds(self) -> float:
        """Return what is left of the deadline for the whole reply."""
        return float(settings.CSBOT_ANSWER_SECONDS) - (time.monotonic() - self.started)

    def see_text(self) -> None:
        """Note when the first visible text came."""
        if self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms()

    def add_usage(self, usage: Usage | None) -> None:
        """Add what a call cost, where the provider said so; a reply's calls add up."""
        if usage is None:
            return
        self.usage = Usage(
            prompt_tokens=self.usage.prompt_tokens + usage.prompt_tokens,
            cached_tokens=self.usage.cached_tokens + usage.cached_tokens,
            completion_tokens=self.usage.completion_tokens + usage.completion_tokens,
            reasoning_tokens=self.usage.reasoning_tokens + usage.reasoning_tokens,
        )


class Reply:
    """One reply in the making; `run_id` changes where what was shown had to be thrown away."""

    def __init__(self, opened: OpenReply, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._watch = Watch()
        self._failures: list[Failure] = []
        self._call: asyncio.Task[Envelope] | None = None
        self._order: Order | None = None
        self._extensions = 0
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
        attempt: Attempt | None = Attempt(self._around.endpoints[0])
        while attempt is not None:
            try:
                envelope = await self._run_call(attempt)
            except LLMError as error:
                attempt = await self._after_failure(attempt, error)
            except asyncio.CancelledError:
                if self._order is None:
                    raise
                if (ended := await self._after_order()) is not None:
                    return ended
            else:
                return await self._finish(attempt, envelope)
        return LOST

    async def hand_on(self) -> None:
        """Throw the run away so that another process can make this reply."""
        await self._around.publisher.settle(self._stream)
        await in_database(drop_run, self.run_id, outcome="handed_on", figures=self._figures(None))

    async def fail(self, error: LLMError, *, endpoint: Endpoint | None = None) -> None:
        """End the run with a person."""
        await self._around.publisher.settle(self._stream)
        figures = self._figures(endpoint)
        reason = reason_for_people(error)
        await in_database(fail_run, self.run_id, reason=reason, outcome=error.kind.value, figures=figures)

    async def _run_call(self, attempt: Attempt) -> Envelope:
        self._call = asyncio.create_task(self._answer(attempt))
        return await self._call

    async def _answer(self, attempt: Attempt) -> Envelope:
        await asyncio.sleep(attempt.pause_seconds)
        started = time.monotonic()
        outcome = "cancelled"
        try:
            envelope = await (self._read_stream(attempt) if attempt.is_streamed else self._read_whole(attempt))
            outcome = "repaired" if envelope.is_repaired else "ok"
        except LLMError as error:
            outcome = error.kind.value
            raise
        else:
            return envelope
        finally:
            self._watch.attempts.append(
                {
                    "provider": attempt.endpoint.name,
                    "model": attempt.endpoint.model,
                    "streamed": attempt.is_streamed,
                    "outcome": outcome,
                    "ms": round((time.monotonic() - started) * 1000),
                }
            )

    async def _read_stream(self, attempt: Attempt) -> Envelope:
        reader = EnvelopeReader(self._question.intents)
        events = self._around.client(attempt.endpoint).stream(
            self._question.messages, sampling=self._question.sampling, deadlines=self._deadlines()
        )
        async with aclosing(events):
            async for event in events:
                if isinstance(event, TextDelta):
                    self._show(reader.feed(event.text))
                else:
                    self._watch.add_usage(event.usage)
        # What the reader releases only at the end comes with the stored message; nobody needs it as a delta.
        return reader.finish()

    async def _read_whole(self, attempt: Attempt) -> Envelope:
        completion = await self._around.client(attempt.endpoint).complete(
            self._question.messages, sampling=self._question.sampling, deadlines=self._deadlines()
        )
        self._watch.add_usage(completion.usage)
        return read_envelope(completion.text, self._question.intents)

    def _show(self, text: str) -> None:
        if text:
            self._watch.see_text()
            self._around.publisher.write(self._stream, text)

    def _deadlines(self) -> Deadlines:
        return Deadlines(
            first_token_seconds=settings.CSBOT_FIRST_TOKEN_SECONDS,
            between_chunks_seconds=settings.CSBOT_BETWEEN_CHUNKS_SECONDS,
            total_seconds=max(0.1, self._watch.remaining_seconds()),
        )

    async def _finish(self, attempt: Attempt, envelope: Envelope) -> Ended:
        await self._around.publisher.settle(self._stream)
        self._watch.see_text()
        verdict = Verdict(envelope.intent, envelope.action_required, envelope.escalate)
        figures = self._figures(attempt.endpoint, is_repaired=envelope.is_repaired)
        ended = await persistently(
            partial(finish_run, self.run_id, text=envelope.response, verdict=verdict, figures=figures)
        )
        await self._around.note_success(attempt.endpoint)
        return ended

    async def _after_failure(self, attempt: Attempt, error: LLMError) -> Attempt | None:
        await self._around.note_failure(attempt.endpoint, error)
        self._failures.append(Failure(attempt, error, was_shown=bool(self._stream.text)))
        following = next_attempt(self._failures, endpoints=self._around.endpoints)
        if following is None or self._watch.remaining_seconds() <= following.pause_seconds:
            await self.fail(error, endpoint=attempt.endpoint)
            return None
        if self._stream.text and not await self._start_over(error.kind):
            return None
        return following

    async def _start_over(self, kind: Kind) -> bool:
        """Throw away, visibly, what was shown, and go on in a new run. False if somebody else has it now."""
        await self._around.publisher.settle(self._stream)
        await in_database(drop_run, self.run_id, outcome=kind.value, figures=self._figures(None))
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
            return await in_database(stop_run, self.run_id, shown_text=self._stream.sent_text, figures=figures)
        if order is Order.CANCEL:
            return LOST
        self._extensions += 1
        longer = await in_database(extend_reply, self.run_id)
        self._question = self._question if longer is None else longer
        return None

    def _figures(self, endpoint: Endpoint | None, *, is_repaired: bool = False) -> Figures:
        usage = self._watch.usage
        return Figures(
            provider=endpoint.name if endpoint else "",
            model=endpoint.model if endpoint else "",
            attempts=len(self._watch.attempts),
            first_token_ms=self._watch.first_token_ms,
            total_ms=self._watch.elapsed_ms(),
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            completion_tokens=usage.completion_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            is_repaired=is_repaired,
            trace={**self._question.trace, "attempts": self._watch.attempts},
        )
