"""Shop staff change the draft in the admin; customers meet it once it is published."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from conversations.desk.groups import ensure_groups
from conversations.playbook.drafts import read_draft
from conversations.playbook.models import Example, Fact, Intent, Profile
from conversations.playbook.prompt import build_prompt
from conversations.playbook.reading import current_playbook
from conversations.playbook.releases import freeze, publish
from conversations.playbook.starter import load_starter_playbook
from tests.playbook.samples import customer

GOOD = {
    "customer_text": "ส่งวันเสาร์ไหมคะ",
    "locale": "th",
    "response": "วันเสาร์ส่งตามปกติค่ะ",
    "is_on": "on",
    "is_pinned": "on",
    "position": "500",
    "note": "",
}


@pytest.fixture
def editor(db: None) -> Client:
    """A signed-in member of the group that keeps the playbook, in a shop with the starter playbook."""
    load_starter_playbook()
    ensure_groups()
    user = User.objects.create_user("ploy", password="a-long-password", is_staff=True)
    user.groups.add(Group.objects.get(name="Editors"))
    client = Client()
    client.force_login(user)
    return client


def page(model: str, verb: str = "changelist", *args: int) -> str:
    return reverse(f"admin:conversations_{model}_{verb}", args=args)


def example(**changes: str) -> dict[str, str]:
    return GOOD | {"intent": str(Intent.objects.get(key="จัดส่ง").pk)} | changes


def errors(client: Client, path: str, data: dict[str, str]) -> dict[str, list[str]]:
    """Send a form and return its errors by field; none where it was saved."""
    response = client.post(path, data)
    if response.status_code == 302:
        return {}
    return {field: list(found) for field, found in response.context["adminform"].form.errors.items()}


@pytest.mark.parametrize("language", ["th", "en"])
@pytest.mark.parametrize("model", ["example", "intent", "fact"])
def test_lists_and_forms_open(editor: Client, model: str, language: str) -> None:
    editor.cookies["django_language"] = language
    firsts = {"example": Example.objects.first(), "intent": Intent.objects.first(), "fact": Fact.objects.first()}
    entry = firsts[model]
    assert entry
    search = f"{page(model)}?q=คืน&is_on__exact=1"
    for path in (page(model), search, page(model, "add"), page(model, "change", entry.pk)):
        assert editor.get(path).status_code == 200, path


def publish_draft() -> None:
    publish(freeze(author=None), by=None, reason="a test")


def test_a_new_example_is_in_the_draft_and_after_publishing_in_the_next_prompt(editor: Client) -> None:
    before = current_playbook()
    assert errors(editor, page("example", "add"), example()) == {}
    assert current_playbook() is before
    assert read_draft().version != before.version
    publish_draft()
    after = current_playbook()
    assert after.version == read_draft().version
    assert after.number == 2
    messages = build_prompt(after, [customer("x")], locale="th", budget_tokens=100).messages
    assert any(message.content == GOOD["customer_text"] for message in messages)


def test_a_changed_fact_is_in_the_drafts_prompt(editor: Client) -> None:
    fact = Fact.objects.get(title__contains="Returns")
    changed = {"title": fact.title, "text_th": "คืนได้ภายใน 14 วัน", "text_en": "14 days", "position": "20", "is_on": "on"}
    assert errors(editor, page("fact", "change", fact.pk), changed) == {}
    system = build_prompt(read_draft(), [customer("x")], locale="th", budget_tokens=100).messages[0]
    assert "th: คืนได้ภายใน 14 วัน" in system.content
    assert fact.text_th not in system.content


@pytest.mark.parametrize("action", ["switch_off", "delete_selected"])
def test_bulk_actions_are_in_the_draft(editor: Client, action: str) -> None:
    before = len(read_draft().examples)
    chosen = [str(pk) for pk in Example.objects.values_list("pk", flat=True)[:10]]
    response = editor.post(page("example"), {"action": action, "_selected_action": chosen, "post": "yes"})
    assert response.status_code == 302
    assert len(read_draft().examples) == before - len(chosen)


def test_an_intent_that_is_switched_off_takes_its_examples_with_it(editor: Client) -> None:
    intent = Intent.objects.get(key="คืนสินค้า")
    editor.post(page("intent"), {"action": "switch_off", "_selected_action": [str(intent.pk)]})
    playbook = read_draft()
    assert "คืนสินค้า" not in playbook.intent_keys
    assert playbook.examples
    assert all(entry.intent != "คืนสินค้า" for entry in playbook.examples)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"response": ""}, "response", "required"),
        ({"response": "\u200b\u200d"}, "response", "can be seen"),
        ({"response": "<b>ได้ค่ะ</b>"}, "response", "plain text"),
        ({"response": "**ได้ค่ะ**"}, "response", "plain text"),
        ({"response": "Yes, we do."}, "response", "no Thai"),
        ({"locale": "en"}, "response", "there is Thai"),
        ({"intent": "999999"}, "intent", "valid choice"),
        ({"intent": ""}, "intent", "required"),
        ({"customer_text": " "}, "customer_text", "required"),
        ({"customer_text": "ร้านเปิดกี่โมงคะ"}, "customer_text", "Another example"),
    ],
)
def test_a_bad_example_is_refused_with_the_reason(
    editor: Client, changes: dict[str, str], field: str, words: str
) -> None:
    count = Example.objects.count()
    found = errors(editor, page("example", "add"), example(**changes))
    assert list(found) == [field]
    assert words in found[field][0]
    assert Example.objects.count() == count


def test_an_example_of_an_intent_that_is_off_is_refused(editor: Client) -> None:
    Intent.objects.filter(key="จัดส่ง").update(is_on=False)
    assert "switched off" in errors(editor, page("example", "add"), example())["intent"][0]
    data = example()
    del data["is_on"]
    assert errors(editor, page("example", "add"), data) == {}


def test_saving_an_example_unchanged_is_no_duplicate_of_itself(editor: Client) -> None:
    entry = Example.objects.first()
    assert entry
    data = example(customer_text=entry.customer_text, response=entry.response, intent=str(entry.intent_id))
    assert errors(editor, page("example", "change", entry.pk), data) == {}


@pytest.mark.parametrize(("key", "is_good"), [("โปรโมชั่น", True), ("gift-card", True), ('a"b', False), ("- x", False)])
def test_an_intents_key_is_a_word(editor: Client, key: str, is_good: bool) -> None:  # noqa: FBT001 - a test's parameter
    data = {
        "key": key,
        "name_th": "ก",
        "name_en": "A",
        "belongs": "x",
        "belongs_not": "",
        "on_action": "note",
        "position": "1",
        "is_on": "on",
    }
    assert (errors(editor, page("intent", "add"), data) == {}) is is_good


def test_an_intent_with_examples_cannot_be_deleted(editor: Client) -> None:
    intent = Intent.objects.get(key="จัดส่ง")
    editor.post(page("intent", "delete", intent.pk), {"post": "yes"})
    assert Intent.objects.filter(pk=intent.pk).exists()


def test_the_instruction_is_one_page(editor: Client) -> None:
    response = editor.get(page("instruction"), follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[0][0] == page("instruction", "change", 1)
    assert "about 5" in response.content.decode()
    data = {"text": "ตอบสั้นๆ", "profile": str(Profile.objects.get(key="chat").pk)}
    assert errors(editor, page("instruction", "change", 1), data) == {}
    playbook = read_draft()
    assert playbook.instruction == "ตอบสั้นๆ"
    assert (playbook.sampling.temperature, playbook.sampling.top_p, playbook.sampling.frequency_penalty) == (
        0.5,
        0.85,
        0.1,
    )
    assert editor.get(page("instruction", "add")).status_code == 403
    assert editor.get(page("instruction", "delete", 1)).status_code == 403


def test_agents_do_not_change_the_playbook(editor: Client) -> None:
    user = User.objects.create_user("nok", password="a-long-password", is_staff=True)
    user.groups.add(Group.objects.get(name="Agents"))
    client = Client()
    client.force_login(user)
    assert client.get(page("example", "add")).status_code == 403
    assert client.get(page("instruction")).status_code == 403


def test_reasons_are_said_in_thai_to_thai_staff(editor: Client) -> None:
    editor.cookies["django_language"] = "th"
    found = errors(editor, page("example", "add"), example(response="<b>ได้ค่ะ</b>"))
    assert "ข้อความธรรมดา" in found["response"][0]


def test_all_that_is_wrong_is_said_at_once(editor: Client) -> None:
    found = errors(editor, page("example", "add"), example(intent="", response="<b>ได้ค่ะ</b>"))
    assert set(found) == {"intent", "response"}


def notices(editor: Client, path: str, data: dict[str, str]) -> list[str]:
    """Save a form and return what to look at twice."""
    response = editor.post(path, data, follow=True)
    return [str(message) for message in response.context["messages"] if message.level_tag == "warning"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"customer_text": "โทรกลับที่ 081-234-5678 นะคะ"}, "a phone number"),
        ({"customer_text": "เลขบัตร 4111 1111 1111 1111"}, "a card number"),
        ({"response": "ส่งมาที่ somchai@example.com ค่ะ"}, "an e-mail address"),
        ({"customer_text": "ร้านเปิดกี่โมงค่ะ"}, "different intent or flags"),
    ],
)
def test_what_to_look_at_twice_is_said_and_shown_and_the_example_is_saved(
    editor: Client, changes: dict[str, str], words: str
) -> None:
    assert any(words in notice for notice in notices(editor, page("example", "add"), example(**changes)))
    saved = Example.objects.latest("pk")
    html = editor.get(page("example", "change", saved.pk)).content.decode()
    assert "Please look at this twice" in html and words in html


def test_the_shops_own_address_from_its_facts_and_a_question_of_its_own_are_nothing_to_look_at(editor: Client) -> None:
    data = example(customer_text="ห่อของขวัญให้ไหม", response="เขียนมาที่ support@shop.example ได้ค่ะ")
    assert notices(editor, page("example", "add"), data) == []


def test_an_example_that_says_nearly_the_same_is_named(editor: Client) -> None:
    data = example(customer_text="ค่าส่งเท่าไหร่", intent=str(Intent.objects.get(key="จัดส่ง").pk))
    found = notices(editor, page("example", "add"), data)
    assert any("nearly the same" in notice and "ค่าส่งเท่าไหร่คะ" in notice for notice in found)
