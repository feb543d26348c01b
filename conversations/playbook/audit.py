"""Writes down who changed what of how the bot behaves. In the transaction of the change: both or neither."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model
from django.utils.translation import override

from conversations.playbook.models import AuditEntry, Verb
from conversations.playbook.models.audit import MAX_OBJECT_NAME_CHARS
from conversations.playbook.models.releases import MAX_REASON_CHARS

Changes = Mapping[str, tuple[Any, Any]]
Actor = AbstractBaseUser | AnonymousUser | None

MAX_VALUE_CHARS: Final = 4000
# What a log must never show, wherever it stands.
SECRET_WORDS: Final = ("sealed", "secret", "password", "token_hash", "api_key")
HIDDEN: Final = "***"
UNTOLD_FIELDS: Final = frozenset({"edit_version"})


def record(
    actor: Actor, verb: Verb, about: Model | type[Model], *, changes: Changes | None = None, reason: str = ""
) -> AuditEntry:
    """Write down that somebody (None: csbot itself) did something to a thing, or to many of a kind (its class)."""
    entry = entry_of(actor, verb, about, changes=changes, reason=reason)
    entry.save(force_insert=True)
    return entry


def entry_of(
    actor: Actor, verb: Verb, about: Model | type[Model], *, changes: Changes | None = None, reason: str = ""
) -> AuditEntry:
    """Return the entry for something, not written yet: who does many things at once writes them together."""
    return AuditEntry(
        actor_id=actor.pk if actor else None,
        actor_name=name_of(actor),
        verb=verb,
        object_type=about._meta.model_name or "",
        object_id=str(about.pk or "") if isinstance(about, Model) else "",
        object_name=title_of(about),
        changes={field: [old, new] for field, (old, new) in (changes or {}).items()},
        reason=reason[:MAX_REASON_CHARS],
    )


def title_of(about: Model | type[Model]) -> str:
    """Return what a thing is called, in one language whoever asks; "" for many of a kind."""
    with override("en"):
        return str(about)[:MAX_OBJECT_NAME_CHARS] if isinstance(about, Model) else ""


def name_of(actor: Actor) -> str:
    """Return the name under which a person is remembered, also when the account is gone."""
    return actor.get_username()[:150] if actor else ""


def fields_of(entry: Model | None) -> dict[str, Any]:
    """Return what an entry says, by field, as JSON values that people can read; nothing for None."""
    if entry is None:
        return {}
    shown = (field for field in entry._meta.concrete_fields if not field.primary_key)
    return {field.name: value_of(entry, field.name) for field in shown if field.name not in UNTOLD_FIELDS}


def value_of(entry: Model, field: str) -> object:
    """Return one field as a JSON value; what is secret only as a mark, of which a change can still be seen."""
    value = getattr(entry, field)
    if any(word in field for word in SECRET_WORDS) or isinstance(value, bytes | memoryview):
        return HIDDEN if value else ""
    return readable(value)


def readable(value: object) -> object:
    """Return a value as JSON can hold it and a person can read it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [readable(each) for each in value]
    return str(value)[:MAX_VALUE_CHARS]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs, as (old, new) by field; None stands for what is not there."""
    fields = dict.fromkeys((*before, *after))
    return {name: (before.get(name), after.get(name)) for name in fields if before.get(name) != after.get(name)}
