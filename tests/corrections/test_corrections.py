"""From an agent's two clicks at a bad reply to an example in the draft."""

import json
import threading
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from conversations.actions.agents import take_and_say
from conversations.actions.append import Verdict
from conversations.actions.customers import add_customer_message
from conversations.actions.runs import Figures, finish_run, open_run
from conversations.models import Conversation, Customer, Message, Sender, Site
from conversations.playbook.corrections import CASE_SET, Decision, RefusedError, approve, groups
from conversations.playbook.models import (
    AuditEntry,
    Correction,
    CorrectionState,
    EvaluationCase,
    Example,
    Intent,
    Release,
    Verb,
)
from tests.corrections.conftest import browser, member

QUEUE = "/admin/conversations/correction/"
HOSTILE = "<img src=x onerror=alert(1)>"
RIGHT = {"reason": "wrong", "response": "คืนได้ภายใน 14 วันค่ะ", "intent": "คืนสินค้า", "escalate": "", "action_required": ""}


def talk(site: Site, *questions: str, answer: str = "คืนไม่ได้ค่ะ", name: str = "สมชาย ใจดี") -> Message:
    """Let a customer ask and the bot answer; return the bot's reply."""
    customer = Customer.objects.create(site=site, name=name, email="somchai@example.com")
    conversation = Conversation.objects.create(site=site, customer=customer)
    for question in questions:
        add_customer_message(conversation.pk, client_id=uuid.uuid4(), text=question)
    return reply(conversation, answer)


def reply(conversation: Conversation, answer: str, *, intent: str = "อื่นๆ") -> Message:
    """Let the bot answer."""
    opened = open_run(conversation.pk, worker="test")
    assert opened is not None
    verdict = Verdict(intent=intent, action_required=False, escalate=False)
    finish_run(opened.run.pk, text=answer, verdict=verdict, figures=Figures(provider="p", model="m", release=1))
    return Message.objects.filter(conversation=conversation, sender=Sender.BOT).latest("seq")


def door(message: Message) -> str:
    return reverse("admin:correct-reply", args=[message.pk])


def corrected(agent: Client, message: Message, **changes: str) -> Correction:
    """Let the agent correct a reply; return what is kept."""
    response = agent.post(door(message), RIGHT | changes)
    assert response.status_code == 200, response.content
    return Correction.objects.latest("pk")


def page_rows(client: Client, message: Message) -> list[dict[str, Any]]:
    """Return the messages of the conversation's page as its script gets them."""
    path = reverse("admin:desk-live", args=[message.conversation_id])
    rows: list[dict[str, Any]] = client.get(path, {"after": "0"}).json()["messages"]
    return rows


def decision(**changes: Any) -> Decision:  # noqa: ANN401 - any field of a decision
    values: dict[str, Any] = {
        "customer_text": "ซื้อไปสิบวันแล้วคืนได้ไหมคะ",
        "response": "คืนได้ภายใน 14 วันค่ะ",
        "intent_id": Intent.objects.get(key="คืนสินค้า").pk,
        "locale": "th",
        "escalate": False,
        "action_required": False,
    }
    return Decision(**values | changes)


