"""What somebody should look at: budgets that run out, keys and accounts that are refused, models that don't answer."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from threading import Lock
from typing import Final

from django.db.models import Count
from django.utils import timezone

from conversations.gateway.budgets import PURSE, Ceiling, Level, ceiling_of
from conversations.gateway.catalog import Candidate, Catalog
from conversations.gateway.models import LLMCall, Outcome
from conversations.gateway.reading import SHELF, read_stamp
from conversations.gateway.standing import OpenCircuit, read_open_circuits

FRESH_SECONDS: Final = 5.0
LATELY: Final = timedelta(minutes=15)
OUR_FAULT: Final = (Outcome.BAD_REQUEST, Outcome.UNPROCESSABLE)


class AlertKind(StrEnum):
    """What is the matter."""

    NO_MODEL = "no_model"
    KNOWN_ONLY = "known_only"
    PEOPLE_ONLY = "people_only"
    BUDGET_OUT = "budget_out"
    BUDGET_CLOSE = "budget_close"
    ACCOUNT_EMPTY = "account_empty"
    KEY_REFUSED = "key_refused"
    LEFT_ALONE = "left_alone"
    ASKED_WRONGLY = "asked_wrongly"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing: `what` names it, `account_id` says where to look; `outcome` is why it is left alone."""

    kind: AlertKind
    what: str = ""
    level: Level | None = None
    account_id: int | None = None
    outcome: Outcome | None = None
    count: int = 0


class Board:
    """The alerts as this process knows them: asked for by every page, looked for every few seconds and after edits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._alerts: tuple[Alert, ...] = ()
        self._read_at = float("-inf")
        self._stamp: uuid.UUID | None = None

    def alerts(self) -> tuple[Alert, ...]:
        """Return what is the matter; of several threads that find it old, one looks again."""
        stamp = read_stamp()
        with self._lock:
            if stamp != self._stamp or self._clock() - self._read_at >= FRESH_SECONDS:
                self._alerts = tuple(read_alerts(SHELF.at(stamp)))
                self._read_at, self._stamp = self._clock(), stamp
            return self._alerts

    def forget(self) -> None:
        """Look again at the next call."""
        self._read_at = float("-inf")


BOARD: Final = Board()


def read_alerts(catalog: Catalog) -> Iterator[Alert]:
    """Yield what is the matter now, what concerns everybody first."""
    circuits = read_open_circuits(name for each in catalog.candidates for name in circuit_names(each))
    yield from for_everybody(catalog, circuits)
    yield from of_budgets(PURSE.levels(catalog.stamp))
    yield from of_circuits(catalog, circuits)
    yield from of_requests(catalog)


def circuit_names(candidate: Candidate) -> tuple[str, ...]:
    """Return what a candidate's circuits are called."""
    names = candidate.names
    return names.account, names.pair, *names.keys.values()


def for_everybody(catalog: Catalog, circuits: dict[str, OpenCircuit]) -> Iterator[Alert]:
    """Yield why the bot doesn't answer at all, which agents feel."""
    ceiling = ceiling_of(catalog)
    if ceiling is Ceiling.PEOPLE:
        yield Alert(AlertKind.PEOPLE_ONLY)
    elif ceiling is Ceiling.KNOWN:
        yield Alert(AlertKind.KNOWN_ONLY)
    elif all(is_shut(each, circuits) for each in catalog.candidates):
        yield Alert(AlertKind.NO_MODEL)


def is_shut(candidate: Candidate, circuits: dict[str, OpenCircuit]) -> bool:
    """Whether a candidate is left alone: itself, its account, or all its keys."""
    names = candidate.names
    return names.pair in circuits or names.account in circuits or all(key in circuits for key in names.keys.values())


def of_budgets(levels: tuple[Level, ...]) -> Iterator[Alert]:
    """Yield the budgets that are used up or nearly."""
    for level in levels:
        if level.is_used_up:
            yield Alert(AlertKind.BUDGET_OUT, level=level)
        elif level.is_close:
            yield Alert(AlertKind.BUDGET_CLOSE, level=level)


def of_circuits(catalog: Catalog, circuits: dict[str, OpenCircuit]) -> Iterator[Alert]:
    """Yield what is left alone, each once: an account that several routes use is one."""
    found: dict[str, Alert] = {}
    for each in catalog.candidates:
        names, account = each.names, each.account_id
        own = {names.account: Alert(AlertKind.ACCOUNT_EMPTY, each.provider, account_id=account)}
        for fingerprint, name in names.keys.items():
            what = f"{each.provider} {fingerprint}".strip()
            own[name] = Alert(AlertKind.KEY_REFUSED, what, account_id=account)
        if names.pair in circuits:
            outcome = outcome_of(circuits[names.pair].kind)
            what = f"{each.provider} / {each.model}"
            own[names.pair] = Alert(AlertKind.LEFT_ALONE, what, account_id=account, outcome=outcome)
        found |= {name: alert for name, alert in own.items() if name in circuits}
    yield from found.values()


def outcome_of(kind: str) -> Outcome | None:
    """Return a failure's kind as calls name it."""
    return Outcome(kind) if kind in Outcome.values else None


def of_requests(catalog: Catalog) -> Iterator[Alert]:
    """Yield the providers that refused what we asked lately: nobody but us can mend that."""
    names = {each.provider_id: each for each in catalog.candidates}
    calls = LLMCall.objects.filter(started_at__gte=timezone.now() - LATELY, outcome__in=OUR_FAULT)
    for row in calls.values("provider_id").annotate(count=Count("pk")).order_by("provider_id"):
        if candidate := names.get(row["provider_id"]):
            yield Alert(
                AlertKind.ASKED_WRONGLY, candidate.provider, account_id=candidate.account_id, count=row["count"]
            )
