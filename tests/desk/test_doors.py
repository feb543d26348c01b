"""What agents do, through the doors of the conversation's page: races, refusals, and nothing sent twice."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from conversations.actions.ownership import escalate, take
from conversations.models import Conversation, Escalation, Note, Owner, Reason, Sender
from tests.desk.conftest import answer, client_of, make_agent, say

DOORS = ("take", "take-over", "reply", "note", "hand-back", "resolve", "escalate")
Answer: TypeAlias = Any
"""The test client's answer, which has more than its type says."""


def knock(client: Client, conversation: Conversation, door: str, **fields: str) -> Answer:
    """Post to a door of the conversation's page."""
    fields.setdefault("submit_id", str(uuid.uuid4()))
    return client.post(f"/admin/conversations/conversation/{conversation.pk}/{door}/", fields)


def all_knock_at_once(clients: list[Client], conversation: Conversation, door: str, **fields: str) -> list[Answer]:
    """Let each client post at the same time, on a database connection of its own."""

    def knock_and_close(client: Client) -> Answer:
        try:
            return knock(client, conversation, door, **fields)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(clients)) as threads:
        return list(threads.map(knock_and_close, clients))


def test_taking_makes_the_agent_the_owner(agent_client: Client, nok: User, conversation: Conversation) -> None:
    say(conversation, "ขอคุยกับคนค่ะ")
    escalate(conversation.pk, reason=Reason.CUSTOMER)
    state = knock(agent_client, conversation, "take", after="0").json()
    assert (state["head"]["owner"], state["head"]["is_mine"]) == ("agent", True)
    assert state["messages"][-1]["code"] == "agent_joined"
    conversation.refresh_from_db()
    assert conversation.agent == nok


def test_two_agents_who_take_at_once_never_both_get_it(new_conversation: Callable[[str], Conversation]) -> None:
    clients = [client_of(make_agent("nok", name="นก")), client_of(make_agent("lek", name="เล็ก"))]
    for number in range(12):
        conversation = new_conversation(f"ลูกค้า {number}")
        escalate(conversation.pk, reason=Reason.CUSTOMER)
        answers = all_knock_at_once(clients, conversation, "take")
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        loser = next(answer for answer in answers if answer.status_code == 409)
        owner = Conversation.objects.get(pk=conversation.pk).agent
        assert owner is not None
        assert owner.first_name in loser.json()["error"]["message"]
        assert conversation.messages.filter(code="agent_joined").count() == 1


def test_a_colleague_takes_over_what_an_absent_agent_holds(
    agent_client: Client, nok: User, lek: User, conversation: Conversation
) -> None:
    take(conversation.pk, agent=lek)
    state = knock(agent_client, conversation, "take-over", holder=str(lek.pk), after="1").json()
    assert (state["head"]["is_mine"], state["head"]["agent_id"]) == (True, nok.pk)
    assert [row["code"] for row in state["messages"]] == ["agent_joined"]
    late = knock(client_of(lek), conversation, "reply", text="สวัสดี")
    assert (late.status_code, late.json()["error"]["message"]) == (409, "นก has this conversation.")


def test_a_take_over_from_somebody_who_no_longer_holds_it_is_refused(
    agent_client: Client, nok: User, lek: User, conversation: Conversation
) -> None:
    take(conversation.pk, agent=lek)
    other = knock(agent_client, conversation, "take-over", holder=str(nok.pk))
    assert (other.status_code, other.json()["error"]["message"]) == (409, "เล็ก has this conversation.")
    knock(client_of(lek), conversation, "hand-back")
    gone = knock(agent_client, conversation, "take-over", holder=str(lek.pk))
    assert (gone.status_code, gone.json()["error"]["message"]) == (409, "The bot has this conversation again.")
    assert Conversation.objects.get(pk=conversation.pk).owner == Owner.BOT
    assert knock(agent_client, conversation, "take-over", holder="เล็ก").status_code == 400


def test_two_who_take_over_at_once_never_both_get_it(new_conversation: Callable[[str], Conversation]) -> None:
    clients = [client_of(make_agent("nok", name="นก")), client_of(make_agent("lek", name="เล็ก"))]
    absent = make_agent("absent", name="ส้ม")
    for number in range(12):
        conversation = new_conversation(f"ลูกค้า {number}")
        take(conversation.pk, agent=absent)
        answers = all_knock_at_once(clients, conversation, "take-over", holder=str(absent.pk))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        loser = next(answer for answer in answers if answer.status_code == 409)
        owner = Conversation.objects.get(pk=conversation.pk).agent
        assert owner is not None
        assert owner.first_name in loser.json()["error"]["message"]
        assert conversation.messages.filter(code="agent_joined").count() == 2


