"""Differences in words for staff: of two playbooks, and of an entry's history. Templates show what this returns."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from conversations.desk.wording import Mark, Piece, compare
from conversations.playbook.differences import Change, ChangeKind, Part
from conversations.playbook.models import AuditEntry, Example, Fact, Instruction, Intent, Profile, Verb

NAME_CHARS: Final = 90
MODELS: Final[dict[Part, type[Model]]] = {
    Part.INSTRUCTION: Instruction,
    Part.FACT: Fact,
    Part.INTENT: Intent,
    Part.EXAMPLE: Example,
    Part.PROFILE: Profile,
}
KINDS: Final = {
    ChangeKind.ADDED: pgettext_lazy("an entry was", "Added"),
    ChangeKind.REMOVED: pgettext_lazy("an entry was", "Removed"),
    ChangeKind.CHANGED: pgettext_lazy("an entry was", "Changed"),
    ChangeKind.MOVED: pgettext_lazy("an entry was", "Moved"),
}
VERB_KINDS: Final = {Verb.ADD: ChangeKind.ADDED, Verb.DELETE: ChangeKind.REMOVED}
PART_TITLES: Final = {
    Part.INSTRUCTION: gettext_lazy("Instruction"),
    Part.FACT: gettext_lazy("Shop facts"),
    Part.INTENT: gettext_lazy("Intents"),
    Part.EXAMPLE: gettext_lazy("Examples"),
    Part.PROFILE: gettext_lazy("Sampling profiles"),
}
LIVE: Final = "live"


@dataclass(frozen=True, slots=True)
class FieldLine:
    """A field's name, and its old and new words in pieces."""

    title: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One entry that differs, as a page shows it."""

    kind: str
    kind_title: str | Promise
    name: str
    fields: tuple[FieldLine, ...]
    url: str


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """All that differs in one part of the playbook; `more` is the number of those left out."""

    title: str | Promise
    counts: str
    lines: tuple[ChangeLine, ...]
    more: int


@dataclass(frozen=True, slots=True)
class AuditLine:
    """What somebody did, as a page shows it."""

    entry: AuditEntry
    object_title: str
    url: str
    fields: tuple[FieldLine, ...]


def change_groups(changes: Sequence[Change], *, limit: int) -> list[ChangeGroup]:
    """Return the changes by part, at most `limit` of each part in full."""
    groups = []
    for part in Part:
        own = [change for change in changes if change.part == part]
        if own:
            lines = tuple(change_line(change) for change in own[:limit])
            groups.append(ChangeGroup(PART_TITLES[part], counts_of(own), lines, more=max(0, len(own) - limit)))
    return groups


def counts_of(changes: Iterable[Change]) -> str:
    """Return how many were added, removed and so on."""
    counts = Counter(change.kind for change in changes)
    return ", ".join(f"{KINDS[kind]}: {counts[kind]}" for kind in ChangeKind if counts[kind])


def change_line(change: Change) -> ChangeLine:
    """Return a change in words."""
    model = MODELS[change.part]
    told = change.fields
    if change.kind in {ChangeKind.ADDED, ChangeKind.REMOVED}:
        told = tuple(each for each in told if is_telling(model, each.field, each.new if each.old is None else each.old))
    return ChangeLine(
        kind=change.kind,
        kind_title=KINDS[change.kind],
        name=Truncator(change.name).chars(NAME_CHARS),
        fields=tuple(field_line(model, each.field, each.old, each.new) for each in told),
        url="" if change.kind == ChangeKind.REMOVED else entry_url(change),
    )


def is_telling(model: type[Model], field: str, value: object) -> bool:
    """Say whether a field of an entry that is new or gone says anything beyond what is usual."""
    try:
        usual = getattr(model._meta.get_field(field), "default", None)
    except FieldDoesNotExist:
        usual = None
    return value not in (None, "", usual) and value != [] and value != ()


def field_line(model: type[Model], field: str, old: object, new: object) -> FieldLine:
    """Return what a field was and is."""
    return FieldLine(field_title(model, field), compare(words_of(model, field, old), words_of(model, field, new)))


def field_title(model: type[Model], field: str) -> str:
    """Return a field's name as staff know it."""
    if field == LIVE:
        return _("live")
    try:
        return str(getattr(model._meta.get_field(field), "verbose_name", field))
    except FieldDoesNotExist:
        return field


def words_of(model: type[Model], field: str, value: object) -> str:
    """Return a value as staff read it: yes and no, the words of a choice, a list with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return str(choices_of(model, field).get(value, value))


def choices_of(model: type[Model], field: str) -> dict[Any, Any]:
    """Return the words for a field's values, where it has a list of them."""
    try:
        return dict(getattr(model._meta.get_field(field), "flatchoices", ()))
    except FieldDoesNotExist:
        return {}


def entry_url(change: Change) -> str:
    """Return where the entry is edited."""
    if change.id is not None:
        return reverse("admin:conversations_example_change", args=[change.id])
    if change.part == Part.INSTRUCTION:
        return reverse("admin:conversations_instruction_changelist")
    names: dict[Part, Any] = {
        Part.FACT: Fact.objects.filter(title=change.name),
        Part.INTENT: Intent.objects.filter(key=change.name),
        Part.PROFILE: Profile.objects.filter(key=change.name),
    }
    found = names[change.part].first() if change.part in names else None
    return object_url(MODELS[change.part]._meta.model_name or "", found.pk) if found else ""


def audit_lines(entries: Iterable[AuditEntry]) -> list[AuditLine]:
    """Return what was done, in words."""
    return [audit_line(entry) for entry in entries]


def audit_line(entry: AuditEntry) -> AuditLine:
    """Return one deed in words."""
    model = model_of(entry.object_type)
    told = ((field, old, new) for field, (old, new) in entry.changes.items())
    if model is not None and entry.verb in VERB_KINDS:
        told = ((field, old, new) for field, old, new in told if is_telling(model, field, new if old is None else old))
    shown = model or AuditEntry
    return AuditLine(
        entry=entry,
        object_title=str(model._meta.verbose_name) if model else entry.object_type,
        url="" if entry.verb == Verb.DELETE else object_url(entry.object_type, entry.object_id),
        fields=tuple(field_line(shown, field, old, new) for field, old, new in told),
    )


def model_of(name: str) -> type[Model] | None:
    """Return the table that a name stands for; None where it is gone."""
    for label in ("conversations", "auth"):
        try:
            return apps.get_model(label, name)
        except LookupError:
            continue
    return None


def object_url(name: str, pk: object) -> str:
    """Return the page of a thing; "" where it has none."""
    model = model_of(name)
    if model is None or not pk:
        return ""
    try:
        return reverse(f"admin:{model._meta.app_label}_{name}_change", args=[pk])
    except NoReverseMatch:
        return ""


__all__ = ["ChangeGroup", "Mark", "audit_lines", "change_groups", "model_of", "object_url"]
