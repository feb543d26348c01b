"""What an idle socket costs, and whether thousands of them slow those down who chat: `python -m bench.idle`.

`--hold` keeps the sockets silent for so many seconds before asking each for a sign of life (600 = ten minutes).
"""

import argparse
import asyncio
from typing import Final

from bench.client import Visitor, start_visitors
from bench.figures import Report, at_least, at_most
from bench.load import added, closed_loop, connect_all
from bench.processes import ModelServer, Running, csbot, model_server
from bench.run import run

KIBIBYTE: Final = 1024
MEMORY_LIMIT_KIB: Final = 40
STREAMS: Final = 50
P95_LIMIT_MS: Final = 25
# What a p95 of a few hundred messages may differ by chance.
P95_SLACK: Final = 1.5
SETTLE_SECONDS: Final = 3.0


async def p95_ms(visitors: list[Visitor], *, model: ModelServer, seconds: float) -> float:
    """Return what the server adds to the first token while these chat."""
    await closed_loop(visitors, seconds=0.5)
    await model.records(clear=True)
    outcome = await closed_loop(visitors, seconds=seconds)
    return added(outcome.asked_within, await model.records(clear=True)).p95 * 1000


def web_bytes(server: Running) -> int:
    """Return the memory of the web processes."""
    return sum(process.memory_info().rss for process in server.group.find("web"))


async def measure(*, sockets: int, hold_seconds: float, seconds: float) -> int:
    """Open the sockets beside the streams and print the table."""
    report = Report(f"{sockets:,} idle sockets")
    async with model_server() as model, csbot(model) as server:
        chatting = await start_visitors(server.address, number=STREAMS, prefix="chat")
        await connect_all(chatting)
        alone = await p95_ms(chatting, model=model, seconds=seconds)
        idle = await start_visitors(server.address, number=sockets, prefix="idle")
        await asyncio.sleep(SETTLE_SECONDS)
        before = web_bytes(server)
        await connect_all(idle)
        await asyncio.sleep(SETTLE_SECONDS)
        each = (web_bytes(server) - before) / sockets / KIBIBYTE
        crowded = await p95_ms(chatting, model=model, seconds=seconds)
        await asyncio.sleep(hold_seconds)
        alive = await count_alive(idle)
        report.add(
            at_most("memory of an idle socket", each, limit=MEMORY_LIMIT_KIB, unit="KiB"),
            at_least(f"alive after {hold_seconds:g} s of silence", alive, limit=sockets, unit="sockets"),
            at_most(f"{STREAMS} streams alone, p95 added", alone, limit=P95_LIMIT_MS, unit="ms"),
            at_most("the same beside the idle sockets", crowded, limit=max(P95_LIMIT_MS, alone * P95_SLACK), unit="ms"),
        )
        for visitor in (*idle, *chatting):
            visitor.abort()
    return report.close()


async def count_alive(visitors: list[Visitor]) -> int:
    """Ask each socket for a sign of life and count the answers."""
    for visitor in visitors:
        visitor.ping()
    await asyncio.sleep(SETTLE_SECONDS)
    return sum(bool(visitor.pongs) for visitor in visitors)


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=5000)
    parser.add_argument("--hold", type=float, default=30)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    run(measure(sockets=arguments.sockets, hold_seconds=arguments.hold, seconds=arguments.seconds))


if __name__ == "__main__":
    main()