def test_a_reply_reaches_the_customer(agent_client: Client, nok: User, conversation: Conversation) -> None:
    say(conversation, "สวัสดี")
    take(conversation.pk, agent=nok)
    response = knock(agent_client, conversation, "reply", text="  สวัสดีค่ะ\r\nมีอะไรให้ช่วยคะ ")
    assert response.status_code == 200
    message = conversation.messages.get(sender=Sender.AGENT)
    assert (message.text, message.agent_name) == ("สวัสดีค่ะ\nมีอะไรให้ช่วยคะ", "นก")


def test_a_reply_to_a_conversation_that_nobody_has_takes_it(agent_client: Client, conversation: Conversation) -> None:
    say(conversation, "สวัสดี")
    state = knock(agent_client, conversation, "reply", text="สวัสดีค่ะ", after="1").json()
    assert state["head"]["is_mine"]
    assert [row["sender"] for row in state["messages"]] == ["system", "agent"]


def test_the_same_submit_is_written_once(agent_client: Client, conversation: Conversation) -> None:
    submit_id = str(uuid.uuid4())
    for _try in range(3):
        assert knock(agent_client, conversation, "reply", text="ครั้งเดียว", submit_id=submit_id).status_code == 200
        assert knock(agent_client, conversation, "note", text="โน้ต", submit_id=submit_id).status_code == 200
    assert conversation.messages.filter(sender=Sender.AGENT).count() == 1
    assert Note.objects.filter(conversation=conversation).count() == 1
    assert knock(agent_client, conversation, "note", text="โน้ต").status_code == 200
    assert Note.objects.filter(conversation=conversation).count() == 2


def test_a_double_click_is_written_once(new_conversation: Callable[[str], Conversation]) -> None:
    nok = make_agent("nok", name="นก")
    clients = [client_of(nok) for _ in range(2)]
    for number in range(8):
        conversation = new_conversation(f"ลูกค้า {number}")
        submit_id = str(uuid.uuid4())
        answers = all_knock_at_once(clients, conversation, "reply", text="ครับ", submit_id=submit_id)
        assert {answer.status_code for answer in answers} == {200}
        assert conversation.messages.filter(sender=Sender.AGENT).count() == 1
        answers = all_knock_at_once(clients, conversation, "note", text="โน้ต", submit_id=submit_id)
        assert {answer.status_code for answer in answers} == {200}
        assert conversation.notes.count() == 1


def test_a_resend_of_what_was_stored_does_not_take_the_conversation_again(
    agent_client: Client, conversation: Conversation
) -> None:
    submit_id = str(uuid.uuid4())
    assert knock(agent_client, conversation, "reply", text="ครั้งเดียว", submit_id=submit_id).status_code == 200
    assert knock(agent_client, conversation, "hand-back").status_code == 200
    assert knock(agent_client, conversation, "reply", text="ครั้งเดียว", submit_id=submit_id).status_code == 200
    assert Conversation.objects.get(pk=conversation.pk).owner == Owner.BOT
    assert conversation.messages.filter(sender=Sender.AGENT).count() == 1


def test_a_submit_id_stands_for_one_text_of_one_agent(
    agent_client: Client, lek: User, conversation: Conversation
) -> None:
    for door in ("reply", "note"):
        submit_id = str(uuid.uuid4())
        assert knock(agent_client, conversation, door, text="ครั้งเดียว", submit_id=submit_id).status_code == 200
        assert knock(agent_client, conversation, door, text="อย่างอื่น", submit_id=submit_id).status_code == 400
        assert knock(client_of(lek), conversation, door, text="ครั้งเดียว", submit_id=submit_id).status_code == 400
        assert knock(agent_client, conversation, door, text="ครั้งเดียว", submit_id="x").status_code == 400
    assert [note.text for note in conversation.notes.all()] == ["ครั้งเดียว"]
    assert [message.text for message in conversation.messages.filter(sender=Sender.AGENT)] == ["ครั้งเดียว"]


