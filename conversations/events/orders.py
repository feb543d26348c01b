"""Orders to the process that makes a run: the listening side (see `publisher.tell_workers` for the other).

An order may get lost with Redis; then the lease tells: a run that is no longer open is not renewed.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from redis.exceptions import RedisError

from conversations.events.control import Order
from conversations.events.lane import CONTROL_CHANNEL
from conversations.redis import new_subscriber_client

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 0.5


async def listen_for_orders(handle: Callable[[Order, int], None]) -> None:
    """Call `handle(order, run_id)` for each order, for ever; subscribe again whenever Redis goes away."""
    while True:
        try:
            await _listen_until_lost(handle)
        except (RedisError, OSError) as error:
            logger.warning("orders not heard: %s", type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)


async def _listen_until_lost(handle: Callable[[Order, int], None]) -> None:
    async with new_subscriber_client() as client, client.pubsub(ignore_subscribe_messages=True) as subscription:
        await subscription.subscribe(CONTROL_CHANNEL)
        async for message in subscription.listen():
            order = _parse(message["data"])
            if order is not None:
                handle(*order)


def _parse(data: bytes) -> tuple[Order, int] | None:
    name, _space, run_id = data.decode(errors="replace").partition(" ")
    try:
        return Order(name), int(run_id)
    except ValueError:
        return None
