"""Two providers, a rollout of the second one's model, and calls written as if they had been made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from conversations.gateway.models import Arm, LLMCall, Outcome, Purpose, Rollout, Route
from tests.gateway.conftest import add_route, clean_circuits, loop, new_conversation, open_shop, quick

__all__ = ["clean_circuits", "loop", "new_conversation", "open_shop", "quick"]

RUN_IDS = count(1_000_000)


@dataclass
class Trial:
    """A rollout with the routes of its two arms."""

    rollout: Rollout
    stable: Route
    canary: Route

    def add_calls(self, arm: Arm, number: int, *, at: datetime, **details: object) -> None:
        """Write calls of an arm, one a second back from a moment; `details` as in LLMCall."""
        route = self.canary if arm is Arm.CANARY else self.stable
        LLMCall.objects.bulk_create(
            new_call(route, arm, rollout_id=self.rollout.pk, started_at=at - timedelta(milliseconds=nth + 1), **details)
            for nth in range(number)
        )


def new_call(route: Route, arm: Arm | None, **details: object) -> LLMCall:
    """Return a call that went well, unless `details` say otherwise."""
    usual: dict[str, object] = {
        "run_id": next(RUN_IDS),
        "purpose": Purpose.REPLY,
        "first_token_ms": 400,
        "total_ms": 900,
        "is_metered": True,
        "prompt_tokens": 1_000,
        "cached_tokens": 800,
        "completion_tokens": 100,
        "currency": "USD",
        "cost": Decimal("0.0001"),
        "outcome": Outcome.OK,
    }
    who = {"provider_id": route.account.provider_id, "account_id": route.account_id, "model_id": route.model_id}
    return LLMCall(**usual | who | {"arm": arm.value if arm else ""} | details)


@pytest.fixture
def trial(db: None) -> Trial:
    """A rollout that has not started."""
    return new_trial()


def new_trial() -> Trial:
    """Return a rollout that has not started, with a route for each arm."""
    stable = add_route("old", "http://127.0.0.1:9/v1")
    canary = add_route("new", "http://127.0.0.1:9/v1")
    return Trial(Rollout.objects.create(name="to the new one", canary=canary.model), stable, canary)
