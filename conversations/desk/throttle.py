"""How often somebody may try to sign in: per account and subnet strictly, per account and per subnet loosely.

Never per account alone with a low limit: then anybody could lock a colleague out. Counted in Redis for all processes,
in this process alone while Redis is away. CSBOT_RATE_LIMIT_SCALE does not loosen it: it is no visitor's limit.
"""

import logging
from functools import cache
from typing import Final

from django.http import HttpRequest
from redis.exceptions import RedisError

from conversations.limits import (
    SPEND,
    Charge,
    Limit,
    LocalBuckets,
    client_address,
    script_arguments,
    secret_key,
    subnet,
)
from conversations.redis import redis_client

logger = logging.getLogger(__name__)

ACCOUNT_IN_SUBNET: Final = Limit("login-pair", capacity=6, per_second=1 / 60)
ACCOUNT: Final = Limit("login-account", capacity=100, per_second=1 / 10)
SUBNET: Final = Limit("login-subnet", capacity=100, per_second=1 / 2)


@cache
def local_buckets() -> LocalBuckets:
    """Return this process's buckets for sign-ins."""
    return LocalBuckets()


def may_try(request: HttpRequest, *, username: str) -> bool:
    """Count an attempt to sign in, and say whether it may be made."""
    charges = _charges(request, username=username)
    is_allowed = _wait(charges) == 0
    if not is_allowed:
        logger.warning("sign-in throttled: account %s from %s", charges[1].key, charges[2].key)
    return is_allowed


def forgive(request: HttpRequest, *, username: str) -> None:
    """Forget the attempts that led to a successful sign-in, so that mistyping twice a day adds up to nothing."""
    pair = _charges(request, username=username)[0]
    local_buckets().buckets.pop(pair.redis_key, None)
    try:
        redis_client().delete(pair.redis_key)
    except RedisError as error:
        logger.warning("sign-in not forgiven (%s)", type(error).__name__)


def _charges(request: HttpRequest, *, username: str) -> tuple[Charge, Charge, Charge]:
    # Hashed: people type passwords into the name's field, and keys and logs are not the place for them.
    account = secret_key(username.strip().casefold())
    forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "")
    network = subnet(client_address(request.META.get("REMOTE_ADDR"), forwarded_for=forwarded_for))
    return (
        Charge(ACCOUNT_IN_SUBNET, f"{account}:{network}"),
        Charge(ACCOUNT, account),
        Charge(SUBNET, network),
    )


def _wait(charges: tuple[Charge, ...]) -> float:
    keys = [charge.redis_key for charge in charges]
    try:
        waits_ms: list[int] = redis_client().register_script(SPEND)(keys=keys, args=list(script_arguments(charges)))
    except RedisError as error:
        logger.warning("sign-in counted in this process (%s)", type(error).__name__)
        return local_buckets().spend(*charges)
    return waits_ms[0] / 1000
