"""Publishing from one asyncio loop: a single writer that keeps the order and joins what streams.

A run's first delta leaves at once; later ones are joined for `JOIN_SECONDS` (twice that where several stream at once),
over all runs of the process, into one round trip, together with each run's text so far for those who come late. What
cannot be published is logged and forgotten: the rows are the truth.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from conversations.events.frames import delta_frame
from conversations.events.lane import LANE_CHANNEL, Item, Kind, encode
from conversations.events.snapshots import SNAPSHOT_SECONDS, snapshot_key
from conversations.redis import loop_client

logger = logging.getLogger(__name__)

JOIN_SECONDS: Final = 0.05
CROWD: Final = 12
CROWDED_JOIN_SECONDS: Final = 0.1
# One command, however many streams: a client packs and reads a command in the time that Redis takes for fifty.
PUBLISH_WITH_SNAPSHOTS: Final = """
    for number, key in ipairs(KEYS) do
        redis.call('SET', key, ARGV[number + 3], 'EX', ARGV[3])
    end
    return redis.call('PUBLISH', ARGV[1], ARGV[2])
"""


@dataclass(slots=True, eq=False)
class ReplyStream:
    """The visible text of one run: `text` is what was written, `sent` how many characters of it have left."""

    topic: str
    run_id: int
    epoch: int
    text: str = ""
    sent: int = 0

    @property
    def sent_text(self) -> str:
        """Return what customers can have seen."""
        return self.text[: self.sent]

    def take_delta(self) -> Item:
        """Return what hasn't left yet as an item, and count it as sent."""
        frame = delta_frame(self.run_id, offset=self.sent, text=self.text[self.sent :])
        self.sent = len(self.text)
        return Item(self.topic, Kind.DELTA, frame, epoch=self.epoch, run=self.run_id, end=self.sent)


class LivePublisher:
    """The writer of one loop. Made by `loop_publisher`."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client
        self._publish_with_snapshots = client.register_script(PUBLISH_WITH_SNAPSHOTS)
        self._waiting: set[ReplyStream] = set()
        self._timer: asyncio.Handle | None = None
        self._due_at = 0.0
        self._join_seconds = JOIN_SECONDS
        self._flushing: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    async def publish(self, *items: Item) -> None:
        """Publish items after everything that is being written now."""
        async with self._writing:
            await self._send(items)

    def write(self, stream: ReplyStream, text: str) -> float:
        """Add to a run's visible text; it leaves at once where it is the first, else with the next tick.

        Returns for how many seconds more of it would only wait here.
        """
        is_first = not stream.text
        stream.text += text
        self._waiting.add(stream)
        self._flush_within(0 if is_first else self._join_seconds)
        return self._join_seconds

    async def settle(self, stream: ReplyStream) -> None:
        """Hold back what hasn't left of a run, and return when nothing of it is on its way any more."""
        self._waiting.discard(stream)
        async with self._writing:
            pass

    def _flush_within(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        due_at = loop.time() + seconds
        if self._timer is not None:
            if self._due_at <= due_at:
                return
            self._timer.cancel()
        self._timer, self._due_at = loop.call_later(seconds, self._start_flush), due_at

    def _start_flush(self) -> None:
        self._timer = None
        self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        async with self._writing:
            streams, self._waiting = self._waiting, set()
            self._join_seconds = CROWDED_JOIN_SECONDS if len(streams) > CROWD else JOIN_SECONDS
            if streams:
                await self._send([stream.take_delta() for stream in streams], streams=streams)

    async def _send(self, items: Sequence[Item], *, streams: Iterable[ReplyStream] = ()) -> None:
        keys = [snapshot_key(stream.run_id) for stream in streams]
        texts = [stream.text for stream in streams]
        batch = encode(items)
        try:
            if keys:
                await self._publish_with_snapshots(keys, [LANE_CHANNEL, batch, SNAPSHOT_SECONDS, *texts])
            else:
                await self._client.publish(LANE_CHANNEL, batch)
        except RedisError as error:
            logger.warning("live items not published: %d (%s)", len(items), type(error).__name__)


_publishers: WeakKeyDictionary[asyncio.AbstractEventLoop, LivePublisher] = WeakKeyDictionary()


def loop_publisher() -> LivePublisher:
    """Return the running loop's publisher."""
    loop = asyncio.get_running_loop()
    if loop not in _publishers:
        _publishers[loop] = LivePublisher(loop_client())
    return _publishers[loop]
