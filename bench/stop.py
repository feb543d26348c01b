"""How long until the provider's connection is closed: after a customer's stop, and after an agent's take-over.

`python -m bench.stop`. Each reply is interrupted at another moment of its stream.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from bench.client import Exchange, Visitor, start_visitors
from bench.database import agent
from bench.figures import Report, at_most, percentile
from bench.load import connect_all
from bench.processes import ModelServer, csbot, model_server
from bench.run import run

if TYPE_CHECKING:
    from bench.agents import Agent

LIMIT_MS: Final = 200
AT_ONCE: Final = 5
MOST_DELTAS: Final = 15
SETTLE_SECONDS: Final = 3.0

Interrupt = Callable[[Visitor], Awaitable[float]]


async def interrupted(visitor: Visitor, interrupt: Interrupt) -> tuple[str, float]:
    """Ask, interrupt the answer somewhere in its middle; return the question's marker and when that was."""
    enough, reached = random.randint(1, MOST_DELTAS), asyncio.Event()

    def count(exchange: Exchange) -> None:
        if exchange.deltas >= enough:
            reached.set()

    visitor.on_delta = count
    over = visitor.ask()
    await asyncio.wait_for(reached.wait(), SETTLE_SECONDS * 3)
    at = await interrupt(visitor)
    await asyncio.wait_for(over, SETTLE_SECONDS * 3)
    return over.result().marker, at


async def customer_stops(visitor: Visitor) -> float:
    """Stop the reply as its customer."""
    return visitor.stop()


async def latencies(visitors: list[Visitor], interrupt: Interrupt, *, model: ModelServer) -> list[float]:
    """Return how many seconds each interruption took to reach the provider; infinity where it never did."""
    turnstile = asyncio.Semaphore(AT_ONCE)

    async def one(visitor: Visitor) -> tuple[str, float]:
        async with turnstile:
            return await interrupted(visitor, interrupt)

    moments = dict(await asyncio.gather(*map(one, visitors)))
    await asyncio.sleep(SETTLE_SECONDS)
    closed = {record.marker: record.closed_at for record in await model.records() if record.closed_at}
    return [closed.get(marker, float("inf")) - at for marker, at in moments.items()]


def figures_of(report: Report, what: str, seconds: list[float]) -> None:
    """Add what was measured to the report."""
    for name, share in (("p50", 0.5), ("p95", 0.95), ("slowest", 1.0)):
        report.add(
            at_most(f"{what}, {name} of {len(seconds)}", percentile(seconds, share) * 1000, limit=LIMIT_MS, unit="ms")
        )


async def measure(*, tries: int) -> int:
    """Interrupt replies both ways and print the table."""
    report = Report("From the wish to the closed connection at the provider")
    async with model_server() as model, csbot(model) as server:
        person: Agent = await asyncio.to_thread(agent, server.environment)

        async def agent_takes(visitor: Visitor) -> float:
            at = time.monotonic()
            await asyncio.to_thread(person.take_over, visitor.conversation, text="สวัสดีค่ะ")
            return at

        ways: dict[str, Interrupt] = {"customer's stop": customer_stops, "agent's take-over": agent_takes}
        for number, (what, interrupt) in enumerate(ways.items()):
            visitors = await start_visitors(server.address, number=tries, prefix=f"stop{number}x")
            await connect_all(visitors)
            figures_of(report, what, await latencies(visitors, interrupt, model=model))
            late = sum(visitor.faults.bot_after_agent for visitor in visitors)
            report.add(at_most(f"{what}: bot text afterwards", late, limit=0, unit=""))
    return report.close()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=40)
    run(measure(tries=parser.parse_args().tries))


if __name__ == "__main__":
    main()
