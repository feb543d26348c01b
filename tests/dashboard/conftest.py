"""Calls of two providers over some days, an operator, an agent."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from conversations.gateway.models import Arm, LanguageModel, LLMCall, Outcome
from tests.desk.conftest import client_of, fresh_redis, make_agent
from tests.rollout.conftest import Trial, new_call, trial

__all__ = ["fresh_redis", "trial"]


@pytest.fixture
def operator(db: None) -> Client:
    """Somebody who operates providers, and answers no customers."""
    user = User.objects.create_user("owner", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="operator"))
    return client_of(user)


@pytest.fixture
def agent(db: None) -> Client:
    """Somebody who answers customers."""
    return client_of(make_agent("nok", name="นก"))


@pytest.fixture
def traffic(trial: Trial) -> Trial:
    """Thirty hours of calls."""
    fill(trial)
    return trial


def fill(trial: Trial) -> None:
    """Write thirty hours of calls: 2 of the old model and 1 of the new one each hour, one of them failed."""
    LanguageModel.objects.filter(pk=trial.stable.model_id).update(is_baseline=True)
    now = timezone.now()
    rows = []
    for hours in range(30):
        at = now - timedelta(hours=hours, minutes=1)
        rows.append(new_call(trial.stable, Arm.STABLE, started_at=at, cost=Decimal("0.002")))
        rows.append(new_call(trial.stable, Arm.STABLE, started_at=at, outcome=Outcome.SERVER, first_token_ms=None))
        rows.append(new_call(trial.canary, Arm.CANARY, started_at=at, first_token_ms=200, cost=Decimal("0.001")))
    LLMCall.objects.bulk_create(rows)
