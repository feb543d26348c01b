"""Starts what a benchmark measures, tells what it costs, and stops it: the model, the peers, csbot itself.

Everything listens on loopback and ends with the benchmark that started it.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import psutil

from bench.client import Address
from bench.model_server import Record
from csbot.embedded import start_postgres, start_redis

ROOT: Final = Path(__file__).resolve().parent.parent
HOST: Final = "127.0.0.1"
START_SECONDS: Final = 90.0
STOP_SECONDS: Final = 20.0


class StartError(Exception):
    """A process did not get ready in time."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass
class Group:
    """Processes whose CPU and memory count together: the roots and all their descendants."""

    roots: list[psutil.Process] = field(default_factory=list)

    def members(self) -> list[psutil.Process]:
        """Return the living processes."""
        found = {process.pid: process for root in self.roots for process in _with_descendants(root)}
        return list(found.values())

    def cpu_seconds(self) -> float:
        """Return the CPU time spent so far, ended children included."""
        return sum(self.cpu_seconds_by_role().values())

    def cpu_seconds_by_role(self) -> dict[str, float]:
        """Return the CPU time spent so far by what the processes are (`role_of`)."""
        found: defaultdict[str, float] = defaultdict(float)
        for process in self.members():
            found[role_of(process)] += _cpu_seconds(process)
        return found

    def resident_bytes(self) -> dict[str, int]:
        """Return the memory of each process, under its name and id."""
        found: dict[str, int] = {}
        for process in self.members():
            with suppress(psutil.Error):
                found[f"{role_of(process)} {process.pid}"] = process.memory_info().rss
        return found

    def find(self, role: str) -> list[psutil.Process]:
        """Return the processes with this role (`role_of`)."""
        return [process for process in self.members() if role_of(process) == role]


