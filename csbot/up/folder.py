"""The data folder: what `up` keeps between starts, and the lock that lets one `up` at a time use it.

postgres/        the database          secret_key    Django's SECRET_KEY, made on the first start
logs/            one file a process    environment   how to reach the running services (for other commands)
processes/       who was started       bytecode/     compiled Python, where it can't lie beside its source
"""

import contextlib
import fcntl
import os
import secrets
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from csbot.up.problems import UpError

SMALLEST_FREE_BYTES: Final = 200 * 1024 * 1024
MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True)
class DataFolder:
    """A data folder and the names in it."""

    path: Path

    @property
    def postgres(self) -> Path:
        """Where the database lies."""
        return self.path / "postgres"

    @property
    def sockets(self) -> Path:
        """Where the sockets lie if the path is short enough."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        """Where the processes' logs lie."""
        return self.path / "logs"

    @property
    def processes(self) -> Path:
        """Where it is written which processes were started."""
        return self.path / "processes"

    @property
    def bytecode(self) -> Path:
        """Where compiled Python may lie."""
        return self.path / "bytecode"

    @property
    def has_served(self) -> bool:
        """Whether a web process has been started here before: what it loads has been compiled."""
        return (self.logs / "web.log").exists()

    @property
    def lock(self) -> Path:
        """The file that a running `up` holds locked."""
        return self.path / "lock"

    @property
    def environment(self) -> Path:
        """The file that tells other commands how to reach the running services."""
        return self.path / "environment"

    def secret_key(self) -> str:
        """Return the kept SECRET_KEY; the first call makes it."""
        path = self.path / "secret_key"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text().strip()

    def write_environment(self, variables: Mapping[str, str]) -> None:
        """Say how to reach the running services, in a file that a shell can read too."""
        write_private(self.environment, "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))

    def read_environment(self) -> dict[str, str]:
        """Return what a running `up` wrote; empty where none runs."""
        if not self.is_in_use() or not self.environment.exists():
            return {}
        words = shlex.split(self.environment.read_text())
        return dict(word.split("=", 1) for word in words)

    def is_in_use(self) -> bool:
        """Say whether an `up` is running on this folder."""
        try:
            with self.lock.open("rb") as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)


@contextlib.contextmanager
def opened_folder(path: Path) -> Iterator[DataFolder]:
    """Make the data folder where it is missing and hold its lock. Raises UpError."""
    folder = DataFolder(path)
    make_folder(path)
    with locked(folder):
        check_space(path)
        try:
            for part in (folder.logs, folder.processes, folder.bytecode):
                part.mkdir(exist_ok=True)
        except OSError as error:
            raise UpError(f"The data folder {path} cannot be used: {error.strerror} ({error.filename}).") from error
        yield folder


def make_folder(path: Path) -> None:
    """Make the folder, private to this user. Raises UpError."""
    if not path.parent.is_dir():
        raise UpError(f"The data folder {path} cannot be made: there is no folder {path.parent}.")
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UpError(f"The data folder {path} cannot be made: {error.strerror}.") from error


@contextlib.contextmanager
def locked(folder: DataFolder) -> Iterator[None]:
    """Hold the folder's lock. Raises UpError where another `up` holds it or the folder can't be written to."""
    try:
        handle = folder.lock.open("a+")
    except OSError as error:
        raise UpError(f"The data folder {folder.path} cannot be written to: {error.strerror}.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise UpError(
                f"Another `manage.py up` (process {holder}) is running on the data folder {folder.path}: "
                "stop it first, or choose another folder with --data-dir."
            ) from error
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield


def check_space(path: Path) -> None:
    """Raise UpError where the disk is all but full."""
    free = shutil.disk_usage(path).free
    if free < SMALLEST_FREE_BYTES:
        raise UpError(
            f"The disk of the data folder {path} is almost full: {free // MEBIBYTE} MiB are free, "
            f"csbot needs {SMALLEST_FREE_BYTES // MEBIBYTE} MiB."
        )
