"""Every widget reconnects at once after the web process was killed; and one that missed 500 messages catches up.

`python -m bench.storm`. Some of the visitors have a question on the way when it happens: none may be lost.
"""

import argparse
import asyncio
import random
import time
from collections import Counter
from typing import Final

from bench.client import Exchange, Visitor, start_visitors
from bench.database import agent
from bench.figures import Report, at_most, percentile
from bench.load import connect_all
from bench.processes import Running, csbot, kill_hard, model_server
from bench.run import run
from bench.websocket import WebSocketError

BACK_LIMIT_SECONDS: Final = 15.0
CATCH_UP_LIMIT_SECONDS: Final = 1.0
MISSED: Final = 500
CLOSING_SECONDS: Final = 0.1
FIRST_PAUSE_SECONDS: Final = 0.3
LONGEST_PAUSE_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 60.0
CONNECT_SECONDS: Final = 10.0


async def come_back(visitor: Visitor) -> float:
    """Reconnect as the widget does, with growing pauses of random length; return when everything missed was there."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        await asyncio.sleep(random.uniform(0, pause))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await visitor.connect()
        except (OSError, WebSocketError, TimeoutError):
            visitor.abort()
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        else:
            return visitor.caught_up_at


async def storm(server: Running, visitors: list[Visitor], *, asking: int) -> tuple[list[float], list[Exchange]]:
    """Kill the web process while some wait; return when each was back, and what became of the questions."""
    waiting = [visitor.ask() for visitor in visitors[:asking]]
    await asyncio.sleep(random.uniform(0.2, 1.0))
    waiting += [visitor.ask() for visitor in visitors[asking : 2 * asking]]
    killed_at = time.monotonic()
    kill_hard(server.group.find("web"))
    await asyncio.sleep(CLOSING_SECONDS)
    back = await asyncio.gather(*map(come_back, visitors))
    async with asyncio.timeout(ANSWER_SECONDS):
        exchanges = await asyncio.gather(*waiting)
    return [at - killed_at for at in back], list(exchanges)


async def catch_up_seconds(server: Running) -> float:
    """Return how long a visitor needs who missed 500 messages."""
    (visitor,) = await start_visitors(server.address, number=1, prefix="missed")
    await visitor.connect()
    visitor.close()
    person = await asyncio.to_thread(agent, server.environment)
    await asyncio.to_thread(person.take_over, visitor.conversation, text="สวัสดีค่ะ")
    await asyncio.to_thread(person.say, visitor.conversation, times=MISSED)
    began_at = time.monotonic()
    await visitor.connect()
    visitor.close()
    return visitor.caught_up_at - began_at if visitor.messages >= MISSED else float("inf")


def faults_of_order(visitor: Visitor) -> int:
    """Return how many messages came twice or were missing; a server that says it is busy is none of these."""
    return visitor.faults.duplicates + visitor.faults.seq_gaps


async def measure(*, widgets: int, asking: int) -> int:
    """Raise the storm and print the table."""
    report = Report(f"{widgets:,} widgets reconnect at once")
    async with model_server() as model, csbot(model) as server:
        visitors = await start_visitors(server.address, number=widgets, prefix="storm")
        await connect_all(visitors)
        back, exchanges = await storm(server, visitors, asking=asking)
        first = min(back)
        told = Counter(detail for visitor in visitors for detail in visitor.faults.details)
        print(f"faults told: {dict(told) or 'none'}")
        cpu_seconds = sum(sum(process.cpu_times()[:2]) for process in server.group.find("web"))
        print(f"the new web process spent {cpu_seconds / widgets * 1000:.1f} CPU ms a widget, its start included")
        lost = sum(not exchange.is_answered for exchange in exchanges)
        print(f"first one back after {first:.1f} s, half after {percentile(back, 0.5):.1f} s")
        report.add(
            at_most("all back, from the kill of the web process", max(back), limit=BACK_LIMIT_SECONDS, unit="s"),
            at_most("all back, from the first one's return", max(back) - first, limit=BACK_LIMIT_SECONDS, unit="s"),
            at_most(f"of {len(exchanges)} questions on the way, not answered", lost, limit=0, unit=""),
            at_most("messages twice or missing", sum(map(faults_of_order, visitors)), limit=0, unit=""),
        )
        for visitor in visitors:
            visitor.close()
        seconds = await catch_up_seconds(server)
        report.add(at_most(f"catch-up of {MISSED} messages", seconds, limit=CATCH_UP_LIMIT_SECONDS, unit="s"))
    return report.close()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widgets", type=int, default=2000)
    parser.add_argument("--asking", type=int, default=30, help="so many have asked, and as many ask at the very moment")
    arguments = parser.parse_args()
    run(measure(widgets=arguments.widgets, asking=arguments.asking))


if __name__ == "__main__":
    main()
