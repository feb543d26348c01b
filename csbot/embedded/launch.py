"""Starts one child process so that it cannot outlive the process that started it.

Every child gets a session of its own (a terminal's Ctrl-C reaches only the parent, which then stops its children in
order) and, on Linux, a signal from the kernel when the parent dies, however it dies.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from csbot.embedded.account import Account

SET_PARENT_DEATH_SIGNAL: Final = 1
IS_LINUX: Final = sys.platform == "linux"
# Loaded before any fork: a child between fork and exec must not import or open anything.
LIBC: Final = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Launch:
    """How to start one process."""

    arguments: tuple[str, ...]
    folder: Path
    variables: Mapping[str, str] | None = None
    account: Account | None = None
    death_signal: signal.Signals = signal.SIGKILL
    stdin: int = subprocess.DEVNULL

    def start(self, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start it, with what it prints going to `output`. Call from the main thread only.

        The kernel watches the thread that started the child, not the process. Raises OSError.
        """
        account = self.account
        return subprocess.Popen(  # noqa: S603 - our own command lines
            self.arguments,
            cwd=self.folder,
            env=None if self.variables is None else dict(self.variables),
            stdin=self.stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=die_with_parent(self.death_signal),  # noqa: PLW1509 - this process has one thread
        )


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Return what a child must do before it becomes its program; it runs after the change of user, which undoes it."""
    if not IS_LINUX:
        return None
    parent = os.getpid()

    def prepare() -> None:
        LIBC.prctl(SET_PARENT_DEATH_SIGNAL, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return prepare


def failure_of(launch: Launch) -> str | None:
    """Run a program to its end; return what it printed if it failed, None if it went well."""
    try:
        process = launch.start(subprocess.PIPE)
    except OSError as error:
        return f"{launch.arguments[0]}: {error.strerror}"
    printed, _ = process.communicate()
    return printed.decode(errors="replace").strip() if process.returncode else None