def test_a_submit_that_was_refused_can_be_sent_again(
    agent_client: Client, nok: User, lek: User, conversation: Conversation
) -> None:
    take(conversation.pk, agent=lek)
    submit_id = str(uuid.uuid4())
    refused = knock(agent_client, conversation, "reply", text="สวัสดี", submit_id=submit_id)
    assert refused.status_code == 409
    assert refused.json()["error"] == {"code": "taken", "message": "เล็ก has this conversation."}
    knock(client_of(lek), conversation, "hand-back")
    assert knock(agent_client, conversation, "reply", text="สวัสดี", submit_id=submit_id).status_code == 200


@pytest.mark.parametrize(
    ("text", "code"), [("", "empty"), (" \u200b ", "empty"), ("ก" * 4001, "too_long"), ("ก\x00ข", "invalid")]
)
def test_what_cannot_be_sent_is_refused_with_a_reason(
    agent_client: Client, conversation: Conversation, text: str, code: str
) -> None:
    for door in ("reply", "note"):
        response = knock(agent_client, conversation, door, text=text)
        assert (response.status_code, response.json()["error"]["code"]) == (400, code)
    assert not conversation.messages.exists()


def test_notes_stay_inside(agent_client: Client, conversation: Conversation) -> None:
    say(conversation, "สวัสดี")
    state = knock(agent_client, conversation, "note", text="ลูกค้าประจำ").json()
    assert [(note["author"], note["text"], note["after_seq"]) for note in state["notes"]] == [("นก", "ลูกค้าประจำ", 1)]
    assert conversation.messages.count() == 1


def test_handing_back_and_resolving_close_the_escalation(
    agent_client: Client, nok: User, conversation: Conversation
) -> None:
    for door, owner in (("hand-back", Owner.BOT), ("resolve", Owner.RESOLVED)):
        take(conversation.pk, agent=nok)
        assert knock(agent_client, conversation, door).status_code == 200
        conversation.refresh_from_db()
        assert conversation.owner == owner
        assert not Escalation.objects.unresolved().exists()


def test_an_agent_can_put_the_bots_conversation_into_the_queue(
    agent_client: Client, conversation: Conversation
) -> None:
    assert knock(agent_client, conversation, "escalate", detail="ดูสลิป").status_code == 200
    escalation = Escalation.objects.waiting().get()
    assert (escalation.reason, escalation.detail) == (Reason.AGENT, "ดูสลิป")
    again = knock(agent_client, conversation, "escalate")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "not_yours")


@pytest.mark.parametrize("door", ["hand-back", "resolve"])
def test_only_the_owner_ends_a_conversation(
    agent_client: Client, lek: User, conversation: Conversation, door: str
) -> None:
    take(conversation.pk, agent=lek)
    response = knock(agent_client, conversation, door)
    assert response.status_code == 409
    assert "เล็ก" in response.json()["error"]["message"]
    conversation.refresh_from_db()
    assert conversation.agent == lek


@pytest.mark.parametrize("door", DOORS)
def test_those_who_only_read_are_turned_away(db: None, conversation: Conversation, door: str) -> None:
    editor = client_of(make_agent("editor", name="บก.", group="Editors"))
    assert knock(editor, conversation, door, text="สวัสดี").status_code == 403
    assert knock(Client(), conversation, door, text="สวัสดี").status_code == 302
    assert not conversation.messages.exists()


@pytest.mark.parametrize("door", DOORS)
def test_every_door_asks_for_the_csrf_token(nok: User, conversation: Conversation, door: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(nok)
    assert knock(client, conversation, door, text="สวัสดี").status_code == 403
    assert client.get(f"/admin/conversations/conversation/{conversation.pk}/{door}/").status_code == 405


def test_the_state_after_a_message_is_all_that_came_later(agent_client: Client, conversation: Conversation) -> None:
    for number in range(3):
        say(conversation, f"คำถาม {number}")
        answer(conversation, f"คำตอบ {number}")
    url = f"/admin/conversations/conversation/{conversation.pk}/live/"
    state = agent_client.get(url, {"after": "4"}).json()
    assert [row["seq"] for row in state["messages"]] == [5, 6]
    assert [run["id"] for run in state["runs"]] == [state["messages"][1]["run"]]
    earlier = agent_client.get(url, {"before": "3"}).json()
    assert [row["seq"] for row in earlier["messages"]] == [1, 2]
    assert not earlier["has_earlier"]
    assert agent_client.get(url, {"after": "²"}).json()["messages"][0]["seq"] == 1
