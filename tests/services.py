"""A pytest plugin that gives the tests a real PostgreSQL and Redis before Django reads its settings.

Loaded with `-p tests.services`. Uses DATABASE_URL and REDIS_URL where they are set.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from csbot.embedded import start_postgres, start_redis

stops = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Start what the environment does not name."""
    os.environ.setdefault("SECRET_KEY", "tests-only-" + "0" * 40)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")
    folder = Path(tempfile.mkdtemp(prefix="csbot-tests-"))
    stops.append(lambda: shutil.rmtree(folder, ignore_errors=True))
    if "DATABASE_URL" not in os.environ:
        postgres = start_postgres(folder / "postgres")
        os.environ["DATABASE_URL"] = postgres.url
        stops.append(postgres.stop)
    if "REDIS_URL" not in os.environ:
        redis = start_redis(folder / "redis")
        os.environ["REDIS_URL"] = redis.url
        stops.append(redis.stop)


def pytest_unconfigure() -> None:
    """Stop what was started."""
    while stops:
        stops.pop()()
