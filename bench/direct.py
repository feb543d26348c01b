"""The model called directly, and measured as a visitor is: what everything else is compared with."""

import asyncio
import time

import aiohttp

from bench.client import QUESTIONS, Exchange
from bench.load import Outcome
from bench.processes import ModelServer
from bench.relay import content_of

SPREAD_SECONDS = 2.0


async def ask_directly(http: aiohttp.ClientSession, model: ModelServer, *, marker: str) -> Exchange:
    """Ask the model one question and stream its answer."""
    exchange = Exchange(marker, client_id="", sent_at=time.monotonic())
    messages = [{"role": "user", "content": f"{QUESTIONS[0]} {marker}"}]
    prompt = {"model": "any", "stream": True, "messages": messages}
    async with http.post(f"{model.base_url}/chat/completions", json=prompt) as answer:
        async for line in answer.content:
            if token := content_of(line):
                exchange.first_delta_at = exchange.first_delta_at or time.monotonic()
                exchange.shown += token
    exchange.text, exchange.sender, exchange.done_at = exchange.shown, "bot", time.monotonic()
    return exchange


async def direct_loop(model: ModelServer, *, streams: int, seconds: float) -> Outcome:
    """Let so many streams ask again and again."""
    begins_at = time.monotonic() + SPREAD_SECONDS
    ends_at = begins_at + seconds
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def ask_again(name: int) -> list[Exchange]:
            await asyncio.sleep(SPREAD_SECONDS * name / streams)
            exchanges: list[Exchange] = []
            while time.monotonic() < ends_at:
                marker = f"bench-direct{name}-{len(exchanges)}"
                exchanges.append(await ask_directly(http, model, marker=marker))
            return exchanges

        lists = await asyncio.gather(*map(ask_again, range(streams)))
    return Outcome([exchange for each in lists for exchange in each], begins_at, ends_at)
