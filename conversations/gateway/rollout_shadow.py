"""Shadow mode: before a rollout starts, its canary answers a sample of replies too. Nobody sees what it says.

Its calls go out after the customer has their reply, a few at once, never waiting for a limit that customers need, and
what becomes of them changes no circuit. Only their rows are kept, with purpose `shadow`; their texts go nowhere.
"""

import asyncio
import logging
import random
import uuid
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import DatabaseError

from conversations.database import in_database
from conversations.gateway.admission import Lease
from conversations.gateway.catalog import Candidate, Catalog
from conversations.gateway.dispatch import Dispatcher
from conversations.gateway.metering import CallWatch, Origin, record_calls
from conversations.gateway.models import Arm, Guard, Purpose, RolloutState
from conversations.gateway.placement import placed
from conversations.gateway.reading import known_catalog
from conversations.gateway.settling import NOTHING_LEARNT
from conversations.llm.client import Client, TextDelta
from conversations.llm.envelope import EnvelopeReader
from conversations.llm.errors import LLMError
from conversations.llm.requests import ChatMessage, Deadlines, Endpoint, Sampling

logger = logging.getLogger(__name__)

AT_ONCE: Final = 4
PER_CENT: Final = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What a customer's reply was made from."""

    messages: Sequence[ChatMessage]
    sampling: Sampling
    intents: frozenset[str]
    tokens: int
    playbook_version: str


@dataclass(frozen=True, slots=True)
class ShadowPlan:
    """Who shadows, and how large a share (0-1) of replies."""

    rollout_id: int
    model_id: int
    share: float


class Shadow:
    """The shadow calls of one worker's loop."""

    def __init__(self, dispatcher: Dispatcher, client: Callable[[Endpoint], Client]) -> None:
        self._dispatcher = dispatcher
        self._client = client
        self._busy = 0
        self._plans: tuple[uuid.UUID | None, ShadowPlan | None] = (None, None)

    def offer(self, asked: Asked) -> Coroutine[None, None, None] | None:
        """Return the work of shadowing a reply, or None where too many are under way."""
        return None if self._busy >= AT_ONCE else self._work(asked)

    async def _work(self, asked: Asked) -> None:
        self._busy += 1
        try:
            catalog = known_catalog()
            plan = await self._plan(catalog)
            if catalog and plan and random.random() < plan.share:  # noqa: S311 - which replies are shadowed is no secret
                await self._shadow(asked, plan, catalog)
        except DatabaseError as error:
            logger.warning("a shadow call was not recorded: %s", type(error).__name__)
        finally:
            self._busy -= 1

    async def _plan(self, catalog: Catalog | None) -> ShadowPlan | None:
        stamp = catalog.stamp if catalog else None
        if stamp is None or self._plans[0] != stamp:
            self._plans = (stamp, await in_database(read_shadow_plan))
        return self._plans[1]

    async def _shadow(self, asked: Asked, plan: ShadowPlan, catalog: Catalog) -> None:
        candidates = [each for each in catalog.candidates if each.model_id == plan.model_id]
        try:
            lease = await self._dispatcher.acquire(
                candidates, conversation_id=0, tokens=asked.tokens, patience_seconds=0
            )
        except LLMError:
            return
        origin = Origin(Purpose.SHADOW, Arm.CANARY.value, plan.rollout_id, asked.playbook_version)
        call = CallWatch(lease, origin, number=0)
        try:
            if not lease.is_forced:
                await self._ask(call, asked)
        finally:
            await asyncio.shield(asyncio.ensure_future(self._dispatcher.settle(lease, NOTHING_LEARNT)))
        if not lease.is_forced:
            await in_database(record_calls, None, [call])

    async def _ask(self, call: CallWatch, asked: Asked) -> None:
        try:
            reader = await self._read(call, call.lease, asked)
            envelope = reader.finish()
            call.succeed(is_repaired=envelope.is_repaired, has_escalated=envelope.escalate)
        except LLMError as error:
            call.fail(error)
        finally:
            call.close()

    async def _read(self, call: CallWatch, lease: Lease, asked: Asked) -> EnvelopeReader:
        reader, candidate = EnvelopeReader(asked.intents), lease.candidate
        events = self._client(candidate.endpoint(lease.key)).stream(
            placed(asked.messages, candidate.placement),
            # As customers would be answered.
            sampling=candidate.sampling(asked.sampling, purpose=Purpose.REPLY),
            deadlines=deadlines_of(candidate),
        )
        async with aclosing(events):
            async for event in events:
                if isinstance(event, TextDelta):
                    if not event.text.isspace():
                        call.see_text()
                    reader.feed(event.text)
                else:
                    call.see_end(event.finish_reason, event.usage)
        return reader


def deadlines_of(candidate: Candidate) -> Deadlines:
    """Return how long a shadow call may take: as long as a customer would wait."""
    return Deadlines(
        first_token_seconds=candidate.waits.first_token_seconds or settings.CSBOT_FIRST_TOKEN_SECONDS,
        between_chunks_seconds=candidate.waits.between_chunks_seconds or settings.CSBOT_BETWEEN_CHUNKS_SECONDS,
        total_seconds=settings.CSBOT_ANSWER_SECONDS,
    )


def read_shadow_plan() -> ShadowPlan | None:
    """Return who shadows now: the newest rollout that hasn't started and has a share."""
    waiting = Guard.objects.filter(shadow_share__gt=0, rollout__state=RolloutState.DRAFT, rollout__canary__isnull=False)
    guard = waiting.select_related("rollout").order_by("-rollout__created_at").first()
    if guard is None or guard.rollout.canary_id is None:
        return None
    return ShadowPlan(guard.rollout_id, guard.rollout.canary_id, float(guard.shadow_share) / PER_CENT)
