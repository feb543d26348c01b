"""Runs database work for asyncio code in a few threads that keep their connections.

Django's own bridges either serialise everything on one thread or open a connection per call; both cost more than the
query (docs/decisions/0003). Never holds a connection while something streams: one call, one short piece of work.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from threading import Barrier
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")


@cache
def database_threads() -> ThreadPoolExecutor:
    """Return this process's threads for database work."""
    return ThreadPoolExecutor(max_workers=settings.CSBOT_DATABASE_THREADS, thread_name_prefix="database")


def close_database_threads() -> None:
    """End this process's database threads and their connections; the next piece of work starts new ones."""
    threads = database_threads()
    # One piece of work per thread: none gets a second one before all have met.
    meeting = Barrier(settings.CSBOT_DATABASE_THREADS)
    for _ in range(settings.CSBOT_DATABASE_THREADS):
        threads.submit(_close_connection, meeting)
    threads.shutdown()
    database_threads.cache_clear()


def _close_connection(meeting: Barrier) -> None:
    meeting.wait()
    connection.close()


def on_kept_connection(work: Callable[[], T]) -> T:
    """Run `work` on this thread's connection, replaced first if it broke or grew too old."""
    if connection.errors_occurred:
        connection.close_if_unusable_or_obsolete()
    return work()


async def in_database(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Await `work(*args, **kwargs)` on a database thread."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(database_threads(), on_kept_connection, partial(work, *args, **kwargs))


async def persistently(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do database work that may safely be done twice, again for each kept connection that turns out broken."""
    for _thread in range(settings.CSBOT_DATABASE_THREADS):
        try:
            return await in_database(work, *args, **kwargs)
        except (OperationalError, InterfaceError):
            await asyncio.sleep(0)
    return await in_database(work, *args, **kwargs)