def test_two_clicks_make_a_masked_suggestion(agent: Client, nok: User, site: Site) -> None:
    message = talk(site, "ผมสมชาย ใจดี โทร 081-234-5678", "ออเดอร์ 99887766 คืนได้ไหม", answer="คุณสมชาย ใจดี คืนไม่ได้ค่ะ")
    take_and_say(message.conversation_id, agent=nok, text="คืนได้ค่ะ ติดต่อ 0898765432", client_id=uuid.uuid4())
    row = next(row for row in page_rows(agent, message) if row["id"] == str(message.pk))
    beginning = agent.get(row["correct"]).json()
    assert beginning["question"] == "ผม[name] โทร [phone]\nออเดอร์ [order] คืนได้ไหม"
    assert beginning["bot_answer"] == "คุณ[name] คืนไม่ได้ค่ะ"
    assert (beginning["response"], beginning["is_agents"]) == ("คืนได้ค่ะ ติดต่อ [phone]", True)
    assert [intent["value"] for intent in beginning["intents"]] == [intent.key for intent in Intent.objects.on()]
    sent = {key: beginning[key] for key in ("response", "intent")} | {"reason": "wrong", "comment": "ดู 0898765432"}
    assert agent.post(row["correct"], sent).json()["state"] == "open"
    correction = Correction.objects.get()
    assert (correction.question, correction.response) == (beginning["question"], "คืนได้ค่ะ ติดต่อ [phone]")
    assert (correction.comment, correction.author_name, correction.bot_intent) == ("ดู [phone]", "nok", "อื่นๆ")
    assert not any(
        "สมชาย" in str(value) or "98765432" in str(value)
        for value in vars(correction).values()
        if isinstance(value, str)
    )
    row = next(row for row in page_rows(agent, message) if row["id"] == str(message.pk))
    assert (row["correct"], row["correction"]) == ("", "open")


def test_what_was_said_before_comes_along_masked(agent: Client, site: Site) -> None:
    first = talk(site, "มีเสื้อไหม โทร 0812345678", answer="มีค่ะ")
    add_customer_message(first.conversation_id, client_id=uuid.uuid4(), text="สีแดงคืนได้ไหม")
    second = reply(first.conversation, "ไม่ได้ค่ะ")
    correction = corrected(agent, second)
    assert correction.question == "สีแดงคืนได้ไหม"
    assert correction.dialogue == [
        {"speaker": "customer", "text": "มีเสื้อไหม โทร [phone]"},
        {"speaker": "bot", "text": "มีค่ะ"},
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"response": " "}, "Nothing in it can be seen"),
        ({"response": "<b>x</b>"}, "plain text"),
        ({"reason": ""}, "what was wrong"),
        ({"intent": "ไม่มี"}, "no such intent"),
        ({"response": "คืนไม่ได้ค่ะ", "intent": "อื่นๆ"}, "what would have been right"),
    ],
)
def test_a_suggestion_that_says_nothing_is_refused(
    agent: Client, site: Site, changes: dict[str, str], words: str
) -> None:
    response = agent.post(door(talk(site, "คืนได้ไหม")), RIGHT | changes)
    assert response.status_code == 400
    assert words in response.json()["error"]["message"]
    assert not Correction.objects.exists()


def test_a_reply_is_corrected_once_until_an_editor_turns_it_down(agent: Client, editor: Client, site: Site) -> None:
    message = talk(site, "คืนได้ไหม")
    first = corrected(agent, message)
    again = agent.post(door(message), RIGHT)
    assert (again.status_code, "already" in again.json()["error"]["message"]) == (409, True)
    editor.post(reverse("admin:correction-reject"), {"take": first.pk, "why": "ถูก\x00แล้ว "})
    first.refresh_from_db()
    assert (first.state, first.decision, first.decided_by_name) == (CorrectionState.REJECTED, "ถูกแล้ว", "ploy")
    assert corrected(agent, message).pk != first.pk


def test_only_replies_of_the_bot_are_corrected_by_those_who_may(agent: Client, editor: Client, site: Site) -> None:
    message = talk(site, "คืนได้ไหม")
    question = Message.objects.get(conversation=message.conversation, sender=Sender.CUSTOMER)
    assert agent.get(door(question)).status_code == 409
    assert agent.get(reverse("admin:correct-reply", args=[10**18])).status_code == 404
    viewer = browser(member("Viewers", "vi"))
    assert viewer.get(door(message)).status_code == 403
    assert viewer.post(door(message), RIGHT).status_code == 403
    assert all(row["correct"] == "" for row in page_rows(viewer, message))
    assert agent.get(QUEUE).status_code == 403, "agents suggest, editors decide"
    assert viewer.get(QUEUE).status_code == 200
    assert viewer.post(reverse("admin:correction-reject"), {"take": "1"}).status_code == 403


