"""The files of an export: TRL's `messages` with and without the examples, preference pairs, and the data card.

A row is what csbot itself would have sent, and what should have come back, so that what is learnt is what is asked.
Without the examples is what a student model is served with: not to need them is what it is trained for. The same
turns make the same bytes.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from conversations.answers.student.export.choosing import Chosen, Split, differs
from conversations.answers.student.export.turns import ApprovedTurn
from conversations.llm.requests import ChatMessage
from conversations.playbook.content import Content, Playbook, playbook_of
from conversations.playbook.prompt import build_prompt

ID_CHARS: Final = 16


@dataclass(frozen=True)
class Kitchen:
    """What rows are made with: the playbook that is live, the same without examples, and the history's budget."""

    playbook: Playbook
    bare: Playbook
    budget_tokens: int


@dataclass(frozen=True, slots=True)
class File:
    """A file of an export."""

    name: str
    content: bytes
    rows: int

    @property
    def digest(self) -> str:
        """The content's SHA-256."""
        return hashlib.sha256(self.content).hexdigest()


def make_kitchen(playbook: Playbook, *, budget_tokens: int) -> Kitchen:
    """Return what rows are made with."""
    return Kitchen(playbook, without_examples(playbook), budget_tokens)


def without_examples(playbook: Playbook) -> Playbook:
    """Return the playbook of a release that has no examples."""
    content = Content(
        instruction=playbook.instruction,
        profile=playbook.profile,
        profiles=playbook.profiles,
        intents=playbook.intents,
        facts=playbook.facts,
    )
    return replace(playbook_of(content), number=playbook.number)


def files_of(chosen: Chosen, kitchen: Kitchen, *, with_examples: bool) -> list[File]:
    """Return the files: for each split rows without examples, with them where wanted, and pairs."""
    files = []
    for name, turns in chosen.turns.items():
        files.append(file_of("messages", name, (message_row(turn, kitchen.bare, kitchen) for turn in turns)))
        if with_examples:
            rows = (message_row(turn, kitchen.playbook, kitchen) for turn in turns)
            files.append(file_of("messages_few_shot", name, rows))
        files.append(file_of("preferences", name, preference_rows(turns, kitchen)))
    return files


def file_of(kind: str, split: Split, rows: Iterable[Mapping[str, Any] | None]) -> File:
    """Return the file of some rows; those that couldn't be made are left out."""
    lines = [orjson.dumps(row) for row in rows if row is not None]
    return File(f"{kind}.{split.value}.jsonl", b"".join(line + b"\n" for line in lines), len(lines))


def message_row(turn: ApprovedTurn, playbook: Playbook, kitchen: Kitchen) -> dict[str, Any] | None:
    """Return a row of TRL's conversational format for supervised training."""
    prompt = prompt_of(turn, playbook, kitchen)
    if prompt is None:
        return None
    return with_id({"messages": [*prompt, {"role": "assistant", "content": turn.answer.envelope}]})


def preference_rows(turns: Sequence[ApprovedTurn], kitchen: Kitchen) -> Iterator[dict[str, Any]]:
    """Return rows of TRL's preference format: what a person corrected, and what the bot had said."""
    for turn in turns:
        if turn.rejected is None or not differs(turn.rejected, turn.answer):
            continue
        if (prompt := prompt_of(turn, kitchen.bare, kitchen)) is not None:
            chosen, rejected = (
                [{"role": "assistant", "content": answer.envelope}] for answer in (turn.answer, turn.rejected)
            )
            yield with_id({"prompt": prompt, "chosen": chosen, "rejected": rejected})


def prompt_of(turn: ApprovedTurn, playbook: Playbook, kitchen: Kitchen) -> list[dict[str, str]] | None:
    """Return the prompt that csbot would have sent; None where the answer has another form (worked out)."""
    prompt = build_prompt(playbook, turn.said, locale=turn.locale, budget_tokens=kitchen.budget_tokens, today=turn.on)
    if prompt.calculation is not None:
        return None
    return [plain(message) for message in prompt.messages]


def plain(message: ChatMessage) -> dict[str, str]:
    """Return a message as a row has it."""
    return {"role": message.role, "content": message.content}


def with_id(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with an id that follows from its content."""
    return {"id": hashlib.sha256(orjson.dumps(row)).hexdigest()[:ID_CHARS], **row}


def counts_of(turns: Sequence[ApprovedTurn]) -> dict[str, dict[str, int]]:
    """Return how many turns there are of each intent, approval, language and model."""
    counted = {
        "intent": Counter(turn.answer.intent for turn in turns),
        "approval": Counter(turn.approval.value for turn in turns),
        "language": Counter(turn.locale for turn in turns),
        "teacher": Counter(f"{turn.provider} {turn.model}".strip() or "people" for turn in turns),
    }
    return {name: dict(sorted(counts.items())) for name, counts in counted.items()}
