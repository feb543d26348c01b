"""A model of DeepSeek's prefix cache: what share of a prompt the provider would not compute again.

As the provider describes it: a hit needs a stored unit that is wholly a prefix of the prompt; units are stored at the
end of the user's input, at the end of the answer, and where a prefix is seen to be shared with an earlier request. So
of requests that share an opening, the third is the first that can hit.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from conversations.llm.requests import ChatMessage
from conversations.llm.tokens import TOKENS_PER_MESSAGE, estimate_tokens

# How often a shared prefix is looked for within one long message.
INTERVAL_CHARS = 1000
KEPT = 50_000

Place = tuple[bytes, int]


class PrefixCache:
    """Remembers prefixes, the least recently used ones forgotten first."""

    def __init__(self) -> None:
        self._units: OrderedDict[bytes, None] = OrderedDict()
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def look_up(self, messages: Sequence[ChatMessage], *, user: str) -> tuple[int, int]:
        """Return how many tokens the prompt has and how many of them were cached; then remember the prompt."""
        places = list(checkpoints(messages, user=user))
        cached = longest(places, self._units)
        shared = next((key for key, _ in reversed(places) if key in self._seen), None)
        if shared:
            remember(self._units, shared)
        for key, _ in places:
            remember(self._seen, key)
        remember(self._units, places[-1][0])
        return places[-1][1], cached

    def add_answer(self, messages: Sequence[ChatMessage], *, answer: str, user: str) -> None:
        """Remember the prompt with its answer: the beginning of the conversation's next prompt."""
        *_, (key, _) = checkpoints((*messages, ChatMessage("assistant", answer)), user=user)
        remember(self._units, key)


def checkpoints(messages: Sequence[ChatMessage], *, user: str) -> Iterator[Place]:
    """Yield the places at which prefixes are told apart: a digest of all before, and how many tokens that is."""
    digest = hashlib.blake2b(user.encode(), digest_size=16)
    tokens = 0
    for message in messages:
        digest.update(f"\0{message.role}\0".encode())
        content = message.content
        for start in range(0, max(len(content), 1), INTERVAL_CHARS):
            part = content[start : start + INTERVAL_CHARS]
            digest.update(part.encode("utf-8", "surrogatepass"))
            tokens += estimate_tokens(part)
            if start + INTERVAL_CHARS < len(content):
                yield digest.digest(), tokens
        tokens += TOKENS_PER_MESSAGE
        digest.update(b"\0")
        yield digest.digest(), tokens


def longest(places: Sequence[Place], units: OrderedDict[bytes, None]) -> int:
    """Return the tokens of the longest prefix that is stored, which is used and so kept longer."""
    for key, tokens in reversed(places):
        if key in units:
            units.move_to_end(key)
            return tokens
    return 0


def remember(keys: OrderedDict[bytes, None], key: bytes) -> None:
    """Put a key last; forget the first where there are too many."""
    keys[key] = None
    keys.move_to_end(key)
    if len(keys) > KEPT:
        keys.popitem(last=False)
