"""Keeps the processes of `up` running and stops them in order.

One thread, one loop: the kernel ties each child to the thread that started it (see `embedded.launch`), so everything
starts here, and the end of a child is learnt from SIGCHLD instead of from a waiting thread.
"""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from csbot.embedded import Launch
from csbot.up.folder import DataFolder
from csbot.up.output import ChildOutput, LogFile, say
from csbot.up.problems import UpError
from csbot.up.records import forget, record

FIRST_DELAY_SECONDS: Final = 0.2
LONGEST_DELAY_SECONDS: Final = 2.0
STEADY_SECONDS: Final = 10.0
TRIES_BEFORE_READY: Final = 5


class Stage(IntEnum):
    """When a process is stopped: the lowest first, those of one stage together."""

    DOORS = 1
    WORK = 2
    SUPPORT = 3
    TRUTH = 4


# How long each stage may take before it is killed; together under ten seconds.
GRACE_SECONDS: Final = {Stage.DOORS: 2.5, Stage.WORK: 3.8, Stage.SUPPORT: 0.7, Stage.TRUTH: 2.4}


@dataclass
class Child:
    """One process that should run, and the process that runs now."""

    name: str
    launch: Launch
    stage: Stage
    output: ChildOutput
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int:
        """Return the running process's id, 0 where none runs."""
        return self.process.pid if self.process and not self.ended.is_set() else 0

    def send(self, what: signal.Signals) -> None:
        """Send a signal to the process if one runs."""
        if self.process and not self.ended.is_set():
            self.process.send_signal(what)


class Supervisor:
    """All children of one `up`. Use as an asynchronous context manager; leaving it stops everything."""

    def __init__(self, folder: DataFolder, *, shows_all: bool) -> None:
        self.folder = folder
        self.shows_all = shows_all
        self.children: list[Child] = []
        self.keepers: list[asyncio.Task[None]] = []
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.has_been_ready = False
        self.is_stopping = False
        self.is_hurried = False

    async def __aenter__(self) -> "Supervisor":
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self.collect)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)

    def add(self, name: str, launch: Launch, *, stage: Stage, stop_signal: signal.Signals = signal.SIGTERM) -> Child:
        """Return a new child, not yet started, that logs to a file of its name."""
        log = LogFile(self.folder.logs / f"{name}.log")
        return self.enlist(
            Child(name, launch, stage, ChildOutput(name, log=log, shows_all=self.shows_all), stop_signal)
        )

    def enlist(self, child: Child) -> Child:
        """Take in a child, so that it is waited for and stopped."""
        self.children.append(child)
        return child

    def keep(self, *children: Child) -> None:
        """Start children and start them again whenever they end."""
        for child in children:
            self.start(child)
            self.keepers.append(asyncio.create_task(self.keep_running(child)))

    async def run_once(self, name: str, launch: Launch) -> None:
        """Start a process that has an end, show (not log) what it prints, and wait. Raises UpError if it fails."""
        child = self.enlist(Child(name, launch, Stage.DOORS, ChildOutput(name, log=None, shows_all=True)))
        self.start(child)
        await child.ended.wait()
        if child.process and child.process.returncode and not self.is_stopping:
            reason = child.output.reason() or how_it_ended(child.process.returncode)
            raise UpError(f"{child.name} failed: {reason}")

    def start(self, child: Child) -> None:
        """Start a child's process. Raises UpError where that can't be done at all."""
        child.ended = asyncio.Event()
        try:
            child.process = child.launch.start(subprocess.PIPE)
        except OSError as error:
            raise UpError(f"{child.name} could not be started: {error.strerror} ({error.filename}).") from error
        if child.process.stdout:
            child.output.follow(child.process.stdout)
        with contextlib.suppress(OSError):  # A full disk: the record is only there to clean up after us.
            record(self.folder.processes, name=child.name, pid=child.process.pid)

    def collect(self) -> None:
        """Take note of the processes that have ended (several may, on one SIGCHLD)."""
        for child in self.children:
            if child.process and not child.ended.is_set() and child.process.poll() is not None:
                stream = child.process.stdout
                if stream and not stream.closed:
                    child.output.read(stream)  # Its last words say why it ended.
                child.ended.set()
                forget(self.folder.processes, child.name)

    async def keep_running(self, child: Child) -> None:
        """Wait for the end of a child and start it again, more slowly each time it does not last."""
        loop = asyncio.get_running_loop()
        delay, tries, began = FIRST_DELAY_SECONDS, 1, loop.time()
        while True:
            await child.ended.wait()
            if self.is_stopping:
                return
            if loop.time() - began > STEADY_SECONDS:
                delay, tries = FIRST_DELAY_SECONDS, 1
            if not self.has_been_ready and tries >= TRIES_BEFORE_READY:
                self.give_up(UpError(f"{child.name} does not start: {self.obituary(child)}"))
                return
            say(f"{child.name} ended: {self.obituary(child)}. Starting it again in {delay:g} s.")
            await asyncio.sleep(delay)
            delay, tries, began = min(delay * 2, LONGEST_DELAY_SECONDS), tries + 1, loop.time()
            try:
                self.start(child)
            except UpError as error:
                say(str(error))
                child.ended.set()

    def obituary(self, child: Child) -> str:
        """Return why a child ended, as far as is known."""
        code = child.process.returncode if child.process else None
        how = "it could not be started" if code is None else how_it_ended(code)
        # After a kill from outside, what it last complained about is not the reason.
        reason = "" if code is None or code < 0 else child.output.reason()
        return f"{reason} ({how})" if reason else how

    def give_up(self, error: UpError) -> None:
        """End `up` with an error."""
        if not self.failed.done():
            self.failed.set_exception(error)

    async def stop(self) -> None:
        """Stop all children, stage by stage, and kill what does not stop."""
        self.is_stopping = True
        for stage in Stage:
            await self.stop_stage([child for child in self.children if child.stage == stage and child.pid])
        for keeper in self.keepers:
            keeper.cancel()
        await asyncio.gather(*self.keepers, return_exceptions=True)
        self.failed.cancel()
        for child in self.children:
            if child.output.log:
                child.output.log.close()

    async def stop_stage(self, children: list[Child]) -> None:
        """Stop children together; after their time (at once, when hurried) kill them."""
        for child in children:
            child.send(child.stop_signal)
        grace = 0.0 if self.is_hurried or not children else GRACE_SECONDS[children[0].stage]
        await ended_within(children, seconds=grace)
        for child in children:
            if child.pid:
                say(f"{child.name} did not stop in time and is killed.")
                child.send(signal.SIGKILL)
        await ended_within(children, seconds=None)

    def hurry(self) -> None:
        """Kill everything now: a second Ctrl-C."""
        self.is_hurried = True
        for child in self.children:
            child.send(signal.SIGQUIT if child.stage == Stage.TRUTH else signal.SIGKILL)


async def ended_within(children: Iterable[Child], *, seconds: float | None) -> None:
    """Wait until all children have ended, at most so long."""
    waits = [asyncio.create_task(child.ended.wait()) for child in children]
    if waits:
        _, rest = await asyncio.wait(waits, timeout=seconds)
        for task in rest:
            task.cancel()


def how_it_ended(code: int) -> str:
    """Return a process's end in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
