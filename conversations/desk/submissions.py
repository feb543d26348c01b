"""Makes a submit count once: a double click, or a retry after a lost answer, must not write to a customer twice.

The page gives each submit an id. The first request that brings it claims it; another one waits for the colleague's
result instead of writing again. Claims live in Redis for an hour, in this process alone while Redis is away.
"""

import logging
import time
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Final
from uuid import UUID

from redis.exceptions import RedisError

from conversations.redis import redis_client

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 3600
# A request that died between its claim and its commit must not block the retry for long.
PENDING_SECONDS: Final = 20
PENDING: Final = "pending"
DONE: Final = "done"


class Claim(StrEnum):
    """What a request may do about a submit."""

    MINE = "mine"
    PENDING = "pending"
    DONE = "done"


@dataclass
class LocalClaims:
    """The claims of this process, for the time Redis is away."""

    states: dict[str, tuple[str, float]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def claim(self, name: str) -> str | None:
        """Claim a name and return None, or return the state of the claim that was there first."""
        now = time.monotonic()
        with self.lock:
            self.states = {key: entry for key, entry in self.states.items() if entry[1] > now}
            if name in self.states:
                return self.states[name][0]
            self.states[name] = (PENDING, now + PENDING_SECONDS)
            return None

    def settle(self, name: str, *, state: str | None) -> None:
        """Note that the claimed work is done, or (None) that it came to nothing and may be tried again."""
        with self.lock:
            if state is None:
                self.states.pop(name, None)
            else:
                self.states[name] = (state, time.monotonic() + KEPT_SECONDS)


local_claims = LocalClaims()


def claim_submit(submit_id: UUID, *, user_id: int) -> Claim:
    """Claim a submit for this request, or say what became of it in another one."""
    name = _name(submit_id, user_id=user_id)
    try:
        earlier = _claim_in_redis(name)
    except RedisError as error:
        logger.warning("submit claimed without Redis (%s)", type(error).__name__)
        earlier = local_claims.claim(name)
    return Claim.MINE if earlier is None else Claim(earlier)


def settle_submit(submit_id: UUID, *, user_id: int, is_done: bool) -> None:
    """Say that a claimed submit was carried out, or that it came to nothing and may be tried again."""
    name = _name(submit_id, user_id=user_id)
    local_claims.settle(name, state=DONE if is_done else None)
    try:
        if is_done:
            redis_client().set(name, DONE, ex=KEPT_SECONDS)
        else:
            redis_client().delete(name)
    except RedisError as error:
        logger.warning("submit settled without Redis (%s)", type(error).__name__)


def _claim_in_redis(name: str) -> str | None:
    if redis_client().set(name, PENDING, nx=True, ex=PENDING_SECONDS):
        return None
    earlier = redis_client().get(name)
    return earlier.decode() if isinstance(earlier, bytes) else PENDING


def _name(submit_id: UUID, *, user_id: int) -> str:
    return f"csbot:submit:{user_id}:{submit_id}"
