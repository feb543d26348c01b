"""The data card of an export: what is in it, what was left out and why, whose terms apply, and its hashes. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from conversations.answers.student.export.choosing import Chosen
from conversations.answers.student.export.terms import Terms
from conversations.answers.student.export.writing import File, Kitchen, counts_of

FORMAT: Final = 1
TITLE: Final = "Approved turns for distillation"
NOTES: Final = (
    "Phone numbers, cards, e-mail addresses, national ids, accounts, addresses, secrets, order numbers and the "
    "customers' names as the shop knows them were replaced by marks such as [phone]. Other names have no form that a "
    "rule could find: look through the rows before they leave the house.",
    "Questions of evaluations, and what nearly asks the same, are not in here.",
    "A customer's turns are all in one split, and no question of the validation split is in the other.",
    "The rows follow from what the shop's database holds now. When a customer asks to be erased, erase them there, "
    "make the export again, and delete this one and the models trained on it.",
)


def card_of(chosen: Chosen, files: Sequence[File], kitchen: Kitchen, *, terms: Mapping[str, Terms]) -> dict[str, Any]:
    """Return the card as JSON values."""
    used = {turn.provider for turns in chosen.turns.values() for turn in turns if turn.provider}
    return {
        "format": FORMAT,
        "release": kitchen.playbook.number,
        "playbook": kitchen.playbook.version,
        "playbook_without_examples": kitchen.bare.version,
        "files": [{"name": file.name, "rows": file.rows, "sha256": file.digest} for file in files],
        "turns": {split.value: counts_of(turns) for split, turns in chosen.turns.items()},
        "left_out": {reason.value: count for reason, count in sorted(chosen.left_out.items()) if count},
        "terms": {name: found.to_json() for name, found in sorted(terms.items())},
        "teachers": sorted(used),
        "hash": hash_of(files),
    }


def hash_of(files: Iterable[File]) -> str:
    """Return one hash of all files."""
    lines = sorted(f"{file.digest}  {file.name}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def readme_of(card: Mapping[str, Any]) -> str:
    """Return the card as Markdown, with the head that dataset hubs read."""
    parts = [
        head_of(card),
        f"# {TITLE}",
        f"Release {card['release']}, playbook {card['playbook']}. Hash of all files: `{card['hash']}`.",
        table(("File", "Rows", "SHA-256"), [(each["name"], each["rows"], each["sha256"]) for each in card["files"]]),
    ]
    for split, counts in card["turns"].items():
        parts += [f"## {split}", *(counted(name, found) for name, found in counts.items())]
    parts += ["## Left out", table(("Reason", "Turns"), list(card["left_out"].items()))]
    parts += ["## Teachers and their terms", *(terms_line(name, told) for name, told in card["terms"].items())]
    return "\n\n".join([*parts, "## What to know", *NOTES]) + "\n"


def head_of(card: Mapping[str, Any]) -> str:
    """Return the head that `datasets` reads: which files are which configuration and split."""
    kinds: dict[str, list[str]] = {}
    for file in card["files"]:
        kind, split, _ending = file["name"].split(".")
        if file["rows"]:
            kinds.setdefault(kind, []).append(f"      - split: {split}\n        path: {file['name']}")
    configurations = [f"  - config_name: {kind}\n    data_files:\n" + "\n".join(kinds[kind]) for kind in sorted(kinds)]
    lines = ("---", "language: [th, en]", "task_categories: [text-generation]", "license: other", "configs:")
    return "\n".join([*lines, *configurations, "---"])


def counted(name: str, counts: Mapping[str, int]) -> str:
    """Return a small table of counts."""
    return table((name, "turns"), list(counts.items()))


def terms_line(name: str, terms: Mapping[str, Any]) -> str:
    """Return what a provider's terms say, in one paragraph."""
    decision = " The operator decided to use it." if terms["is_own_decision"] else ""
    source = f" Read {terms['read']}: {terms['url']}" if terms["url"] else ""
    return f"**{cell(name)}** ({terms['name']}): training {terms['training']}. {terms['words']}{decision}{source}"


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell(value) for value in line)} |" for line in lines)


def cell(value: object) -> str:
    """Return a value so that it stays within its cell."""
    return " ".join(str(value).split()).replace("|", "\\|")
