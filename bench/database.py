"""Django on a PostgreSQL of the benchmark's own, or on that of a running csbot."""

import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.core.management import call_command

from csbot.embedded import start_postgres, start_redis

if TYPE_CHECKING:
    from bench.agents import Agent
    from bench.cost_shop import Shop
    from bench.leaks_shop import Shops


def set_up_django(environment: Mapping[str, str]) -> None:
    """Let Django in this process use what the environment names."""
    os.environ.update(environment)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")
    django.setup()


@contextmanager
def own_database() -> Generator[None]:
    """Start an empty PostgreSQL with csbot's tables; it goes away afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="csbot-bench-"))
    postgres = start_postgres(folder / "postgres")
    try:
        others = {
            "REDIS_URL": os.environ.get("REDIS_URL", "redis://none"),
            "SECRET_KEY": "bench-only-" + "0" * 40,
            "DEEPSEEK_API_KEY": "x",
        }
        set_up_django({"DATABASE_URL": postgres.url, **others})
        call_command("migrate", verbosity=0)
        yield
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own_services() -> Generator[None]:
    """Start an empty Redis, too."""
    folder = Path(tempfile.mkdtemp(prefix="csbot-bench-"))
    redis = start_redis(folder / "redis")
    os.environ["REDIS_URL"] = redis.url
    try:
        with own_database():
            yield
    finally:
        redis.stop()
        shutil.rmtree(folder, ignore_errors=True)


def call_with_models(module: str, **arguments: object) -> int:
    """Return what the module's `measure` returns; such a module imports models, so it loads after Django is set up."""
    return int(import_module(module).measure(**arguments))


def agent(environment: Mapping[str, str]) -> "Agent":
    """Return an agent of the csbot that runs with this environment."""
    set_up_django(environment)
    made: Agent = import_module("bench.agents").Agent()
    return made


def shop(environment: Mapping[str, str]) -> "Shop":
    """Return the people who run the csbot that runs with this environment."""
    set_up_django(environment)
    made: Shop = import_module("bench.cost_shop").Shop()
    return made


def shops(environment: Mapping[str, str]) -> "Shops":
    """Return the people of several sites of the csbot that runs with this environment."""
    set_up_django(environment)
    made: Shops = import_module("bench.leaks_shop").Shops()
    return made
