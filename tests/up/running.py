"""Runs `manage.py up` as an operator would: a process of its own, watched through what it prints."""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import psutil

from tests.ports import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.02
MARK: Final = "CSBOT_TEST_DATA"
# What belongs to the services of the tests themselves, or to the machine.
NOT_INHERITED: Final = frozenset(
    {
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "DEEPSEEK_API_KEY",
        "OPENAI_API_KEY",
        "CSBOT_DATA_DIR",
        "PYTHONDONTWRITEBYTECODE",
    }
)


def is_alive(pid: str) -> bool:
    """Say whether a process runs."""
    try:
        return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def environment(extra: Mapping[str, str], *, data: Path) -> dict[str, str]:
    """Return the environment of a fresh machine, with what the test adds and a mark that all processes inherit."""
    fresh = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    fresh["CSBOT_WORKERS"] = "1"  # The same processes on every machine.
    return fresh | {MARK: str(data), "PYTHONPYCACHEPREFIX": bytecode_folder()} | dict(extra)


@cache
def bytecode_folder() -> str:
    """Return a folder in which all starts of this test run keep compiled modules; without one each compiles anew."""
    folder = tempfile.TemporaryDirectory(prefix="csbot-bytecode-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return folder.name


def left_running(folder: Path) -> list[psutil.Process]:
    """Return all processes that were started for a data folder below `folder`, whoever their parent is by now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK, "").startswith(str(folder)):
                found.append(process)
    return found


def slowness() -> float:
    """Return by how much busier this machine is than its processors can bear, at least 1: deadlines grow with it."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class RunningUp:
    """One `manage.py up` on a data folder; what it prints goes to a file that tests can wait for."""

    def __init__(self, data: Path, *options: str, port: int, variables: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.printed = data.with_name(f"{data.name}-{port}-{time.monotonic_ns()}.out")
        arguments = [sys.executable, "manage.py", "up", "--port", str(port), "--data-dir", str(data), *options]
        self.began = time.monotonic()
        with self.printed.open("wb") as output:
            self.process = subprocess.Popen(
                arguments,
                cwd=ROOT,
                env=environment(variables or {}, data=data),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def text(self) -> str:
        """Return all that was printed so far."""
        return self.printed.read_text(errors="replace")

    def wait_for(self, words: str, *, times: int = 1, seconds: float = START_SECONDS) -> None:
        """Wait until `words` were printed so many times; fail, showing everything, if they never are."""
        began = time.monotonic()
        while self.text().count(words) < times:
            assert self.process.poll() is None, f"ended before {words!r}:\n{self.text()}"
            assert time.monotonic() < began + seconds * slowness(), f"no {words!r} in time:\n{self.text()}"
            time.sleep(POLL_SECONDS)

    def wait_until_ready(self) -> "RunningUp":
        """Wait for the ready line."""
        self.wait_for(f"\nready {self.url}\n")
        return self

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a page."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:  # noqa: S310 - our own address
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def is_answering(self) -> bool:
        """Say whether /readyz is satisfied."""
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def wait_until_answering(self, seconds: float = 30.0) -> None:
        """Wait until /readyz is satisfied."""
        began = time.monotonic()
        while not self.is_answering():
            assert time.monotonic() < began + seconds * slowness(), f"not ready again:\n{self.text()}"
            time.sleep(POLL_SECONDS)

    def children(self) -> dict[str, psutil.Process]:
        """Return the running processes by name, as the data folder has them on record."""
        records = {path.name: path.read_text().split() for path in (self.data / "processes").iterdir()}
        return {name: psutil.Process(int(words[0])) for name, words in records.items() if words and is_alive(words[0])}

    def wait_for_another(self, name: str, *, than: int, seconds: float = 30.0) -> None:
        """Wait until a process of this name runs that is another one."""
        began = time.monotonic()
        while (process := self.children().get(name)) is None or process.pid == than:
            assert time.monotonic() < began + seconds * slowness(), f"{name} does not come back:\n{self.text()}"
            time.sleep(POLL_SECONDS)

    def family(self) -> list[psutil.Process]:
        """Return all processes below this `up`."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, what: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and return its exit code; fails where it takes too long or leaves anything running."""
        if self.process.poll() is not None:
            return self.process.returncode
        family = self.family()
        self.process.send_signal(what)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not stop in {STOP_SECONDS:.0f} s:\n{self.text()}") from None
        _, left = psutil.wait_procs(family, timeout=STOP_SECONDS if what == signal.SIGKILL else 0.5)
        # One that has ended but that nobody has asked about yet runs no more.
        alive = [process for process in left if is_alive(str(process.pid))]
        assert not alive, f"left running: {alive}"
        return code


def failed_up(data: Path, *options: str, variables: Mapping[str, str] | None = None, port: int = 0) -> str:
    """Run an `up` that must not come up; return its one sentence."""
    arguments = [sys.executable, "manage.py", "up", "--port", str(port or free_port()), "--data-dir", str(data)]
    result = subprocess.run(
        [*arguments, *options],
        cwd=ROOT,
        env=environment(variables or {}, data=data),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert result.returncode != 0
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    return lines[0].removeprefix("error: ")
