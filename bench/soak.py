"""Whether memory stays flat under steady load: `python -m bench.soak`.

The first third of the time is warm-up: caches, pools and the allocator find their size. What counts is what each
process gained between the first and the last quarter of the rest.
"""

import argparse
import asyncio
import time
from collections import defaultdict
from typing import Final

from bench.client import start_visitors
from bench.figures import Report, at_most, table
from bench.load import closed_loop, connect_all
from bench.processes import Running, csbot, model_server
from bench.run import run

MEBIBYTE: Final = 1024 * 1024
SAMPLE_SECONDS: Final = 5.0
GROWTH_LIMIT_SHARE: Final = 0.05
# A server of a few MiB may move by a page or two.
LEAST_LIMIT_MIB: Final = 2.0
PYTHON_ROLES: Final = ("web", "worker", "scheduler", "redis")


async def sample(server: Running, *, seconds: float) -> dict[str, list[float]]:
    """Return the memory of each role in MiB, every few seconds."""
    found: dict[str, list[float]] = defaultdict(list)
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        by_role: dict[str, float] = defaultdict(float)
        for name, resident in server.group.resident_bytes().items():
            by_role[name.split(" ")[0]] += resident / MEBIBYTE
        for role, total in by_role.items():
            found[role].append(total)
        await asyncio.sleep(SAMPLE_SECONDS)
    return found


def growth(samples: list[float]) -> tuple[float, float]:
    """Return what was gained from the first to the last quarter of what comes after the warm-up, and its limit."""
    steady = samples[len(samples) // 3 :]
    quarter = max(1, len(steady) // 4)
    first, last = steady[:quarter], steady[-quarter:]
    before, after = sum(first) / len(first), sum(last) / len(last)
    return after - before, max(LEAST_LIMIT_MIB, before * GROWTH_LIMIT_SHARE)


async def measure(*, minutes: float, streams: int) -> int:
    """Soak and print the table."""
    report = Report(f"{minutes:g} minutes at {streams} streams")
    async with model_server() as model, csbot(model) as server:
        visitors = await start_visitors(server.address, number=streams, prefix="soak")
        await connect_all(visitors)
        load = asyncio.create_task(closed_loop(visitors, seconds=minutes * 60))
        samples = await sample(server, seconds=minutes * 60)
        outcome = await load
    rows = [(role, f"{of[0]:.1f}", f"{of[len(of) // 3]:.1f}", f"{of[-1]:.1f}") for role, of in samples.items()]
    print(table(("process", "at the start, MiB", "after the warm-up", "at the end"), rows))
    report.add(at_most("questions not answered", outcome.lost, limit=0, unit=""))
    report.add(at_most("faults", sum(visitor.faults.total for visitor in visitors), limit=0, unit=""))
    for role in PYTHON_ROLES:
        gained, limit = growth(samples[role])
        report.add(at_most(f"{role}: growth", gained, limit=limit, unit="MiB"))
    print(f"{len(outcome.answered):,} answers, {outcome.per_second:.1f}/s")
    return report.close()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--streams", type=int, default=50)
    arguments = parser.parse_args()
    run(measure(minutes=arguments.minutes, streams=arguments.streams))


if __name__ == "__main__":
    main()
