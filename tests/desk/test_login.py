"""The sign-in: throttled per account and subnet, one answer to everything that is wrong."""

from typing import Any, TypeAlias

import pytest
from django.contrib.auth.models import User
from django.test import Client
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.desk.conftest import PASSWORD

Answer: TypeAlias = Any


def sign_in(username: str, password: str, *, address: str = "203.0.113.7") -> Answer:
    """Try to sign in from an address."""
    return Client().post("/admin/login/", {"username": username, "password": password}, REMOTE_ADDR=address)


def errors(response: Answer) -> list[str]:
    """Return what the form says."""
    return list(response.context["form"].non_field_errors())


def test_the_right_password_opens_the_first_page(nok: User) -> None:
    response = sign_in("nok", PASSWORD)
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


def test_after_six_failures_even_the_right_password_waits(nok: User, caplog: pytest.LogCaptureFixture) -> None:
    for _try in range(6):
        assert sign_in("nok", "wrong").status_code == 200
    assert "counted in this process" not in caplog.text
    assert sign_in("nok", PASSWORD).status_code == 200
    assert sign_in("NOK ", PASSWORD).status_code == 200
    assert sign_in("nok", PASSWORD, address="203.0.113.250").status_code == 200


def test_a_colleague_elsewhere_is_not_locked_out(nok: User, lek: User) -> None:
    for _try in range(8):
        sign_in("nok", "wrong")
    assert sign_in("nok", PASSWORD, address="198.51.100.1").status_code == 302
    assert sign_in("lek", PASSWORD).status_code == 302


def test_a_success_forgives_the_mistypings_before_it(nok: User) -> None:
    for _round in range(3):
        for _try in range(4):
            sign_in("nok", "wrong")
        assert sign_in("nok", PASSWORD).status_code == 302


def test_everything_wrong_sounds_the_same(nok: User) -> None:
    User.objects.create_user("customer", password=PASSWORD)
    User.objects.create_user("gone", password=PASSWORD, is_staff=True, is_active=False)
    wrong = [sign_in("nok", "wrong"), sign_in("nobody", "x"), sign_in("customer", PASSWORD), sign_in("gone", PASSWORD)]
    wrong += [sign_in("nok", "wrong") for _try in range(8)]
    said = {tuple(errors(response)) for response in wrong}
    assert len(said) == 1
    assert said.pop()[0].startswith("That name and password")


def test_without_redis_attempts_are_still_counted(nok: User, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Redis(unix_socket_path="/nonexistent/redis.sock", retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr("conversations.desk.throttle.redis_client", lambda: nowhere)
    assert sign_in("nok", PASSWORD, address="192.0.2.1").status_code == 302
    for _try in range(6):
        sign_in("nok", "wrong", address="192.0.2.1")
    assert sign_in("nok", PASSWORD, address="192.0.2.1").status_code == 200
    nowhere.close()
