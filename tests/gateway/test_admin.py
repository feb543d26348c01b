"""Operating providers in the admin: who may, what is shown, what never is, and the test button."""

import logging
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from conversations.gateway.models import Account, ApiKey, LLMCall, Outcome, Provider, Purpose, Route
from conversations.gateway.reading import current_catalog
from conversations.gateway.secrets import unseal
from conversations.playbook.starter import load_starter_playbook
from tests.gateway.conftest import Shop, add_route
from tests.model import Refuse, envelope, streamed

KEY = "sk-a-very-secret-key-000042"
PAGES = ("provider", "account", "languagemodel", "route")


def staff(*permissions: str) -> Client:
    person = User.objects.create_user(f"person-{'-'.join(permissions)}", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def operator(db: None) -> Client:
    return staff("operator")


def management(prefix: str, *, total: int, initial: int) -> dict[str, str]:
    return {
        f"{prefix}-TOTAL_FORMS": str(total),
        f"{prefix}-INITIAL_FORMS": str(initial),
        f"{prefix}-MIN_NUM_FORMS": "0",
        f"{prefix}-MAX_NUM_FORMS": "1000",
    }


def add_key(client: Client, account: Account, key: str) -> None:
    have = list(account.keys.order_by("pk"))
    data = {"provider": str(account.provider_id), "name": account.name, "is_on": "on"}
    data |= management("keys", total=len(have) + 1, initial=len(have))
    data |= management("routes", total=0, initial=0)
    for number, row in enumerate(have):
        data |= {
            f"keys-{number}-id": str(row.pk),
            f"keys-{number}-account": str(account.pk),
            f"keys-{number}-is_on": "on",
        }
    new = f"keys-{len(have)}"
    data |= {f"{new}-account": str(account.pk), f"{new}-label": "new", f"{new}-key": key, f"{new}-is_on": "on"}
    response = client.post(reverse("admin:conversations_account_change", args=[account.pk]), data)
    assert response.status_code == 302, response.context["errors"] if response.context else response


def test_only_operators_see_providers(operator: Client) -> None:
    route = add_route("first", "http://127.0.0.1:9/v1")
    objects = {
        "provider": route.account.provider_id,
        "account": route.account_id,
        "languagemodel": route.model_id,
        "route": route.pk,
    }
    others = staff("view_conversation", "change_provider", "view_provider", "change_account")
    for page in PAGES:
        for address in (f"/admin/conversations/{page}/", f"/admin/conversations/{page}/{objects[page]}/change/"):
            assert operator.get(address).status_code == 200, address
            assert others.get(address).status_code == 403, address
    assert others.post(reverse("admin:gateway-test", args=[route.pk]), {"key": ""}).status_code == 403


def test_a_key_is_stored_sealed_and_shown_nowhere(operator: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    account = add_route("first", "http://127.0.0.1:9/v1", keys=()).account
    add_key(operator, account, KEY)
    row = ApiKey.objects.get()
    assert KEY not in row.sealed and unseal(row.sealed).reveal() == KEY
    for page, pk in (("provider", account.provider_id), ("account", account.pk)):
        html = operator.get(f"/admin/conversations/{page}/{pk}/change/").content.decode()
        assert KEY not in html and row.sealed not in html
    assert "0042" in html and row.fingerprint in html
    assert KEY not in caplog.text
    assert KEY not in repr(current_catalog().candidates)


def test_a_second_key_can_be_added_and_the_first_switched_off_without_a_gap(operator: Client) -> None:
    account = add_route("first", "http://127.0.0.1:9/v1", keys=("old",)).account
    add_key(operator, account, KEY)
    assert len(current_catalog().candidates[0].keys) == 2
    account.keys.filter(label="").update(is_on=False)
    assert [key.secret.reveal() for key in current_catalog().candidates[0].keys] == [KEY]


def test_an_error_page_of_development_doesnt_show_a_posted_key(
    operator: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    operator.raise_request_exception = False
    account = add_route("first", "http://127.0.0.1:9/v1", keys=()).account
    monkeypatch.setattr(ApiKey, "save", lambda *_args, **_options: 1 / 0)
    data = {"provider": str(account.provider_id), "name": account.name, "is_on": "on"}
    data |= management("keys", total=1, initial=0) | management("routes", total=0, initial=0)
    data |= {"keys-0-account": str(account.pk), "keys-0-key": KEY, "keys-0-is_on": "on"}
    response = operator.post(reverse("admin:conversations_account_change", args=[account.pk]), data)
    assert response.status_code == 500 and b"ZeroDivisionError" in response.content
    assert KEY not in response.content.decode()


def test_the_test_button_makes_one_real_call(open_shop: Callable[..., Shop], operator: Client) -> None:
    load_starter_playbook()
    shop = open_shop("first")
    shop.server.default = lambda _call: streamed(envelope("เปิด 9 โมงค่ะ <b>"))
    key = shop.account.keys.get()
    response = operator.post(reverse("admin:gateway-test", args=[shop.route.pk]), {"key": key.fingerprint})
    html = response.content.decode()
    assert "เปิด 9 โมงค่ะ" in html and "<b>" not in html.split("Reply")[1].split("</dd>")[0]
    call = LLMCall.objects.get()
    assert (call.purpose, call.outcome, call.run_id) == (Purpose.TEST, Outcome.OK, None)
    # 40 tokens not cached, 60 cached, 20 written.
    assert call.cost == (40 * Decimal("0.15") + 60 * Decimal("0.003") + 20 * Decimal("0.60")) / 1_000_000
    assert "0.00001818" in html
    assert len(shop.server.calls) == 1


def test_the_test_button_says_what_is_wrong(open_shop: Callable[..., Shop], operator: Client) -> None:
    shop = open_shop("first")
    shop.server.default = lambda _call: [Refuse(401)]
    key = shop.account.keys.get()
    response = operator.post(reverse("admin:gateway-test", args=[shop.route.pk]), {"key": key.fingerprint})
    assert "Key refused (401)" in response.content.decode()
    assert LLMCall.objects.get().outcome == Outcome.AUTH


def test_a_route_that_is_off_can_be_tested_before_it_serves_anybody(
    open_shop: Callable[..., Shop], operator: Client
) -> None:
    shop = open_shop("first")
    Route.objects.update(is_on=False)
    assert not current_catalog().candidates
    html = operator.get(f"/admin/conversations/provider/{shop.provider.pk}/change/").content.decode()
    assert reverse("admin:gateway-test", args=[shop.route.pk]) in html
    key = shop.account.keys.get()
    operator.post(reverse("admin:gateway-test", args=[shop.route.pk]), {"key": key.fingerprint})
    assert len(shop.server.calls) == 1


def test_a_proxy_is_entered_like_a_key(operator: Client) -> None:
    provider = add_route("first", "http://127.0.0.1:9/v1").account.provider
    data = {"name": "first", "kind": "deepseek", "base_url": provider.base_url, "is_on": "on"}
    data |= management("accounts", total=0, initial=0) | management("models", total=0, initial=0)
    address = reverse("admin:conversations_provider_change", args=[provider.pk])
    assert operator.post(address, data | {"proxy": "http://me:hunter2@proxy.example:3128"}).status_code == 302
    provider.refresh_from_db()
    assert "hunter2" not in provider.proxy_sealed
    html = operator.get(address).content.decode()
    assert "proxy.example:3128" in html and "hunter2" not in html
    assert operator.post(address, data).status_code == 302
    assert Provider.objects.get().proxy_sealed
    assert operator.post(address, data | {"proxy": "-"}).status_code == 302
    assert not Provider.objects.get().proxy_sealed
