"""Ports for the processes under test: each of pytest's processes has its own, and the system gives them to nobody."""

import itertools
import os
import socket
from typing import Final

FIRST: Final = 20_000
EACH: Final = 1_500
"""Below those that systems give away by themselves (Linux from 32,768), which somebody may get between look and use."""

_own = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
_places = itertools.cycle(range(FIRST + _own * EACH, FIRST + (_own + 1) * EACH))


def free_port() -> int:
    """Return a port that nobody listens on just now, another one each time."""
    for port in itertools.islice(_places, EACH):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
