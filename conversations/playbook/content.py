"""What the bot knows, read and frozen: the values a prompt is built from. No database here."""

import hashlib
from dataclasses import astuple, dataclass
from functools import cached_property

import orjson

from conversations.llm.requests import Sampling

VERSION_CHARS = 12


@dataclass(frozen=True, slots=True)
class IntentEntry:
    """What a customer may want."""

    key: str
    name_th: str
    name_en: str
    belongs: str
    belongs_not: str


@dataclass(frozen=True, slots=True)
class FactEntry:
    """Something true about the shop."""

    title: str
    text_th: str
    text_en: str


@dataclass(frozen=True, slots=True)
class ExampleEntry:
    """A customer's words and the right answer to them."""

    customer_text: str
    intent: str
    response: str
    action_required: bool
    escalate: bool


@dataclass(frozen=True, eq=False)
class Playbook:
    """Everything that shapes a reply. `version` is a hash of all of it: same content, same version."""

    version: str
    instruction: str
    sampling: Sampling
    intents: tuple[IntentEntry, ...]
    facts: tuple[FactEntry, ...]
    examples: tuple[ExampleEntry, ...]

    @cached_property
    def intent_keys(self) -> frozenset[str]:
        """The words a model may name as the intent."""
        return frozenset(intent.key for intent in self.intents)


def make_playbook(
    instruction: str,
    *,
    sampling: Sampling,
    intents: tuple[IntentEntry, ...],
    facts: tuple[FactEntry, ...],
    examples: tuple[ExampleEntry, ...],
) -> Playbook:
    """Return the playbook with its version, which is a hash of everything in it."""
    parts = (instruction, astuple(sampling), *map(astuple, intents), *map(astuple, facts), *map(astuple, examples))
    version = hashlib.sha256(orjson.dumps(parts)).hexdigest()[:VERSION_CHARS]
    return Playbook(
        version=version, instruction=instruction, sampling=sampling, intents=intents, facts=facts, examples=examples
    )
