"""Redis connections of this process. Everything in Redis may vanish at any time; PostgreSQL is the truth."""

import asyncio
from functools import cache
from weakref import WeakKeyDictionary

from django.conf import settings
from redis import BlockingConnectionPool, Redis
from redis.asyncio import BlockingConnectionPool as AsyncBlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

# redis-py's default pool raises at 100 commands at once; a blocking one waits. No back-off: whoever publishes holds a
# request or a reply, and what is lost here is found again in PostgreSQL.
CONNECTIONS = 16
TIMEOUT_SECONDS = 2.0


@cache
def redis_client() -> Redis:
    """Return the process's client for threads."""
    pool = BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=CONNECTIONS,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
    return Redis(connection_pool=pool)


def new_async_client() -> AsyncRedis:
    """Return a new client for the running loop; an async client must never be used from a second loop."""
    pool = AsyncBlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=CONNECTIONS,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=AsyncRetry(NoBackoff(), 1),
    )
    # From the pool, not with it: so its `aclose` closes the connections too.
    return AsyncRedis.from_pool(pool)


_loop_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncRedis] = WeakKeyDictionary()


def loop_client() -> AsyncRedis:
    """Return the running loop's client."""
    loop = asyncio.get_running_loop()
    if loop not in _loop_clients:
        _loop_clients[loop] = new_async_client()
    return _loop_clients[loop]


def new_subscriber_client() -> AsyncRedis:
    """Return a client for a subscription, which may stay silent for ever: no read timeout, only keep-alives.

    It never reconnects by itself: whoever listens has to know that something may have been missed.
    """
    keep_alive = {} if settings.REDIS_URL.startswith("unix:") else {"socket_keepalive": True}
    return AsyncRedis.from_url(
        settings.REDIS_URL,
        socket_timeout=None,
        socket_connect_timeout=TIMEOUT_SECONDS,
        health_check_interval=10,
        **keep_alive,
    )
