"""A pytest plugin that gives the tests a real PostgreSQL and Redis before Django reads its settings.

Loaded with `-p tests.services`. Uses DATABASE_URL and REDIS_URL where they are set. All tests run in three processes,
each with services of its own; some tests, or services that were named, in one. The kernel stops both servers when
pytest dies, however it dies; the folder it then leaves is removed by the next run.
"""

import atexit
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from csbot.embedded import sockets_of, start_postgres, start_redis

PREFIX: Final = "csbot-tests-"
OURS: Final = "CSBOT_TESTS_SERVICES"
"""Names the services that a run started itself, for the processes that it distributes its tests to."""
PROCESSES: Final = 3
"""One more than a small machine's cores: tests wait a third of their time, for deadlines, processes and pages."""
LONG: Final = ("tests/up/", "tests/flow/")
"""Where files take longest; then come those that drive a browser."""
stops: list[Callable[[], None]] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Start what the environment does not name."""
    os.environ.setdefault("SECRET_KEY", "tests-only-" + "0" * 40)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")
    # Nobody empties the queue of most tests; those that are about it say how long is too long.
    os.environ.setdefault("CSBOT_BUSY_QUEUE_SECONDS", "3600")
    if "PYTEST_XDIST_WORKER" in os.environ:
        for name in os.environ.get(OURS, "").split():
            del os.environ[name]
    if "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        return
    # At exit, not in a hook: pytest calls no hook where a conftest could not be imported.
    atexit.register(stop_all)
    folder = new_folder()
    keep_bytecode(folder / "bytecode")
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if name not in os.environ]
    os.environ[OURS] = " ".join(missing)
    if "DATABASE_URL" not in os.environ:
        postgres = start_postgres(folder / "postgres", is_fleeting=True)
        stops.append(postgres.stop)
        os.environ["DATABASE_URL"] = postgres.url
    if "REDIS_URL" not in os.environ:
        redis = start_redis(folder / "redis")
        stops.append(redis.stop)
        os.environ["REDIS_URL"] = redis.url


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Use several processes for all tests; one for some of them, and where a Redis is given that all would share."""
    is_everything = config.args == config.getini("testpaths")
    return PROCESSES if is_everything and "REDIS_URL" in os.environ.get(OURS, "") else 0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the processes begin with the files that take longest, so that all end at about the same time."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: (not item.nodeid.startswith(LONG), item.get_closest_marker("browser") is None))


def keep_bytecode(folder: Path) -> None:
    """Let the processes that tests start share compiled modules where Python is told not to write them to the source.

    Without any, each compiles all it imports again: five seconds of a core instead of one.
    """
    if sys.dont_write_bytecode and "PYTHONPYCACHEPREFIX" not in os.environ:
        os.environ |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder)}


def new_folder() -> Path:
    """Make this run's folder, which a lock marks as alive, and remove those of runs that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if left.stat().st_uid == os.geteuid() and is_locked_by_us(left):
            for name in ("postgres", "redis"):
                shutil.rmtree(sockets_of(left / name), ignore_errors=True)
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    is_locked_by_us(folder)
    stops.append(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


def is_locked_by_us(folder: Path) -> bool:
    """Lock a folder for as long as this process lives; False where another process holds it."""
    try:
        fcntl.flock(os.open(folder, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def stop_all() -> None:
    """Stop what was started, the last first."""
    while stops:
        stops.pop()()