def _with_descendants(root: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [root, *root.children(recursive=True)]
    return []


def _cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


ROLES: Final = {
    "csbot.web": "web",
    "celery": "worker",
    "scheduler": "scheduler",
    "manage.py up": "up",
    "redis-server": "redis",
    "postgres": "postgres",
}


def role_of(process: psutil.Process) -> str:
    """Return which part of csbot a process is."""
    with suppress(psutil.Error):
        command = " ".join(process.cmdline())
        return next((role for words, role in ROLES.items() if words in command), process.name())
    return "ended"


@dataclass
class Started:
    """A started process and the task that reads what it prints, so that it never blocks on a full pipe."""

    process: asyncio.subprocess.Process
    drain: asyncio.Task[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return its id."""
        return self.process.pid

    async def stop(self) -> None:
        """Stop it, by force where it doesn't stop by itself, with what it left running."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                await self.process.wait()
        if self.drain:
            await self.drain


async def start_process(
    command: list[str],
    *,
    ready: str | int,
    environment: dict[str, str] | None = None,
    log: Path | None = None,
    folder: Path = ROOT,
) -> Started:
    """Start a process; wait for a line that starts with `ready`, or for its port to listen. Raises StartError."""
    output = log.open("ab") if log else None
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=output,
        env={**os.environ, **(environment or {})},
        cwd=folder,
        start_new_session=True,
    )
    started = Started(process)
    try:
        async with asyncio.timeout(START_SECONDS):
            await (_wait_for_line(started, ready) if isinstance(ready, str) else _wait_for_port(started, ready))
    except (TimeoutError, EOFError) as error:
        await started.stop()
        raise StartError(f"{' '.join(command[:4])} did not get ready; see {log}") from error
    return started


async def _wait_for_line(started: Started, ready: str) -> None:
    if started.process.stdout is None:
        raise EOFError
    while line := await started.process.stdout.readline():
        if line.decode(errors="replace").startswith(ready):
            started.drain = asyncio.create_task(started.process.stdout.read())
            return
    raise EOFError


async def _wait_for_port(started: Started, port: int) -> None:
    if started.process.stdout is not None:
        started.drain = asyncio.create_task(started.process.stdout.read())
    while started.process.returncode is None:
        with suppress(OSError):
            _reader, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            return
        await asyncio.sleep(0.1)
    raise EOFError


@dataclass
class ModelServer:
    """The running model stand-in."""

    port: int
    process: psutil.Process

    @property
    def base_url(self) -> str:
        """Return what `DEEPSEEK_BASE_URL` is set to."""
        return f"http://{HOST}:{self.port}/v1"

    async def records(self, *, clear: bool = False) -> list[Record]:
        """Return what became of the requests so far."""
        path = "/bench/records?clear=1" if clear else "/bench/records"
        async with aiohttp.ClientSession() as http, http.get(f"http://{HOST}:{self.port}{path}") as response:
            return [Record(**record) for record in await response.json()]

    async def live(self) -> int:
        """Return how many answers are being streamed."""
        async with aiohttp.ClientSession() as http, http.get(f"http://{HOST}:{self.port}/bench/live") as response:
            return int((await response.json())["live"])


@asynccontextmanager
async def model_server(
    *, first_token_ms: float = 150, token_ms: float = 30, tokens: int = 60
) -> AsyncGenerator[ModelServer]:
    """Run the model stand-in."""
    port = free_port()
    pace = ["--first-token-ms", str(first_token_ms), "--token-ms", str(token_ms), "--tokens", str(tokens)]
    process = await start_process(
        [sys.executable, "-m", "bench.model_server", "--port", str(port), *pace], ready="ready"
    )
    try:
        yield ModelServer(port, psutil.Process(process.pid))
    finally:
        await process.stop()


@dataclass
class Running:
    """A running server of the widget protocol and the processes that it consists of."""

    name: str
    address: Address
    group: Group
    environment: dict[str, str] = field(default_factory=dict)
    log: Path | None = None


@asynccontextmanager
async def bare_relay(model: ModelServer) -> AsyncGenerator[Running]:
    """Run the bare relay."""
    port = free_port()
    command = [sys.executable, "-m", "bench.relay", "--port", str(port), "--model-url", model.base_url]
    process = await start_process(command, ready="ready")
    try:
        yield Running("bare relay", Address(HOST, port), Group([psutil.Process(process.pid)]))
    finally:
        await process.stop()


@asynccontextmanager
async def csbot(model: ModelServer, *, more: dict[str, str] | None = None) -> AsyncGenerator[Running]:
    """Run csbot as `manage.py up` does, on a PostgreSQL and a Redis whose costs are counted too."""
    folder = Path(tempfile.mkdtemp(prefix="csbot-bench-"))
    postgres, redis = start_postgres(folder / "postgres"), start_redis(folder / "redis")
    environment = {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": redis.url,
        "SECRET_KEY": "bench-only-" + "0" * 40,
        "DEEPSEEK_API_KEY": "x",
        "DEEPSEEK_BASE_URL": model.base_url,
        "CSBOT_RATE_LIMIT_SCALE": "100",
        "CSBOT_ADMIN_PASSWORD": "bench-only-password",
        **(more or {}),
    }
    port = free_port()
    command = [sys.executable, "manage.py", "up", "--port", str(port), "--data-dir", str(folder / "data")]
    services = [psutil.Process(redis.pid), psutil.Process(postgres.pid)]
    try:
        process = await start_process(command, ready="ready http", environment=environment, log=folder / "log")
        group = Group([psutil.Process(process.pid), *services])
        try:
            yield Running("csbot", Address(HOST, port), group, environment, folder / "log")
        finally:
            await process.stop()
    finally:
        redis.stop()
        postgres.stop()
        _keep_log(folder / "log")
        shutil.rmtree(folder, ignore_errors=True)


def _keep_log(log: Path) -> None:
    if log.exists():
        shutil.copy(log, Path(tempfile.gettempdir()) / "csbot-bench.log")


class Meter:
    """CPU time of a group from now on, and how busy everything else kept the machine meanwhile."""

    def __init__(self, group: Group, *, bench: Group | None = None) -> None:
        self._group = group
        self._bench = bench or Group()
        self._bench.roots.append(psutil.Process())
        self._at_start = self._read()
        self._roles = group.cpu_seconds_by_role()

    def _read(self) -> tuple[float, float, float, float]:
        times = psutil.cpu_times()
        idle = times.idle + times.iowait
        group = self._group.cpu_seconds()
        return group, group + self._bench.cpu_seconds(), sum(times[:8]) - idle, sum(times[:8])

    def cpu_seconds(self) -> float:
        """Return the CPU seconds that the group spent since."""
        return self._group.cpu_seconds() - self._at_start[0]

    def cpu_seconds_by_role(self) -> dict[str, float]:
        """Return the same by role, the dearest first."""
        spent = {role: now - self._roles.get(role, 0.0) for role, now in self._group.cpu_seconds_by_role().items()}
        return dict(sorted(spent.items(), key=lambda item: -item[1]))

    def others_share(self) -> float:
        """Return the share (0-1) of the machine's CPU that went to processes that are not ours."""
        _group, ours, busy, total = (now - then for now, then in zip(self._read(), self._at_start, strict=True))
        return max(0.0, busy - ours) / total if total else 0.0


def kill_hard(processes: Iterable[psutil.Process]) -> None:
    """Kill processes as a machine that loses power does."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def run_quietly(command: list[str], *, folder: Path, timeout_seconds: float) -> bool:
    """Run a command; say whether it worked."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=timeout_seconds, check=False)
        return done.returncode == 0
    return False
