"""Importing and exporting examples: a dry run names every bad row; an import takes all rows at once or none.

The dry run and the import read the same rows in the same way; the import does it again behind a lock on the examples,
so that nobody's change in between is lost.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from django.db import connection, transaction
from django.utils.translation import gettext as _

from conversations.playbook.audit import Actor, differences, entry_of, fields_of, record
from conversations.playbook.exchange_columns import exported
from conversations.playbook.exchange_files import RawRow, format_of, read_file, write_file
from conversations.playbook.exchange_rows import Known, Line, Problem, named, read_row
from conversations.playbook.models import (
    AuditEntry,
    Example,
    ExampleImport,
    Fact,
    FileFormat,
    Intent,
    Verb,
)
from conversations.playbook.similar import Likenesses, compare
from conversations.text.checks import UNSTORABLE

STEP: Final = 10
MAX_NAME_CHARS: Final = 200
BATCH: Final = 500
WRITTEN: Final = (
    "customer_text", "intent", "response", "action_required", "escalate", "locale",
    "tags", "is_pinned", "position", "is_on", "note",
)  # fmt: skip


class RefusedError(Exception):
    """The import was not done; nothing was written. The text says why, for people."""


@dataclass(frozen=True)
class Plan:
    """What an import would do."""

    lines: Sequence[Line]
    others: Sequence[Example]
    """Examples in use that the file doesn't mention."""

    @cached_property
    def good(self) -> list[Line]:
        """The rows that would do something."""
        return [line for line in self.lines if not line.problems and line.is_changed]

    @property
    def new(self) -> list[Line]:
        """The rows that would become new examples."""
        return [line for line in self.good if not line.before]

    @property
    def changed(self) -> list[Line]:
        """The rows that would change an example."""
        return [line for line in self.good if line.before]

    @cached_property
    def bad(self) -> list[Line]:
        """The rows with which something is wrong."""
        return [line for line in self.lines if line.problems]


class Compared(NamedTuple):
    """An example as it is compared with others, and where it stands."""

    customer_text: str
    intent: str
    action_required: bool
    escalate: bool
    row: int | None
    example_id: int | None


def upload(name: str, data: bytes, *, by: Actor, is_masking: bool) -> tuple[ExampleImport, tuple[str, ...]]:
    """Keep a file's rows for a dry run; return them with the columns nobody knows. Raises FileError."""
    file_format = format_of(name)
    table = read_file(data, file_format)
    kept = ExampleImport.objects.create(
        file_name=UNSTORABLE.sub("", name.rpartition("/")[2])[-MAX_NAME_CHARS:],
        file_format=file_format,
        rows=[_storable(row) for row in table.rows],
        author_id=by.pk if by else None,
        is_masking=is_masking,
    )
    return kept, table.unknown


def _storable(row: RawRow) -> tuple[int, Mapping[str, str], str]:
    """Return a row as JSON in PostgreSQL can hold it; one that it can't hold is bad."""
    if any(UNSTORABLE.search(value) for value in row.values.values()):
        return row.number, {}, "characters"
    return row.number, row.values, row.problem


def plan(kept: ExampleImport) -> Plan:
    """Return what importing these rows would do now."""
    rows = [RawRow(number, values, problem) for number, values, problem in kept.rows]
    examples = {example.pk: example for example in Example.objects.select_related("intent")}
    known = Known(
        intents=named(list(Intent.objects.all())),
        examples=examples,
        facts=[text for both in Fact.objects.values_list("text_th", "text_en") for text in both],
        is_masking=kept.is_masking,
    )
    lines = [read_row(row, known) for row in rows]
    _name_repeated_ids(lines)
    mentioned = {line.example.pk for line in lines if line.example.pk}
    others = [example for example in examples.values() if example.pk not in mentioned]
    _settle_same_words(lines, others)
    _place_last(lines, last=max((example.position for example in examples.values()), default=0))
    return Plan(lines, [example for example in others if example.is_on])


def _name_repeated_ids(lines: Iterable[Line]) -> None:
    first: dict[int, int] = {}
    for line in lines:
        if not line.example.pk:
            continue
        before = first.setdefault(line.example.pk, line.raw.number)
        if before != line.raw.number:
            line.problems.append(("id", _("Row %(row)d has the same id.") % {"row": before}))


