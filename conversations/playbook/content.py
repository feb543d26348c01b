"""What the bot knows, read and frozen: the values a prompt is built from. No database here.

`to_content` and `from_content` are the form in which a release keeps a playbook: plain JSON with the names of these
fields. Content of an older form gets the defaults for what it does not say, and what it says beyond is left out.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from conversations.llm.requests import Sampling

VERSION_CHARS: Final = 12
NOTE: Final = "note"
ESCALATE: Final = "escalate"
CONTENT_FIELDS: Final = ("instruction", "profile", "profiles", "intents", "facts", "examples")


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """How the model picks its words for one use."""

    key: str
    name_th: str = ""
    name_en: str = ""
    temperature: float = 0.2
    top_p: float = 1.0
    frequency_penalty: float = 0.0
    max_tokens: int = 800
    is_thinking: bool = False

    @property
    def sampling(self) -> Sampling:
        """What goes to the model."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            frequency_penalty=self.frequency_penalty,
            max_tokens=self.max_tokens,
            is_thinking=self.is_thinking,
        )


@dataclass(frozen=True, slots=True)
class IntentEntry:
    """What a customer may want, and what follows. `profile` is a profile's key; empty: the usual one."""

    key: str
    name_th: str
    name_en: str
    belongs: str
    belongs_not: str
    is_reusable: bool = False
    needs_person: bool = False
    on_action: str = NOTE
    profile: str = ""


@dataclass(frozen=True, slots=True)
class FactEntry:
    """Something true about the shop."""

    title: str
    text_th: str
    text_en: str


@dataclass(frozen=True, slots=True)
class ExampleEntry:
    """A customer's words and the right answer to them. `id` leads back to the draft; it is no part of the content."""

    customer_text: str
    intent: str
    response: str
    action_required: bool
    escalate: bool
    locale: str = "th"
    tags: tuple[str, ...] = ()
    is_pinned: bool = True
    id: int | None = field(default=None, compare=False)


@dataclass(frozen=True, eq=False, kw_only=True)
class Content:
    """Everything that shapes a reply. `profile` is the key of the usual sampling profile."""

    instruction: str = ""
    profile: str = ""
    profiles: tuple[ProfileEntry, ...] = ()
    intents: tuple[IntentEntry, ...] = ()
    facts: tuple[FactEntry, ...] = ()
    examples: tuple[ExampleEntry, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Playbook(Content):
    """A content with its names: `version` is a hash of it (same content, same version), `number` its release's.

    A draft has no number.
    """

    version: str
    number: int | None = None

    @cached_property
    def intent_keys(self) -> frozenset[str]:
        """The words a model may name as the intent."""
        return frozenset(self.intents_by_key)

    @cached_property
    def intents_by_key(self) -> dict[str, IntentEntry]:
        """The intents by what the model calls them."""
        return {intent.key: intent for intent in self.intents}

    @cached_property
    def profiles_by_key(self) -> dict[str, ProfileEntry]:
        """The sampling profiles by key."""
        return {profile.key: profile for profile in self.profiles}

    @cached_property
    def sampling(self) -> Sampling:
        """How the model picks its words where nothing says otherwise."""
        return self.sampling_of("")

    def sampling_of(self, profile: str) -> Sampling:
        """Return a profile's sampling; the usual one for "" or an unknown key."""
        found = self.profiles_by_key.get(profile) or self.profiles_by_key.get(self.profile)
        return found.sampling if found else Sampling()

    @cached_property
    def pinned(self) -> tuple[ExampleEntry, ...]:
        """The examples that every question is sent with."""
        return tuple(example for example in self.examples if example.is_pinned)

    @cached_property
    def unpinned(self) -> tuple[ExampleEntry, ...]:
        """The examples that are sent only with questions near them."""
        return tuple(example for example in self.examples if not example.is_pinned)


CONTENT: Final = TypeAdapter(Content)


def make_playbook(
    instruction: str,
    *,
    intents: tuple[IntentEntry, ...],
    facts: tuple[FactEntry, ...],
    examples: tuple[ExampleEntry, ...],
    profiles: tuple[ProfileEntry, ...] = (),
    profile: str = "",
) -> Playbook:
    """Return the draft with its version."""
    content = Content(
        instruction=instruction, profile=profile, profiles=profiles, intents=intents, facts=facts, examples=examples
    )
    return playbook_of(content)


def playbook_of(content: Content, *, number: int | None = None) -> Playbook:
    """Return the content with its version and, if it is a release's, its number."""
    version = content_hash(content)[:VERSION_CHARS]
    return Playbook(version=version, number=number, **{name: getattr(content, name) for name in CONTENT_FIELDS})


def content_hash(content: Content) -> str:
    """Return a hash of everything but the ids, which lead to rows that don't shape a reply."""
    nameless = tuple(replace(example, id=None) for example in content.examples)
    return hashlib.sha256(orjson.dumps(parts_of(content) | {"examples": nameless})).hexdigest()


def to_content(playbook: Playbook) -> dict[str, Any]:
    """Return the playbook as JSON values, in the form that releases keep."""
    content: dict[str, Any] = orjson.loads(orjson.dumps(parts_of(playbook)))
    return content


def from_content(content: Mapping[str, Any], *, number: int | None = None) -> Playbook:
    """Return the playbook that the content stands for."""
    return playbook_of(CONTENT.validate_python(content), number=number)


def parts_of(content: Content) -> dict[str, Any]:
    """Return the parts of a content by name, always in the same order."""
    return {name: getattr(content, name) for name in CONTENT_FIELDS}
