"""The one asyncio loop of a worker process, on which all its replies are made side by side.

A queue's task hands a conversation over and returns; when the loop is full the task waits, so that what waits stays in
the queue and not in memory (docs/decisions/0002). Every run holds a lease that the loop renews; what a dead process
leaves behind is found by the scheduler.
"""

import asyncio
import logging
import os
import socket
import threading
import traceback
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import Final

import uvloop
from django.conf import settings
from django.db import DatabaseError
from redis.exceptions import RedisError

from conversations.actions.runs import LEASE_SECONDS, renew_leases
from conversations.database import in_database
from conversations.events.control import Order
from conversations.events.live import LivePublisher, loop_publisher
from conversations.events.orders import listen_for_orders
from conversations.gateway.admission import Admission
from conversations.gateway.dispatch import Dispatcher
from conversations.gateway.environment import follow_environment
from conversations.gateway.rollout_shadow import Asked, Shadow
from conversations.llm.client import Client, load_sdk
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Endpoint
from conversations.redis import loop_client
from conversations.replies.capacity import Capacity
from conversations.replies.evaluating import Evaluator
from conversations.replies.known import answer_similar
from conversations.replies.learning import Learner
from conversations.replies.making import Reply
from conversations.replies.opening import give_to_people, open_reply
from conversations.replies.providers import ProviderStates

logger = logging.getLogger(__name__)

RENEW_SECONDS: Final = LEASE_SECONDS / 3
PRESENCE_SECONDS: Final = 10
PRESENCE_KEY: Final = "csbot:worker:{name}"
PRESENCE_PATTERN: Final = "csbot:worker:*"