def _settle_same_words(lines: Iterable[Line], others: Iterable[Example]) -> None:
    """Find rows that say what another example in use says: the very same is there already, anything else is wrong."""
    owners: dict[str, Example | int] = {example.customer_text.strip(): example for example in others if example.is_on}
    for line in lines:
        if line.problems or not line.example.is_on:
            continue
        owner = owners.setdefault(line.example.customer_text, line.raw.number)
        if isinstance(owner, int):
            if owner != line.raw.number:
                line.problems.append(_same_words(_("row %(row)d") % {"row": owner}))
        elif not line.before and _says_the_same(line.example, owner):
            line.example, line.before = owner, fields_of(owner)
        else:
            line.problems.append(_same_words(_("example %(id)d") % {"id": owner.pk}))


def _same_words(other: str) -> Problem:
    return "customer_text", _("The same words as %(other)s.") % {"other": other}


def _says_the_same(one: Example, other: Example) -> bool:
    fields = ("response", "intent_id", "action_required", "escalate", "locale")
    return all(getattr(one, field) == getattr(other, field) for field in fields)


def _place_last(lines: Iterable[Line], *, last: int) -> None:
    """Put new examples without a position of their own behind all others, in the order of the file."""
    for line in lines:
        if not line.before and not line.raw.values.get("position", "").strip():
            last += STEP
            line.example.position = last


def likenesses(planned: Plan) -> tuple[Sequence[Compared], Likenesses]:
    """Return what the file's rows are much like: each other, and examples in use. Takes seconds for thousands."""
    rows = [line for line in planned.lines if not line.problems and line.example.is_on]
    compared = [
        *(_compared(line.example, row=line.raw.number) for line in rows),
        *(_compared(example, row=None) for example in planned.others),
    ]
    found = compare(compared)
    new = len(rows)
    return compared, Likenesses(
        duplicates=tuple(pair for pair in found.duplicates if pair.first < new),
        contradictions=tuple(pair for pair in found.contradictions if pair.first < new),
    )


def _compared(example: Example, *, row: int | None) -> Compared:
    flags = {"action_required": example.action_required, "escalate": example.escalate}
    return Compared(example.customer_text, example.intent.key, row=row, example_id=example.pk, **flags)


@transaction.atomic
def apply(import_id: int, *, by: Actor, without: Collection[int] = ()) -> Mapping[str, int]:
    """Import the rows, all of them or none; return how many examples are new, changed, and were there already.

    `without`: the numbers of bad rows that the person saw and chose to leave out. Raises RefusedError if any other row
    is bad, or if the file is not there any more.
    """
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE conversations_example IN SHARE ROW EXCLUSIVE MODE")
    kept = ExampleImport.objects.select_for_update().filter(pk=import_id).first()
    if kept is None:
        raise RefusedError(_("This file was imported already, or is too old. Upload it again."))
    planned = plan(kept)
    if any(line.raw.number not in without for line in planned.bad):
        raise RefusedError(_("Rows are bad, so nothing was imported. Look at them again."))
    done = {"new": len(planned.new), "changed": len(planned.changed)}
    _write(planned, by=by)
    changes = {name: (None, count) for name, count in {**done, "left out": len(planned.bad)}.items() if count}
    record(by, Verb.IMPORT, Example, changes=changes, reason=kept.file_name)
    kept.delete()
    return done | {"same": len(planned.lines) - len(planned.bad) - sum(done.values()), "bad": len(planned.bad)}


def _write(planned: Plan, *, by: Actor) -> None:
    new, changed = planned.new, planned.changed
    Example.objects.bulk_create([line.example for line in new], batch_size=BATCH)
    Example.objects.bulk_update([line.example for line in changed], WRITTEN, batch_size=BATCH)
    entries = [
        entry_of(by, Verb.IMPORT, line.example, changes=differences(line.before, fields_of(line.example)))
        for line in (*new, *changed)
    ]
    AuditEntry.objects.bulk_create(entries, batch_size=BATCH)


def export(file_format: FileFormat) -> bytes:
    """Return all examples as a file that can be changed and imported again."""
    return write_file(exported(Example.objects.select_related("intent").order_by("position", "pk")), file_format)


def problem_rows(planned: Plan) -> Iterator[tuple[int, str, str, str]]:
    """Yield what is wrong, one line for each problem: row, column, what, and what stands there."""
    for line in planned.bad:
        for column, text in line.problems:
            yield line.raw.number, column, str(text), line.raw.values.get(column, "")


def counts(planned: Plan) -> Counter[str]:
    """Return how many rows would do what."""
    found = Counter(new=len(planned.new), changed=len(planned.changed), bad=len(planned.bad))
    found["same"] = len(planned.lines) - found.total()
    found["masked"] = sum(line.is_masked for line in planned.lines if not line.problems)
    return found
