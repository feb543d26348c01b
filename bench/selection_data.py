"""Real questions with their intents, and playbooks made of them, for `selection`."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conversations.playbook.content import ExampleEntry, IntentEntry, Playbook, make_playbook

HELD_OUT: Final = 5
"""Every fifth question is asked, the others are examples."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its true intent."""

    text: str
    intent: str


@dataclass(frozen=True, slots=True)
class Questions:
    """A set of questions: `pool` may be examples, `asked` are others. No text is in both."""

    name: str
    pool: Sequence[Asked]
    asked: Sequence[Asked]

    def some_of_each(self, count: int) -> list[Asked]:
        """Return `count` of the pool's questions of each intent (all, where there are fewer), in their order."""
        taken: dict[str, int] = {}
        return [each for each in self.pool if self._take(each, taken, count)]

    def _take(self, each: Asked, taken: dict[str, int], count: int) -> bool:
        taken[each.intent] = taken.get(each.intent, 0) + 1
        return taken[each.intent] <= count


def read_questions(path: Path, *, columns: Sequence[str], most: int) -> Questions:
    """Read a file of labelled questions (rows are shuffled already); repeats of a text are left out."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["text"]: "/".join(row[column] for column in columns) for row in csv.DictReader(file)}
    every = [Asked(text, intent) for text, intent in rows.items()]
    asked = [each for number, each in enumerate(every) if number % HELD_OUT == 0]
    pool = [each for number, each in enumerate(every) if number % HELD_OUT]
    return Questions(path.stem, pool, asked[:most])


def playbook_of(questions: Questions, *, pinned: Sequence[Asked], further: Sequence[Asked]) -> Playbook:
    """Return a playbook of these examples. What it answers is of no matter; each intent has an answer of its own."""
    intents = sorted({each.intent for each in questions.pool})
    return make_playbook(
        "Answer the customer's question.",
        intents=tuple(IntentEntry(intent, intent, intent, intent, "") for intent in intents),
        facts=(),
        examples=(*examples(pinned, is_pinned=True), *examples(further, is_pinned=False)),
    )


def examples(asked: Sequence[Asked], *, is_pinned: bool) -> Iterator[ExampleEntry]:
    """Yield questions as examples."""
    for number, each in enumerate(asked):
        answer = f"This is about {each.intent.replace('_', ' ')}. Our staff have written what to do on the help page."
        yield ExampleEntry(
            each.text, each.intent, answer, action_required=False, escalate=False, is_pinned=is_pinned, id=number
        )
