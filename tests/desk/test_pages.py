"""The desk's pages through Django's test client: what stands there, for whom, and at what price."""

import json
import re
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from conversations.actions.ownership import escalate, take
from conversations.models import Conversation, Customer, Escalation, Reason, Site
from tests.desk.conftest import answer, client_of, make_agent, say

PageData: TypeAlias = Any
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def page_data(html: str, name: str) -> PageData:
    """Return what the server put into the page for its scripts."""
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found, f"no {name} in the page"
    return json.loads(found[1])


def waiting(site: Site, *, name: str, minutes: int) -> Conversation:
    """Return a conversation that has been waiting for a person."""
    conversation = Conversation.objects.create(site=site, customer=Customer.objects.create(site=site, name=name))
    say(conversation, f"{name} ขอคืนสินค้าค่ะ")
    escalate(conversation.pk, reason=Reason.CUSTOMER)
    opened_at = timezone.now() - timedelta(minutes=minutes)
    Escalation.objects.filter(conversation=conversation).update(opened_at=opened_at)
    return conversation


def test_the_first_page_is_the_queue_with_the_longest_waiting_first(agent_client: Client, site: Site) -> None:
    for name, minutes in (("มะลิ", 5), ("สมชาย", 90), ("ปิยะ", 30)):
        waiting(site, name=name, minutes=minutes)
    queue = page_data(agent_client.get("/admin/").content.decode(), "desk-queue")
    assert [row["customer"] for row in queue["waiting"]] == ["สมชาย", "ปิยะ", "มะลิ"]
    assert queue["waiting"][0]["words"] == "สมชาย ขอคืนสินค้าค่ะ"
    assert queue["waiting_count"] == 3


def test_the_queue_tells_mine_from_my_colleagues(agent_client: Client, nok: User, lek: User, site: Site) -> None:
    take(waiting(site, name="มะลิ", minutes=5).pk, agent=nok)
    take(waiting(site, name="สมชาย", minutes=5).pk, agent=lek)
    queue = agent_client.get("/admin/conversations/conversation/queue/").json()
    assert [row["customer"] for row in queue["mine"]] == ["มะลิ"]
    assert [(row["customer"], row["agent"]) for row in queue["others"]] == [("สมชาย", "เล็ก")]
    assert queue["mine"][0]["is_unanswered"]


def test_the_queue_costs_the_same_whatever_its_length(agent_client: Client, site: Site) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert agent_client.get("/admin/conversations/conversation/queue/").status_code == 200
        return len(captured)

    waiting(site, name="มะลิ", minutes=5)
    few = min(queries() for _look in range(3))
    for number in range(12):
        waiting(site, name=f"ลูกค้า {number}", minutes=number)
    # What a process keeps for seconds may be read again at any of these.
    assert min(queries() for _look in range(3)) == few <= 20


@pytest.mark.parametrize("path", ["conversation/", "customer/"])
def test_lists_cost_the_same_whatever_their_length_and_never_count(agent_client: Client, site: Site, path: str) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert agent_client.get(f"/admin/conversations/{path}").status_code == 200
        return [query["sql"] for query in captured.captured_queries]

    waiting(site, name="มะลิ", minutes=5)
    few = min((queries() for _look in range(3)), key=len)
    for number in range(12):
        waiting(site, name=f"ลูกค้า {number}", minutes=number)
    many = min((queries() for _look in range(3)), key=len)
    assert len(many) == len(few) <= 20
    table = Customer._meta.db_table if path == "customer/" else Conversation._meta.db_table
    assert not [sql for sql in many if "COUNT(" in sql and f'FROM "{table}"' in sql]


def test_a_long_conversation_costs_the_same_as_a_short_one(agent_client: Client, conversation: Conversation) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            agent_client.get(f"/admin/conversations/conversation/{conversation.pk}/change/")
        return len(captured)

    say(conversation, "สวัสดี")
    answer(conversation, "สวัสดีค่ะ")
    few = min(queries() for _look in range(3))
    for number in range(30):
        say(conversation, f"ข้อความที่ {number}")
        answer(conversation, f"คำตอบที่ {number}")
    # What a process keeps for seconds may be read again at any of these.
    assert min(queries() for _look in range(3)) == few <= 21


def test_the_search_finds_words_inside_thai_sentences(agent_client: Client, site: Site) -> None:
    said = {"มะลิ": "พัสดุของฉันอยู่ที่ไหนคะ", "สมชาย": "อยากขอคืนเงินค่ะ", "ปิยะ": "Where is my PARCEL?"}
    for name, text in said.items():
        say(Conversation.objects.create(site=site, customer=Customer.objects.create(site=site, name=name)), text)
    for words, name in (("คืนเงิน", "สมชาย"), ("อยู่ที่ไหน", "มะลิ"), ("parcel", "ปิยะ")):
        html = agent_client.get("/admin/conversations/conversation/", {"q": words}).content.decode()
        assert [other for other in said if other in html] == [name]
    assert "ไม่พบ" not in agent_client.get("/admin/conversations/conversation/", {"q": "ไม่มีคำนี้เลย"}).content.decode()


