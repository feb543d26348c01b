"""The playbook as this process knows it: one cheap query per call tells whether it is still what the tables say."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import QuerySet
from django.db.models.functions import JSONObject

from conversations.llm.requests import Sampling
from conversations.playbook.content import ExampleEntry, FactEntry, IntentEntry, Playbook, make_playbook
from conversations.playbook.models import Example, Fact, Instruction, Intent, Stamp

SAMPLING_FIELDS: Final = ("temperature", "top_p", "frequency_penalty", "max_tokens", "is_thinking")
INTENT_FIELDS: Final = ("key", "name_th", "name_en", "belongs", "belongs_not")
FACT_FIELDS: Final = ("title", "text_th", "text_en")
EXAMPLE_FIELDS: Final = ("customer_text", "response", "action_required", "escalate")
EMPTY: Final = make_playbook("", sampling=Sampling(), intents=(), facts=(), examples=())


@dataclass(frozen=True, slots=True)
class Known:
    """A playbook and the stamp it was read under."""

    stamp: uuid.UUID | None
    playbook: Playbook


class Shelf:
    """Holds what was read last. Threads may read twice at the same moment; both get the same."""

    def __init__(self) -> None:
        self._known = Known(stamp=None, playbook=EMPTY)

    def current(self) -> Playbook:
        """Return the playbook, read again if anything in it changed."""
        return self.at(read_stamp())

    def at(self, stamp: uuid.UUID | None) -> Playbook:
        """Return the playbook, read again unless this stamp is that of what is known."""
        known = self._known
        if known.stamp != stamp:
            known = self._known = read_all()
        return known.playbook


SHELF = Shelf()


def current_playbook() -> Playbook:
    """Return what the bot knows now. An edit that has been committed is in it."""
    return SHELF.current()


def read_stamp() -> uuid.UUID | None:
    """Return the value that changes with every edit; None where nothing was ever written."""
    return Stamp.objects.values_list("value", flat=True).first()


def read_all() -> Known:
    """Read stamp and content in one statement: a reply must never see half of an edit."""
    found = Stamp.objects.annotate(
        instructions=rows(Instruction.objects.all(), "text", *SAMPLING_FIELDS),
        intents=rows(Intent.objects.on(), *INTENT_FIELDS),
        facts=rows(Fact.objects.on(), *FACT_FIELDS),
        examples=rows(Example.objects.on(), *EXAMPLE_FIELDS, intent="intent__key"),
    ).first()
    if found is None:
        return Known(stamp=None, playbook=EMPTY)
    return Known(stamp=found.value, playbook=playbook_of(vars(found)))


def rows(entries: QuerySet[Any], *fields: str, **renamed: str) -> ArraySubquery:
    """Return all entries, in their order, as one value: a list of objects with these fields."""
    return ArraySubquery(entries.values(row=JSONObject(**dict(zip(fields, fields, strict=True)), **renamed)))


def playbook_of(found: Mapping[str, Any]) -> Playbook:
    """Return the playbook that the rows make."""
    instruction: dict[str, Any] = next(iter(found["instructions"]), {})
    return make_playbook(
        instruction.get("text", ""),
        sampling=sampling_of(instruction),
        intents=tuple(IntentEntry(**row) for row in found["intents"]),
        facts=tuple(FactEntry(**row) for row in found["facts"]),
        examples=tuple(ExampleEntry(**row) for row in found["examples"]),
    )


def sampling_of(instruction: Mapping[str, Any]) -> Sampling:
    """Return how the model shall pick its words. JSON makes no difference between 1 and 1.0, the version does."""
    usual = asdict(Sampling())
    return Sampling(**{field: type(usual[field])(instruction.get(field, usual[field])) for field in SAMPLING_FIELDS})
