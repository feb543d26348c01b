"""The parts of a message's way, called by themselves on a database of the benchmark's own (`parts`)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Final
from uuid import uuid4

import orjson
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench.figures import Report, at_most, table
from bench.replies import CHUNK, envelope_script
from conversations.actions.append import Verdict
from conversations.actions.customers import new_visitor, start_conversation
from conversations.actions.runs import Figures, finish_run
from conversations.events.frames import delta_frame
from conversations.events.lane import Item, Kind, decode, encode
from conversations.gateway.admission import Lease
from conversations.gateway.metering import CallWatch, Origin
from conversations.gateway.models import Purpose
from conversations.gateway.reading import current_catalog
from conversations.intake import receive_message
from conversations.llm.envelope import EnvelopeReader
from conversations.llm.streamed import StreamedReply
from conversations.models import Conversation, Site
from conversations.playbook.reading import current_playbook
from conversations.replies.opening import OpenReply, open_reply

ENVELOPE_LIMIT_US: Final = 2.0
TOKENS: Final = 60
ROUNDS: Final = 200
STREAMS: Final = 50
HEADERS: Final = ("part", "CPU us", "wall us", "queries", "of it in one reply, CPU ms")


@dataclass(frozen=True)
class Cost:
    """What one call of a part takes, in microseconds, and how often a reply calls it."""

    part: str
    cpu_us: float
    wall_us: float
    queries: float
    calls: int

    def cells(self) -> tuple[str, ...]:
        """Return the row for the table."""
        in_reply = self.cpu_us * self.calls / 1000
        return self.part, f"{self.cpu_us:,.1f}", f"{self.wall_us:,.1f}", f"{self.queries:.1f}", f"{in_reply:.2f}"


def cost_of(part: str, work: Callable[[], object], *, rounds: int = ROUNDS, per_round: int = 1, calls: int = 1) -> Cost:
    """Call a part many times, counting its queries once; `per_round` calls are in one round of work."""
    work()
    with CaptureQueriesContext(connection) as captured:
        work()
    cpu, wall = time.thread_time(), time.perf_counter()
    for _ in range(rounds):
        work()
    cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
    each = 1e6 / rounds / per_round
    return Cost(part, cpu * each, wall * each, len(captured) / per_round, calls)


class Bench:
    """One visitor's conversation, asked and answered again and again."""

    def __init__(self) -> None:
        site = Site.objects.for_key(None)
        visitor = new_visitor(site, locale="th")
        self.conversation: Conversation = start_conversation(visitor, locale="th")
        self.opened: OpenReply | None = None

    def receive(self) -> None:
        """Store a question and put the reply's task into the queue."""
        receive_message(self.conversation.pk, client_id=uuid4(), text="สินค้ามีไซซ์ไหนบ้างคะ")

    def open(self) -> None:
        """Open the run and build its prompt."""
        self.opened = open_reply(self.conversation.pk, worker="bench")

    def finish(self) -> None:
        """Store the reply."""
        if self.opened:
            verdict = Verdict("สินค้า", action_required=False, escalate=False)
            text = "".join(envelope_script(TOKENS).pieces)
            finish_run(self.opened.run_id, text=text, verdict=verdict, figures=Figures(), calls=self.calls())

    def calls(self) -> list[CallWatch]:
        """Return the one call that made the reply."""
        candidate = current_catalog().candidates[0]
        call = CallWatch(Lease(candidate, candidate.keys[0], "token", TOKENS), Origin(Purpose.REPLY), number=0)
        call.succeed(is_repaired=False, has_escalated=False)
        call.close()
        return [call]

    def steps(self) -> list[Cost]:
        """Return the cost of each step; they need each other, so they take turns."""
        works = {"store the question and queue it": self.receive, "open the run, build the prompt": self.open}
        works["store the reply"] = self.finish
        spent = {part: [0.0, 0.0] for part in works}
        for _ in range(ROUNDS):
            for part, work in works.items():
                cpu, wall = time.thread_time(), time.perf_counter()
                work()
                spent[part][0] += time.thread_time() - cpu
                spent[part][1] += time.perf_counter() - wall
        queries = {}
        for part, work in works.items():
            with CaptureQueriesContext(connection) as captured:
                work()
            queries[part] = len(captured)
        scale = 1e6 / ROUNDS
        return [Cost(part, cpu * scale, wall * scale, queries[part], 1) for part, (cpu, wall) in spent.items()]


def read_envelope_pieces() -> None:
    """Let a reply's pieces through the envelope."""
    reader = EnvelopeReader(frozenset({"สินค้า"}))
    script = envelope_script(TOKENS)
    for piece in (*script.pieces, script.tail):
        reader.feed(piece)
    reader.finish()


def envelope_feeds() -> Cost:
    """Return the cost of a piece while it streams, without making the reader and the check at the end."""
    pieces = envelope_script(TOKENS).pieces
    intents = frozenset({"สินค้า"})
    readers = [EnvelopeReader(intents) for _ in range(ROUNDS)]
    cpu, wall = time.thread_time(), time.perf_counter()
    for reader in readers:
        for piece in pieces:
            reader.feed(piece)
    cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
    each = 1e6 / ROUNDS / len(pieces)
    return Cost("envelope, a chunk", cpu * each, wall * each, 0, TOKENS)


def wire_events() -> list[bytes]:
    """Return a reply as a provider sends it, event by event."""
    return [
        b"data: " + orjson.dumps({**CHUNK, "choices": [{"index": 0, "delta": {"content": piece}}]}) + b"\n\n"
        for piece in envelope_script(TOKENS).pieces
    ]


def batch() -> list[Item]:
    """Return what leaves at one tick while many replies stream."""
    frame = delta_frame(1234567, offset=120, text="สินค้ามี")
    return [Item(f"c{number}", Kind.DELTA, frame, epoch=1, run=number, end=128) for number in range(STREAMS)]


def streaming_parts() -> list[Cost]:
    """Return the costs of what happens for each token or each tick."""
    events, items = wire_events(), batch()
    packed = encode(items)

    def read_events() -> None:
        reply = StreamedReply()
        for event in events:
            reply.push(event)

    return [
        cost_of("provider's event to text", read_events, per_round=len(events), calls=TOKENS),
        envelope_feeds(),
        cost_of("a reply's envelope, whole", read_envelope_pieces),
        cost_of("a delta's frame", lambda: delta_frame(1234567, offset=120, text="สินค้ามี"), calls=TOKENS // 2),
        cost_of("an item into a batch", lambda: encode(items), per_round=STREAMS, calls=TOKENS // 2),
        cost_of("an item out of a batch", lambda: decode(packed), per_round=STREAMS, calls=TOKENS // 2),
    ]


def measure() -> int:
    """Measure every part and print the table; 0 where the envelope keeps its limit."""
    call_command("prepare", verbosity=0, stdout=StringIO())
    bench = Bench()
    costs = [cost_of("playbook, when nothing changed", current_playbook), *bench.steps(), *streaming_parts()]
    print(table(HEADERS, [cost.cells() for cost in costs]))
    report = Report("Parts beside their limits")
    envelope = next(cost for cost in costs if cost.part == "envelope, a chunk")
    report.add(at_most("envelope extraction, a chunk", envelope.cpu_us, limit=ENVELOPE_LIMIT_US, unit="us"))
    return report.close()
