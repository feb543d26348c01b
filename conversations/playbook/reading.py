"""The playbook as this process knows it: one cheap query per call tells whether it is still what the tables say."""

import uuid
from dataclasses import dataclass

from conversations.llm.requests import Sampling
from conversations.playbook.content import ExampleEntry, FactEntry, IntentEntry, Playbook, make_playbook
from conversations.playbook.models import Example, Fact, Instruction, Intent, Stamp

READ_TRIES = 5


@dataclass(frozen=True, slots=True)
class Known:
    """A playbook and the stamp it was read under."""

    stamp: uuid.UUID | None
    playbook: Playbook


class Shelf:
    """Holds what was read last. Threads may read twice at the same moment; both get the same."""

    def __init__(self) -> None:
        self._known: Known | None = None

    def current(self) -> Playbook:
        """Return the playbook, read again if anything in it changed."""
        stamp = read_stamp()
        known = self._known
        if known is None or stamp is None or known.stamp != stamp:
            known = self._known = read_steadily(stamp)
        return known.playbook


SHELF = Shelf()


def current_playbook() -> Playbook:
    """Return what the bot knows now. An edit that has been committed is in it."""
    return SHELF.current()


def read_stamp() -> uuid.UUID | None:
    """Return the value that changes with every edit; None where nothing was ever written."""
    return Stamp.objects.values_list("value", flat=True).first()


def read_steadily(stamp: uuid.UUID | None) -> Known:
    """Read all tables, again if an edit came in between, so that no reply mixes two states."""
    for _ in range(READ_TRIES):
        playbook = read_playbook()
        after = read_stamp()
        if after == stamp:
            break
        stamp = after
    return Known(stamp=stamp, playbook=playbook)


def read_playbook() -> Playbook:
    """Read what is switched on from the tables."""
    instruction = Instruction.objects.first() or Instruction(text="")
    intents = tuple(
        IntentEntry(intent.key, intent.name_th, intent.name_en, intent.belongs, intent.belongs_not)
        for intent in Intent.objects.on()
    )
    facts = tuple(FactEntry(fact.title, fact.text_th, fact.text_en) for fact in Fact.objects.on())
    examples = tuple(
        ExampleEntry(
            customer_text=example.customer_text,
            intent=example.intent.key,
            response=example.response,
            action_required=example.action_required,
            escalate=example.escalate,
        )
        for example in Example.objects.on()
    )
    return make_playbook(
        instruction.text, sampling=sampling_of(instruction), intents=intents, facts=facts, examples=examples
    )


def sampling_of(instruction: Instruction) -> Sampling:
    """Return how the model shall pick its words."""
    return Sampling(
        temperature=instruction.temperature,
        top_p=instruction.top_p,
        frequency_penalty=instruction.frequency_penalty,
        max_tokens=instruction.max_tokens,
        is_thinking=instruction.is_thinking,
    )
