"""What follows from an answer by the shop's own rules, whatever the model thought of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from conversations.playbook.content import ESCALATE, IntentEntry


class Guard(StrEnum):
    """A rule that changed what becomes of an answer, as a run's trace names it."""

    NEEDS_PERSON = "needs_person"
    """The intent is one that a person must always see."""
    ON_ACTION = "on_action"
    """Something must be done, and the intent says that a person does it."""
    WRONG_FIGURES = "wrong_figures"
    """Code came to other figures than the model."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a person takes over, and the rule that says so where the model didn't."""

    escalate: bool
    guards: tuple[Guard, ...] = ()


def ruling(intents: Mapping[str, IntentEntry], *, intent: str, action_required: bool, escalate: bool) -> Ruling:
    """Return what becomes of an answer with this verdict."""
    entry = intents.get(intent)
    if escalate or entry is None:
        return Ruling(escalate)
    if entry.needs_person:
        return Ruling(escalate=True, guards=(Guard.NEEDS_PERSON,))
    if action_required and entry.on_action == ESCALATE:
        return Ruling(escalate=True, guards=(Guard.ON_ACTION,))
    return Ruling(escalate=False)
