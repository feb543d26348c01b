"""What a question gets beyond the fixed part: its nearest examples, and the profile with which it is answered.

Most shops pin all their examples and let one profile do: then nothing is looked for, and it costs nothing.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from conversations.playbook.content import ExampleEntry, Playbook
from conversations.playbook.nearest import ExampleIndex
from conversations.playbook.reasoning import PROFILE
from conversations.playbook.reasoning_questions import Kind, recognise

KEPT_PLAYBOOKS: Final = 4
NEAREST: Final = 5
"""How many further examples a question gets. Of two sets of real questions the right intent is then among them for 98 %
and 91 %; with ten it would be 99 % and 95 %, at twice the tokens (bench/README.md, "Selection")."""
SURE_INTENT: Final = 0.5
"""How similar the nearest example must be before its intent may choose the profile."""


@dataclass(frozen=True, slots=True)
class Use:
    """How a question is answered: the profile's key, and what has to be worked out, if anything."""

    profile: str
    reasoning: Kind | None = None


def use_for(playbook: Playbook, question: str, *, intent: str = "") -> Use:
    """Return how a question is answered: worked out by rule, else as the intent that it most likely has says.

    `intent` is that intent where somebody knows it; else the nearest examples tell.
    """
    if kind := recognise(question):
        return Use(PROFILE, kind)
    profile = own_profiles(playbook).get(intent, playbook.profile) if intent else likely_profile(playbook, question)
    return Use(profile, Kind.INTENT if profile == PROFILE else None)


def likely_profile(playbook: Playbook, question: str) -> str:
    """Return the profile of the intent that the nearest examples name; the usual one where they don't say."""
    own = own_profiles(playbook)
    if not own:
        return playbook.profile
    intent, similarity = index_of_all(playbook).likely_intent(question)
    return own.get(intent, playbook.profile) if similarity >= SURE_INTENT else playbook.profile


def nearest_examples(playbook: Playbook, question: str) -> tuple[ExampleEntry, ...]:
    """Return the further examples for a question, the nearest one last."""
    further = playbook.unpinned
    if not further:
        return ()
    return tuple(further[near.number] for near in index_of_further(playbook).choose(question, limit=NEAREST))


@lru_cache(maxsize=KEPT_PLAYBOOKS)
def own_profiles(playbook: Playbook) -> dict[str, str]:
    """Return the profiles of the intents that have another one than the usual."""
    return {intent.key: intent.profile for intent in playbook.intents if intent.profile not in {"", playbook.profile}}


@lru_cache(maxsize=KEPT_PLAYBOOKS)
def index_of_further(playbook: Playbook) -> ExampleIndex:
    """Return the index of the examples that aren't pinned, made once per playbook."""
    return index_of(playbook.unpinned)


@lru_cache(maxsize=KEPT_PLAYBOOKS)
def index_of_all(playbook: Playbook) -> ExampleIndex:
    """Return the index of all examples, made once per playbook."""
    return index_of(playbook.examples)


def index_of(examples: tuple[ExampleEntry, ...]) -> ExampleIndex:
    """Return an index of examples."""
    return ExampleIndex([each.customer_text for each in examples], [each.intent for each in examples])
