"""How the providers fared lately, in Redis, for the readiness page. Lost with Redis, and then simply unknown."""

import logging
from collections.abc import Sequence
from typing import Final

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from conversations.llm.errors import LLMError
from conversations.llm.requests import Endpoint

logger = logging.getLogger(__name__)

STATE_SECONDS: Final = 600
FAILURES_TO_BE_DOWN: Final = 3


def state_key(endpoint: Endpoint) -> str:
    """Return the key of the endpoint's state."""
    return f"csbot:provider:{endpoint.name}"


class ProviderStates:
    """Notes failures and recoveries of one process's calls; writes only where something changes."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client
        self._known_good: set[str] = set()

    async def note_failure(self, endpoint: Endpoint, error: LLMError) -> None:
        """Count a failure in a row, with its kind."""
        key = state_key(endpoint)
        self._known_good.discard(key)
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hincrby(key, "failures", 1)
        pipeline.hset(key, "kind", error.kind.value)
        pipeline.expire(key, STATE_SECONDS)
        try:
            await pipeline.execute()
        except RedisError as failure:
            logger.warning("provider state not noted: %s", type(failure).__name__)

    async def note_success(self, endpoint: Endpoint) -> None:
        """End a row of failures."""
        key = state_key(endpoint)
        if key in self._known_good:
            return
        self._known_good.add(key)
        try:
            await self._client.delete(key)
        except RedisError as failure:
            logger.warning("provider state not noted: %s", type(failure).__name__)


def provider_trouble(client: Redis, endpoints: Sequence[Endpoint]) -> str:
    """Return what is wrong with every one of the endpoints, or "" where at least one may answer."""
    if not endpoints:
        return "no provider is configured"
    troubles = []
    for endpoint in endpoints:
        failures, kind = (_text(value) for value in client.hmget(state_key(endpoint), "failures", "kind"))
        if int(failures or 0) < FAILURES_TO_BE_DOWN:
            return ""
        troubles.append(f"{endpoint.name}: {kind}")
    return "; ".join(troubles)


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
