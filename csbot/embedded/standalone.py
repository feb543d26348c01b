"""One embedded server without a supervisor, for tests and benchmarks: started, used, stopped."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from csbot.embedded.account import service_account
from csbot.embedded.places import socket_folder
from csbot.embedded.postgres import postgres_service
from csbot.embedded.redis import redis_service
from csbot.embedded.service import RunningService, Service, start_and_wait


@dataclass(frozen=True)
class Standalone:
    """A running server; `url` is its DATABASE_URL or REDIS_URL."""

    running: RunningService
    sockets: Path

    @property
    def url(self) -> str:
        """Return the server's address."""
        return self.running.service.url

    @property
    def pid(self) -> int:
        """Return the server's process id."""
        return self.running.process.pid

    def stop(self) -> None:
        """Stop the server, wait until it has stopped, and remove its socket."""
        self.running.stop()
        shutil.rmtree(self.sockets, ignore_errors=True)


def start_postgres(folder: Path, *, is_fleeting: bool = False) -> Standalone:
    """Start (and on first use make) the server whose data lies in `folder`. Raises EmbeddedError.

    `is_fleeting`: the data will be thrown away, so don't wait for the disk.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    sockets = sockets_of(folder)
    service = postgres_service(folder, sockets, account=service_account(folder), is_fleeting=is_fleeting)
    return started(service, folder=folder, sockets=sockets)


def start_redis(folder: Path) -> Standalone:
    """Start a server that keeps nothing on disk; its log lies beside `folder`. Raises EmbeddedError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    sockets = sockets_of(folder)
    return started(redis_service(sockets, account=service_account(folder)), folder=folder, sockets=sockets)


def sockets_of(folder: Path) -> Path:
    """Return (and make) the folder for the sockets of the server that runs in `folder`."""
    return socket_folder(folder.with_name(f"{folder.name}-sockets"))


def started(service: Service, *, folder: Path, sockets: Path) -> Standalone:
    """Start a service whose sockets lie in `sockets`; nothing is left there when it fails."""
    try:
        return Standalone(start_and_wait(service, log=folder.with_name(f"{folder.name}.log")), sockets)
    except BaseException:
        shutil.rmtree(sockets, ignore_errors=True)
        raise
