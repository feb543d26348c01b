"""Load in two shapes: closed (everybody asks again at once) and open (questions come at a rate, ready or not)."""

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Protocol

from bench.client import Exchange, Faults
from bench.figures import milliseconds, percentile
from bench.model_server import Record
from csbot.pace import set_pace

ANSWER_SECONDS = 60.0
CONNECT_SECONDS = 30.0


class Asker(Protocol):
    """Whoever asks one question at a time: a visitor of csbot, of the relay, or of a peer."""

    exchange: Exchange | None
    faults: Faults

    async def connect(self) -> None:
        """Open the chat."""

    def ask(self) -> asyncio.Future[Exchange]:
        """Ask the next question; the future holds the exchange once it is over."""

    def close(self) -> None:
        """Close the chat."""


@dataclass(frozen=True)
class Outcome:
    """What a stretch of load came to: every question asked, and the stretch that counts, in monotonic seconds."""

    exchanges: list[Exchange]
    begins_at: float
    ends_at: float

    @property
    def answered(self) -> list[Exchange]:
        """Return the questions that the bot answered."""
        return [exchange for exchange in self.exchanges if exchange.is_answered]

    @property
    def lost(self) -> int:
        """Return how many questions the bot did not answer."""
        return len(self.exchanges) - len(self.answered)

    @property
    def asked_within(self) -> list[Exchange]:
        """Return what was asked within the stretch: by when it was asked, not answered, so that slow ones count."""
        return [exchange for exchange in self.answered if self.begins_at <= exchange.sent_at < self.ends_at]

    @property
    def per_second(self) -> float:
        """Return answers a second within the stretch."""
        done = sum(self.begins_at <= exchange.done_at < self.ends_at for exchange in self.answered)
        return done / (self.ends_at - self.begins_at)

    @property
    def broken_prefixes(self) -> int:
        """Return how many replies were shown as something that was not stored."""
        return sum(not exchange.is_prefix_kept for exchange in self.answered)


@dataclass(frozen=True)
class Added:
    """What a server adds to the model's own time to the first token, in seconds: all of it, and its second half."""

    total: list[float]
    outbound: list[float]

    @property
    def p50(self) -> float:
        """Return the median."""
        return percentile(self.total, 0.5)

    @property
    def p95(self) -> float:
        """Return the 95th percentile."""
        return percentile(self.total, 0.95)


def added(exchanges: Iterable[Exchange], records: Iterable[Record]) -> Added:
    """Compare what the client saw with what the model did, question by question.

    total = (first delta at the client - question sent) - (first visible token sent - request received by the model):
    the way in and the way out; outbound = first delta at the client - first visible token sent. Only tokens that a
    customer may see count: the head of an envelope is the model's own time.
    """
    by_marker = {record.marker: record for record in records if record.first_visible_at}
    total, outbound = [], []
    for exchange in exchanges:
        record = by_marker.get(exchange.marker)
        if record is None or not exchange.first_delta_at:
            continue
        model_seconds = record.first_visible_at - record.received_at
        total.append(exchange.first_delta_at - exchange.sent_at - model_seconds)
        outbound.append(exchange.first_delta_at - record.first_visible_at)
    return Added(total, outbound)


@dataclass(frozen=True)
class Stages:
    """Where the time to the first token goes, as medians in seconds; the model's own time lies before the last."""

    acknowledged: float
    opened: float
    asked: float
    shown: float

    def told(self) -> str:
        """Return the stages in words; "" where the server tells of none."""
        if isnan(self.acknowledged):
            return ""
        return (
            f"sent to ack {milliseconds(self.acknowledged)} · to run opened {milliseconds(self.opened)} · "
            f"to the model's door {milliseconds(self.asked)} · model to client {milliseconds(self.shown)} ms (p50)"
        )


def stages(exchanges: Iterable[Exchange], records: Iterable[Record]) -> Stages:
    """Return the medians of each stage; NaN where a server doesn't tell."""
    by_marker = {record.marker: record for record in records if record.first_visible_at}
    pairs = [(each, by_marker[each.marker]) for each in exchanges if each.marker in by_marker]
    told = [(each, record) for each, record in pairs if each.run_open_at and each.acked_at]
    return Stages(
        acknowledged=percentile([each.acked_at - each.sent_at for each, _ in told], 0.5),
        opened=percentile([each.run_open_at - each.acked_at for each, _ in told], 0.5),
        asked=percentile([record.received_at - each.run_open_at for each, record in told], 0.5),
        shown=percentile([each.first_delta_at - record.first_visible_at for each, record in told], 0.5),
    )


async def closed_loop(visitors: Sequence[Asker], *, seconds: float, spread_seconds: float = 2.0) -> Outcome:
    """Let every visitor ask again as soon as the answer is there; what counts begins once all have."""
    begins_at = time.monotonic() + spread_seconds
    ends_at = begins_at + seconds

    async def visit(visitor: Asker, delay: float) -> list[Exchange]:
        await asyncio.sleep(delay)
        exchanges = []
        while time.monotonic() < ends_at:
            exchanges.append(await _answer(visitor))
        return exchanges

    delays = [spread_seconds * index / len(visitors) for index in range(len(visitors))]
    lists = await asyncio.gather(*map(visit, visitors, delays))
    return Outcome([exchange for each in lists for exchange in each], begins_at, ends_at)


async def open_loop(visitors: Sequence[Asker], *, per_second: float, seconds: float) -> Outcome:
    """Let visitors ask at Poisson moments, each once at a time, however long the answers take."""
    started_at = time.monotonic()
    asked: list[asyncio.Task[Exchange]] = []
    next_at = started_at
    for visitor in visitors:
        next_at += random.expovariate(per_second)
        if next_at > started_at + seconds:
            break
        await asyncio.sleep(max(0.0, next_at - time.monotonic()))
        asked.append(asyncio.create_task(_answer(visitor)))
    exchanges = await asyncio.gather(*asked)
    return Outcome(list(exchanges), started_at, time.monotonic())


async def _answer(visitor: Asker) -> Exchange:
    waiting = visitor.ask()
    try:
        return await asyncio.wait_for(waiting, ANSWER_SECONDS)
    except TimeoutError:
        if visitor.exchange is None:
            raise
        return visitor.exchange


async def connect_all(visitors: Sequence[Asker], *, at_once: int = 50) -> None:
    """Connect the visitors, some at a time. Raises what the first refused one raises, or TimeoutError.

    They stay to the end: this process's search for garbage, whose pauses would look like the server's, spares them.
    """
    turnstile = asyncio.Semaphore(at_once)

    async def connect(visitor: Asker) -> None:
        async with turnstile, asyncio.timeout(CONNECT_SECONDS):
            await visitor.connect()

    await asyncio.gather(*map(connect, visitors))
    set_pace()
