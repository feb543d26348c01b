"""What one socket is shown, in the right order and once: the live lane's items, and the rows where one is missing.

`take` is the hub's sink: what is next for a socket that reads goes out at once, of the rest it takes note. What waits
is bounded; a browser that is too slow has its live frames dropped and is brought up to date from PostgreSQL once it
reads again. Never sends bot text of an older owner epoch after an `owner` frame of a newer one.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import orjson
from django.db import Error as DatabaseError

from conversations.consumers.outlet import Outlet
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
        "_conversation_id", "_early_head", "_ended_run", "_epoch", "_is_behind", "_is_ready", "_last_seq", "_origin",
        "_outlet", "_pump", "_run", "_run_covers", "_run_end", "_send", "_waiting", "_waiting_chars",
    )  # fmt: skip

    def __init__(self, conversation_id: int, *, send: SendFrame, origin: str, outlet: Outlet | None = None) -> None:
        self._conversation_id = conversation_id
        self._send = send
        self._outlet = outlet
        self._origin = origin
        self._last_seq = self._epoch = 0
        # The open run that the client was told of, how far its text was sent, and the newest run that has ended.
        self._run = self._run_covers = self._run_end = self._ended_run = 0
        self._waiting: deque[Item] = deque()
        self._waiting_chars = 0
        self._is_ready = self._is_behind = False
        self._early_head: Item | None = None
        self._pump: asyncio.Task[None] | None = None

    @property
    def last_seq(self) -> int:
        """The newest message that was sent."""
        return self._last_seq

    def take(self, item: Item) -> None:
        """Note an item of the live lane; it goes out as soon as the socket takes it."""
        if item.kind is Kind.HEAD and not self._is_ready:
            # Nothing is known yet that it could be compared with.
            self._early_head = item
            return
        if not self._is_news(item) or self._goes_at_once(item):
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
        early, self._early_head = self._early_head, None
        self._is_behind |= early is not None and self._is_behind_of(early)
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

    def _goes_at_once(self, item: Item) -> bool:
        """Send an item where nothing has to be waited for. False where it has to wait."""
        if self._outlet is None or not self._is_idle():
            return False
        if item.kind is Kind.HEAD or self._lacks_text_before(item) or not self._outlet.can_take():
            return False
        frame = self._frame_of(item)
        if frame is not None:
            self._outlet.take(frame)
        if self._is_behind:
            self._wake()
        return True

    def _is_idle(self) -> bool:
        """Say whether the client is up to date and nothing is on its way to it."""
        return self._is_ready and self._pump is None and not self._waiting and not self._is_behind

    async def _forward(self, item: Item) -> None:
        if self._lacks_text_before(item):
            await self._send_snapshot()
        frame = self._frame_of(item)
        if frame is not None:
            await self._send(frame)

    def _frame_of(self, item: Item) -> str | None:
        """Note what an item tells, and return what to send of it; where rows are missing, note only that."""
        if item.seq > self._last_seq + (item.kind is Kind.MESSAGE):
            self._is_behind = True
            return None
        if item.kind is Kind.DELTA:
            return self._delta_of(item)
        if item.kind is Kind.MESSAGE:
            is_next = item.seq == self._last_seq + 1
            self._last_seq += is_next
            return item.frame if is_next else None
        if item.kind is Kind.RUN:
            return item.frame if self._changes_run(item) else None
        if item.kind is Kind.OWNER:
            return item.frame if self._changes_owner(item.epoch) else None
        return item.frame

    def _changes_owner(self, epoch: int) -> bool:
        is_newer = epoch > self._epoch
        self._epoch = max(self._epoch, epoch)
        return is_newer

    # Runs and what is being written. `_opens` and the like note something, and say whether it is news.

    def _changes_run(self, item: Item) -> bool:
        told = orjson.loads(item.frame)
        if told["state"] != RunState.OPEN:
            return self._ends(item.run)
        if told["owner_epoch"] < self._epoch or item.run <= self._ended_run:
            return False
        return self._opens(item.run, covers=told["reply_to"])

    def _opens(self, run_id: int, *, covers: int) -> bool:
        if run_id == self._run and covers <= self._run_covers:
            return False
        self._note_open(run_id, covers=covers)
        return True

    def _ends(self, run_id: int) -> bool:
        if run_id <= self._ended_run:
            return False
        self._note_ended(run_id)
        return True

    def _note_open(self, run_id: int, *, covers: int) -> None:
        if run_id != self._run:
            self._run_end = 0
        self._run, self._run_covers = run_id, covers

    def _note_ended(self, run_id: int) -> None:
        self._ended_run = max(self._ended_run, run_id)
        if self._run <= self._ended_run:
            self._run = self._run_covers = self._run_end = 0

    def _is_unwanted(self, delta: Item) -> bool:
        return delta.epoch < self._epoch or delta.run <= self._ended_run

    def _lacks_text_before(self, item: Item) -> bool:
        """Say whether a piece of the open run's text comes without the one before it."""
        if item.kind is not Kind.DELTA or item.run != self._run or self._is_unwanted(item):
            return False
        offset: int = orjson.loads(item.frame)["offset"]
        return offset > self._run_end

    def _delta_of(self, item: Item) -> str | None:
        """Return what is new of a piece; nothing of it where a piece before it is missing."""
        if self._is_unwanted(item):
            return None
        if item.run != self._run:
            # Its opening was lost on the way.
            self._is_behind = True
            return None
        delta = orjson.loads(item.frame)
        seen = self._run_end - delta["offset"]
        if seen < 0 or item.end <= self._run_end:
            return None
        self._run_end = item.end
        if not seen:
            return item.frame
        return delta_frame(item.run, offset=delta["offset"] + seen, text=delta["text"][seen:])

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
        if standing.ended_run and self._ends(standing.ended_run.pk):
            await self._send(run_frame(standing.ended_run))
        if self._changes_owner(standing.conversation.owner_epoch):
            await self._send(standing.owner_frame)
        if standing.open_run and standing.open_run.pk not in answered:
            await self._catch_up_with(standing.open_run)

    async def _catch_up_with(self, run: Run) -> None:
        if run.owner_epoch < self._epoch or run.pk <= self._ended_run:
            return
        if self._opens(run.pk, covers=run.covers_seq):
            await self._send(run_frame(run))
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
