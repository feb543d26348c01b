"""What holds loaded processes back until the database is ready: `up`'s side of `csbot.gate`."""

import os


class Gate:
    """A pipe that nothing is ever written to: those who read it go on when its other end is closed."""

    def __init__(self) -> None:
        self.way_through, self._bar = os.pipe()
        self.is_open = False

    def open(self) -> None:
        """Let everybody through, now and later."""
        if not self.is_open:
            os.close(self._bar)
            self.is_open = True
