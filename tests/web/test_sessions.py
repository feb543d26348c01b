"""`POST /api/widget/sessions`, rule by rule."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from django.db import connection

from conversations.models import Conversation, Customer, Site, WidgetSession
from tests.web.server import Answer, WebProcess

ADDRESS = "/api/widget/sessions"


def identity(site: Site, *, secret: str | None = None, algorithm: str = "HS256", **claims: object) -> str:
    """Return a JWT as a shop's server would sign it."""
    claims = {"sub": "customer-7", "exp": int(time.time()) + 60, **claims}
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, secret or site.identity_secret, algorithm=algorithm)


def open_as(web: WebProcess, token: str) -> Answer:
    return web.http("POST", ADDRESS, body={"identity": token})


def test_a_session_is_a_token_a_conversation_and_an_expiry(web: WebProcess) -> None:
    answer = web.http("POST", ADDRESS, body={})
    assert answer.status == 201 and answer.json.keys() == {"token", "conversation", "expires_at"}
    assert answer.headers["Content-Type"] == "application/json"
    conversation = Conversation.objects.get(public_id=answer.json["conversation"])
    assert str(conversation.public_id) not in answer.json["token"]
    assert conversation.locale == "th"


def test_a_named_site_and_locale_are_used(web: WebProcess) -> None:
    other = Site.objects.create(name="Other")
    answer = web.http("POST", ADDRESS, body={"site": other.public_key, "locale": "en"})
    conversation = Conversation.objects.get(public_id=answer.json["conversation"])
    assert (conversation.site, conversation.locale) == (other, "en")


def test_two_visitors_get_two_conversations(web: WebProcess) -> None:
    assert web.session()["conversation"] != web.session()["conversation"]


def test_no_visitor_notices_that_the_database_was_restarted(web: WebProcess) -> None:
    with ThreadPoolExecutor(12) as visitors:
        list(visitors.map(lambda _visitor: web.session(), range(24)))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] > 1
    for _visitor in range(12):
        assert web.session()["token"]


def test_the_same_identity_gets_its_conversation_on_every_device(web: WebProcess, shop: Site) -> None:
    first = open_as(web, identity(shop, name="สมศรี", email="s@example.com"))
    second = open_as(web, identity(shop, name="สมศรี ใจดี"))
    assert first.status == second.status == 201
    assert first.json["conversation"] == second.json["conversation"]
    assert first.json["token"] != second.json["token"]
    assert Customer.objects.get().name == "สมศรี ใจดี"


def test_the_same_identity_at_two_sites_is_two_customers(web: WebProcess, shop: Site) -> None:
    other = Site.objects.create(name="Other", identity_secret=shop.identity_secret)
    here = open_as(web, identity(shop))
    there = web.http("POST", ADDRESS, body={"site": other.public_key, "identity": identity(other)})
    assert here.json["conversation"] != there.json["conversation"]


def test_a_visitor_goes_on_with_an_earlier_token(web: WebProcess) -> None:
    first = web.session()
    assert web.session(token=first["token"])["conversation"] == first["conversation"]


@pytest.mark.parametrize("spoiled", ["{}x", "x{}", "nonsense", "ไทย:x", ""])
def test_a_token_that_we_did_not_sign_makes_a_new_visitor(web: WebProcess, spoiled: str) -> None:
    first = web.session()
    assert web.session(token=spoiled.format(first["token"]))["conversation"] != first["conversation"]


def test_a_token_gives_no_way_into_a_known_customers_conversation(web: WebProcess, shop: Site) -> None:
    known = open_as(web, identity(shop)).json
    assert web.session(token=known["token"])["conversation"] != known["conversation"]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": 1}, "identity_expired"),
        ({"exp": None}, "identity_invalid"),
        ({"sub": None}, "identity_invalid"),
        ({"sub": ""}, "identity_invalid"),
        ({"sub": "a\x00b"}, "identity_invalid"),
        ({"sub": "x" * 201}, "identity_invalid"),
        ({"name": 5}, "identity_invalid"),
        ({"secret": "another secret, just as long as the right one"}, "identity_invalid"),
        ({"algorithm": "HS384"}, "identity_invalid"),
    ],
)
def test_an_identity_that_cannot_be_trusted_is_401(
    web: WebProcess, shop: Site, claims: dict[str, object], code: str
) -> None:
    answer = open_as(web, identity(shop, **claims))  # type: ignore[arg-type]
    assert (answer.status, answer.json["error"]["code"]) == (401, code)
    assert answer.json["error"]["message"]
    assert not Customer.objects.exists()


