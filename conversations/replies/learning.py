"""Learns what is known from the model's replies, on the worker's loop, a little at a time and never in their way.

One process does it at a time; where the words of two answers differ but nothing else does, a model compares them, over
places in the limits that no customer wants right now.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError, IntegrityError

from conversations.answers.board import SHELF, Board
from conversations.answers.judging import SAMPLING, judge_messages, read_verdict
from conversations.answers.learning import (
    Comparison,
    Verdict,
    comparison_for,
    learn_comparison,
    learn_new,
    quick_verdict,
    watch_promise,
)
from conversations.answers.models import Judge, KnownAnswer
from conversations.answers.observing import Observation, claim_observations
from conversations.database import in_database
from conversations.gateway.admission import Lease
from conversations.gateway.dispatch import Dispatcher
from conversations.gateway.metering import CallWatch, Origin, record_calls
from conversations.gateway.models import Purpose
from conversations.gateway.placement import placed
from conversations.gateway.reading import known_catalog
from conversations.gateway.settling import NOTHING_LEARNT
from conversations.llm.client import Client
from conversations.llm.errors import LLMError
from conversations.llm.requests import Deadlines, Endpoint
from conversations.playbook.reading import current_playbook

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 2.0
JUDGE_TOKENS: Final = 600
DEADLINES: Final = Deadlines(20.0, 20.0, 30.0)


class Learner:
    """The learning of one worker's loop."""

    def __init__(self, dispatcher: Dispatcher, client: Callable[[Endpoint], Client]) -> None:
        self._dispatcher = dispatcher
        self._client = client

    async def learn_for_ever(self) -> None:
        """Look at what was observed, again and again."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                await self.learn()
            except DatabaseError as error:
                logger.warning("nothing learnt: %s", type(error).__name__)

    async def learn(self) -> int:
        """Learn from what was observed since the last time; return from how many questions."""
        board = await in_database(SHELF.current)
        if not board.learns:
            return 0
        observations = await in_database(claim_observations)
        for seen in observations:
            await self.learn_from(seen, board)
        is_broken: bool = await in_database(is_promise_broken) if observations else False
        if is_broken:
            logger.error("known answers are not served any more: more were wrong than tolerated")
        return len(observations)

    async def learn_from(self, seen: Observation, board: Board) -> None:
        """Learn from one observation; nothing where its customer, or what it is compared with, is gone meanwhile."""
        try:
            await self._learn_from(seen, board)
        except (IntegrityError, KnownAnswer.DoesNotExist):
            logger.info("run %d teaches nothing any more", seen.run_id)

    async def _learn_from(self, seen: Observation, board: Board) -> None:
        compared = await in_database(comparison_for, seen)
        if compared is None:
            await in_database(learn_without_comparison, seen, board)
            return
        verdict = quick_verdict(seen, compared.answer) or await self._ask_model(seen, compared)
        if verdict is not None:
            await in_database(learn_and_add, seen, compared, verdict, board)

    async def _ask_model(self, seen: Observation, compared: Comparison) -> Verdict | None:
        catalog = known_catalog()
        if catalog is None or not catalog.candidates:
            return None
        try:
            lease = await self._dispatcher.acquire(
                catalog.candidates, conversation_id=0, tokens=JUDGE_TOKENS, patience_seconds=0
            )
        except LLMError:
            return None
        call = CallWatch(lease, Origin(Purpose.JUDGE, playbook_version=seen.version), number=0, is_streamed=False)
        try:
            return await self._compare(call, lease, seen, compared)
        finally:
            call.close()
            await asyncio.shield(asyncio.ensure_future(self._dispatcher.settle(lease, NOTHING_LEARNT)))
            await in_database(record_calls, None, [call])

    async def _compare(self, call: CallWatch, lease: Lease, seen: Observation, compared: Comparison) -> Verdict | None:
        candidate = lease.candidate
        messages = judge_messages(seen.question, known=compared.answer.text, said=seen.said)
        try:
            completion = await self._client(candidate.endpoint(lease.key)).complete(
                placed(messages, candidate.placement),
                sampling=candidate.sampling(SAMPLING, purpose=Purpose.JUDGE),
                deadlines=DEADLINES,
            )
        except LLMError as error:
            call.fail(error)
            return None
        call.see_end("", completion.usage)
        call.succeed(is_repaired=False, has_escalated=False)
        is_same = read_verdict(completion.text)
        return None if is_same is None else Verdict(is_right=is_same, judge=Judge.MODEL)


def is_promise_broken() -> bool:
    """Stop serving where the promise is broken; say whether that was now."""
    return watch_promise()


def learn_without_comparison(seen: Observation, board: Board) -> None:
    """Keep a question that nothing is known of."""
    learn_new(seen, board=board, playbook=current_playbook())


def learn_and_add(seen: Observation, compared: Comparison, verdict: Verdict, board: Board) -> None:
    """Keep a label; where something similar turned out different, the question may still be new."""
    learn_comparison(seen, compared, verdict, board=board)
    if not verdict.is_right and compared.question is None:
        learn_new(seen, board=board, playbook=current_playbook())