def test_similar_suggestions_wait_as_one_group(agent: Client, editor: Client, site: Site) -> None:
    for question in ("ซื้อไปสิบวันแล้วคืนได้ไหมคะ", "ส่งต่างประเทศไหม", "ซื้อไปสิบวันแล้ว คืนได้ไหมครับ", "ซื้อไป 10 วันแล้วคืนได้ไหม"):
        corrected(agent, talk(site, question))
    found = groups(list(Correction.objects.open()))
    assert [len(group) for group in found] == [3, 1]
    page = editor.get(QUEUE).content.decode()
    assert page.count(reverse("admin:correction-review", args=[found[0][0].pk])) == 1
    assert "3 similar suggestions" in page


def test_agents_who_disagree_are_shown(agent: Client, editor: Client, site: Site) -> None:
    corrected(agent, talk(site, "ซื้อไปสิบวันแล้วคืนได้ไหมคะ"))
    corrected(agent, talk(site, "ซื้อไปสิบวันแล้วคืนได้ไหมครับ"), escalate="1")
    assert "Agents disagree" in editor.get(QUEUE).content.decode()


@pytest.mark.parametrize("language", ["th", "en"])
def test_an_approved_group_is_one_example_and_a_case_for_each(
    agent: Client, editor: Client, site: Site, language: str
) -> None:
    editor.cookies["django_language"] = language
    for question in ("ซื้อไปสิบวันแล้วคืนได้ไหมคะ", "ซื้อไปสิบวันแล้วคืนได้ไหมครับ"):
        corrected(agent, talk(site, question))
    first, second = Correction.objects.open()
    live = Release.objects.get(is_live=True).content_hash
    path = reverse("admin:correction-review", args=[first.pk])
    shown = editor.get(path)
    assert [each.pk for each in shown.context["group"]] == [first.pk, second.pk]
    intent = Intent.objects.get(key="คืนสินค้า")
    form = {
        "take": [first.pk, second.pk],
        "customer_text": "ซื้อไปสิบวันแล้วคืนได้ไหม",
        "response": "คืนได้ภายใน 14 วันค่ะ",
        "intent": intent.pk,
        "locale": "th",
        "has_cases": "on",
        "must_say": "14\n\n",
        "must_not_say": "7 วัน",
    }
    assert editor.post(path, form).status_code == 302
    example = Example.objects.latest("pk")
    assert (example.customer_text, example.intent, example.is_on) == ("ซื้อไปสิบวันแล้วคืนได้ไหม", intent, True)
    cases = EvaluationCase.objects.filter(evaluation_set__name=CASE_SET).order_by("pk")
    assert [(case.question, case.intent, case.must_say, case.must_not_say) for case in cases] == [
        ("ซื้อไปสิบวันแล้วคืนได้ไหมคะ", "คืนสินค้า", ["14"], ["7 วัน"]),
        ("ซื้อไปสิบวันแล้วคืนได้ไหมครับ", "คืนสินค้า", ["14"], ["7 วัน"]),
    ]
    done = Correction.objects.order_by("pk")
    assert [(each.state, each.example_id, each.decided_by_name) for each in done] == [
        ("approved", example.pk, "ploy")
    ] * 2
    assert AuditEntry.objects.filter(verb=Verb.APPROVE, object_type="correction", actor_name="ploy").count() == 2
    assert AuditEntry.objects.about("example", example.pk).get().verb == Verb.ADD
    assert Release.objects.get(is_live=True).content_hash == live, "customers notice nothing yet"
    assert editor.get(QUEUE).status_code == 200
    assert editor.get(path).status_code == 200


