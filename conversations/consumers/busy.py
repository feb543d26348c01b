"""How many frames this process is dealing with, so that a web process that stops can let them finish."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Final


class Busy:
    """Counts the `with` blocks that are being run."""

    def __init__(self) -> None:
        self.count = 0
        self._waiter: asyncio.Event | None = None

    def __enter__(self) -> None:
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.count -= 1
        if not self.count and self._waiter is not None:
            self._waiter.set()

    async def wait_until_idle(self, seconds: float) -> None:
        """Wait until nothing is being dealt with, but not longer than `seconds`."""
        self._waiter = asyncio.Event()
        if self.count:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._waiter.wait(), seconds)


busy: Final = Busy()
