"""`/healthz` (this process runs) and `/readyz` (a message can be answered): for machines that start and watch csbot."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

from conversations.database import persistently
from conversations.gateway.endpoints import provider_names
from conversations.models import Site
from conversations.redis import loop_client

logger = logging.getLogger(__name__)

OK: Final = "ok"
ANSWER_SECONDS: Final = 3.0
FAILURES_IN_A_ROW: Final = 3


async def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that the process runs; asks nobody."""
    return HttpResponse("ok", content_type="text/plain", headers={"Cache-Control": "no-store"})


async def readyz(_request: HttpRequest) -> JsonResponse:
    """Say of each part "ok" or what is wrong; 503 unless all are."""
    names = ("database", "redis", "worker", "provider")
    states = await asyncio.gather(*map(_state, (_database(), _redis(), _worker(), _provider())))
    status = 200 if all(state == OK for state in states) else 503
    return JsonResponse(dict(zip(names, states, strict=True)), status=status, headers={"Cache-Control": "no-store"})


async def _state(check: Awaitable[str]) -> str:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await check
    except TimeoutError:
        return f"no answer within {ANSWER_SECONDS:g} s"
    except (DatabaseError, RedisError, OSError) as error:
        # The error's own words may hold addresses.
        return f"not reachable ({type(error).__name__})"


async def _database() -> str:
    has_site = await persistently(Site.objects.exists)
    return OK if has_site else "no site yet: run `manage.py prepare`"


async def _redis() -> str:
    await loop_client().ping()
    return OK


async def _worker() -> str:
    async for _key in loop_client().scan_iter(match="csbot:worker:*", count=1000):
        return OK
    return "no worker runs"


async def _provider() -> str:
    names = await persistently(provider_names)
    if not names:
        return "no provider is set: give DEEPSEEK_API_KEY or OPENAI_API_KEY"
    troubles = [trouble for name in names if (trouble := await _provider_trouble(name))]
    return "; ".join(troubles) if len(troubles) == len(names) else OK


async def _provider_trouble(name: str) -> str:
    """Return what is wrong with a provider; "" where it answers, as far as anybody knows."""
    failures, kind = await loop_client().hmget(f"csbot:provider:{name}", ["failures", "kind"])
    if failures is None or int(failures) < FAILURES_IN_A_ROW:
        return ""
    return f"{name}: {int(failures)} failures in a row, last {_text(kind)}"


def _text(value: bytes | str | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
