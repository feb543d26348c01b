"""What one socket is shown, in the right order and once: the live lane's items, and the rows where one is missing.

`take` is the hub's sink: it only takes note. What waits is bounded; a browser that is too slow has its live frames
dropped and is brought up to date from PostgreSQL once it reads again. Never sends bot text of an older owner epoch
after an `owner` frame of a newer one.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import orjson
from django.db import Error as DatabaseError

from conversations.consumers.reading import PAGE, Standing, Stored, read_messages, read_standing
from conversations.database import persistently
from conversations.events.counts import CATCH_UPS, OVERFLOWS
from conversations.events.frames import delta_frame, run_frame
from conversations.events.lane import Item, Kind
from conversations.events.snapshots import read_snapshot
from conversations.models import Run, RunState
from conversations.redis import loop_client

logger = logging.getLogger(__name__)

MAX_WAITING_ITEMS: Final = 256
MAX_WAITING_CHARS: Final = 256 * 1024

SendFrame: TypeAlias = Callable[[str], Awaitable[None]]
"""Sends a frame and returns when the socket can take another. Raises OSError where the client is gone."""


class Feed:
    """The outgoing side of one socket: how far its client is, and what waits for it."""

    __slots__ = (
        "_conversation_id", "_ended_run", "_epoch", "_is_behind", "_is_ready", "_last_seq", "_origin", "_pump", "_run",
        "_run_covers", "_run_end", "_send", "_waiting", "_waiting_chars",
    )  # fmt: skip

    def __init__(self, conversation_id: int, *, send: SendFrame, origin: str) -> None:
        self._conversation_id = conversation_id
        self._send = send
        self._origin = origin
        self._last_seq = self._epoch = 0
        # The open run that the client was told of, how far its text was sent, and the newest run that has ended.
        self._run = self._run_covers = self._run_end = self._ended_run = 0
        self._waiting: deque[Item] = deque()
        self._waiting_chars = 0
        self._is_ready = self._is_behind = False
        self._pump: asyncio.Task[None] | None = None

    @property
    def last_seq(self) -> int:
        """The newest message that was sent."""
        return self._last_seq

    def take(self, item: Item) -> None:
        """Note an item of the live lane; it goes out as soon as the socket takes it."""
        if not self._is_news(item):
            return
        if item.kind is Kind.HEAD:
            self._is_behind = True
        elif self._has_room_for(item):
            self._waiting.append(item)
            self._waiting_chars += len(item.frame)
        else:
            OVERFLOWS.inc()
            self._waiting.clear()
            self._waiting_chars = 0
            self._is_behind = True
        self._wake()

    async def begin(self, standing: Standing, *, after_seq: int, snapshot: str) -> None:
        """Send what was missed after the client was welcomed, and from then on whatever comes."""
        self._last_seq = min(after_seq, standing.conversation.head_seq)
        self._epoch = standing.conversation.owner_epoch
        if standing.open_run:
            self._note_open(standing.open_run.pk, covers=standing.open_run.covers_seq)
            self._run_end = len(snapshot)
        await self._send_missed(standing)
        self._is_ready = True
        self._wake()

    async def stop(self) -> None:
        """Send nothing more."""
        self._is_ready = False
        self._waiting.clear()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)

    def _is_news(self, item: Item) -> bool:
        if item.kind is Kind.HEAD:
            return self._is_behind_of(item)
        return item.kind is not Kind.STAFF and not (item.origin and item.origin == self._origin)

    def _is_behind_of(self, head: Item) -> bool:
        is_other_run = head.run != self._run and (head.run == 0 or head.run > self._ended_run)
        return head.seq > self._last_seq or head.epoch > self._epoch or is_other_run

    def _has_room_for(self, item: Item) -> bool:
        return len(self._waiting) < MAX_WAITING_ITEMS and self._waiting_chars + len(item.frame) <= MAX_WAITING_CHARS

    def _wake(self) -> None:
        if self._is_ready and self._pump is None:
            self._pump = asyncio.create_task(self._send_waiting())

    async def _send_waiting(self) -> None:
        try:
            while self._is_behind or self._waiting:
                if self._is_behind:
                    await self._catch_up()
                else:
                    await self._forward(self._next())
        except OSError:
            # The client is gone; the consumer is told so by its own receive.
            self._is_ready = False
        except DatabaseError as error:
            # Still behind: the hub's next look into the database wakes this again.
            self._is_behind = True
            logger.warning("a socket could not be brought up to date (%s)", type(error).__name__)
        finally:
            self._pump = None

    def _next(self) -> Item:
        item = self._waiting.popleft()
        self._waiting_chars -= len(item.frame)
        return item

    async def _forward(self, item: Item) -> None:
        if item.seq > self._last_seq + (item.kind is Kind.MESSAGE):
            self._is_behind = True
        elif item.kind is Kind.MESSAGE:
            await self._forward_message(item)
        elif item.kind is Kind.DELTA:
            await self._forward_delta(item)
        elif item.kind is Kind.RUN:
            await self._forward_run(item)
        elif item.kind is Kind.OWNER:
            await self._tell_owner(item.frame, epoch=item.epoch)
        else:
            await self._send(item.frame)

    async def _forward_message(self, item: Item) -> None:
        if item.seq == self._last_seq + 1:
            self._last_seq = item.seq
            await self._send(item.frame)

    async def _tell_owner(self, frame: str, *, epoch: int) -> None:
        if epoch > self._epoch:
            self._epoch = epoch
            await self._send(frame)

    # Runs and what is being written.

    async def _forward_run(self, item: Item) -> None:
        told = orjson.loads(item.frame)
        if told["state"] != RunState.OPEN:
            await self._tell_ended(item.frame, run_id=item.run)
        elif told["owner_epoch"] >= self._epoch and item.run > self._ended_run:
            await self._tell_open(item.frame, run_id=item.run, covers=told["reply_to"])

    async def _tell_open(self, frame: str, *, run_id: int, covers: int) -> None:
        if run_id == self._run and covers <= self._run_covers:
            return
        self._note_open(run_id, covers=covers)
        await self._send(frame)

    async def _tell_ended(self, frame: str, *, run_id: int) -> None:
        if run_id <= self._ended_run:
            return
        self._note_ended(run_id)
        await self._send(frame)

    def _note_open(self, run_id: int, *, covers: int) -> None:
        if run_id != self._run:
            self._run_end = 0
        self._run, self._run_covers = run_id, covers

    def _note_ended(self, run_id: int) -> None:
        self._ended_run = max(self._ended_run, run_id)
        if self._run <= self._ended_run:
            self._run = self._run_covers = self._run_end = 0

    async def _forward_delta(self, item: Item) -> None:
        if item.epoch < self._epoch or item.run <= self._ended_run:
            return
        if item.run != self._run:
            # Its opening was lost on the way.
            self._is_behind = True
            return
        delta = orjson.loads(item.frame)
        if delta["offset"] > self._run_end:
            await self._send_snapshot()
        await self._send_delta(item, offset=delta["offset"], text=delta["text"])

    async def _send_delta(self, item: Item, *, offset: int, text: str) -> None:
        """Send what is new of a piece; nothing of it where a piece before it is missing."""
        seen = self._run_end - offset
        if item.run != self._run or seen < 0 or item.end <= self._run_end:
            return
        self._run_end = item.end
        await self._send(delta_frame(item.run, offset=offset + seen, text=text[seen:]) if seen else item.frame)

    async def _send_snapshot(self) -> None:
        """Send what was written of the open run beyond what was sent of it."""
        run_id = self._run
        text = await read_snapshot(loop_client(), run_id)
        offset = self._run_end
        if run_id == self._run and len(text) > offset:
            self._run_end = len(text)
            await self._send(delta_frame(run_id, offset=offset, text=text[offset:]))

    # Catching up.

    async def _catch_up(self) -> None:
        CATCH_UPS.inc()
        self._is_behind = False
        standing = await persistently(
            read_standing, self._conversation_id, after_seq=self._last_seq, known_run=self._run
        )
        if standing is None:
            return
        answered = await self._send_missed(standing)
        if standing.ended_run:
            await self._tell_ended(run_frame(standing.ended_run), run_id=standing.ended_run.pk)
        await self._tell_owner(standing.owner_frame, epoch=standing.conversation.owner_epoch)
        if standing.open_run and standing.open_run.pk not in answered:
            await self._catch_up_with(standing.open_run)

    async def _catch_up_with(self, run: Run) -> None:
        if run.owner_epoch < self._epoch or run.pk <= self._ended_run:
            return
        await self._tell_open(run_frame(run), run_id=run.pk, covers=run.covers_seq)
        await self._send_snapshot()

    async def _send_missed(self, standing: Standing) -> set[int]:
        """Send the missed messages, page by page, and return the runs that made them."""
        answered = await self._send_page(standing.messages)
        is_complete = standing.is_complete
        while not is_complete:
            page = await persistently(read_messages, self._conversation_id, after_seq=self._last_seq)
            answered |= await self._send_page(page)
            is_complete = len(page) < PAGE
        return answered

    async def _send_page(self, page: list[Stored]) -> set[int]:
        for message in page:
            self._last_seq = message.seq
            await self._send(message.frame)
        return {message.run_id for message in page}
