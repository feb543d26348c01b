"""Makes the draft say again what a release says. Nothing is deleted: what the release doesn't have is switched off."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from django.db import transaction
from django.db.models import Model

from conversations.playbook.audit import Actor, differences, fields_of, record
from conversations.playbook.content import ExampleEntry, Playbook
from conversations.playbook.models import Example, Fact, Instruction, Intent, Profile, Release, Verb
from conversations.playbook.releases import one_at_a_time, playbook_of

STEP: Final = 10
Wanted = tuple[Model, dict[str, Any]]
"""A row (perhaps a new one) and what its fields shall say."""


@transaction.atomic
def take_back(release: Release, *, by: Actor) -> int:
    """Write what a release says into the draft; return how many entries that changed. Each is written down."""
    one_at_a_time()
    playbook = playbook_of(release)
    changed = write_all(profiles_wanted(playbook), by=by)
    profiles = {profile.key: profile for profile in Profile.objects.all()}
    changed += write_all(intents_wanted(playbook, profiles), by=by)
    changed += write_all(facts_wanted(playbook), by=by)
    changed += write_all(examples_wanted(playbook), by=by)
    instruction = Instruction.objects.first() or Instruction()
    says = {"text": playbook.instruction, "profile": profiles.get(playbook.profile)}
    changed += write_all([(instruction, says)], by=by)
    record(by, Verb.RESET, release)
    return changed


def profiles_wanted(playbook: Playbook) -> list[Wanted]:
    """Return the release's profiles; others stay, for nothing else may name them."""
    known = {profile.key: profile for profile in Profile.objects.all()}
    return [(known.get(entry.key) or Profile(), asdict(entry)) for entry in playbook.profiles]


def intents_wanted(playbook: Playbook, profiles: Mapping[str, Profile]) -> list[Wanted]:
    """Return the release's intents in their order, and the others switched off."""
    known = {intent.key: intent for intent in Intent.objects.all()}
    wanted: list[Wanted] = []
    for place, entry in enumerate(playbook.intents, start=1):
        says = asdict(entry) | {"profile": profiles.get(entry.profile), "is_on": True}
        row = known.pop(entry.key, None)
        wanted.append((row or Intent(), says | {"position": place * STEP}))
    return wanted + off(known.values())


def facts_wanted(playbook: Playbook) -> list[Wanted]:
    """Return the release's facts in their order, and the others switched off."""
    known = {fact.title: fact for fact in Fact.objects.all()}
    wanted: list[Wanted] = []
    for place, entry in enumerate(playbook.facts, start=1):
        says = asdict(entry) | {"is_on": True, "position": place * STEP}
        row = known.pop(entry.title, None)
        wanted.append((row or Fact(), says))
    return wanted + off(known.values())


def examples_wanted(playbook: Playbook) -> list[Wanted]:
    """Return the release's examples in their order, each as the row it came from, and the others switched off."""
    known = {example.pk: example for example in Example.objects.select_related("intent")}
    intents = {intent.key: intent for intent in Intent.objects.all()}
    wanted: list[Wanted] = []
    for place, entry in enumerate(playbook.examples, start=1):
        row = known.pop(entry.id or 0, None)
        wanted.append((row or Example(), example_says(entry, intents, place=place)))
    return wanted + off(known.values())


def example_says(entry: ExampleEntry, intents: Mapping[str, Intent], *, place: int) -> dict[str, Any]:
    """Return what an example's row shall say."""
    says = asdict(entry) | {"intent": intents[entry.intent], "tags": list(entry.tags)}
    del says["id"]
    return says | {"is_on": True, "position": place * STEP}


def off(rows: Iterable[Model]) -> list[Wanted]:
    """Return the rows switched off."""
    return [(row, {"is_on": False}) for row in rows]


def write_all(wanted: Iterable[Wanted], *, by: Actor) -> int:
    """Save the rows that say something else than they shall, and write that down; return how many."""
    count = 0
    for row, says in wanted:
        before = {} if row._state.adding else fields_of(row)
        for name, value in says.items():
            setattr(row, name, value)
        changes = differences(before, fields_of(row))
        # An order that is numbered otherwise but the same is no change that anybody wants to read.
        if changes.keys() - {"position"}:
            verb = Verb.CHANGE if before else Verb.ADD
            row.save()
            record(by, verb, row, changes=changes)
            count += 1
        elif changes:
            row.save()
    return count
