"""What operators see of routes and keys in the admin's lists: who answers, who is left alone, and why."""

import time
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conversations.gateway.models import ApiKey, Price, Route
from conversations.playbook.models import AuditEntry
from conversations.redis import redis_client
from tests.gateway.conftest import add_route, forget_circuits

ROUTES = "/admin/conversations/route/"


@pytest.fixture
def owner(db: None) -> Client:
    forget_circuits()
    client = Client()
    client.force_login(User.objects.create_superuser("owner"))
    return client


def open_circuit(name: str, *, kind: str, seconds: float) -> None:
    until = round((time.time() + seconds) * 1000)
    redis_client().hset(f"csbot:circuit:{name}", mapping={"cooldown": 60_000, "until": until, "kind": kind})


def test_a_route_answers_until_its_circuit_opens(owner: Client) -> None:
    route = add_route("first", "http://127.0.0.1:9/v1", keys=("a", "b"))
    pair, (key, other) = f"{route.account_id}:{route.model_id}", route.account.keys.all()
    assert "Answering" in owner.get(ROUTES).content.decode()
    for name, kind, words in (
        (f"key:{route.account_id}:{key.fingerprint}", "auth", "Answering; a key is refused"),
        (f"pair:{pair}", "stalled", "Stalled; again in 60 s"),
        (f"key:{route.account_id}:{other.fingerprint}", "auth", "Key refused"),
        (f"account:{route.account_id}", "balance", "Account empty"),
    ):
        open_circuit(name, kind=kind, seconds=60.3)
        assert words in owner.get(ROUTES).content.decode()
    forget_circuits()
    open_circuit(f"pair:{pair}", kind="server", seconds=-5)
    assert "Server error; the next call tries again" in owner.get(ROUTES).content.decode()
    Route.objects.update(is_on=False)
    assert "Off, or without a key" in owner.get(ROUTES).content.decode()


def test_an_account_says_which_key_is_refused(owner: Client) -> None:
    route = add_route("first", "http://127.0.0.1:9/v1", keys=("a", "b"))
    page = f"/admin/conversations/account/{route.account_id}/change/"
    assert "refused" not in owner.get(page).content.decode().partition("Keys")[2]
    open_circuit(f"key:{route.account_id}:{route.account.keys.all()[0].fingerprint}", kind="auth", seconds=60)
    assert owner.get(page).content.decode().partition("Keys")[2].count("refused") == 1


def price_form(price: Price, **details: object) -> dict[str, object]:
    model = price.model
    return {
        "provider": model.provider_id,
        "name": model.name,
        "tier": model.tier,
        "placement": model.placement,
        "extra_body": "{}",
        "prices-TOTAL_FORMS": 1,
        "prices-INITIAL_FORMS": 1,
        "prices-0-id": price.pk,
        "prices-0-model": model.pk,
        "prices-0-currency": "USD",
        "prices-0-input": "0.30",
        "prices-0-cached_input": "0.006",
        "prices-0-output": "1.2",
        "prices-0-valid_from_0": "2026-01-01",
        "prices-0-valid_from_1": "00:00:00",
        "profiles-TOTAL_FORMS": 0,
        "profiles-INITIAL_FORMS": 0,
        **{f"prices-0-{name}": value for name, value in details.items()},
    }


def test_a_price_with_peak_hours_is_entered_by_weekdays_and_written_down(owner: Client) -> None:
    price = Price.objects.get(model=add_route("first", "http://127.0.0.1:9/v1").model)
    page = f"/admin/conversations/languagemodel/{price.model_id}/change/"
    assert "Monday" in owner.get(page).content.decode()
    details = {"window_from": "01:00", "window_until": "04:00", "window_days": ["0", "4"], "except_days": "2026-12-31"}
    assert owner.post(page, price_form(price, **details)).status_code == 302
    price.refresh_from_db()
    assert (price.input, price.window_days) == (Decimal("0.30"), [0, 4])
    assert [day.isoformat() for day in price.except_days] == ["2026-12-31"]
    assert str(price) == "0.3 / 0.006 / 1.2 USD, 01:00-04:00 UTC"
    assert AuditEntry.objects.filter(object_type="price", actor_name="owner").exists()
    refused = owner.post(page, price_form(price, window_days=["7"]))
    assert refused.status_code == 200


def test_a_new_key_is_written_down_without_itself(owner: Client) -> None:
    route = add_route("first", "http://127.0.0.1:9/v1")
    row = route.account.keys.get()
    form = {
        "provider": route.account.provider_id,
        "name": "main",
        "is_on": "on",
        "keys-TOTAL_FORMS": 2,
        "keys-INITIAL_FORMS": 1,
        "keys-0-id": row.pk,
        "keys-0-account": route.account_id,
        "keys-0-label": "old",
        "keys-1-account": route.account_id,
        "keys-1-label": "new",
        "keys-1-key": "sk-very-secret-42",
        "keys-1-is_on": "on",
        "routes-TOTAL_FORMS": 0,
        "routes-INITIAL_FORMS": 0,
    }
    assert owner.post(f"/admin/conversations/account/{route.account_id}/change/", form).status_code == 302
    assert ApiKey.objects.filter(account=route.account, is_on=True).count() == 1
    written = [str(each.changes) for each in AuditEntry.objects.filter(object_type="apikey")]
    assert len(written) == 2
    assert not any("very-secret" in each or row.sealed in each for each in written)
