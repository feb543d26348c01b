"""Which examples an answer was made with, those most like the question first: they are what it most likely follows."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from conversations.playbook.content import ExampleEntry, Playbook
from conversations.playbook.nearest import GramIndex

KEPT_PLAYBOOKS: Final = 4


@dataclass(frozen=True, slots=True)
class UsedExample:
    """An example that was in the prompt, and how much it is like the question (0-1)."""

    example: ExampleEntry
    similarity: float


def used_examples(playbook: Playbook, question: str, *, chosen: Collection[object]) -> list[UsedExample]:
    """Return the examples of a prompt: all pinned ones, and the unpinned ones whose ids were `chosen`."""
    scores = index_of(playbook).similarities(question)
    used = [
        UsedExample(example, float(score))
        for example, score in zip(playbook.examples, scores, strict=True)
        if example.is_pinned or (example.id is not None and example.id in chosen)
    ]
    return sorted(used, key=lambda each: -each.similarity)


@lru_cache(maxsize=KEPT_PLAYBOOKS)
def index_of(playbook: Playbook) -> GramIndex:
    """Return the index of a playbook's examples, made once per playbook."""
    return GramIndex([example.customer_text for example in playbook.examples])
