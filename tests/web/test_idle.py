"""Idle sockets: how much they cost, and that they last."""

import asyncio
import json
from contextlib import AsyncExitStack

from websockets.asyncio.client import ClientConnection, connect

from tests.web.server import WebProcess

SOCKETS = 400
MOST_KIB = 40


async def open_idle(web: WebProcess, tokens: list[str], stack: AsyncExitStack) -> list[ClientConnection]:
    """Open a welcomed socket for each token."""

    async def open_one(token: str) -> ClientConnection:
        url = f"ws://127.0.0.1:{web.port}/ws/widget/"
        client = await stack.enter_async_context(connect(url, compression=None, ping_interval=None))
        await client.send(json.dumps({"type": "hello", "v": 1, "token": token, "after_seq": 0}))
        assert json.loads(await client.recv())["type"] == "welcome"
        return client

    return [await open_one(token) for token in tokens]


def test_an_idle_socket_costs_little(web: WebProcess) -> None:
    tokens = [web.session()["token"] for _ in range(50)] * (SOCKETS // 50)

    async def measure() -> float:
        async with AsyncExitStack() as stack:
            # The first hundred warm the process up: threads, connections, caches.
            await open_idle(web, tokens[:100], stack)
            before = web.memory_kib()
            await open_idle(web, tokens[100:], stack)
            return (web.memory_kib() - before) / (SOCKETS - 100)

    kib = asyncio.run(measure())
    assert kib <= MOST_KIB, f"{kib:.1f} KiB a socket"
    print(f"{kib:.1f} KiB a socket")
