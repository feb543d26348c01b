"""What an answer rests on: the instruction, its intent, that intent's examples, and the shop facts it speaks of.

An answer of an older release may still be served only where all of that is the same; whatever can't be told apart
counts as changed. A fact belongs to an answer if they share a number or enough of their wording, so a new fact about
the same thing changes what the answer rests on, too.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import astuple
from typing import Any, Final

import orjson

from conversations.answers.guards import NUMBER
from conversations.answers.normal import folded, normal_form
from conversations.playbook.content import Playbook

GRAM_CHARS: Final = 5
SHARED_GRAMS: Final = 4
KEY_CHARS: Final = 32


def knowledge_of(playbook: Playbook, *, intent: str, answer: str) -> str:
    """Return a hash of everything in the playbook that this answer rests on; empty if its intent is gone."""
    entry = next((each for each in playbook.intents if each.key == intent), None)
    if entry is None:
        return ""
    examples = [astuple(each) for each in playbook.examples if each.intent == intent]
    facts = [astuple(fact) for fact in playbook.facts]
    used = [fact for fact in facts if is_about(words_of(fact), answer)]
    rests_on: Any = (playbook.instruction, astuple(entry), examples, used or facts)
    return hashlib.sha256(orjson.dumps(rests_on, default=str)).hexdigest()[:KEY_CHARS]


def words_of(fact: Iterable[object]) -> str:
    """Return all that a fact says."""
    return " ".join(part for part in fact if isinstance(part, str))


def is_about(fact: str, answer: str) -> bool:
    """Whether a fact and an answer speak of the same thing."""
    if set(NUMBER.findall(folded(fact))) & set(NUMBER.findall(folded(answer))):
        return True
    return len(grams(fact) & grams(answer)) >= SHARED_GRAMS


def grams(text: str) -> set[str]:
    """Return the runs of characters in a text."""
    normal = normal_form(text)
    return {normal[start : start + GRAM_CHARS] for start in range(len(normal) - GRAM_CHARS + 1)}


def reusable_intents(playbook: Playbook) -> frozenset[str]:
    """Return the intents whose answers may be used again."""
    return frozenset(entry.key for entry in playbook.intents if entry.is_reusable and not entry.needs_person)
