"""Who has a conversation open in the admin, and who is typing there. In Redis, each entry with its own end of life.

An open page renews its entry with every heartbeat; a browser that vanished is forgotten after ALIVE_SECONDS.
"""

import time
from dataclasses import dataclass
from typing import Final, TypedDict

import orjson
from redis.asyncio import Redis as AsyncRedis

ALIVE_SECONDS: Final = 45
TYPING_SECONDS: Final = 6


class Presence(TypedDict):
    """One colleague in a conversation, as the page shows it; several pages of one person are one entry."""

    user: int
    name: str
    is_typing: bool


@dataclass(frozen=True)
class Page:
    """One open page: `tab` names it, `user` and `name` tell whose it is."""

    tab: str
    user: int
    name: str


def presence_key(conversation_id: int) -> str:
    """Return the Redis key of a conversation's open pages."""
    return f"csbot:presence:{conversation_id}"


async def note_present(client: AsyncRedis, page: Page, *, conversation_id: int, is_typing: bool) -> None:
    """Say that the page shows the conversation, for the next ALIVE_SECONDS. Raises RedisError."""
    now = time.time()
    typing_until = now + TYPING_SECONDS if is_typing else 0
    entry = orjson.dumps([page.user, page.name, now + ALIVE_SECONDS, typing_until])
    key = presence_key(conversation_id)
    async with client.pipeline(transaction=False) as pipeline:
        pipeline.hset(key, page.tab, entry)
        pipeline.expire(key, ALIVE_SECONDS)
        await pipeline.execute()


async def note_absent(client: AsyncRedis, page: Page, *, conversation_id: int) -> None:
    """Say that the page shows the conversation no longer. Raises RedisError."""
    await client.hdel(presence_key(conversation_id), page.tab)


async def read_presence(client: AsyncRedis, *, conversation_id: int) -> list[Presence]:
    """Return who is there now, by name. Raises RedisError."""
    now = time.time()
    people: dict[int, Presence] = {}
    for entry in (await client.hgetall(presence_key(conversation_id))).values():
        user, name, until, typing_until = orjson.loads(entry)
        if until < now:
            continue
        is_typing = typing_until > now or (user in people and people[user]["is_typing"])
        people[user] = {"user": user, "name": name, "is_typing": is_typing}
    return sorted(people.values(), key=lambda person: person["name"])
