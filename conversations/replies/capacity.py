"""How many replies a worker's loop carries at once: as many as leave it on time, and never more than was set.

What a machine carries differs by hour and neighbour, so it isn't guessed but seen: a loop that comes late to its own
clock has too much to do. Then nothing new begins until it is on time again, and fewer are let in from then on; while
it stays on time, a few more. What isn't let in waits in the queue, where its customer is told so. Those let in keep
their speed.
"""

import asyncio
import threading
from typing import Final

TICK_SECONDS: Final = 0.05
LATE_SECONDS: Final = 0.05
"""A first word passes the loop some five times: at twice this lateness it comes half a second late."""
FEWEST: Final = 32
"""So many are always carried: that few can't be what makes the loop late."""
LESS: Final = 0.85
PAUSE_SECONDS: Final = 1.0
"""How often the limit may shrink: what is let in shows its full weight only after a while."""
MORE_PER_TICK: Final = 0.5


class Capacity:
    """Counts the replies in progress and lets no more in than the loop carries. For all threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._live = 0
        self._is_late = False
        self._shrunk_at = float("-inf")
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """How many may be in progress now."""
        return int(self._limit)

    def take(self, *, timeout_seconds: float) -> bool:
        """Take a place; wait for one for so long. False if there was none."""
        with self._changed:
            has_place = self._changed.wait_for(self._has_place, timeout_seconds)
            self._live += has_place
            return has_place

    def give_back(self) -> None:
        """Give a place back."""
        with self._changed:
            self._live -= 1
            self._changed.notify()

    def note_lateness(self, seconds: float, *, now: float) -> None:
        """Hear how late the loop came to its clock at the monotonic time `now`."""
        with self._changed:
            self._is_late = seconds > LATE_SECONDS and self._live >= FEWEST
            if not self._is_late:
                self._grow()
            elif now - self._shrunk_at >= PAUSE_SECONDS:
                self._shrunk_at = now
                self._limit = max(min(FEWEST, self._most), min(self._limit, self._live) * LESS)
            self._changed.notify_all()

    async def watch_loop(self) -> None:
        """Look at the running loop's clock for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            self.note_lateness(now - due_at, now=now)

    def _has_place(self) -> bool:
        return self._live < int(self._limit) and not self._is_late

    def _grow(self) -> None:
        # Only where places are wanted: a quiet hour proves nothing about a busy one.
        if self._live >= int(self._limit):
            self._limit = min(self._most, self._limit + MORE_PER_TICK)
