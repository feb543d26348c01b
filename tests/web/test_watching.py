"""What machines ask: /healthz, /readyz, /metrics, static files."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from conversations.actions.customers import add_customer_message
from conversations.gateway.environment import follow_environment
from conversations.gateway.models import Account, ApiKey, LanguageModel, Price, Provider, Route
from conversations.models import Conversation, Message, Site
from conversations.redis import redis_client
from tests.web.server import Client, WebProcess


def test_healthz_is_200_as_long_as_the_process_runs(web: WebProcess) -> None:
    answer = web.http("GET", "/healthz")
    assert (answer.status, answer.body) == (200, b"ok")


def test_readyz_says_what_is_missing(web: WebProcess) -> None:
    for key in redis_client().scan_iter(match="csbot:worker:*"):
        redis_client().delete(key)
    answer = web.http("GET", "/readyz")
    assert answer.status == 503 and list(answer.json) == ["database", "redis", "worker", "provider"]
    assert (answer.json["database"], answer.json["redis"]) == ("ok", "ok")
    assert answer.json["worker"] != "ok" and answer.json["provider"] != "ok"


def test_readyz_is_200_when_a_message_can_be_answered(web: WebProcess, settings: Settings) -> None:
    settings.CSBOT_SIMULATOR_URL = "http://127.0.0.1:9/v1"
    follow_environment()
    redis_client().set("csbot:worker:test", "1", ex=60)
    answer = web.http("GET", "/readyz")
    assert answer.json == {"database": "ok", "redis": "ok", "worker": "ok", "provider": "ok"}
    assert answer.status == 200
    redis_client().hset("csbot:provider:simulator", mapping={"failures": 3, "kind": "network"})
    answer = web.http("GET", "/readyz")
    assert answer.status == 503 and "network" in answer.json["provider"]
    redis_client().delete("csbot:provider:simulator", "csbot:worker:test")
    for model in (Route, ApiKey, Price, LanguageModel, Account, Provider):
        model.objects.all().delete()


def test_readyz_without_a_site_is_not_ready(web: WebProcess) -> None:
    Site.objects.all().delete()
    assert "site" in web.http("GET", "/readyz").json["database"]


def test_metrics_count_sockets_and_messages(web: WebProcess, widget: Client, talk: Conversation) -> None:
    add_customer_message(talk.pk, client_id=uuid.uuid4(), text="ข้อความลับ")
    widget.next("message")
    Message.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    answer = web.http("GET", "/metrics")
    text = answer.body.decode()
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    for line in (
        'csbot_sockets{door="conversation"} 1.0',
        'csbot_messages_total{sender="customer"}',
        "csbot_unanswered 1.0",
        "csbot_escalations_waiting 0.0",
        "csbot_queue_length",
        "csbot_runs_open 0.0",
    ):
        assert line in text, text
    assert "ข้อความลับ" not in text and session_free(text, talk)


def session_free(text: str, talk: Conversation) -> bool:
    return str(talk.public_id) not in text


def test_metrics_are_not_for_strangers(start_web: Callable[..., WebProcess], web: WebProcess) -> None:
    assert web.http("GET", "/metrics", headers={"X-Forwarded-For": "203.0.113.5"}).status == 403
    behind = start_web(CSBOT_TRUSTED_PROXIES="1", CSBOT_METRICS_TOKEN="secret-token")
    for headers, status in (
        ({"X-Forwarded-For": "203.0.113.5"}, 403),
        ({"X-Forwarded-For": "127.0.0.1, 203.0.113.5"}, 403),
        ({"X-Forwarded-For": "203.0.113.5", "Authorization": "Bearer wrong"}, 403),
        ({"X-Forwarded-For": "203.0.113.5", "Authorization": "Bearer secret-token"}, 200),
        ({}, 200),
    ):
        assert behind.http("GET", "/metrics", headers=headers).status == status


def test_static_files_are_served_with_caching_and_without_escape(web: WebProcess) -> None:
    answer = web.http("GET", "/static/admin/css/base.css")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/css") and len(answer.body) > 1000
    again = web.http("GET", "/static/admin/css/base.css", headers={"If-None-Match": answer.headers["ETag"] or ""})
    assert (again.status, again.body) == (304, b"")
    part = web.http("GET", "/static/admin/css/base.css", headers={"Range": "bytes=0-9"})
    assert (part.status, part.body) == (206, answer.body[:10])
    assert web.http("HEAD", "/static/admin/css/base.css").status == 200
    assert web.http("POST", "/static/admin/css/base.css").status == 405
    assert web.http("GET", "/static/../csbot/settings.py").status == 404
    assert web.http("GET", "/static/nothing.css").status == 404


@pytest.mark.parametrize("path", ["/nowhere", "/api/", "/ws/widget/"])
def test_addresses_that_are_not_there_are_404(web: WebProcess, path: str) -> None:
    assert web.http("GET", path).status == 404
