"""Runs a benchmark: on uvloop, with enough file descriptors, and ending what it started however it is ended."""

import asyncio
import resource
import signal
import sys
from collections.abc import Coroutine
from typing import Final, NoReturn

import uvloop

DESCRIPTORS: Final = 65536


def raise_descriptor_limit() -> None:
    """Allow this process and its children as many open sockets as the machine lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def cancelled_by_sigterm(work: Coroutine[object, object, int]) -> int:
    """Await the work; SIGTERM cancels it, so that its context managers stop what they started."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def run(work: Coroutine[object, object, int]) -> NoReturn:
    """Run a benchmark and end the process with its exit code."""
    raise_descriptor_limit()
    try:
        sys.exit(uvloop.run(cancelled_by_sigterm(work)))
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)
