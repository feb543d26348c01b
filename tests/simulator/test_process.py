"""The simulator as a process of its own: starts, says where, fails as told there too, and stops when told."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.simulator.wire import ANSWER, post, request_body

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0


@asynccontextmanager
async def process(*words: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run `python -m conversations.llm.simulator` without any of Django's settings."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "conversations.llm.simulator", "--port", "0", "--first-token-ms", "0", "--token-ms", "0", *words),
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
        stderr=asyncio.subprocess.PIPE,
    )
    assert running.stderr
    line = (await asyncio.wait_for(running.stderr.readline(), START_SECONDS)).decode()
    try:
        address = re.search(r"http://[\d.]+:\d+", line)
        assert address, line
        assert "development tool" in line
        yield running, address.group()
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


def test_it_runs_without_django_and_stops_when_told() -> None:
    async def work() -> int:
        async with process() as (running, address):
            assert (await post(address, request_body())).said() == ANSWER
            running.send_signal(signal.SIGTERM)
            return await asyncio.wait_for(running.wait(), 5.0)

    assert asyncio.run(work()) == 0


def test_it_stops_though_a_client_hangs_on() -> None:
    async def work() -> int:
        async with process() as (running, address):
            hanging = asyncio.create_task(post(address, request_body(model="x+stall"), patience=20.0))
            await asyncio.sleep(0.5)
            running.send_signal(signal.SIGTERM)
            code = await asyncio.wait_for(running.wait(), 5.0)
            await hanging
            return code

    assert asyncio.run(work()) == 0


def test_connections_end_as_told_on_its_own_event_loop_too() -> None:
    async def work() -> list[str]:
        async with process() as (_, address):
            modes = ("reset", "cut-reset", "cut-by-close", "cut")
            return [(await post(address, request_body(model=f"x+{mode}"))).end for mode in modes]

    assert asyncio.run(work()) == ["reset", "reset", "complete", "complete"]


def test_a_taken_port_is_said_in_one_line() -> None:
    async def work() -> tuple[int, str]:
        async with process() as (_, address):
            port = address.rpartition(":")[2]
            second = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "conversations.llm.simulator", "--port", port),
                cwd=ROOT,
                stderr=asyncio.subprocess.PIPE,
            )
            _, said = await asyncio.wait_for(second.communicate(), START_SECONDS)
            return second.returncode or 0, said.decode()

    code, said = asyncio.run(work())
    assert code == 1
    assert "can't be used" in said
    assert "Traceback" not in said
