"""A service: how to start it, when it is ready, how to stop it. For a supervisor, or for a test that wants one."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from csbot.embedded.launch import Launch
from csbot.embedded.problems import EmbeddedError

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.01


@dataclass(frozen=True)
class Service:
    """A server that can be started any number of times at the same address, `url`."""

    name: str
    url: str
    launch: Launch
    stop_signal: signal.Signals
    is_ready: Callable[[int], bool]
    """Says whether the process with this id accepts connections; never blocks for long."""


@dataclass(frozen=True)
class RunningService:
    """A started service, for those who have no supervisor."""

    service: Service
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Stop the service and wait until it has stopped."""
        self.process.send_signal(self.service.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_and_wait(service: Service, *, log: Path) -> RunningService:
    """Start a service and wait until it accepts connections. Raises EmbeddedError with the end of its log."""
    with log.open("ab") as output:
        process = service.launch.start(output)
    deadline = time.monotonic() + START_SECONDS
    while not service.is_ready(process.pid):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise EmbeddedError(f"{service.name} did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(POLL_SECONDS)
    return RunningService(service, process)
