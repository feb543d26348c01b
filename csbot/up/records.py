"""Which processes `up` started, on disk, so that the next start finds those that a killed `up` left behind.

A process id alone proves nothing (ids are used again): it counts only together with the moment the process began.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

STOP_SECONDS: Final = 8.0
POLL_SECONDS: Final = 0.05
PROC: Final = Path("/proc")
BEGAN_FIELD: Final = 19
POSTGRES_LOCK: Final = "postmaster.pid"


def began(pid: int) -> str:
    """Return when a process began, in the kernel's own words; "" where there is no such process."""
    if PROC.joinpath("self").exists():
        try:
            # The name, in parentheses, may hold anything; what follows is fields.
            state, *fields = PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if state == "Z" else fields[BEGAN_FIELD - 1]
    listed = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False)  # noqa: S603 - fixed words and a number
    return listed.stdout.decode(errors="replace").strip()


def record(folder: Path, *, name: str, pid: int) -> None:
    """Write down that a process was started."""
    (folder / name).write_text(f"{pid} {began(pid)}\n")


def forget(folder: Path, name: str) -> None:
    """Strike out a process that has ended."""
    (folder / name).unlink(missing_ok=True)


def left_behind(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield name and id of the recorded processes that still run."""
    for path in sorted(folder.iterdir()):
        pid, _, moment = path.read_text().strip().partition(" ")
        if pid.isdecimal() and moment and began(int(pid)) == moment:
            yield path.name, int(pid)
        else:
            path.unlink()


def end_left_behind(folder: Path) -> list[str]:
    """End what a killed `up` left running and return the names; asks first, insists later."""
    found = list(left_behind(folder))
    for name, pid in found:
        send(pid, signal.SIGINT if name == "postgres" else signal.SIGKILL)
    deadline = time.monotonic() + STOP_SECONDS
    while rest := [pid for _, pid in left_behind(folder)]:
        if time.monotonic() > deadline:
            for pid in rest:
                send(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    return [name for name, _ in found]


def send(pid: int, what: signal.Signals) -> None:
    """Send a signal to a process that may have ended by now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


def drop_stale_lock(data: Path) -> None:
    """Remove PostgreSQL's lock file where its process id now belongs to another program.

    PostgreSQL would take that program for itself and refuse to start; a lock without a process it removes itself.
    """
    lock = data / POSTGRES_LOCK
    try:
        pid = int(lock.read_text().split()[0])
        program = (PROC / str(pid) / "exe").readlink().name
    except (OSError, ValueError, IndexError):
        return
    if not program.startswith("postgres"):
        lock.unlink()
