"""Take-over at random moments of a stream, many times: nothing of the bot may follow the agent's first message.

`python -m bench.race`. What was sent to the customer counts as much as what was stored.
"""

import argparse
import asyncio
import random
from typing import TYPE_CHECKING, Final

from bench.client import Visitor, start_visitors
from bench.database import agent
from bench.figures import Report, at_most
from bench.processes import csbot, model_server
from bench.run import run

if TYPE_CHECKING:
    from bench.agents import Agent

AT_ONCE: Final = 40
# A reply takes about two seconds: some take-overs come before its first token, some after its end.
LATEST_SECONDS: Final = 2.3
WATCH_SECONDS: Final = 1.0


async def one_race(visitor: Visitor, person: "Agent") -> int:
    """Ask, take over at a random moment, watch; return how much of the bot came after the agent."""
    await visitor.connect()
    over = visitor.ask()
    await asyncio.sleep(random.uniform(0, LATEST_SECONDS))
    taken = await asyncio.to_thread(person.take_over, visitor.conversation, text="สวัสดีค่ะ เจ้าหน้าที่ดูแลต่อนะคะ")
    await asyncio.sleep(WATCH_SECONDS)
    stored = await asyncio.to_thread(person.bot_messages_after, visitor.conversation, seq=taken.seq - 1)
    visitor.close()
    over.cancel()
    return stored + visitor.faults.total + (not taken.seq)


async def measure(*, tries: int) -> int:
    """Run the races and print the table."""
    async with model_server() as model, csbot(model) as server:
        person = await asyncio.to_thread(agent, server.environment)
        turnstile = asyncio.Semaphore(AT_ONCE)

        async def guarded(visitor: Visitor) -> int:
            async with turnstile:
                return await one_race(visitor, person)

        visitors = await start_visitors(server.address, number=tries, prefix="race")
        late = await asyncio.gather(*map(guarded, visitors))
        begun = sum(bool(visitor.exchange and visitor.exchange.first_delta_at) for visitor in visitors)
    print(f"{tries} take-overs, {begun} of them after the first token was shown")
    report = Report("The bot after the agent's take-over")
    report.add(at_most("bot messages or deltas after the agent's", sum(late), limit=0, unit=""))
    return report.close()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=1000)
    run(measure(tries=parser.parse_args().tries))


if __name__ == "__main__":
    main()
