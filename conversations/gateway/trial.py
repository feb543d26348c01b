"""One real call by hand, so that staff see whether a provider answers, how fast and for how much. Its row says so."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.conf import settings

from conversations.gateway.admission import Lease
from conversations.gateway.catalog import Candidate, Key
from conversations.gateway.metering import CallWatch, Origin, record_calls
from conversations.gateway.models import LLMCall, Outcome, Purpose
from conversations.gateway.placement import placed
from conversations.llm.client import Client, TextDelta
from conversations.llm.envelope import Envelope, EnvelopeReader
from conversations.llm.errors import LLMError
from conversations.llm.requests import ChatMessage, Deadlines, Sampling

TOTAL_SECONDS: Final = 40.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked."""

    messages: Sequence[ChatMessage]
    sampling: Sampling
    intents: Collection[str]
    playbook_version: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it: the reply or the error, and the call's row."""

    envelope: Envelope | None
    call: LLMCall

    @property
    def is_good(self) -> bool:
        """Whether a customer would have got a reply."""
        return self.envelope is not None

    @property
    def outcome(self) -> str:
        """The outcome in words."""
        return str(Outcome(self.call.outcome).label)

    @property
    def cost(self) -> Decimal | None:
        """What it cost; None where no price is known."""
        return self.call.cost


def try_out(candidate: Candidate, key: Key, question: Question) -> Trial:
    """Make the call, past all circuits and limits, and record it. For threads without a running loop."""
    lease = Lease(candidate, key, token="", tokens=0)
    origin = Origin(Purpose.TEST, playbook_version=question.playbook_version)
    watch = CallWatch(lease, origin, number=0)
    envelope = asyncio.run(_call(watch, question))
    record_calls(None, [watch])
    return Trial(envelope, watch.row(run_id=None))


async def _call(watch: CallWatch, question: Question) -> Envelope | None:
    candidate = watch.lease.candidate
    client = Client(candidate.endpoint(watch.lease.key))
    try:
        envelope = await _read(client, watch, question)
        watch.succeed(is_repaired=envelope.is_repaired, has_escalated=envelope.escalate)
    except LLMError as error:
        watch.fail(error)
        return None
    else:
        return envelope
    finally:
        watch.close()
        await client.aclose()


async def _read(client: Client, watch: CallWatch, question: Question) -> Envelope:
    candidate = watch.lease.candidate
    reader = EnvelopeReader(question.intents)
    events = client.stream(
        placed(question.messages, candidate.placement),
        sampling=candidate.sampling(question.sampling, purpose=Purpose.TEST),
        deadlines=Deadlines(
            first_token_seconds=candidate.waits.first_token_seconds or settings.CSBOT_FIRST_TOKEN_SECONDS,
            between_chunks_seconds=candidate.waits.between_chunks_seconds or settings.CSBOT_BETWEEN_CHUNKS_SECONDS,
            total_seconds=TOTAL_SECONDS,
        ),
    )
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TextDelta):
                if not event.text.isspace():
                    watch.see_text()
                reader.feed(event.text)
            else:
                watch.see_end(event.finish_reason, event.usage)
    return reader.finish()
