"""Publishing from threads: what a transaction changed, announced after its commit.

A failed publish is logged and forgotten: the rows are the truth, and consumers look at them again (see `hub`).
"""

import logging
from collections.abc import Sequence

from django.db import transaction
from redis.exceptions import RedisError

from conversations.events.lane import CONTROL_CHANNEL, LANE_CHANNEL, Item, encode
from conversations.redis import redis_client

logger = logging.getLogger(__name__)


def publish(items: Sequence[Item]) -> None:
    """Send items to the sockets of every web process, in one piece."""
    try:
        redis_client().publish(LANE_CHANNEL, encode(items))
    except RedisError as error:
        logger.warning("items not published: %d (%s)", len(items), type(error).__name__)


def announce(*items: Item) -> None:
    """Publish items once the current transaction has committed (at once where there is none)."""
    transaction.on_commit(lambda: publish(items))


def tell_workers(order: str, *, run_id: int) -> None:
    """Tell the worker that makes this run what to do about it (see `control.Order`)."""
    try:
        redis_client().publish(CONTROL_CHANNEL, f"{order} {run_id}")
    except RedisError as error:
        logger.warning("order %s for run %d not published (%s)", order, run_id, type(error).__name__)


def tell_workers_on_commit(order: str, *, run_id: int) -> None:
    """Tell the worker once the current transaction has committed."""
    transaction.on_commit(lambda: tell_workers(order, run_id=run_id))
