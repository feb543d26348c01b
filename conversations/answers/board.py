"""How known answers are used, as this process knows it: read again only when the stamp changed.

What every reply needs to know costs nothing here: most shops' scopes have nothing to serve, and are passed at once.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.utils import timezone

from conversations.answers.bound import NO_PRIOR, USUAL_REPEATS, Curve, Repeats
from conversations.answers.models import SERVED_STATES, AnswerPolicy, AnswerState, KnownAnswer, Mode
from conversations.answers.score import DEFAULT_WEIGHTS, weights_from

STATES_BY_MODE: Final[Mapping[str, tuple[str, ...]]] = {
    Mode.OFF: (),
    Mode.LEARN: (),
    Mode.APPROVED: (AnswerState.APPROVED,),
    Mode.CONFIRMED: SERVED_STATES,
}


class Scope(NamedTuple):
    """Where an answer holds: exact, and never part of what is compared."""

    site_id: int
    locale: str
    segment: str = ""


@dataclass(frozen=True)
class Board:
    """The policy and what it lets be served."""

    stamp: uuid.UUID | None = None
    mode: str = Mode.OFF
    tolerated_share: float = 0.01
    explore_share: float = 0.05
    confirm_customers: int = 3
    visitor_cap: int = 10
    lifetime_days: int = 90
    risk_limit: float = 0.01
    is_stopped: bool = False
    scopes: frozenset[Scope] = frozenset()
    fixed: Mapping[tuple[Scope, str], int] = field(default_factory=dict)
    prior: Curve = NO_PRIOR.curve
    weights: tuple[float, ...] = DEFAULT_WEIGHTS
    repeats: Repeats = USUAL_REPEATS
    money_per_reply: Decimal = Decimal(0)
    milliseconds_per_reply: int = 0

    @property
    def states(self) -> tuple[str, ...]:
        """The states in which answers are served now."""
        return () if self.is_stopped else STATES_BY_MODE[self.mode]

    @property
    def learns(self) -> bool:
        """Whether replies are compared with what is known; also while serving is stopped."""
        return self.mode != Mode.OFF


class Shelf:
    """Holds what was read last. Threads may read twice at the same moment; both get the same."""

    def __init__(self) -> None:
        self._board = Board()

    def at(self, stamp: uuid.UUID | None) -> Board:
        """Return the board, read again unless this stamp is that of what is known."""
        board = self._board
        if board.stamp != stamp:
            board = self._board = read_board()
        return board

    def current(self) -> Board:
        """Return the board as it is now."""
        return self.at(AnswerPolicy.objects.values_list("stamp", flat=True).first())


SHELF: Final = Shelf()


def read_board() -> Board:
    """Read the policy and which scopes have something to serve."""
    policy = AnswerPolicy.objects.first()
    if policy is None:
        return Board()
    served = KnownAnswer.objects.filter(state__in=STATES_BY_MODE[policy.mode], expires_at__gt=timezone.now())
    scopes = served.values_list("site_id", "locale", "segment").distinct()
    fixed = served.filter(is_fixed_for_intent=True).values_list("site_id", "locale", "segment", "intent", "pk")
    learnt: dict[str, Any] = policy.knowledge
    return Board(
        stamp=policy.stamp,
        mode=policy.mode,
        tolerated_share=policy.tolerated_share,
        explore_share=policy.explore_share,
        confirm_customers=policy.confirm_customers,
        visitor_cap=policy.visitor_cap,
        lifetime_days=policy.lifetime_days,
        risk_limit=policy.risk_limit,
        is_stopped=policy.stopped_at is not None,
        scopes=frozenset(Scope(*row) for row in scopes.order_by()),
        fixed={(Scope(*row[:3]), row[3]): row[4] for row in fixed},
        prior=Curve(*learnt["prior"]) if learnt.get("prior") else NO_PRIOR.curve,
        weights=weights_from(learnt["weights"]) if learnt.get("weights") else DEFAULT_WEIGHTS,
        repeats=Repeats(*learnt["repeats"]) if learnt.get("repeats") else USUAL_REPEATS,
        money_per_reply=Decimal(str(learnt.get("money", 0))),
        milliseconds_per_reply=int(learnt.get("milliseconds", 0)),
    )


def policy_row() -> AnswerPolicy:
    """Return the one row, made where it isn't there yet."""
    return AnswerPolicy.objects.get_or_create(pk=1)[0]


def touch() -> None:
    """Make every process read the board again before its next reply."""
    policy_row()
    AnswerPolicy.objects.update(stamp=uuid.uuid4())
