"""The first providers, made from the environment; what follows a change of it, and what doesn't. And sealing."""

import pickle
from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from pytest_django import Settings

from conversations.gateway.environment import follow_environment
from conversations.gateway.models import ApiKey, LanguageModel, Provider, Route
from conversations.gateway.reading import SHELF, current_catalog
from conversations.gateway.secrets import SealError, Secret, fingerprint, resealed, seal, unseal


@pytest.fixture(autouse=True)
def bare(db: None, settings: Settings) -> Iterator[None]:
    settings.DEEPSEEK_API_KEYS = settings.OPENAI_API_KEYS = []
    settings.CSBOT_SIMULATOR_URL = ""
    settings.CSBOT_FIELD_KEYS = []
    yield


def routes() -> list[tuple[str, str, int]]:
    return [(each.provider, each.model, each.group) for each in current_catalog().candidates]


def keys_on() -> list[str]:
    return [unseal(row.sealed).reveal() for row in ApiKey.objects.filter(is_on=True).order_by("pk")]


def test_the_environment_makes_the_first_two_providers(settings: Settings) -> None:
    settings.DEEPSEEK_API_KEYS, settings.OPENAI_API_KEYS = ["sk-one", "sk-two"], ["sk-three"]
    call_command("prepare")
    assert routes() == [("deepseek", "deepseek-flash", 1), ("openai", "gpt-4o", 2)]
    assert keys_on() == ["sk-one", "sk-two", "sk-three"]
    assert LanguageModel.objects.get(is_baseline=True).name == "gpt-4o"
    assert all(candidate.prices for candidate in current_catalog().candidates)
    assert follow_environment() == []


def test_without_a_key_the_simulator_answers_and_with_one_it_is_gone(settings: Settings) -> None:
    settings.CSBOT_SIMULATOR_URL = "http://127.0.0.1:8100/v1"
    follow_environment()
    assert current_catalog().is_simulated
    settings.CSBOT_SIMULATOR_URL = "http://127.0.0.1:8200/v1"
    follow_environment()
    assert current_catalog().candidates[0].base_url == "http://127.0.0.1:8200/v1"
    settings.DEEPSEEK_API_KEYS = ["sk-one"]
    follow_environment()
    assert [name for name, _model, _group in routes()] == ["deepseek"]
    assert not current_catalog().is_simulated


def test_a_key_that_was_replaced_is_replaced_and_one_that_is_missing_changes_nothing(settings: Settings) -> None:
    settings.DEEPSEEK_API_KEYS = ["sk-one", "sk-two"]
    follow_environment()
    settings.DEEPSEEK_API_KEYS = ["sk-two", "sk-three"]
    follow_environment()
    assert keys_on() == ["sk-two", "sk-three"]
    settings.DEEPSEEK_API_KEYS = []
    assert follow_environment() == []
    assert keys_on() == ["sk-two", "sk-three"]
    settings.DEEPSEEK_API_KEYS = ["sk-one"]
    follow_environment()
    assert keys_on() == ["sk-one"]


def test_an_edit_in_the_admin_stays_until_the_variable_changes(settings: Settings) -> None:
    settings.DEEPSEEK_API_KEYS = ["sk-one"]
    follow_environment()
    Provider.objects.update(base_url="https://mirror.example/v1")
    Route.objects.update(group=5, weight=7)
    ApiKey.objects.update(is_on=False)
    follow_environment()
    assert Provider.objects.get().base_url == "https://mirror.example/v1"
    assert keys_on() == []
    ApiKey.objects.update(is_on=True)
    settings.DEEPSEEK_BASE_URL = "https://other.example/v1"
    settings.DEEPSEEK_MODEL = "deepseek-v4-pro"
    follow_environment()
    assert Provider.objects.get().base_url == "https://other.example/v1"
    assert routes() == [("deepseek", "deepseek-v4-pro", 5)]
    assert Route.objects.get(model__name="deepseek-v4-pro").weight == 7


def test_a_sealing_key_can_be_introduced_and_replaced_without_losing_anything(settings: Settings) -> None:
    settings.DEEPSEEK_API_KEYS = ["sk-one"]
    follow_environment()
    by_secret_key = ApiKey.objects.get().sealed
    for field_keys in (["first"], ["second", "first"], ["second"]):
        settings.CSBOT_FIELD_KEYS = field_keys
        follow_environment()
        assert keys_on() == ["sk-one"]
    assert ApiKey.objects.get().sealed != by_secret_key
    settings.SECRET_KEY = "another " * 8
    assert keys_on() == ["sk-one"]


def test_a_key_that_cannot_be_opened_is_left_out_and_stops_nothing(settings: Settings) -> None:
    settings.DEEPSEEK_API_KEYS, settings.OPENAI_API_KEYS = ["sk-one"], ["sk-two"]
    follow_environment()
    ApiKey.objects.filter(account__provider__name="deepseek").update(
        sealed=Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    )
    SHELF.current()
    assert [name for name, _model, _group in routes()] == ["openai"]
    settings.DEEPSEEK_API_KEYS = []
    follow_environment()


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("sk-very-secret")
    shown = f"{secret} {secret!r} {secret!s} {[secret]} {fingerprint(secret)} {seal(secret)}"
    assert "very" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert unseal(seal(secret)) == secret
    assert resealed(seal(secret)) is None
    with pytest.raises(SealError, match="not in the environment"):
        unseal("gAAAA-not-ours")
