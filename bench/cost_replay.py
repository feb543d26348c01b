"""What a shop's day costs: real messages through the whole system, and the bill at five stages of thrift.

    python -m bench.cost_replay --data DIR [--messages 4800] [--per-second 16]

DIR holds load_replay_dev.jsonl and the sets that it was made of (truevoice_train.csv, banking77_train.csv,
en_dialog_turns_dev.jsonl). The first half of the messages is yesterday: the model answers, the system learns. Twice a
day staff go through the coverage map and approve what is right; in yesterday's evening a student is trained
(`manage.py distill`). The second half is today, and is billed. Printed beside the bill: what each step of the ladder
said, and how much of what it served was wrong.
The model is the bundled simulator with its prefix cache, which here knows the right answers (`cost_model`); token
counts are those that it told the gateway.
"""

import argparse
import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
from typing_extensions import override

from bench.client import Address, Exchange, Visitor, start_session
from bench.cost_bill import HEADERS, Bill
from bench.cost_day import Line, halves, read_day
from bench.cost_model import able_model
from bench.database import shop
from bench.figures import Report, at_least, table
from bench.load import ANSWER_SECONDS, CONNECT_SECONDS
from bench.processes import ROOT, Running, csbot
from bench.run import run
from bench.websocket import WebSocketError

if TYPE_CHECKING:
    from bench.cost_shop import Shop

GPT_LIMIT: Final = 90.0
DEEPSEEK_LIMIT: Final = 50.0
TALKING_AT_ONCE: Final = 60
EMBED_SECONDS: Final = 8.0
MODEL: Final = "deepseek-flash"


@dataclass(frozen=True)
class Options:
    """How the day is replayed."""

    data: Path
    messages: int
    per_second: float
    economy: str


class Shopper(Visitor):
    """A customer who says what is written down."""

    says = ""

    @override
    def words(self, exchange: Exchange) -> str:
        """Return the next line."""
        return self.says

    def say(self, text: str) -> asyncio.Future[Exchange]:
        """Say something; the future holds the exchange once it is answered, refused or escalated."""
        self.says = text
        return self.ask()


async def replay(address: Address, day: Sequence[Line], *, per_second: float) -> int:
    """Let each session say its lines, at their moments made quicker; return how many got an answer.

    Within a session people wait for an answer before they write again.
    """
    sessions: dict[str, list[Line]] = defaultdict(list)
    for line in day:
        sessions[line.session].append(line)
    began, first = time.monotonic(), day[0].at
    quicker = (day[-1].at - first) / (len(day) / per_second)
    turnstile = asyncio.Semaphore(TALKING_AT_ONCE)
    # No connection is kept: one that the server closes at that very moment would be an error.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:

        async def talk(lines: Sequence[Line]) -> int:
            await asyncio.sleep(max(0.0, began + (lines[0].at - first) / quicker - time.monotonic()))
            async with turnstile:
                return await one_talk(http, address, lines)

        return sum(await asyncio.gather(*map(talk, sessions.values())))


async def one_talk(http: aiohttp.ClientSession, address: Address, lines: Sequence[Line]) -> int:
    """Let one customer say all lines; return how many were answered by the bot."""
    locale = lines[0].locale
    try:
        token = await start_session(http, address, locale=locale)
        shopper = Shopper(address, token=token, name=lines[0].session, locale=locale)
        await asyncio.wait_for(shopper.connect(), CONNECT_SECONDS)
    except (OSError, aiohttp.ClientError, WebSocketError):
        # On a machine that is overrun; the rest of the day goes on, and the count says so.
        return 0
    answered = 0
    for line in lines:
        over = shopper.say(line.text)
        try:
            answered += (await asyncio.wait_for(over, ANSWER_SECONDS)).sender == "bot"
        except TimeoutError:
            continue
    shopper.close()
    return answered


async def distill(running: Running) -> None:
    """Train a student as the scheduler does: in a process of its own, on one processor."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "manage.py", "distill", env={**os.environ, **running.environment, **one}, cwd=ROOT
    )
    await process.wait()
    print(f"trained in {time.monotonic() - began:.0f} s", flush=True)


async def rounds(running: Running, people: "Shop", lines: Sequence[Line], *, per_second: float) -> None:
    """Replay a day in two halves; after each, staff go through what waits for them."""
    for half in halves(lines):
        began = time.monotonic()
        answered = await replay(running.address, half, per_second=per_second)
        took = time.monotonic() - began
        await asyncio.to_thread(people.wait_until_learnt)
        print(f"{answered:,} answers to {len(half):,} messages, {took:.0f} s;", end=" ", flush=True)
        print(await asyncio.to_thread(people.approve), flush=True)
        print(await asyncio.to_thread(people.learn_bounds), flush=True)
        await asyncio.sleep(EMBED_SECONDS)


async def measure(options: Options) -> int:
    """Replay both days and print the bill; the exit code is 0 where the goals are reached."""
    day = read_day(options.data, messages=options.messages)
    before, today = halves(day)
    async with able_model(day) as model, csbot(model, more={"DEEPSEEK_MODEL": MODEL}) as running:
        people = await asyncio.to_thread(shop, running.environment)
        await asyncio.to_thread(people.open, day, base_url=model.base_url, economy=options.economy)
        print("yesterday", flush=True)
        await rounds(running, people, before, per_second=options.per_second)
        await distill(running)
        print(await asyncio.to_thread(people.let_steer), flush=True)
        await asyncio.to_thread(people.begin_day)
        print("today", flush=True)
        await rounds(running, people, today, per_second=options.per_second)
        reasons = await asyncio.to_thread(people.reasons)
        bill = await asyncio.to_thread(people.bill, today)
        await asyncio.to_thread(people.close)
    print("\n" + table(("step", "why", "replies", "share"), reasons))
    return show(bill)


def show(bill: Bill) -> int:
    """Print the bill; return the exit code."""
    print(f"\n{bill.told}\n\n" + table(HEADERS, bill.rows))
    report = Report("The whole system beside the naive bills (off-peak prices)")
    report.add(at_least("below naive GPT-4o", bill.below_gpt * 100, limit=GPT_LIMIT, unit="%"))
    report.add(at_least("below naive DeepSeek", bill.below_deepseek * 100, limit=DEEPSEEK_LIMIT, unit="%"))
    return report.close()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--messages", type=int, default=4800, help="both days together")
    parser.add_argument("--per-second", type=float, default=16.0, help="arrivals; 50,000 a day are 0.58")
    parser.add_argument("--economy", default="deepseek-r1-distill-qwen-1.5b", help="the small model, by its price row")
    given = parser.parse_args()
    run(measure(Options(given.data, given.messages, given.per_second, given.economy)))


if __name__ == "__main__":
    main()
