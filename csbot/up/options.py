"""The command line of `manage.py up`."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from csbot.environment import Environment

PROJECT: Final = Path(__file__).resolve().parents[2]
HIGHEST_PORT: Final = 65535
MOST_WORKERS: Final = 4
DESCRIPTION: Final = "Run all of csbot on this machine."
EPILOG: Final = "Settings come from the environment: see docs/operations.md. Ctrl-C stops everything."


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    host: str
    port: int
    data: Path
    is_demo: bool
    is_verbose: bool
    workers: int


def parse_options(arguments: Sequence[str], env: Environment) -> Options:
    """Return the options; ends the process with the usage where they make no sense.

    Raises ImproperlyConfigured for a malformed variable.
    """
    parser = argparse.ArgumentParser(prog="manage.py up", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8000, help="port to listen on (default 8000)")
    parser.add_argument("--data-dir", type=Path, default=data_folder(env), help="data folder (default .csbot/)")
    parser.add_argument("--no-demo", action="store_true", help="no demo shop page at /")
    parser.add_argument("--verbose", action="store_true", help="show everything that the processes print")
    chosen = parser.parse_args(arguments)
    return Options(
        host=chosen.host,
        port=chosen.port,
        data=chosen.data_dir.expanduser().absolute(),
        is_demo=not chosen.no_demo,
        is_verbose=chosen.verbose,
        workers=worker_count(env),
    )


def port_number(text: str) -> int:
    """Return a port's number. Raises ArgumentTypeError."""
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port between 1 and {HIGHEST_PORT}")
    return int(text)


def data_folder(env: Environment) -> Path:
    """Return the data folder that holds where none is named: CSBOT_DATA_DIR, else .csbot/ in the project."""
    return Path(env.text("CSBOT_DATA_DIR", default=str(PROJECT / ".csbot"))).expanduser().absolute()


def worker_count(env: Environment) -> int:
    """Return how many worker processes to run: CSBOT_WORKERS, else one for each processor, up to MOST_WORKERS."""
    default = max(1, min(MOST_WORKERS, os.cpu_count() or 1))
    return max(1, int(env.number("CSBOT_WORKERS", default=default)))