class ReplyLoop:
    """The loop, its thread, and the replies in progress. Public methods are called from other threads."""

    def __init__(self, *, name: str, capacity: int) -> None:
        self.worker = name
        self._capacity = Capacity(capacity)
        self._is_stopping = threading.Event()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="replies", daemon=True)
        self._replies: dict[int, Reply] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._clients: dict[Endpoint, Client] = {}

    def start(self) -> None:
        """Start the thread and everything that runs beside the replies."""
        load_sdk()
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._prepare(), self._loop).result()

    def submit(self, conversation_id: int) -> bool:
        """Answer a conversation; waits while the loop is full. False if the process is stopping."""
        while not self._capacity.take(timeout_seconds=0.5):
            if self._is_stopping.is_set():
                return False
        if self._is_stopping.is_set():
            self._capacity.give_back()
            return False
        self._loop.call_soon_threadsafe(self._start_answering, conversation_id)
        return True

    def evaluate(self) -> None:
        """Take up an evaluation that waits, unless this process is at one."""
        self._loop.call_soon_threadsafe(self._start_evaluating)

    def refuse(self) -> None:
        """Take no more conversations."""
        self._is_stopping.set()

    def stop(self, *, grace_seconds: float) -> list[int]:
        """Let replies finish for `grace_seconds`, end the thread; return the conversations that others must answer."""
        self.refuse()
        handed_on = asyncio.run_coroutine_threadsafe(self._wind_down(grace_seconds), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        return handed_on

    # What a reply needs of its surroundings (see making.Surroundings).

    def client(self, endpoint: Endpoint) -> Client:
        """Return the long-lived client of an endpoint."""
        if endpoint not in self._clients:
            self._clients[endpoint] = Client(endpoint)
        return self._clients[endpoint]

    def track(self, reply: Reply) -> None:
        """Deliver orders for this run to this reply from now on."""
        self._replies[reply.run_id] = reply

    def untrack(self, reply: Reply) -> None:
        """Deliver no more orders for this run."""
        self._replies.pop(reply.run_id, None)

    async def note_failure(self, provider: str, error: LLMError) -> None:
        """Hear of a call that gave no usable reply."""
        logger.info("provider %s gave no usable reply: %s", provider, error)
        await self._states.note_failure(provider, error)

    async def note_success(self, provider: str) -> None:
        """Hear of a call that did."""
        await self._states.note_success(provider)

    def offer_shadow(self, asked: Asked) -> None:
        """Let a model that is tried in the background answer too, where there is one."""
        if work := self._shadow.offer(asked):
            self._keep(work, among=self._background)

    # On the loop.

    async def _prepare(self) -> None:
        self.publisher: LivePublisher = loop_publisher()
        await self._follow_environment()
        self.dispatcher = Dispatcher(Admission(loop_client(), hold_seconds=settings.CSBOT_ANSWER_SECONDS))
        self._shadow = Shadow(self.dispatcher, self.client)
        self._states = ProviderStates(loop_client())
        self._evaluator = Evaluator(self)
        self.learner = Learner(self.dispatcher, self.client)
        works = (
            self._renew_for_ever(),
            self._show_presence(),
            self.learner.learn_for_ever(),
            self._capacity.watch_loop(),
        )
        for work in (listen_for_orders(self._obey), *works):
            self._keep(work, among=self._background)

    async def _follow_environment(self) -> None:
        try:
            await in_database(follow_environment)
        except DatabaseError as error:
            # `prepare` does the same; the tables may not even be there yet.
            logger.warning("environment not followed: %s", type(error).__name__)

    def _keep(self, work: Coroutine[None, None, None], *, among: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)
        task.add_done_callback(_log_failure)
        return task

    def _obey(self, order: Order, run_id: int) -> None:
        if reply := self._replies.get(run_id):
            reply.obey(order)

    def _start_evaluating(self) -> None:
        if not self._is_stopping.is_set() and (work := self._evaluator.offer()):
            self._keep(work, among=self._background)

    def _start_answering(self, conversation_id: int) -> None:
        task = self._keep(self._answer(conversation_id), among=self._answering)
        task.add_done_callback(lambda _task: self._capacity.give_back())

    async def _answer(self, conversation_id: int) -> None:
        wants_reply = True
        while wants_reply and not self._is_stopping.is_set():
            opened = await in_database(open_reply, conversation_id, worker=self.worker)
            if opened is None:
                return
            known = await answer_similar(opened.run_id, opened.looked)
            if known is None and opened.is_known_only:
                await in_database(give_to_people, opened.run_id)
                return
            wants_reply = known.wants_reply if known else await self._make(Reply(opened, self))

    async def _make(self, reply: Reply) -> bool:
        making = asyncio.ensure_future(reply.make())
        try:
            await asyncio.wait([making])
        except asyncio.CancelledError:
            making.cancel()
            await asyncio.wait([making])
            await reply.hand_on()
            raise
        finally:
            self.untrack(reply)
        if (error := making.exception()) is not None:
            logger.error("run %d failed: %s", reply.run_id, describe(error))
            await reply.fail(LLMError(Kind.MALFORMED))
            return False
        return making.result().wants_reply

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if self._replies:
                await self._renew(set(self._replies))

    async def _renew(self, run_ids: set[int]) -> None:
        try:
            still_ours = await in_database(renew_leases, run_ids)
        except DatabaseError as error:
            logger.warning("leases not renewed: %s", type(error).__name__)
            return
        for run_id in run_ids - still_ours:
            self._obey(Order.CANCEL, run_id)

    async def _show_presence(self) -> None:
        while True:
            try:
                await loop_client().set(PRESENCE_KEY.format(name=self.worker), len(self._replies), ex=PRESENCE_SECONDS)
            except RedisError as error:
                logger.warning("presence not shown: %s", type(error).__name__)
            await asyncio.sleep(PRESENCE_SECONDS / 3)

    async def _wind_down(self, grace_seconds: float) -> list[int]:
        if self._answering:
            await asyncio.wait(self._answering, timeout=grace_seconds)
        handed_on = [reply.conversation_id for reply in self._replies.values()]
        leftovers = [*self._answering, *self._background]
        for task in leftovers:
            task.cancel()
        await asyncio.gather(*leftovers, return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()
        return handed_on


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("a job of the reply loop ended: %s", describe(error))


def describe(error: BaseException) -> str:
    """Return what went wrong and where, without the error's text, which may hold what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-3:]]
    return f"{type(error).__name__} at {' > '.join(places)}"


@cache
def reply_loop() -> ReplyLoop:
    """Return this process's loop, started."""
    loop = ReplyLoop(name=f"{socket.gethostname()}-{os.getpid()}", capacity=settings.CSBOT_LIVE_RUNS_PER_WORKER)
    loop.start()
    return loop
