"""Letting widgets in: what many of them need to know at the same moment is read together; after a restart all come."""

from collections.abc import Sequence
from typing import Final

from conversations.actions.sessions import Greeted, read_greeted
from conversations.consumers.reading import Client, Standing, read_standing, read_standings
from conversations.database import persistently
from conversations.joining import Joined, one_per_loop

MOST_CLIENTS: Final = 32
"""Each may have missed a page of messages, and all of them lie in memory at once."""


class Greeting:
    """Reads for the widgets of one loop. Made by `loop_greeting`."""

    def __init__(self) -> None:
        self._tokens: Joined[str, Greeted | None] = Joined(self._read_greeted)
        self._clients: Joined[Client, Standing | None] = Joined(self._read_standings, most=MOST_CLIENTS)

    async def whose(self, token: str) -> Greeted | None:
        """Return what a token stands for; None if it isn't valid. Raises django.db.Error."""
        return await self._tokens.ask(token)

    async def standing(self, conversation_id: int, *, after_seq: int) -> Standing | None:
        """Return how the conversation stands for a widget; None if it is gone. Raises django.db.Error."""
        standing = await self._clients.ask(Client(conversation_id, after_seq))
        if standing is not None:
            return standing
        return await persistently(read_standing, conversation_id, after_seq=after_seq)

    async def _read_greeted(self, tokens: Sequence[str]) -> Sequence[Greeted | None]:
        return await persistently(read_greeted, tokens)

    async def _read_standings(self, clients: Sequence[Client]) -> Sequence[Standing | None]:
        return await persistently(read_standings, clients)


@one_per_loop
def loop_greeting() -> Greeting:
    """Return the running loop's greeting."""
    return Greeting()
