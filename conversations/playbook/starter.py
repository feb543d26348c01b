"""Gives a new installation something to say: loads the starter playbook into an empty one, and never again.

What it loads is published as release 1, so that the first customer gets an answer.
"""

from dataclasses import asdict

from django.db import transaction

from conversations.playbook.models import Example, Fact, Instruction, Intent, Profile
from conversations.playbook.releases import publish_first
from conversations.playbook.starter_examples import EXAMPLES
from conversations.playbook.starter_texts import FACTS, INSTRUCTION, INTENTS, PROFILES, USUAL

# Gaps, so that staff can move an entry between two others without renumbering.
STEP = 10


@transaction.atomic
def load_starter_playbook() -> bool:
    """Load the starter playbook. False, and nothing is done, where there is anything at all in the playbook."""
    if any(model.objects.exists() for model in (Intent, Fact, Example)):
        return False
    # The one row is the gate: of two processes that start at the same moment, the second waits here and sees it.
    _, is_created = Instruction.objects.get_or_create(pk=1, defaults={"text": INSTRUCTION})
    if is_created:
        create_profiles()
        create_intents()
        create_facts()
        create_examples()
        publish_first()
    return is_created


def create_profiles() -> None:
    """Write the starter profiles that are missing, and name the usual one."""
    Profile.objects.bulk_create([Profile(**asdict(entry)) for entry in PROFILES], ignore_conflicts=True)
    Instruction.objects.update(profile=Profile.objects.get(key=USUAL))


def create_intents() -> None:
    """Write the starter intents."""
    Intent.objects.bulk_create(
        Intent(
            key=entry.key,
            name_th=entry.name_th,
            name_en=entry.name_en,
            belongs=entry.belongs,
            belongs_not=entry.belongs_not,
            position=index * STEP,
        )
        for index, entry in enumerate(INTENTS, start=1)
    )


def create_facts() -> None:
    """Write the starter facts."""
    Fact.objects.bulk_create(
        Fact(title=entry.title, text_th=entry.text_th, text_en=entry.text_en, position=index * STEP)
        for index, entry in enumerate(FACTS, start=1)
    )


def create_examples() -> None:
    """Write the starter examples."""
    intents = {intent.key: intent for intent in Intent.objects.all()}
    Example.objects.bulk_create(
        Example(
            customer_text=example.says,
            intent=intents[example.intent],
            response=example.answer,
            action_required=example.action_required,
            escalate=example.escalate,
            locale=example.locale,
            position=index * STEP,
        )
        for index, example in enumerate(EXAMPLES, start=1)
    )
