"""What differs between two playbooks, entry by entry and field by field, in the order in which people read it. Pure."""

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from conversations.playbook.content import ExampleEntry, FactEntry, IntentEntry, Playbook, ProfileEntry

Entry = ProfileEntry | IntentEntry | FactEntry | ExampleEntry
UNTOLD: Final = frozenset({"id"})


class Part(StrEnum):
    """A part of a playbook."""

    INSTRUCTION = "instruction"
    PROFILE = "profile"
    INTENT = "intent"
    FACT = "fact"
    EXAMPLE = "example"


class ChangeKind(StrEnum):
    """What happened to an entry."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What a field was and is; None where the entry was not or is no more."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One entry that differs. `id` is an example's in the draft, where it is known."""

    part: Part
    kind: ChangeKind
    name: str
    fields: tuple[FieldChange, ...] = ()
    id: int | None = None


def diff(old: Playbook, new: Playbook) -> tuple[Change, ...]:
    """Return what makes `new` another playbook than `old`; nothing where they say the same."""
    return (
        *instruction_changes(old, new),
        *entry_changes(Part.FACT, old.facts, new.facts),
        *entry_changes(Part.INTENT, old.intents, new.intents),
        *entry_changes(Part.EXAMPLE, old.examples, new.examples),
        *entry_changes(Part.PROFILE, old.profiles, new.profiles),
    )


def instruction_changes(old: Playbook, new: Playbook) -> Iterator[Change]:
    """Yield the change of the instruction and of the usual profile, if there is one."""
    fields = (("text", old.instruction, new.instruction), ("profile", old.profile, new.profile))
    changed = tuple(FieldChange(*each) for each in fields if each[1] != each[2])
    if changed:
        yield Change(Part.INSTRUCTION, ChangeKind.CHANGED, name="", fields=changed)


def entry_changes(part: Part, old: Sequence[Entry], new: Sequence[Entry]) -> Iterator[Change]:
    """Yield what was removed, then what was added, changed or moved, in the order of the new entries."""
    pairs = matched(old, new)
    kept = {before for before in pairs if before is not None}
    for number, entry in enumerate(old):
        if number not in kept:
            yield Change(part, ChangeKind.REMOVED, name_of(entry), fields_of(entry, None), id=id_of(entry))
    moved = moved_of(pairs)
    for number, (before, entry) in enumerate(zip(pairs, new, strict=True)):
        if before is None:
            yield Change(part, ChangeKind.ADDED, name_of(entry), fields_of(None, entry), id=id_of(entry))
        elif old[before] != entry:
            yield Change(part, ChangeKind.CHANGED, name_of(entry), fields_of(old[before], entry), id=id_of(entry))
        elif number in moved:
            yield Change(part, ChangeKind.MOVED, name_of(entry), id=id_of(entry))


def matched(old: Sequence[Entry], new: Sequence[Entry]) -> list[int | None]:
    """Return, for each new entry, the number of the old one that it is: by its id, else by its name; each once."""
    by_id = {id_of(entry): number for number, entry in enumerate(old) if id_of(entry) is not None}
    found = [by_id.get(id_of(entry)) if id_of(entry) is not None else None for entry in new]
    taken = {number for number in found if number is not None}
    by_name: dict[Hashable, list[int]] = {}
    for number in reversed(range(len(old))):
        if number not in taken:
            by_name.setdefault(name_of(old[number]), []).append(number)
    for place, entry in enumerate(new):
        free = by_name.get(name_of(entry))
        if found[place] is None and free:
            found[place] = free.pop()
    return found


def moved_of(pairs: Sequence[int | None]) -> set[int]:
    """Return which entries left their place: those outside a longest run that keeps the old order."""
    tails: list[int] = []
    ends: list[int] = []
    previous: dict[int, int | None] = {}
    for place, before in enumerate(pairs):
        if before is None:
            continue
        at = bisect_left(tails, before)
        previous[place] = ends[at - 1] if at else None
        tails[at:] = [before, *tails[at + 1 :]]
        ends[at:] = [place, *ends[at + 1 :]]
    stays = set()
    last = ends[-1] if ends else None
    while last is not None:
        stays.add(last)
        last = previous[last]
    return {place for place, before in enumerate(pairs) if before is not None} - stays


def fields_of(old: Entry | None, new: Entry | None) -> tuple[FieldChange, ...]:
    """Return the fields that differ; all that say something, where one of both is not there."""
    before, after = (asdict(entry) if entry else {} for entry in (old, new))
    names = [name for name in (after or before) if name not in UNTOLD]
    changes = (FieldChange(name, before.get(name), after.get(name)) for name in names)
    return tuple(change for change in changes if change.old != change.new)


def name_of(entry: Entry) -> str:
    """Return what people know the entry by."""
    match entry:
        case ExampleEntry():
            return entry.customer_text
        case FactEntry():
            return entry.title
        case _:
            return entry.key


def id_of(entry: Entry) -> int | None:
    """Return the row in the draft that an example comes from."""
    return entry.id if isinstance(entry, ExampleEntry) else None
