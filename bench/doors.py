"""What the web process itself costs, without replies: a question taken in, and a widget let in when many come at once.

`python -m bench.doors`. CPU of the web process, PostgreSQL and Redis, which tells more than times on a crowded machine.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psutil

from bench.client import Address, Exchange, Visitor, start_visitors
from bench.figures import Report, at_most, milliseconds, percentile
from bench.load import connect_all
from bench.processes import HOST, ROOT, Group, Meter, Running, StartError, free_port, start_process
from bench.run import run
from csbot.embedded import start_postgres, start_redis

WORD_LIMIT_SECONDS: Final = 5.0
AT_ONCE: Final = 200


async def prepare(environment: dict[str, str]) -> None:
    """Make the tables. Raises StartError."""
    command = (sys.executable, "manage.py", "prepare", "--migrate")
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **environment}, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise StartError("the database could not be prepared")


@asynccontextmanager
async def web_alone() -> AsyncGenerator[Running]:
    """Run csbot's web process without workers: what is asked stays in the queue."""
    with tempfile.TemporaryDirectory(prefix="csbot-bench-") as name:
        folder, port = Path(name), free_port()
        postgres, redis = start_postgres(folder / "postgres"), start_redis(folder / "redis")
        environment = {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "SECRET_KEY": "bench-only-" + "0" * 40,
            "DEEPSEEK_API_KEY": "x",
            "CSBOT_RATE_LIMIT_SCALE": "100",
        }
        try:
            await prepare(environment)
            command = [sys.executable, "-m", "csbot.web", "--port", str(port)]
            web = await start_process(command, ready=port, environment=environment)
            try:
                group = Group([psutil.Process(pid) for pid in (web.pid, redis.pid, postgres.pid)])
                yield Running("web", Address(HOST, port), group)
            finally:
                await web.stop()
        finally:
            redis.stop()
            postgres.stop()


def tell_cost(what: str, meter: Meter, *, number: int) -> None:
    """Print the CPU of each process for each of so many."""
    for role, cpu_seconds in meter.cpu_seconds_by_role().items():
        print(f"    {role}: {milliseconds(cpu_seconds / number)} CPU ms a {what}", flush=True)


async def ask_all(visitors: Sequence[Visitor], *, rate: float) -> list[Exchange]:
    """Let each visitor ask once, at Poisson moments; return the exchanges a while after the last."""
    exchanges: list[Exchange] = []
    next_at = time.monotonic()
    for visitor in visitors:
        next_at += random.expovariate(rate)
        await asyncio.sleep(max(0.0, next_at - time.monotonic()))
        visitor.ask()
        if visitor.exchange is not None:
            exchanges.append(visitor.exchange)
    await asyncio.sleep(WORD_LIMIT_SECONDS)
    return exchanges


async def measure(*, rate: float, seconds: float) -> int:
    """Let widgets in, let them ask, and print the table."""
    report = Report("The web process by itself")
    async with web_alone() as server:
        visitors = await start_visitors(server.address, number=int(rate * seconds), prefix="door")
        meter, began_at = Meter(server.group), time.monotonic()
        await connect_all(visitors, at_once=AT_ONCE)
        print(f"{len(visitors)} widgets at once: all in after {time.monotonic() - began_at:.1f} s")
        tell_cost("widget", meter, number=len(visitors))
        meter = Meter(server.group)
        exchanges = await ask_all(visitors, rate=rate)
        tell_cost("question", meter, number=len(visitors))
        acks = [exchange.acked_at - exchange.sent_at for exchange in exchanges if exchange.acked_at]
        words = [each.told_to_wait_at - each.sent_at for each in exchanges if each.told_to_wait_at]
        print(f"acknowledged after {percentile(acks, 0.5):.2f} s (p50), {percentile(acks, 0.95):.2f} s (p95)")
        report.add(
            at_most("questions not stored in time", len(exchanges) - len(acks), limit=0, unit=""),
            at_most("of those told to wait, the last", max(words, default=0.0), limit=WORD_LIMIT_SECONDS, unit="s"),
            at_most("faults", sum(visitor.faults.total for visitor in visitors), limit=0, unit=""),
        )
        for visitor in visitors:
            visitor.close()
    return report.close()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=120, help="questions/s")
    parser.add_argument("--seconds", type=float, default=5)
    arguments = parser.parse_args()
    run(measure(rate=arguments.rate, seconds=arguments.seconds))


if __name__ == "__main__":
    main()