def test_common_words_are_found_without_reading_every_match(
    agent_client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.desk.search.COMMON_IN_SAMPLE", 3)
    for number in range(6):
        conversation = Conversation.objects.create(
            site=site, customer=Customer.objects.create(site=site, name=f"ก{number}")
        )
        say(conversation, "สินค้าหมดหรือยังคะ")
    with CaptureQueriesContext(connection) as captured:
        html = agent_client.get("/admin/conversations/conversation/", {"q": "สินค้า"}).content.decode()
    assert [number for number in range(6) if f">ก{number}<" in html.replace("\n", "").replace(" ", "")] == list(
        range(6)
    )
    assert not [query for query in captured.captured_queries if "csbot_grams" in query["sql"]]


def test_the_filters_narrow_the_list(agent_client: Client, site: Site) -> None:
    waiting(site, name="มะลิ", minutes=5)
    Conversation.objects.create(site=site, customer=Customer.objects.create(site=site, name="John"), locale="en")
    list_url = "/admin/conversations/conversation/"
    for query, name in (({"locale__exact": "en"}, "John"), ({"owner__exact": "waiting"}, "มะลิ")):
        html = agent_client.get(list_url, query).content.decode()
        assert [other for other in ("มะลิ", "John") if other in html] == [name]
    today = timezone.localdate().isoformat()
    html = agent_client.get(list_url, {"last_message_at_from": today, "last_message_at_to": today}).content.decode()
    assert "John" in html


def test_a_conversation_shows_what_the_bot_decided_and_what_it_took(
    agent_client: Client, conversation: Conversation
) -> None:
    say(conversation, "ของถึงเมื่อไหร่คะ")
    answer(conversation, "พรุ่งนี้ค่ะ", escalate=True)
    html = agent_client.get(f"/admin/conversations/conversation/{conversation.pk}/change/").content.decode()
    state = page_data(html, "desk-state")
    bot, run = state["messages"][1], state["runs"][0]
    assert (bot["intent"], bot["action_required"], bot["escalate"]) == ("จัดส่ง", True, True)
    assert (run["provider"], run["attempts"], run["first_token_ms"], run["outcome"]) == (
        "deepseek",
        2,
        412,
        "escalated",
    )
    assert state["head"]["owner"] == "waiting"
    assert state["escalations"][0]["reason"]


def test_hostile_words_are_data_and_never_markup(agent_client: Client, site: Site) -> None:
    customer = Customer.objects.create(site=site, name=HOSTILE, external_id=HOSTILE, email=HOSTILE)
    conversation = Conversation.objects.create(site=site, customer=customer)
    say(conversation, HOSTILE)
    answer(conversation, HOSTILE)
    escalate(conversation.pk, reason=Reason.CUSTOMER, detail=HOSTILE)
    for path in (
        "",
        "conversations/conversation/",
        f"conversations/conversation/{conversation.pk}/change/",
        "conversations/customer/",
        f"conversations/customer/{customer.pk}/change/",
    ):
        html = agent_client.get(f"/admin/{path}").content.decode()
        assert "alert(1)" in html, path
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path


@pytest.mark.parametrize(
    ("group", "statuses"),
    [
        ("Agents", {"": 200, "conversations/conversation/": 200, "conversations/site/": 403, "auth/user/": 403}),
        ("Editors", {"": 200, "conversations/conversation/": 200, "conversations/customer/": 403, "auth/user/": 403}),
    ],
)
def test_each_group_sees_its_own_pages(db: None, group: str, statuses: dict[str, int]) -> None:
    client = client_of(make_agent("somebody", name="ใคร", group=group))
    assert {path: client.get(f"/admin/{path}").status_code for path in statuses} == statuses


def test_staff_without_rights_see_no_queue_and_no_conversation(db: None, conversation: Conversation) -> None:
    user = User.objects.create_user("new", password="x", is_staff=True)
    client = client_of(user)
    assert "desk-queue" not in client.get("/admin/").content.decode()
    for path in ("queue/", f"{conversation.pk}/change/", f"{conversation.pk}/live/"):
        assert client.get(f"/admin/conversations/conversation/{path}").status_code == 403, path


def test_nobody_else_gets_in(db: None, conversation: Conversation) -> None:
    for path in ("", "conversations/conversation/queue/", f"conversations/conversation/{conversation.pk}/live/"):
        response = Client().get(f"/admin/{path}")
        assert response.status_code == 302, path
        assert response.headers["Location"].startswith("/admin/login/")


def test_every_page_says_that_answers_are_simulated(
    agent_client: Client, settings: Settings, conversation: Conversation
) -> None:
    paths = ["", "conversations/conversation/", f"conversations/conversation/{conversation.pk}/change/"]
    for path in paths:
        assert "desk-simulated" in agent_client.get(f"/admin/{path}").content.decode(), path
    assert "desk-simulated" in Client().get("/admin/login/").content.decode()
    settings.DEEPSEEK_API_KEYS = ["key"]
    for path in paths:
        assert "desk-simulated" not in agent_client.get(f"/admin/{path}").content.decode(), path


def test_missing_conversations_are_not_found(agent_client: Client) -> None:
    for path in ("999/change/", "999/live/", "x/change/"):
        assert agent_client.get(f"/admin/conversations/conversation/{path}").status_code == 404, path
