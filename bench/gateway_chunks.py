"""CPU time of this process for each streamed chunk at an even pace: bare aiohttp, the SDK, csbot's client, the gateway.

Sixteen streams at once, two milliseconds a chunk, two hundred chunks an answer; a figure has its share of the request
in it. Chunks come one by one, as a provider sends them: most of the time goes into waking up.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Final

import aiohttp
import orjson
from openai import AsyncOpenAI, DefaultAioHttpClient

from bench.figures import Report, at_most, table
from bench.gateway_calls import MESSAGES, bare_call, made_up_candidate, routed_call, sdk_call
from bench.processes import model_server
from conversations.gateway.admission import Admission
from conversations.gateway.catalog import Catalog
from conversations.gateway.dispatch import Dispatcher
from conversations.llm.client import Client
from conversations.redis import new_async_client

LIMIT_US: Final = 45.0
STREAMS: Final = 16
TOKENS: Final = 200
TOKEN_MS: Final = 2.0
ROUNDS: Final = 6

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Way:
    """One way to read a stream, and what it took, in microseconds of CPU a chunk: of each round."""

    name: str
    work: Work
    rounds: list[float]

    @property
    def best(self) -> float:
        """The quietest round."""
        return min(self.rounds)


async def round_of(work: Work) -> float:
    """Return the CPU time a chunk of all streams at once."""
    started = time.process_time()
    await asyncio.gather(*[work() for _ in range(STREAMS)])
    return (time.process_time() - started) / STREAMS / TOKENS * 1e6


async def bare_read(session: aiohttp.ClientSession, url: str) -> None:
    """Read a stream with aiohttp and orjson and nothing else: what cannot be saved."""
    body = {"model": "m", "messages": [{"role": "user", "content": MESSAGES[1].content}], "stream": True}
    async with session.post(url, json=body | {"response_format": {"type": "json_object"}}) as response:
        async for line in response.content:
            if line.startswith(b"data: {"):
                orjson.loads(line[6:])["choices"][0]["delta"].get("content")


async def measure_chunks(report: Report) -> None:
    """Measure all ways in turns, in one run."""
    async with model_server(first_token_ms=5, token_ms=TOKEN_MS, tokens=TOKENS) as model:
        candidate = made_up_candidate(1, base_url=model.base_url)
        catalog = Catalog(stamp=None, candidates=(candidate,))
        client, redis = Client(candidate.endpoint(candidate.keys[0])), new_async_client()
        dispatcher, numbers = Dispatcher(Admission(redis, hold_seconds=60)), count()
        sdk = AsyncOpenAI(api_key="x", base_url=model.base_url, max_retries=0)
        faster = AsyncOpenAI(
            api_key="x", base_url=model.base_url, max_retries=0, http_client=DefaultAioHttpClient(timeout=30)
        )
        async with aiohttp.ClientSession() as session:
            url = f"{model.base_url}/chat/completions"
            ways = [
                Way("aiohttp and orjson alone", lambda: bare_read(session, url), []),
                Way("csbot's client", lambda: bare_call(client), []),
                Way(
                    "through the gateway: plan, lease, client, envelope, row",
                    lambda: routed_call(dispatcher, catalog, client, next(numbers)),
                    [],
                ),
                Way("the SDK's typed chunks, aiohttp below", lambda: sdk_call(faster), []),
                Way("the SDK as documented", lambda: sdk_call(sdk), []),
            ]
            await warm_up(ways)
            for _ in range(ROUNDS):
                for way in ways:
                    way.rounds.append(await round_of(way.work))
        for closing in (client.aclose(), redis.aclose(), sdk.close(), faster.close()):
            await closing
    show(report, ways)


async def warm_up(ways: list[Way]) -> None:
    """Let everything import and connect."""
    for way in ways:
        await way.work()


def show(report: Report, ways: list[Way]) -> None:
    """Print the table, and set the gateway's figure beside its limit."""
    rows = [
        (way.name, f"{way.best:.1f}", f"{sorted(way.rounds)[ROUNDS // 2]:.1f}", f"{way.best / ways[-1].best:.2f}")
        for way in ways
    ]
    print(table(("CPU us a chunk, paced", "best round", "middle round", "of the SDK's"), rows))
    report.add(
        at_most("CPU a streamed chunk, paced, through the gateway", ways[2].best, limit=LIMIT_US, unit="us"),
        at_most("the same / the SDK as documented", ways[2].best / ways[-1].best, limit=0.5, unit="x"),
    )
