"""What the simulated model writes, before it is cut into pieces: the answer as text, reasoning, and how it ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle

import orjson

from conversations.llm.simulator.knowledge import RESPONSE, Envelope

# Code points a piece: about 2.4 on average, as tokens of Thai are; they do not respect graphemes, and neither do these.
PIECE_CHARS = (2, 3, 1, 4, 2, 3, 1, 2, 5, 1)
THOUGHT = "The customer's question is compared with the examples in the prompt. "


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer that is about to be sent. `piece_chars` says how it is cut."""

    envelope: Envelope
    text: str
    reasoning: str = ""
    finish_reason: str = "stop"
    refusal: str = ""
    piece_chars: tuple[int, ...] = PIECE_CHARS

    @property
    def pieces(self) -> list[str]:
        """The answer's text, piece by piece: one is one token."""
        return list(cut(self.text, self.piece_chars))

    @property
    def thoughts(self) -> list[str]:
        """The reasoning, piece by piece."""
        return list(cut(self.reasoning, PIECE_CHARS))


Rewrite = Callable[[Draft], Draft]


def draft_of(envelope: Envelope, *, is_thinking: bool) -> Draft:
    """Return an answer as a model that works writes it."""
    return Draft(envelope=envelope, text=dump(envelope), reasoning=THOUGHT if is_thinking else "")


def limited(draft: Draft, *, max_tokens: int) -> Draft:
    """Return what is left of an answer within the caller's limit; reasoning counts, as it does at DeepSeek."""
    thoughts, pieces = draft.thoughts, draft.pieces
    if len(thoughts) + len(pieces) <= max_tokens:
        return draft
    left = max(max_tokens - len(thoughts), 0)
    return replace(draft, reasoning="".join(thoughts[:max_tokens]), text="".join(pieces[:left]), finish_reason="length")


def dump(envelope: Envelope) -> str:
    """Return an envelope as compact JSON in its own key order."""
    return orjson.dumps(envelope).decode()


def cut(text: str, sizes: tuple[int, ...]) -> Iterator[str]:
    """Yield the text in pieces of these sizes, again and again."""
    at = 0
    for size in cycle(sizes):
        if at >= len(text):
            return
        yield text[at : at + size]
        at += size


def with_response(draft: Draft, response: object) -> Draft:
    """Return the answer with another response."""
    envelope = draft.envelope | {RESPONSE: response}
    return replace(draft, envelope=envelope, text=dump(envelope))
