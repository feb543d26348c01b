"""What a person sees: progress in whole sentences, and of the processes' own logs only what matters.

Everything that a process prints goes to its log file; warnings and errors also to the terminal, with its name before.
"""

import asyncio
import os
import re
import sys
import time
from collections import deque
from pathlib import Path
from typing import IO, Final

LARGEST_LOG_BYTES: Final = 10 * 1024 * 1024
READ_BYTES: Final = 65536
TAIL_LINES: Final = 20
REPEAT_SECONDS: Final = 10.0
KINDS_REMEMBERED: Final = 200
NUMBERS: Final = re.compile(r"\d+")
# How records begin in Python's, PostgreSQL's, Celery's and Redis' logs; lines that begin otherwise belong to the last.
RECORD_START: Final = re.compile(r"^\d{4}-\d\d-\d\d |^\[\d{4}-|^\d+:[A-Z] ")
IMPORTANT: Final = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b")
# Redis' advice for servers that save to disk, which ours doesn't.
HARMLESS: Final = re.compile(r"Memory overcommit must be enabled")
TRACEBACK: Final = re.compile(r"^\s*Traceback \(most recent call last\)")
EXCEPTION: Final = re.compile(r"^([A-Za-z_][\w.]*)(: .*)?$")
REASON: Final = re.compile(r"\b(?:FATAL|PANIC|CRITICAL|ERROR|[Ee]rror):?\s+(.*)")


def say(text: str) -> None:
    """Print one line; a terminal that went away is no reason to stop."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        # Nobody reads any more: later lines, and the flush at exit, go nowhere quietly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class LogFile:
    """A log that keeps one older generation when it grows too large."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handle = path.open("ab")

    def write(self, line: bytes) -> None:
        """Append a line; a full disk must not take the supervisor down."""
        try:
            self.handle.write(line + b"\n")
            self.handle.flush()
            if self.handle.tell() > LARGEST_LOG_BYTES:
                self.turn()
        except OSError:
            return

    def turn(self) -> None:
        """Put the log aside and begin a new one."""
        self.handle.close()
        self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self.handle = self.path.open("ab")

    def close(self) -> None:
        """Close the file."""
        self.handle.close()


class ChildOutput:
    """The lines of one process (and of those that replace it)."""

    def __init__(self, name: str, *, log: LogFile | None, shows_all: bool) -> None:
        self.name = name
        self.log = log
        self.shows_all = shows_all
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.is_showing = False
        self.is_in_traceback = False
        self.quiet_until: dict[str, float] = {}
        self.rest = b""

    def follow(self, stream: IO[bytes]) -> None:
        """Read a process's output as it comes, without a thread, until it closes."""
        os.set_blocking(stream.fileno(), False)
        asyncio.get_running_loop().add_reader(stream.fileno(), self.read, stream)

    def read(self, stream: IO[bytes]) -> None:
        """Take all that is there."""
        try:
            while data := os.read(stream.fileno(), READ_BYTES):
                self.feed(data)
        except BlockingIOError:
            return
        asyncio.get_running_loop().remove_reader(stream.fileno())
        stream.close()
        if self.rest:
            self.feed(b"\n")

    def feed(self, data: bytes) -> None:
        """Take bytes; act on the whole lines among them (and on a line that does not end)."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > READ_BYTES:
            lines, self.rest = [*lines, self.rest], b""
        for line in lines:
            self.take(line.rstrip(b"\r"))

    def take(self, line: bytes) -> None:
        """Log one line, and show it if it matters."""
        if self.log:
            self.log.write(line)
        text = line.decode(errors="replace")
        self.tail.append(text)
        self.is_showing = self.matters(text)
        if self.shows_all or (self.is_showing and self.is_news(text)):
            say(f"{self.name:>9} | {text}")

    def matters(self, text: str) -> bool:
        """Say whether the terminal should show a line: a warning or an error, and of a traceback only its last line."""
        if TRACEBACK.search(text):
            self.is_in_traceback = True
            return False
        if self.is_in_traceback:
            self.is_in_traceback = not EXCEPTION.search(text)
            return not self.is_in_traceback
        if RECORD_START.search(text):
            return bool(IMPORTANT.search(text)) and not HARMLESS.search(text)
        return self.is_showing and text.startswith(" ")

    def is_news(self, text: str) -> bool:
        """Say whether a line like this one, but for its numbers, was not shown a moment ago."""
        kind, now = NUMBERS.sub("", text), time.monotonic()
        if now < self.quiet_until.get(kind, 0.0):
            return False
        if len(self.quiet_until) >= KINDS_REMEMBERED:
            self.quiet_until.clear()
        self.quiet_until[kind] = now + REPEAT_SECONDS
        return True

    def reason(self) -> str:
        """Return the last thing that looks like why the process ended, else its last words."""
        lines = [line.strip() for line in self.tail if line.strip()]
        found = [match.group(1) for match in map(REASON.search, lines) if match]
        return (found or lines or [""])[-1].rstrip(".")