def test_an_example_that_says_it_wrong_is_changed_instead(agent: Client, editor: Client, site: Site) -> None:
    old = Example.objects.filter(intent__key="คืนสินค้า", locale="th")[0]
    correction = corrected(agent, talk(site, old.customer_text))
    path = reverse("admin:correction-review", args=[correction.pk])
    page = editor.get(path).context
    (offered, value, _percent), *_others = page["alike"]
    assert (offered.pk, page["replaces"]) == (old.pk, value)
    count = Example.objects.count()
    form = {
        "take": correction.pk,
        "customer_text": old.customer_text,
        "response": "คืนได้ภายใน 14 วันค่ะ",
        "intent": old.intent_id,
        "locale": "th",
    }
    refused = editor.post(path, form | {"replaces": "new"})
    assert "Another example in use" in str(refused.context["form"].errors)
    Example.objects.filter(pk=old.pk).update(note="a colleague's")
    assert "meanwhile" in str(editor.post(path, form | {"replaces": value}).context["form"].errors)
    newest = editor.get(path).context["alike"][0][1]
    assert editor.post(path, form | {"replaces": newest}).status_code == 302
    old.refresh_from_db()
    assert (old.response, old.note, Example.objects.count()) == ("คืนได้ภายใน 14 วันค่ะ", "a colleague's", count)
    assert set(AuditEntry.objects.about("example", old.pk)[0].changes) >= {"response"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"response": "<b>x</b>"}, "response"), ({"customer_text": ""}, "customer_text"), ({"intent": "0"}, "intent")],
)
def test_a_bad_example_is_refused_and_the_suggestion_stays(
    agent: Client, editor: Client, site: Site, changes: dict[str, str], field: str
) -> None:
    correction = corrected(agent, talk(site, "ซื้อไปสิบวันแล้วคืนได้ไหมคะ"))
    form = {
        "take": correction.pk,
        "customer_text": "คืนได้ไหม",
        "response": "ได้ค่ะ",
        "intent": Intent.objects.get(key="คืนสินค้า").pk,
        "locale": "th",
    }
    response = editor.post(reverse("admin:correction-review", args=[correction.pk]), form | changes)
    assert list(response.context["form"].errors) == [field]
    correction.refresh_from_db()
    assert correction.state == CorrectionState.OPEN


def test_personal_data_that_is_left_is_pointed_out(agent: Client, editor: Client, site: Site) -> None:
    correction = corrected(agent, talk(site, "คืนได้ไหม"))
    Correction.objects.filter(pk=correction.pk).update(question="โทร 0812345678 คืนได้ไหม")
    page = editor.get(reverse("admin:correction-review", args=[correction.pk])).content.decode()
    assert "a phone number" in page


def test_what_customers_and_agents_wrote_is_never_html(agent: Client, editor: Client, site: Site) -> None:
    correction = corrected(agent, talk(site, HOSTILE, answer=HOSTILE), comment=HOSTILE)
    for path in (QUEUE, reverse("admin:correction-review", args=[correction.pk])):
        page = editor.get(path).content.decode()
        assert HOSTILE not in page
        assert "&lt;img" in page
    shown = json.dumps(agent.get(door(talk(site, HOSTILE))).json())
    assert "onerror" in shown


def test_a_correction_outlives_its_customer_without_any_of_the_customers_data(agent: Client, site: Site) -> None:
    message = talk(site, "ผมสมชาย ใจดี somchai@example.com คืนได้ไหม")
    correction = corrected(agent, message)
    message.conversation.customer.delete()
    correction.refresh_from_db()
    assert correction.message is None
    assert correction.question == "ผม[name] [name] คืนได้ไหม"


@pytest.mark.django_db(transaction=True)
def test_two_editors_who_approve_at_once_make_one_example(agent: Client, ploy: User, site: Site) -> None:
    correction = corrected(agent, talk(site, "ซื้อไปสิบวันแล้วคืนได้ไหมคะ"))
    results: list[str] = []
    barrier = threading.Barrier(2)

    def decide() -> None:
        barrier.wait()
        try:
            approve([correction.pk], decision(), by=ploy)
            results.append("approved")
        except RefusedError as refused:
            results.append(str(refused))
        finally:
            connection.close()

    threads = [threading.Thread(target=decide) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["approved", "ploy decided this meanwhile."]
    assert Example.objects.filter(customer_text=decision().customer_text).count() == 1
