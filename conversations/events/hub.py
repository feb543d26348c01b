"""One Redis subscription per web process; hands what comes over the lane to the sockets of this process.

Redis may lose anything at any time: the hub subscribes again for ever, and after each subscription, and every few
seconds, it looks up in PostgreSQL how the conversations stand that have sockets here (one query for all) and tells
their sinks (Kind.HEAD). A sink that finds itself behind reads the rows. Never waits for a socket: a sink only takes
note, and bounds what it keeps.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from django.db import Error as DatabaseError
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from conversations.database import in_database
from conversations.events.counts import LANE_LOSSES
from conversations.events.lane import DESK_TOPIC, LANE_CHANNEL, Item, Kind, decode, topic_conversation
from conversations.models import Conversation
from conversations.redis import new_subscriber_client

logger = logging.getLogger(__name__)

Sink: TypeAlias = Callable[[Item], None]
"""Takes an item on the loop, at once: it must neither block nor keep more than it bounds."""

COMPARE_SECONDS: Final = 5.0
COMPARE_ALONE_SECONDS: Final = 1.0
"""How often sockets are compared with PostgreSQL: with Redis there, and without it."""
COMPARE_AT_ONCE: Final = 1000
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 2.0
SILENCE_SECONDS: Final = 15.0
"""A subscription that is silent for twice this long, pings included, is dead."""


class Hub:
    """The sinks of one loop by topic, and the subscription that feeds them. Made by `process_hub`."""

    def __init__(self) -> None:
        self._sinks: dict[str, list[Sink]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._compare_now = asyncio.Event()
        self.is_connected = False

    def subscribe(self, topic: str, sink: Sink) -> None:
        """Hand every item of the topic to the sink from now on; starts the hub on first use."""
        self._start()
        self._sinks.setdefault(topic, []).append(sink)

    def unsubscribe(self, topic: str, sink: Sink) -> None:
        """Stop handing items to the sink; harmless where it wasn't subscribed."""
        sinks = self._sinks.get(topic, [])
        if sink in sinks:
            sinks.remove(sink)
        if not sinks:
            self._sinks.pop(topic, None)

    def hand_out(self, item: Item) -> None:
        """Give an item to the sinks of its topic."""
        for sink in tuple(self._sinks.get(item.topic, ())):
            try:
                sink(item)
            except Exception:
                # One socket's fault must not keep the others from their items.
                logger.exception("a sink failed")

    def broadcast(self, frame: str) -> None:
        """Give every sink of this process a frame."""
        for topic in tuple(self._sinks):
            self.hand_out(Item(topic, Kind.LIVE, frame))

    def sockets(self) -> dict[str, int]:
        """Return how many sinks listen to conversations and to the desk."""
        desk = len(self._sinks.get(DESK_TOPIC, ()))
        return {"conversation": sum(map(len, self._sinks.values())) - desk, "desk": desk}

    async def stop(self) -> None:
        """End the subscription; sinks get nothing any more."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen_for_ever()), asyncio.create_task(self._compare_for_ever())]

    async def _listen_for_ever(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                if self.is_connected:
                    LANE_LOSSES.inc()
                    logger.warning("live lane lost (%s); looking into the database meanwhile", type(error).__name__)
                    pause = FIRST_PAUSE_SECONDS
            self.is_connected = False
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads processes, guards nothing
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _listen(self) -> None:
        """Subscribe and hand out until the connection breaks. Raises RedisError or OSError."""
        async with aclosing(new_subscriber_client()) as client, client.pubsub() as subscription:
            await subscription.subscribe(LANE_CHANNEL)
            await self._hand_out_from(subscription)

    async def _hand_out_from(self, subscription: PubSub) -> None:
        silent_since, loop = 0.0, asyncio.get_running_loop()
        while True:
            started_at = loop.time()
            message = await subscription.get_message(timeout=SILENCE_SECONDS)
            # None is either an answered ping (at once) or silence (the whole time).
            is_silence = message is None and loop.time() - started_at >= SILENCE_SECONDS
            if not is_silence:
                silent_since = 0.0
            elif silent_since:
                raise ConnectionError("the subscription answers no pings")
            else:
                silent_since = started_at
            if message is not None:
                self._receive(message["type"], message["data"])

    def _receive(self, message_type: str, data: bytes) -> None:
        if message_type == "subscribe":
            logger.info("live lane up")
            self.is_connected = True
            self._compare_now.set()
        elif message_type == "message":
            self._receive_batch(data)

    def _receive_batch(self, batch: bytes) -> None:
        try:
            items = decode(batch)
        except ValueError:
            logger.warning("a batch on the live lane could not be read: %d bytes", len(batch))
            self._compare_now.set()
            return
        for item in items:
            if item.topic in self._sinks:
                self.hand_out(item)

    async def _compare_for_ever(self) -> None:
        while True:
            seconds = COMPARE_SECONDS if self.is_connected else COMPARE_ALONE_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._compare_now.wait(), seconds)
            self._compare_now.clear()
            try:
                await self._compare()
            except DatabaseError as error:
                logger.warning("sockets not compared with the database (%s)", type(error).__name__)

    async def _compare(self) -> None:
        """Tell every conversation's sinks how it stands in PostgreSQL."""
        topics = {pk: topic for topic in self._sinks if (pk := topic_conversation(topic)) is not None}
        ids = list(topics)
        for start in range(0, len(ids), COMPARE_AT_ONCE):
            heads = await in_database(Conversation.objects.heads, ids[start : start + COMPARE_AT_ONCE])
            for pk, head in heads.items():
                self.hand_out(Item(topics[pk], Kind.HEAD, "", seq=head.seq, epoch=head.owner_epoch, run=head.run_id))


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def process_hub() -> Hub:
    """Return the running loop's hub; a web process has one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
