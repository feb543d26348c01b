"""How fast replies stream, beside the direct call, the bare relay and Chainlit: `python -m bench.streams`.

Every visitor asks again as soon as the answer is there, so that N visitors are N live streams.
"""

import argparse
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from bench.chainlit import chainlit, start_chainlit_visitors
from bench.client import Address, start_visitors
from bench.direct import direct_loop
from bench.figures import Checked, Report, at_least, at_most, milliseconds, percentile, table
from bench.load import Asker, Outcome, added, closed_loop, connect_all, stages
from bench.model_server import Record
from bench.processes import Group, Meter, ModelServer, Running, StartError, bare_relay, csbot, model_server
from bench.run import run

STREAMS: Final = (10, 50, 200)
P50_LIMIT_MS: Final = 12
P95_LIMITS_MS: Final = {50: 25, 200: 100}
MESSAGES_LIMIT: Final = 75
CPU_LIMIT_MS: Final = 20
HEADERS: Final = (
    "server",
    "streams",
    "added p50 ms",
    "added p95 ms",
    "of it after the model",
    "messages/s",
    "CPU ms/message",
    "answered",
    "lost",
    "faults",
    "others' CPU",
)


@dataclass(frozen=True)
class Line:
    """One server under one load; times in seconds."""

    server: str
    streams: int
    p50: float
    p95: float
    outbound_p50: float
    per_second: float
    cpu_seconds: float
    answered: int
    lost: int
    faults: int
    others_share: float

    def cells(self) -> tuple[str, ...]:
        """Return the row for the table."""
        times = map(milliseconds, (self.p50, self.p95, self.outbound_p50))
        rate, cpu = f"{self.per_second:.1f}", milliseconds(self.cpu_seconds)
        counts = map(str, (self.answered, self.lost, self.faults))
        return self.server, str(self.streams), *times, rate, cpu, *counts, f"{self.others_share:.0%}"


@dataclass(frozen=True)
class Candidate:
    """A server to measure: how it is started and who visits it."""

    start: Callable[[ModelServer], AbstractAsyncContextManager[Running]]
    visitors: Callable[[Address, int], Awaitable[Sequence[Asker]]]


async def widget_visitors(address: Address, number: int) -> Sequence[Asker]:
    """Return visitors of the widget protocol."""
    return await start_visitors(address, number=number, prefix=f"s{number}x")


async def chainlit_visitors(address: Address, number: int) -> Sequence[Asker]:
    """Return visitors of Chainlit."""
    return start_chainlit_visitors(address, number=number, prefix=f"c{number}x")


CANDIDATES: Final = {
    "relay": Candidate(bare_relay, widget_visitors),
    "chainlit": Candidate(chainlit, chainlit_visitors),
    "csbot": Candidate(csbot, widget_visitors),
}


def line_of(
    server: str, outcome: Outcome, *, records: list[Record], streams: int, meter: Meter, visitors: Sequence[Asker] = ()
) -> Line:
    """Return the row of what was measured; the CPU is that of all the requests in `records`."""
    times = added(outcome.asked_within, records)
    return Line(
        server=server,
        streams=streams,
        p50=times.p50,
        p95=times.p95,
        outbound_p50=percentile(times.outbound, 0.5),
        per_second=outcome.per_second,
        cpu_seconds=meter.cpu_seconds() / max(1, len(records)),
        answered=len(outcome.answered),
        lost=outcome.lost,
        faults=outcome.broken_prefixes + sum(visitor.faults.total for visitor in visitors),
        others_share=meter.others_share(),
    )


async def measure(server: Running, *, model: ModelServer, visitors: Sequence[Asker], seconds: float) -> Line:
    """Put a server under load and measure it."""
    await connect_all(visitors)
    await closed_loop(visitors, seconds=0.5)
    await model.records(clear=True)
    meter = Meter(server.group, bench=Group([model.process]))
    outcome = await closed_loop(visitors, seconds=seconds)
    records = await model.records(clear=True)
    line = line_of(server.name, outcome, records=records, streams=len(visitors), meter=meter, visitors=visitors)
    if told := stages(outcome.asked_within, records).told():
        print(f"    {told}")
    for role, cpu_seconds in meter.cpu_seconds_by_role().items():
        print(f"    {role}: {milliseconds(cpu_seconds / max(1, len(records)))} CPU ms a message", flush=True)
    for visitor in visitors:
        visitor.close()
    return line


async def measure_direct(model: ModelServer, *, streams: int, seconds: float) -> Line:
    """Measure the model called directly."""
    await model.records(clear=True)
    meter = Meter(Group(), bench=Group([model.process]))
    outcome = await direct_loop(model, streams=streams, seconds=seconds)
    records = await model.records(clear=True)
    return line_of("model called directly", outcome, records=records, streams=streams, meter=meter)


async def measure_candidate(
    name: str, *, model: ModelServer, streams: Sequence[int], seconds: float, note: Callable[[Line], None]
) -> None:
    """Start a server, measure it under each load, stop it; say so where it can't be started."""
    candidate = CANDIDATES[name]
    try:
        async with candidate.start(model) as server:
            for number in streams:
                visitors = await candidate.visitors(server.address, number)
                note(await measure(server, model=model, visitors=visitors, seconds=seconds))
    except StartError as error:
        print(f"{name}: skipped, {error}", flush=True)


async def compare(*, names: Sequence[str], streams: Sequence[int], seconds: float) -> int:
    """Measure everything and print the tables; the exit code is 0 where csbot keeps its limits."""
    lines: list[Line] = []

    def note(line: Line) -> None:
        lines.append(line)
        print(" · ".join(line.cells()), flush=True)

    async with model_server() as model:
        for number in streams:
            note(await measure_direct(model, streams=number, seconds=seconds))
        for name in names:
            await measure_candidate(name, model=model, streams=streams, seconds=seconds, note=note)
    lines.sort(key=lambda line: line.streams)
    print("\n" + table(HEADERS, [line.cells() for line in lines]))
    report = Report("csbot beside its limits")
    for line in lines:
        report.add(*(checks_of(line) if line.server == "csbot" else []))
    return report.close()


def checks_of(line: Line) -> list[Checked]:
    """Return csbot's figures beside the limits that hold for this load."""
    at = f"{line.streams} streams: "
    checks = [
        at_most(at + "lost or not answered", line.lost, limit=0, unit=""),
        at_most(at + "duplicates, gaps, broken prefixes", line.faults, limit=0, unit=""),
        at_most(at + "CPU a message", line.cpu_seconds * 1000, limit=CPU_LIMIT_MS, unit="ms"),
    ]
    if line.streams in P95_LIMITS_MS:
        limit = P95_LIMITS_MS[line.streams]
        checks.append(at_most(at + "added to the first token, p95", line.p95 * 1000, limit=limit, unit="ms"))
    if line.streams == min(P95_LIMITS_MS):
        checks.append(at_most(at + "added to the first token, p50", line.p50 * 1000, limit=P50_LIMIT_MS, unit="ms"))
    if line.streams == max(P95_LIMITS_MS):
        checks.append(at_least(at + "throughput", line.per_second, limit=MESSAGES_LIMIT, unit="messages/s"))
    return checks


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=list(STREAMS))
    parser.add_argument("--seconds", type=float, default=15, help="how long each load lasts")
    parser.add_argument("--only", choices=tuple(CANDIDATES), nargs="+", default=list(CANDIDATES))
    arguments = parser.parse_args()
    run(compare(names=arguments.only, streams=arguments.streams, seconds=arguments.seconds))


if __name__ == "__main__":
    main()
