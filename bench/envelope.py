"""The hot path: CPU time per streamed chunk of reading the envelope, and of the client: `python -m bench.envelope`.

Beside the extractor stand the two ways to do without one: parse again, at each chunk, all that came so far. CPU time,
not the clock's, and the best of many rounds, so that a busy machine changes little.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

import jiter
import json_repair

from bench.figures import Checked, Report, at_most, table
from bench.processes import model_server
from bench.replies import PROSE
from bench.run import run
from conversations.llm.client import Client, Finished
from conversations.llm.envelope import EnvelopeReader
from conversations.llm.preview import Preview
from conversations.llm.requests import ChatMessage, Deadlines, Dialect, Endpoint, Sampling

INTENT: Final = "สินค้า"
CHUNKS: Final = 60
CHUNK_CHARS: Final = (3, 8)
ROUNDS: Final = 30
EXTRACTOR_LIMIT_US: Final = 2.0
STREAMS: Final = 16
REQUESTS: Final = 8
TOKEN_MS: Final = 2.0
CLIENT_LIMIT_US: Final = 75.0
PROMPT: Final = (ChatMessage("system", "Answer in JSON. " * 100), *[ChatMessage("user", "มีของไหม")] * 20)

Reading = Callable[[Sequence[str]], None]


def answer(*, is_ascii: bool) -> list[str]:
    """Return an envelope in chunks of a tokenizer's sizes, in UTF-8 or with every Thai character escaped."""
    sizes = random.Random(1)
    fields = {"intent": INTENT, "escalate": False, "action_required": False, "response": PROSE * 10}
    body = json.dumps(fields, ensure_ascii=is_ascii)
    chunks = []
    for _ in range(CHUNKS):
        size = sizes.randint(*CHUNK_CHARS)
        chunks.append(body[:size])
        body = body[size:]
    return chunks


def extract(chunks: Sequence[str]) -> None:
    """Find the reply in the JSON, unescaped: what the other ways do."""
    preview = Preview()
    for chunk in chunks:
        preview.push(chunk)


def read(chunks: Sequence[str]) -> None:
    """Everything a customer's text goes through: the extractor, reasoning, markup and graphemes."""
    reader = EnvelopeReader(frozenset([INTENT]))
    for chunk in chunks:
        reader.feed(chunk)


def parse_again(chunks: Sequence[str]) -> None:
    """Parse all that came so far with jiter's partial mode."""
    body = ""
    for chunk in chunks:
        body += chunk
        jiter.from_json(body.encode(), partial_mode="trailing-strings")


def repair_again(chunks: Sequence[str]) -> None:
    """Repair all that came so far."""
    body = ""
    for chunk in chunks:
        body += chunk
        json_repair.loads(body, skip_json_loads=True)


def microseconds_per_chunk(reading: Reading, chunks: Sequence[str]) -> float:
    """Return the CPU time of the best round."""
    times = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        reading(chunks)
        times.append(time.thread_time() - started)
    return min(times) / len(chunks) * 1e6


READINGS: Final[tuple[tuple[str, Reading], ...]] = (
    ("csbot: extractor", extract),
    ("csbot: with reasoning, markup, graphemes", read),
    ("jiter, partial, each time", parse_again),
    ("json_repair, each time", repair_again),
)


def measure_readings() -> list[Checked]:
    """Print all readings side by side; return the extractor's figures."""
    plain, escaped = answer(is_ascii=False), answer(is_ascii=True)
    rows = [
        (name, microseconds_per_chunk(reading, plain), microseconds_per_chunk(reading, escaped))
        for name, reading in READINGS
    ]
    cells = [(name, f"{in_utf8:.2f}", f"{in_escapes:.2f}") for name, in_utf8, in_escapes in rows]
    print(table(("reading", "UTF-8: us/chunk", "escaped: us/chunk"), cells), flush=True)
    return [
        at_most(f"extractor, {name}", measured, limit=EXTRACTOR_LIMIT_US, unit="us/chunk")
        for name, measured in zip(("UTF-8", "escaped"), rows[0][1:], strict=True)
    ]


async def stream_once(client: Client) -> int:
    """Read one reply; return how many chunks it had, of which several may come at once."""
    chunks = 0
    async for event in client.stream(PROMPT, sampling=Sampling(), deadlines=Deadlines()):
        if isinstance(event, Finished) and event.usage:
            chunks = event.usage.completion_tokens
    return chunks


async def measure_client() -> Checked:
    """Return the CPU time that this process spends on a chunk at an even pace, its share of the request included."""
    async with model_server(token_ms=TOKEN_MS) as model:
        client = Client(Endpoint("bench", model.base_url, "key", "model", Dialect.DEEPSEEK))
        await stream_once(client)
        started = time.process_time()
        chunks = 0
        for _ in range(REQUESTS):
            chunks += sum(await asyncio.gather(*[stream_once(client) for _ in range(STREAMS)]))
        spent = time.process_time() - started
        await client.aclose()
    return at_most(f"client, {STREAMS} streams", spent / chunks * 1e6, limit=CLIENT_LIMIT_US, unit="us/chunk")


async def main() -> int:
    """Measure both."""
    report = Report("CPU time per streamed chunk")
    report.add(*measure_readings())
    report.add(await measure_client())
    return report.close()


if __name__ == "__main__":
    run(main())
