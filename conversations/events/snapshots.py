"""The text so far of replies in progress, for those who come late: a page reloaded, a second tab, an agent's desk."""

from typing import Final

from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

SNAPSHOT_SECONDS: Final = 180


def snapshot_key(run_id: int) -> str:
    """Return the key under which a run's text so far lies in Redis."""
    return f"csbot:run:{run_id}"


async def read_snapshot(client: AsyncRedis, run_id: int) -> str:
    """Return the visible text so far of a run; "" where it has none yet, or Redis has lost it."""
    try:
        text: bytes | str | None = await client.get(snapshot_key(run_id))
    except RedisError:
        return ""
    return text.decode() if isinstance(text, bytes) else text or ""
