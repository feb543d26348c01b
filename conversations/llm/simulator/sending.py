"""Writes a delivery to the client's connection: queue, pace, end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from conversations.llm.simulator.delivery import EVENT_STREAM, KEEP_ALIVE, Delivery, Ending

KEEP_ALIVE_SECONDS = 0.2
LABEL = {"X-Csbot-Simulator": "development tool, not a language model"}


class Pacer:
    """Waits by the clock, so that late wake-ups don't add up over a stream."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()

    async def wait(self, seconds: float) -> None:
        """Wait until `seconds` after the moment the last wait should have ended."""
        if seconds:
            self._due += seconds
            await asyncio.sleep(self._due - self._loop.time())


async def send(
    request: web.Request, delivery: Delivery, *, gate: asyncio.Semaphore | None = None
) -> web.StreamResponse:
    """Send a delivery, once the gate lets it through. Cancelled when the client closes the connection."""
    if not delivery.has_head:
        await end(request, None, delivery.ending)
        return web.Response(status=500)
    if not delivery.is_chunked:
        return await send_until_close(request, delivery)
    headers = {"Content-Type": delivery.content_type, **LABEL, **delivery.headers}
    response = web.StreamResponse(status=delivery.status, headers=headers)
    await response.prepare(request)
    async with place(gate, response):
        pacer = Pacer()
        for frame in delivery.frames:
            await pacer.wait(frame.wait_seconds)
            await response.write(frame.data)
        await end(request, response, delivery.ending)
    return response


@asynccontextmanager
async def place(gate: asyncio.Semaphore | None, response: web.StreamResponse) -> AsyncIterator[None]:
    """Hold one of the gate's places. While waiting, keep the connection alive as DeepSeek does."""
    if gate is None:
        yield
        return
    keep_alive = KEEP_ALIVE if response.headers["Content-Type"] == EVENT_STREAM else b"\n"
    while not await took_place(gate):
        await response.write(keep_alive)
    try:
        yield
    finally:
        gate.release()


async def took_place(gate: asyncio.Semaphore) -> bool:
    """Wait a moment for a place."""
    try:
        async with asyncio.timeout(KEEP_ALIVE_SECONDS):
            return await gate.acquire()
    except TimeoutError:
        return False


async def end(request: web.Request, response: web.StreamResponse | None, ending: Ending) -> None:
    """End the connection as the delivery says; hanging ends only with the client or the server."""
    match ending:
        case Ending.CLOSE if response:
            await response.write_eof()
        case Ending.ABORT:
            abort(request)
        case Ending.KEEP_ALIVE if response:
            while True:
                await asyncio.sleep(KEEP_ALIVE_SECONDS)
                await response.write(KEEP_ALIVE)
        case _:
            await asyncio.Event().wait()


def abort(request: web.Request) -> None:
    """Reset the connection."""
    if request.transport:
        request.transport.abort()


async def send_until_close(request: web.Request, delivery: Delivery) -> web.StreamResponse:
    """Send a body that only the connection's end delimits, as old proxies do; aiohttp itself always uses chunks."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError
    head = f"HTTP/1.1 {delivery.status} OK\r\nContent-Type: {delivery.content_type}\r\nConnection: close\r\n\r\n"
    transport.write(head.encode())
    pacer = Pacer()
    for frame in delivery.frames:
        await pacer.wait(frame.wait_seconds)
        transport.write(frame.data)
    transport.close()
    # The answer has been given past aiohttp; what it writes to a closed connection goes nowhere.
    return web.Response()
