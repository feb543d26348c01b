"""Makes an example of a row of a file, and says in words what is wrong with the row, column by column.

A row with an `id` changes that example: what the file has no column for stays. A row without one is a new example.
No database: what the tables say comes in `Known`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.models import Locale
from conversations.playbook.audit import fields_of
from conversations.playbook.checks import THAI, answer_problem, language_problem, words_problem
from conversations.playbook.exchange_files import RawRow
from conversations.playbook.models import MAX_TEXT_CHARS, Example, Intent
from conversations.playbook.models.entries import MAX_TAG_CHARS
from conversations.playbook.personal import KINDS
from conversations.text.masking import kinds_in, mask

TRUE: Final = frozenset({"true", "1", "yes", "y", "on", "x", "ใช่", "จริง", "เปิด"})
FALSE: Final = frozenset({"false", "0", "no", "n", "off", "ไม่", "ไม่ใช่", "เท็จ", "ปิด"})
LOCALES: Final = {
    "th": Locale.TH, "thai": Locale.TH, "ไทย": Locale.TH, "ภาษาไทย": Locale.TH,
    "en": Locale.EN, "english": Locale.EN, "อังกฤษ": Locale.EN, "ภาษาอังกฤษ": Locale.EN,
}  # fmt: skip
MAX_NOTE_CHARS: Final = 500
MAX_POSITION: Final = 2_000_000_000
MAX_ID: Final = 2**63 - 1
TEXTS: Final = ("customer_text", "response")
FLAGS: Final = ("action_required", "escalate", "is_pinned", "is_on")
UNREADABLE: Final[Mapping[str, Promise]] = {
    "json": _("This line is not a JSON object."),
    "characters": _("It has a character that can't be stored. Please type it again."),
    "cells": _("The row has more cells than there are columns. Is a comma in a text without quotation marks?"),
}
Problem = tuple[str, Promise | str]
"""A column ("" for the whole row), and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the tables say, as far as rows refer to it."""

    intents: Mapping[str, Intent]
    examples: Mapping[int, Example]
    facts: Sequence[str]
    is_masking: bool = False


@dataclass(slots=True)
class Line:
    """A row, the example it makes, and what is wrong with it. `before`: what the example said; empty for a new one."""

    raw: RawRow
    example: Example
    before: Mapping[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    is_masked: bool = False

    @property
    def is_changed(self) -> bool:
        """Whether importing it would change anything."""
        return not self.before or self.before != fields_of(self.example)


def named(intents: Sequence[Intent]) -> dict[str, Intent]:
    """Return the intents under every name that a file may call them by; their keys win."""
    names = {name.strip().lower(): intent for intent in intents for name in (intent.name_th, intent.name_en)}
    return names | {intent.key.lower(): intent for intent in intents}


def read_row(raw: RawRow, known: Known) -> Line:
    """Return what a row makes, with all that is wrong with it."""
    example, problems = _example_of(raw, known)
    line = Line(raw, example, fields_of(example) if example.pk else {}, problems)
    if raw.problem:
        line.problems.append(("", UNREADABLE[raw.problem]))
    if line.problems:
        return line
    for read in READERS:
        line.problems += read(raw.values, example, known)
    if known.is_masking:
        line.is_masked = _mask(example, known)
    else:
        line.problems += _personal(example, known)
    return line


def _example_of(raw: RawRow, known: Known) -> tuple[Example, list[Problem]]:
    """Return the example that a row is about: the one with its id, if nobody changed it since the export."""
    text = raw.values.get("id", "").strip()
    if not text:
        return Example(), []
    number = _number(text)
    example = known.examples.get(number) if number is not None else None
    if example is None:
        return Example(), [("id", _("There is no example with this id. Leave it empty for a new one."))]
    version = raw.values.get("edit_version", "").strip()
    if version and version != str(example.edit_version):
        return example, [("edit_version", _("Somebody changed this example after the file was exported."))]
    return example, []


def _texts(values: Mapping[str, str], example: Example, _known: Known) -> Iterator[Problem]:
    for column in TEXTS:
        if column in values or not example.pk:
            text = values.get(column, "").replace("\r\n", "\n").strip()
            setattr(example, column, text)
            check = answer_problem if column == "response" else words_problem
            if problem := check(text) or _length_problem(text, limit=MAX_TEXT_CHARS):
                yield column, problem


def _length_problem(text: str, *, limit: int) -> str | None:
    return str(_("More than %(count)d characters.") % {"count": limit}) if len(text) > limit else None


def _intent(values: Mapping[str, str], example: Example, known: Known) -> Iterator[Problem]:
    name = values.get("intent", "").strip()
    if name:
        intent = known.intents.get(name.lower())
        if intent is None:
            yield "intent", _("There is no such intent.")
            return
        example.intent = intent
    elif not example.pk:
        yield "intent", _("The intent is missing.")


def _flags(values: Mapping[str, str], example: Example, _known: Known) -> Iterator[Problem]:
    for column in FLAGS:
        text = values.get(column, "").strip().lower()
        if text in TRUE | FALSE:
            setattr(example, column, text in TRUE)
        elif text:
            yield column, _("Write true or false.")


def _locale(values: Mapping[str, str], example: Example, _known: Known) -> Iterator[Problem]:
    text = values.get("locale", "").strip().lower()
    if text and text not in LOCALES:
        yield "locale", _("Write th or en.")
        return
    if text or not example.pk:
        guessed = Locale.TH if THAI.search(example.response) else Locale.EN
        example.locale = LOCALES.get(text, guessed)
    if example.response and (problem := language_problem(example)):
        yield "response", problem


def _others(values: Mapping[str, str], example: Example, _known: Known) -> Iterator[Problem]:
    if "tags" in values:
        example.tags = list(dict.fromkeys(tag.strip() for tag in values["tags"].split(",") if tag.strip()))
        if any(len(tag) > MAX_TAG_CHARS for tag in example.tags):
            yield "tags", str(_("More than %(count)d characters.") % {"count": MAX_TAG_CHARS})
    if "note" in values:
        example.note = values["note"].strip()
        if problem := _length_problem(example.note, limit=MAX_NOTE_CHARS):
            yield "note", problem
    if text := values.get("position", "").strip():
        position = _number(text)
        if position is None or position > MAX_POSITION:
            yield "position", _("Write a whole number.")
        else:
            example.position = position


def _in_use(_values: Mapping[str, str], example: Example, _known: Known) -> Iterator[Problem]:
    if example.is_on and example.intent_id and not example.intent.is_on:
        yield "intent", _("This intent is switched off, so the example would not be used. Choose another one.")


READERS: Final[Sequence[Callable[[Mapping[str, str], Example, Known], Iterator[Problem]]]] = (
    _texts,
    _intent,
    _flags,
    _locale,
    _others,
    _in_use,
)


def _personal(example: Example, known: Known) -> Iterator[Problem]:
    for column in TEXTS:
        for kind in kinds_in(getattr(example, column), public=known.facts):
            yield column, str(_("It seems to hold %(what)s. Please make one up.") % {"what": KINDS[kind]})


def _mask(example: Example, known: Known) -> bool:
    """Put marks in place of personal data; say whether there was any."""
    before = [getattr(example, column) for column in TEXTS]
    for column in TEXTS:
        setattr(example, column, mask(getattr(example, column), public=known.facts))
    return before != [getattr(example, column) for column in TEXTS]


def _number(text: str) -> int | None:
    text = text.removesuffix(".0")
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MAX_ID)):
        return None
    return int(text)
