"""Runs database work for asyncio code in a few threads that keep their connections.

Django's own bridges either serialise everything on one thread or open a connection per call; both cost more than the
query (docs/decisions/0003). Never holds a connection while something streams: one call, one short piece of work.
"""

import asyncio
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache, partial
from itertools import count
from threading import Barrier
from types import NoneType
from typing import Any, ClassVar, Final, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, models
from psycopg import RawCursor

AS_IT_IS: Final = (str, bool, UUID, datetime, NoneType)
"""What goes to PostgreSQL as it is, whatever the field, and need not ask Django."""

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


class _Breaks(threading.local):
    """How many breaks of a connection, anywhere in this process, a thread knows of."""

    happened: ClassVar = 0
    known = 0


_breaks: Final = _Breaks()


def on_kept_connection(work: Callable[[], T]) -> T:
    """Run `work` on this thread's connection, replaced first if it broke or grew too old.

    Where one connection breaks, the others have mostly gone with it (PostgreSQL was restarted): every thread looks at
    its own before it uses it again.
    """
    if _breaks.known != _Breaks.happened:
        _breaks.known = _Breaks.happened
        if connection.connection is not None and not connection.is_usable():
            connection.close()
    elif connection.errors_occurred:
        connection.close_if_unusable_or_obsolete()
    try:
        return work()
    except (OperationalError, InterfaceError):
        _Breaks.happened += 1
        raise


async def in_database(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Await `work(*args, **kwargs)` on a database thread."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(database_threads(), on_kept_connection, partial(work, *args, **kwargs))


async def persistently(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do database work that may safely be done twice, once more where a kept connection turns out broken."""
    try:
        return await in_database(work, *args, **kwargs)
    except (OperationalError, InterfaceError):
        return await in_database(work, *args, **kwargs)


def numbered(statement: str) -> bytes:
    """Return a statement with its places numbered, as PostgreSQL itself wants them."""
    places = count(1)
    return re.sub("%s", lambda _place: f"${next(places)}", statement).encode()


def row_of(statement: bytes, parameters: Sequence[object]) -> tuple[Any, ...] | None:
    """Run a statement of our own, which PostgreSQL plans once for each connection, and return its first row."""
    connection.ensure_connection()
    with connection.wrap_database_errors, RawCursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return cursor.fetchone()


def rows_of(statement: bytes, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    """Run a statement of our own, as `row_of` does, and return all its rows."""
    connection.ensure_connection()
    with connection.wrap_database_errors, RawCursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return cursor.fetchall()


def placeholder(field: "models.Field[Any, Any]") -> str:
    """Return a parameter's place in a statement of our own, with its type: PostgreSQL can't tell it there."""
    kind = field.db_type(connection) or ""
    # Without a length: a cast would cut silently what the column refuses.
    return f"%s::{kind.partition('(')[0]}"


def parameter(field: "models.Field[Any, Any]", value: object) -> object:
    """Return a value as it is given to a statement for this field."""
    if isinstance(value, AS_IT_IS):
        return value
    return field.get_db_prep_save(value, connection)
