"""Lets a process load while its database is still being prepared, and go on once it is.

Loading takes far longer than preparing, and on most starts there is nothing to prepare. `manage.py up` holds the other
end of the process's standard input and closes it when the database is ready; where nobody holds it, as everywhere
else, nobody waits.
"""

import sys
from typing import Final

from csbot.environment import current_environment

WAITS: Final = "CSBOT_WAITS"
"""The variable by which `up` says that it holds the gate; anybody else's standard input is none of our business."""


def wait_at_gate() -> None:
    """Wait until the gate is open: standard input ends."""
    if current_environment().flag(WAITS):
        sys.stdin.read()
