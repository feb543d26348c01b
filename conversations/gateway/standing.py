"""What all workers know of keys, accounts and models just now: which are left alone, why, and for how long.

Read from the circuits in Redis (see `lua/settle.lua`), for people. Where Redis is away nothing is known.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import RedisError

from conversations.redis import redis_client

logger = logging.getLogger(__name__)

FIELDS: Final = ("cooldown", "until", "kind")
MS: Final = 1000


@dataclass(frozen=True, slots=True)
class OpenCircuit:
    """Something that is left alone: after what kind of failure, and for how many seconds still (0: to be tried)."""

    kind: str
    seconds: float


def read_open_circuits(names: Iterable[str]) -> dict[str, OpenCircuit]:
    """Return those of these circuits that aren't closed."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    pipeline = redis_client().pipeline(transaction=False)
    for name in wanted:
        pipeline.hmget(name, FIELDS)
    try:
        rows: list[list[Any]] = pipeline.execute()
    except (RedisError, OSError) as error:
        logger.warning("circuits not read: %s", type(error).__name__)
        return {}
    now = time.time()
    found = {name: _open_circuit(row, now=now) for name, row in zip(wanted, rows, strict=True)}
    return {name: circuit for name, circuit in found.items() if circuit is not None}


def _open_circuit(row: list[Any], *, now: float) -> OpenCircuit | None:
    cooldown, until, kind = row
    if not cooldown or not float(cooldown):
        return None
    return OpenCircuit((kind or b"").decode(), seconds=max(0.0, float(until) / MS - now))
