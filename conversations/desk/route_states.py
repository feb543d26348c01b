"""How a route stands, in a word and a colour: whether it answers, and if it is left alone, why."""

from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _

from conversations.gateway.alerts import circuit_names, outcome_of
from conversations.gateway.catalog import Candidate
from conversations.gateway.models import ProviderKind, Route
from conversations.gateway.reading import current_catalog
from conversations.gateway.standing import OpenCircuit, read_open_circuits


class State(StrEnum):
    """What a route does now."""

    ANSWERS = "answers"
    LIMPS = "limps"
    LEFT_ALONE = "left_alone"
    OFF = "off"


COLOURS: Final = {
    State.ANSWERS: "success",
    State.LIMPS: "warning",
    State.LEFT_ALONE: "danger",
    State.OFF: "default",
}


def state_of(route: Route) -> tuple[State, str]:
    """Return how the route stands now, and that in words."""
    candidate = current_catalog().find(route.pk)
    if candidate is None:
        is_simulator = route.account.provider.kind == ProviderKind.SIMULATOR
        return State.OFF, _("Only where there is no other") if is_simulator else _("Off, or without a key")
    return state_of_candidate(candidate, read_open_circuits(circuit_names(candidate)))


def state_of_candidate(candidate: Candidate, circuits: dict[str, OpenCircuit]) -> tuple[State, str]:
    """Return how it stands by its open circuits."""
    names = candidate.names
    refused = [key for key in names.keys.values() if key in circuits]
    if names.account in circuits:
        return State.LEFT_ALONE, _("Account empty")
    if len(refused) == len(names.keys):
        return State.LEFT_ALONE, _("Key refused")
    if names.pair in circuits:
        return State.LEFT_ALONE, left_alone(circuits[names.pair])
    if refused:
        return State.LIMPS, _("Answering; a key is refused")
    return State.ANSWERS, _("Answering")


def left_alone(circuit: OpenCircuit) -> str:
    """Return why a model is left alone, and for how long still."""
    outcome = outcome_of(circuit.kind)
    why = str(outcome.label) if outcome else "–"
    if not circuit.seconds:
        return _("%(why)s; the next call tries again") % {"why": why}
    return _("%(why)s; again in %(seconds)d s") % {"why": why, "seconds": round(circuit.seconds)}
