"""Inserts messages one by one under different search indexes and measures the server (`inserts`)."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from django.db import connection

from bench.corpus import MESSAGES_EACH, build_search_index, fill, sentences
from bench.figures import Report, at_most, percentile, table
from conversations.models import Conversation, Message, Sender

# A message may cost 20 ms of CPU over all processes, and is stored together with its question.
CPU_LIMIT_MS: Final = 1.0
HEADERS: Final = ("search index", "server CPU ms", "p50 ms", "p95 ms", "slowest ms")
MOVE_SEQUENCE: Final = """
SELECT setval(pg_get_serial_sequence('conversations_message', 'id'), max(id)) FROM conversations_message
"""
VARIANTS: Final = {
    "as csbot has it": "SELECT 1",
    "without pending list": "ALTER INDEX message_text_grams SET (fastupdate = off)",
    "none": "DROP INDEX message_text_grams",
}


@dataclass(frozen=True)
class Inserted:
    """What an insert took under one index: CPU of the database's process, and the client's wait, in milliseconds."""

    index: str
    cpu_ms: float
    waits_ms: list[float]

    def cells(self) -> tuple[str, ...]:
        """Return the row for the table."""
        waits = (f"{percentile(self.waits_ms, share):.2f}" for share in (0.5, 0.95, 1.0))
        return self.index, f"{self.cpu_ms:.2f}", *waits


def backend() -> psutil.Process:
    """Return the database's process that serves our connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process(int(cursor.fetchone()[0]))


def insert_messages(index: str, *, number: int, texts: list[str], seq: int) -> Inserted:
    """Insert so many messages, each in a transaction of its own and in another conversation."""
    conversations = list(Conversation.objects.order_by("pk").values_list("pk", flat=True)[:number])
    process, waits = backend(), []
    cpu = sum(process.cpu_times()[:2])
    for position, conversation_id in enumerate(conversations):
        text = f"{texts[position % len(texts)]} {texts[position * 7 % len(texts)]} {position}"
        began_at = time.perf_counter()
        Message(conversation_id=conversation_id, seq=seq, sender=Sender.BOT, text=text).save(force_insert=True)
        waits.append((time.perf_counter() - began_at) * 1000)
    cpu = sum(process.cpu_times()[:2]) - cpu
    return Inserted(index, cpu / len(conversations) * 1000, waits)


def measure(*, messages: int, inserts: int, source: Path | None) -> int:
    """Measure every variant and print the table."""
    texts = sentences(source)
    fill(max(messages, inserts * MESSAGES_EACH), texts=texts)
    found = []
    with connection.cursor() as cursor:
        cursor.execute(MOVE_SEQUENCE)
    build_search_index()
    for step, (index, statement) in enumerate(VARIANTS.items()):
        with connection.cursor() as cursor:
            cursor.execute(statement)
        found.append(insert_messages(index, number=inserts, texts=texts, seq=5000 + step))
    print(table(HEADERS, [each.cells() for each in found]))
    report = Report("The search index beside its limit")
    cost = found[0].cpu_ms - found[-1].cpu_ms
    report.add(at_most("CPU that the index adds to a stored message", cost, limit=CPU_LIMIT_MS, unit="ms"))
    return report.close()
