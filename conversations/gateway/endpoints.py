"""Who may answer, for pages that only want to know that: whether it is the simulator, and which providers there are."""

import asyncio
import time
from typing import Final

from django.conf import settings

from conversations.database import persistently
from conversations.gateway.catalog import Catalog
from conversations.gateway.reading import current_catalog, known_catalog

LOOK_SECONDS: Final = 1.0


def is_simulated() -> bool:
    """Say whether customers get the simulator's answers, which every page must say plainly.

    Asks the database, except on an event loop: there it says what this process learnt last.
    """
    catalog = known_catalog() if _is_on_loop() else current_catalog()
    if catalog is None or not catalog.candidates:
        return not (settings.DEEPSEEK_API_KEYS or settings.OPENAI_API_KEYS)
    return catalog.is_simulated


class _Look:
    """When this process last asked whether other models answer now."""

    at = float("-inf")


async def look_at_catalog() -> None:
    """See to it that `is_simulated` on this loop is at most a second old."""
    if time.monotonic() - _Look.at > LOOK_SECONDS:
        _Look.at = time.monotonic()
        await persistently(current_catalog)


def provider_names() -> tuple[str, ...]:
    """Return the providers that may answer. Asks the database."""
    catalog: Catalog = current_catalog()
    return catalog.provider_names


def _is_on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