def test_an_unsigned_identity_is_401(web: WebProcess) -> None:
    token = jwt.encode({"sub": "admin", "exp": int(time.time()) + 60}, "", algorithm="none")
    assert open_as(web, token).status == 401
    assert open_as(web, "a.b.c").status == 401


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"\xff\xfe", "bad_json"),
        (b"[]", "bad_request"),
        (b"[" * 20000, "bad_json"),
        ({"site": 5}, "bad_request"),
        ({"locale": "fr"}, "bad_request"),
        ({"identity": ["x"]}, "bad_request"),
        ({"site": "no-such-site"}, "unknown_site"),
        ({"site": "a\x00b"}, "unknown_site"),
        ({"padding": "x" * 40000}, "too_large"),
        ({"padding": "x" * 2000000}, "too_large"),
    ],
)
def test_a_request_that_makes_no_sense_is_400(web: WebProcess, body: object, code: str) -> None:
    answer = web.http("POST", ADDRESS, body=body)
    assert (answer.status, answer.json["error"]["code"]) == (400, code)
    assert not WidgetSession.objects.exists()


def test_other_methods_are_405(web: WebProcess) -> None:
    assert web.http("GET", ADDRESS).status == 405


@pytest.mark.parametrize("origin", ["https://evil.example", "http://shop.example", "https://shop.example:8443", "null"])
def test_a_foreign_origin_is_403_and_gets_no_cors_headers(web: WebProcess, origin: str) -> None:
    for method in ("POST", "OPTIONS"):
        answer = web.http(method, ADDRESS, body={} if method == "POST" else None, headers={"Origin": origin})
        assert answer.status == 403 and "Access-Control-Allow-Origin" not in answer.headers
    assert not WidgetSession.objects.exists()


@pytest.mark.parametrize("origin", ["https://shop.example", "https://SHOP.example:443"])
def test_an_allowed_origin_may_read_the_answer(web: WebProcess, origin: str) -> None:
    preflight = web.http("OPTIONS", ADDRESS, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    assert preflight.status == 204 and preflight.headers["Access-Control-Allow-Headers"] == "content-type"
    answer = web.http("POST", ADDRESS, body={}, headers={"Origin": origin})
    assert answer.status == 201 and answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Origin" in answer.headers["Vary"] and "Access-Control-Allow-Credentials" not in answer.headers
    refused = web.http("POST", ADDRESS, body={"identity": "x"}, headers={"Origin": origin})
    assert refused.status == 401 and refused.headers["Access-Control-Allow-Origin"] == origin


def test_our_own_pages_are_always_allowed(web: WebProcess) -> None:
    origin = f"http://127.0.0.1:{web.port}"
    assert web.http("POST", ADDRESS, body={}, headers={"Origin": origin}).status == 201
    elsewhere = {"Origin": "http://evil.example", "Host": "evil.example"}
    assert web.http("POST", ADDRESS, body={}, headers=elsewhere).status in (400, 403)


def test_a_flood_of_sessions_is_told_when_to_come_back(
    web: WebProcess, start_web: Callable[..., WebProcess], shop: Site
) -> None:
    strict = start_web(CSBOT_RATE_LIMIT_SCALE="0.001", CSBOT_TRUSTED_PROXIES="1")
    headers = {"X-Forwarded-For": "1.2.3.4, 198.51.100.7"}
    answers = [strict.http("POST", ADDRESS, body={}, headers=headers) for _ in range(4)]
    assert [answer.status for answer in answers] == [201, 201, 201, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].json["error"]["code"] == "rate_limited"
    neighbour = {"X-Forwarded-For": "198.51.100.200"}
    assert strict.http("POST", ADDRESS, body={}, headers=neighbour).status == 429
    stranger = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
    assert strict.http("POST", ADDRESS, body={}, headers=stranger).status == 201
