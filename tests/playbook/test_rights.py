"""The five groups at the real doors: what each may change, and that all that changes behaviour is written down."""

import threading
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from conversations.answers.models import KnownAnswer
from conversations.desk.groups import AGENTS, EDITORS, OPERATORS, PUBLISHERS, VIEWERS, ensure_groups
from conversations.gateway.models import Budget, Period, Provider, ProviderKind, Rollout
from conversations.models import Conversation, Customer, Message, Sender, Site
from conversations.playbook.models import AuditEntry, Correction, Example, Fact, Intent, Publication, Release, Verb
from conversations.playbook.releases import freeze, mark_checked
from conversations.playbook.starter import load_starter_playbook
from tests.playbook.forms import values_on

GROUPS = (AGENTS, EDITORS, PUBLISHERS, OPERATORS, VIEWERS)
ADMIN = "/admin/conversations/"


@pytest.fixture(autouse=True)
def shop(request: pytest.FixtureRequest) -> None:
    """The starter playbook, live, and the groups."""
    is_shared = request.node.get_closest_marker("django_db") is not None
    request.getfixturevalue("transactional_db" if is_shared else "db")
    load_starter_playbook()
    ensure_groups()


def browser(group: str, name: str = "") -> Client:
    """Return the browser of a member of a group."""
    user = User.objects.create_user(name or group.lower(), password="a-long-password", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


def boss() -> Client:
    """Return the browser of somebody who may do everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss", password="a-long-password"))
    return client


def bot_reply() -> Message:
    site = Site.objects.create(name="ร้านผ้าไทย")
    conversation = Conversation.objects.create(site=site, customer=Customer.objects.create(site=site))
    Message.objects.create(conversation=conversation, seq=1, sender=Sender.CUSTOMER, text="คืนได้กี่วันคะ")
    return Message.objects.create(conversation=conversation, seq=2, sender=Sender.BOT, text="7 วันค่ะ")


def example_form(**changes: str) -> dict[str, str]:
    intent = Intent.objects.get(key="คืนสินค้า")
    usual = {"customer_text": "คืนทันไหม", "response": "14 วันค่ะ", "intent": str(intent.pk), "locale": "th"}
    return {**usual, "position": "900", "is_on": "on", "is_pinned": "on", **changes}


def add_example(client: Client) -> bool:
    client.post(f"{ADMIN}example/add/", example_form())
    return Example.objects.filter(customer_text="คืนทันไหม").exists()


def change_fact(client: Client) -> bool:
    fact = Fact.objects.get(title__contains="Returns")
    data = {"title": fact.title, "text_th": "คืนได้ 14 วัน", "text_en": "14 days", "position": "20", "is_on": "on"}
    client.post(f"{ADMIN}fact/{fact.pk}/change/", data)
    return Fact.objects.get(pk=fact.pk).text_en == "14 days"


def switch_off_in_bulk(client: Client) -> bool:
    chosen = Example.objects.on()[0].pk
    client.post(f"{ADMIN}example/", {"action": "switch_off", "_selected_action": [str(chosen)]})
    return not Example.objects.get(pk=chosen).is_on


def switch_off_from_a_reply(client: Client) -> bool:
    chosen = Example.objects.on()[0].pk
    client.post(f"{ADMIN}run/example/{chosen}/switch/", {"on": "0"})
    return not Example.objects.get(pk=chosen).is_on


def import_examples(client: Client) -> bool:
    return client.get(f"{ADMIN}exampleimport/").status_code == 200


def freeze_the_draft(client: Client) -> bool:
    Fact.objects.filter(title__contains="Returns").update(text_en="21 days")
    client.post(f"{ADMIN}release/draft/freeze/", {"comment": "x"})
    return Release.objects.count() == 2


def publish_a_release(client: Client) -> bool:
    release = checked("30 days")
    client.post(f"{ADMIN}release/{release.pk}/publish/", {"over": "1"})
    return Release.objects.get(is_live=True).pk == release.pk


def suggest_a_correction(client: Client) -> bool:
    reply = bot_reply()
    suggested = {"reason": "wrong", "response": "14 วันค่ะ", "intent": "คืนสินค้า"}
    client.post(f"{ADMIN}correction/of/{reply.pk}/", suggested)
    return Correction.objects.exists()


def add_a_provider(client: Client) -> bool:
    return client.get(f"{ADMIN}provider/add/").status_code == 200


def set_a_budget(client: Client) -> bool:
    return client.get(f"{ADMIN}budget/add/").status_code == 200


def begin_a_rollout(client: Client) -> bool:
    return client.get(f"{ADMIN}rollout/add/").status_code == 200


def change_rights(client: Client) -> bool:
    return client.get(f"/admin/auth/group/{Group.objects.all()[0].pk}/change/").status_code == 200


def checked(text: str) -> Release:
    """Return a release of its own that passed its check."""
    Fact.objects.filter(title__contains="Returns").update(text_en=text)
    release = freeze(author=None)
    mark_checked(release.pk, is_green=True, summary={"baseline": 1})
    return release


DRAFT_DOORS = (
    add_example,
    change_fact,
    switch_off_in_bulk,
    switch_off_from_a_reply,
    import_examples,
    freeze_the_draft,
)
OPERATORS_DOORS = (add_a_provider, set_a_budget, begin_a_rollout)
MAY: dict[Callable[[Client], bool], set[str]] = {
    **{door: {EDITORS} for door in DRAFT_DOORS},
    **{door: {OPERATORS} for door in OPERATORS_DOORS},
    publish_a_release: {PUBLISHERS},
    suggest_a_correction: {AGENTS, EDITORS},
    change_rights: set(),
}


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_changes_what_it_may_and_nothing_else(group: str) -> None:
    client = browser(group)
    done = {door.__name__ for door in MAY if door(client)}
    assert done == {door.__name__ for door, groups in MAY.items() if group in groups}


def provider_form(name: str) -> dict[str, str]:
    formsets = ("accounts", "models")
    counts = {f"{prefix}-{count}_FORMS": "0" for prefix in formsets for count in ("TOTAL", "INITIAL")}
    usual = {"kind": ProviderKind.OPENAI.value, "base_url": "http://127.0.0.1:9/v1", "is_on": "on"}
    return {"name": name, **usual, "first_token_seconds": "8", "between_chunks_seconds": "8", **counts}


def written(kind: str) -> list[tuple[str, str]]:
    """Return what the audit log has of a kind of thing: who, and what was done."""
    found = AuditEntry.objects.filter(object_type=kind).exclude(actor_name="").order_by("pk")
    return list(found.values_list("actor_name", "verb"))


def test_providers_budgets_rollouts_sites_and_rights_are_written_down() -> None:
    client = boss()
    response = client.post(f"{ADMIN}provider/add/", provider_form("new"))
    assert response.status_code == 302, response.context["errors"]
    provider = Provider.objects.get(name="new")
    budget = {"provider": str(provider.pk), "period": Period.DAY.value, "cap": "5", "currency": "USD", "warn_at": "80"}
    client.post(f"{ADMIN}budget/add/", {**budget, "step_down": "cheaper", "is_on": "on"})
    assert Budget.objects.get().cap == 5
    site = Site.objects.create(name="ร้าน")
    values = {name: value for name, value in values_on(page(client, f"{ADMIN}site/{site.pk}/change/")).items() if name}
    client.post(f"{ADMIN}site/{site.pk}/change/", {**values, "duty_days": ["0"], "greeting_th": "สวัสดีค่ะ"})
    agents = Group.objects.get(name=AGENTS)
    client.post(f"/admin/auth/group/{agents.pk}/change/", {"name": AGENTS, "permissions": []})
    rollout = Rollout.objects.create(name="14 days", release=checked("14 days"))
    client.post(f"{ADMIN}rollout/move/{rollout.pk}/start/", {"why": "try it"})
    for kind, verb in (
        ("provider", Verb.ADD),
        ("budget", Verb.ADD),
        ("site", Verb.CHANGE),
        ("group", Verb.CHANGE),
        ("rollout", Verb.CHANGE),
    ):
        assert written(kind) == [("boss", verb)], kind
    changes = AuditEntry.objects.get(object_type="group").changes
    assert changes == {"permissions": [sorted(EXPECTED_AGENTS), []]}
    entry = AuditEntry.objects.get(object_type="rollout", actor_name="boss")
    assert (entry.reason, entry.changes["state"]) == ("try it", ["draft", "running"])
    html = client.get(f"{ADMIN}auditentry/").content.decode()
    assert "try it" in html


EXPECTED_AGENTS = ("add_correction", "change_conversation", "view_conversation", "view_customer")


def page(client: Client, path: str) -> str:
    return str(client.get(path).content.decode())


def test_an_account_s_groups_are_written_down_and_nothing_else_of_the_person() -> None:
    client = boss()
    nok = User.objects.create_user("nok", email="nok@shop.example", is_staff=True)
    editors = Group.objects.get(name=EDITORS)
    form = {"username": "nok", "email": "nok@home.example", "is_active": "on", "is_staff": "on"}
    client.post(f"/admin/auth/user/{nok.pk}/change/", {**form, "groups": [str(editors.pk)]})
    entry = AuditEntry.objects.get(object_type="user")
    assert (entry.actor_name, entry.changes) == ("boss", {"groups": [[], [EDITORS]]})
    client.post(f"/admin/auth/user/{nok.pk}/delete/", {"post": "yes"})
    assert written("user") == [("boss", Verb.CHANGE), ("boss", Verb.DELETE)]


def test_known_answers_are_written_down_when_made_put_away_and_deleted() -> None:
    client = boss()
    Intent.objects.filter(key="อื่นๆ").update(is_reusable=True)
    site = Site.objects.create(name="ร้าน")
    publish_a_release(client)
    form = {"question": "ร้านเปิดกี่โมง", "text": "เก้าโมงค่ะ", "intent": "อื่นๆ", "site": str(site.pk), "locale": "th"}
    response = client.post(f"{ADMIN}knownanswer/add/", form)
    assert response.status_code == 302, response.context["adminform"].form.errors
    answer = KnownAnswer.objects.get()
    client.post(f"{ADMIN}knownanswer/", {"action": "ban_chosen", "_selected_action": [str(answer.pk)]})
    client.post(f"{ADMIN}knownanswer/{answer.pk}/delete/", {"post": "yes"})
    assert written("knownanswer") == [("boss", verb) for verb in (Verb.APPROVE, Verb.CHANGE, Verb.DELETE)]


@pytest.mark.django_db(transaction=True)
def test_of_two_browsers_that_publish_at_the_same_moment_one_is_told() -> None:
    releases = [checked("14 days"), checked("30 days")]
    clients = [browser(PUBLISHERS, name) for name in ("nok", "lek")]
    barrier = threading.Barrier(2)
    said: list[str] = []

    def press(client: Client, release: Release) -> None:
        barrier.wait()
        answer = client.post(f"{ADMIN}release/{release.pk}/publish/", {"over": "1"}, follow=True)
        said.append(answer.content.decode())
        connection.close()

    threads = [threading.Thread(target=press, args=pair) for pair in zip(clients, releases, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    live = Release.objects.get(is_live=True)
    assert sum(f"Release {live.number} is live. Customers get it" in each for each in said) == 1
    assert sum(f"Somebody else was quicker: release {live.number} is live now" in each for each in said) == 1
    assert Publication.objects.count() == 2
    assert Release.objects.count() == 3
    assert AuditEntry.objects.filter(verb=Verb.PUBLISH, actor_name__in=("nok", "lek")).count() == 1
