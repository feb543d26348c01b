"""How the providers fared lately, in Redis, for the readiness page. Lost with Redis, and then simply unknown."""

import logging
from typing import Final

from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from conversations.llm.errors import LLMError

logger = logging.getLogger(__name__)

STATE_SECONDS: Final = 600


def state_key(provider: str) -> str:
    """Return the key of a provider's state."""
    return f"csbot:provider:{provider}"


class ProviderStates:
    """Notes failures and recoveries of one process's calls; writes only where something changes."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client
        self._known_good: set[str] = set()

    async def note_failure(self, provider: str, error: LLMError) -> None:
        """Count a failure in a row, with its kind."""
        key = state_key(provider)
        self._known_good.discard(key)
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hincrby(key, "failures", 1)
        pipeline.hset(key, "kind", error.kind.value)
        pipeline.expire(key, STATE_SECONDS)
        try:
            await pipeline.execute()
        except RedisError as failure:
            logger.warning("provider state not noted: %s", type(failure).__name__)

    async def note_success(self, provider: str) -> None:
        """End a row of failures."""
        key = state_key(provider)
        if key in self._known_good:
            return
        self._known_good.add(key)
        try:
            await self._client.delete(key)
        except RedisError as failure:
            logger.warning("provider state not noted: %s", type(failure).__name__)
