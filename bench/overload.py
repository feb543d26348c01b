"""Twice the load that csbot can carry: everybody is answered or told to wait, and those let in keep their speed.

`python -m bench.overload`. What it can carry is measured first, unless `--rate` says it.
"""

import argparse
import random
from collections.abc import Sequence
from typing import Final

from bench.client import Exchange, start_visitors
from bench.figures import Report, at_most, milliseconds, percentile
from bench.load import Outcome, added, closed_loop, connect_all, open_loop, stages
from bench.model_server import Record
from bench.processes import Meter, Running, csbot, model_server
from bench.run import run

SATURATING: Final = 300
FACTOR: Final = 2.0
WORD_LIMIT_SECONDS: Final = 5.0
FIRST_TOKEN_LIMIT_MS: Final = 500
SPARE: Final = 1.15


def first_word_seconds(exchange: Exchange) -> float:
    """Return how long the customer waited for the first sign: text, an answer, or being told to wait."""
    moments = (exchange.first_delta_at, exchange.told_to_wait_at, exchange.done_at)
    return min((at for at in moments if at), default=float("inf")) - exchange.sent_at


async def capacity(server: Running, *, seconds: float) -> float:
    """Return how many messages a second the server answers, once warm, when more are always there."""
    visitors = await start_visitors(server.address, number=SATURATING, prefix="full")
    await connect_all(visitors)
    await closed_loop(visitors, seconds=seconds)
    outcome = await closed_loop(visitors, seconds=seconds)
    for visitor in visitors:
        visitor.close()
    return outcome.per_second


async def overloaded(server: Running, *, rate: float, seconds: float) -> Outcome:
    """Return what became of questions that came at `rate` for so long."""
    number = int(rate * seconds * SPARE) + 1
    visitors = await start_visitors(server.address, number=number, prefix="over")
    await connect_all(visitors)
    random.shuffle(visitors)
    meter = Meter(server.group)
    outcome = await open_loop(visitors, per_second=rate, seconds=seconds)
    for role, cpu_seconds in meter.cpu_seconds_by_role().items():
        print(f"    {role}: {milliseconds(cpu_seconds / max(1, len(outcome.exchanges)))} CPU ms a question", flush=True)
    for visitor in visitors:
        visitor.close()
    return outcome


def report_of(outcome: Outcome, records: Sequence[Record], *, rate: float) -> Report:
    """Return the figures beside their limits."""
    exchanges = outcome.exchanges
    admitted = [exchange for exchange in outcome.answered if not exchange.told_to_wait_at]
    told = sum(bool(exchange.told_to_wait_at) for exchange in exchanges)
    refused = sum(bool(exchange.refusal) for exchange in exchanges)
    escalated = sum(exchange.sender == "system" for exchange in exchanges)
    words = [first_word_seconds(exchange) for exchange in exchanges]
    print(
        f"{len(exchanges)} questions at {rate:.0f}/s: {len(outcome.answered)} answered, {told} told to wait, "
        f"{refused} refused, {escalated} to a person, the last after {outcome.ends_at - outcome.begins_at:.0f} s"
    )
    acks = [exchange.acked_at - exchange.sent_at for exchange in exchanges if exchange.acked_at]
    for share in (0.5, 0.95, 1.0):
        print(f"  p{share * 100:.0f}: ack {percentile(acks, share):.2f} s, first word {percentile(words, share):.2f} s")
    print(f"  {stages(outcome.answered, records).told()}")
    report = Report("Twice the load it can carry")
    over = refused + escalated
    report.add(
        at_most("neither answered nor handed to a person nor refused", outcome.lost - over, limit=0, unit=""),
        at_most("slowest first word to anybody", max(words), limit=WORD_LIMIT_SECONDS, unit="s"),
        at_most(
            f"added to the first token, p95 of the {len(admitted)} not told to wait",
            added(admitted, records).p95 * 1000,
            limit=FIRST_TOKEN_LIMIT_MS,
            unit="ms",
        ),
    )
    return report


async def measure(*, rate: float, seconds: float) -> int:
    """Overload csbot and print the table."""
    async with model_server() as model, csbot(model) as server:
        carried = rate or await capacity(server, seconds=seconds)
        print(f"it can carry {carried:.1f} messages/s", flush=True)
        await model.records(clear=True)
        outcome = await overloaded(server, rate=carried * FACTOR, seconds=seconds)
        report = report_of(outcome, await model.records(), rate=carried * FACTOR)
    return report.close()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=0, help="messages/s that it can carry; measured if left out")
    parser.add_argument("--seconds", type=float, default=12)
    arguments = parser.parse_args()
    run(measure(rate=arguments.rate, seconds=arguments.seconds))


if __name__ == "__main__":
    main()
