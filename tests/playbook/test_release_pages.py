"""Releases in the browser of staff: see what would change, publish, take back; each only with the right to it."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.test.utils import ContextList
from django.urls import reverse

from conversations.desk.groups import ensure_groups
from conversations.playbook.drafts import read_draft
from conversations.playbook.models import (
    AuditEntry,
    EvaluationCase,
    EvaluationRun,
    EvaluationSet,
    Example,
    Fact,
    Intent,
    Publication,
    PublicationKind,
    Release,
    Verb,
)
from conversations.playbook.reading import current_playbook
from conversations.playbook.releases import freeze, mark_checked, publish
from conversations.playbook.starter import load_starter_playbook

DRAFT = "/admin/conversations/release/draft/"
LIST = "/admin/conversations/release/"


@pytest.fixture(autouse=True)
def shop(db: None) -> None:
    """The starter playbook, live, and the groups."""
    load_starter_playbook()
    ensure_groups()


def staff(*groups: str) -> Client:
    """Return the browser of a member of the groups."""
    user = User.objects.create_user("-".join(groups).lower(), password="a-long-password", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=groups))
    client = Client()
    client.force_login(user)
    return client


def change_the_window() -> None:
    """Say 14 days instead of 7, in one fact and with one new example."""
    fact = Fact.objects.get(title__contains="Returns")
    fact.text_en = fact.text_en.replace("7 days", "14 days")
    fact.save()
    intent = Intent.objects.get(key="คืนสินค้า")
    Example.objects.create(customer_text="คืนได้กี่วัน <b>", intent=intent, response="14 วันค่ะ", position=900)


def page_of(release: Release) -> str:
    return reverse("admin:conversations_release_change", args=[release.pk])


def said(context: ContextList | dict[str, Any]) -> str:
    """Return what the page that followed told the person."""
    return " ".join(str(message) for message in context["messages"])


def test_the_draft_page_says_that_nothing_would_change_at_first() -> None:
    assert "The draft says what is live." in staff("Editors").get(DRAFT).content.decode()


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_draft_page_shows_what_would_change_word_by_word(language: str) -> None:
    change_the_window()
    client = staff("Editors")
    client.cookies["django_language"] = language
    html = client.get(DRAFT).content.decode()
    assert "<del>7</del><ins>14</ins>" in html
    assert "คืนได้กี่วัน &lt;b&gt;" in html
    if language == "en":
        assert "2 entries would change for customers" in html


def test_a_draft_becomes_a_release_and_customers_notice_nothing() -> None:
    change_the_window()
    client = staff("Editors")
    response = client.post("/admin/conversations/release/draft/freeze/", {"comment": "14 days"}, follow=True)
    release = Release.objects.get(number=2)
    assert response.redirect_chain[-1][0] == page_of(release)
    assert (release.comment, release.author_name) == ("14 days", "editors")
    assert current_playbook().number == 1
    assert "not checked yet" not in client.get(DRAFT).content.decode()
    assert "This release says what the draft says." in client.get(DRAFT).content.decode()


def test_a_publisher_publishes_what_passed_and_takes_it_back_in_one_click() -> None:
    change_the_window()
    release = freeze(author=None)
    mark_checked(release.pk, is_green=True, summary={"baseline": 1})
    client = staff("Publishers")
    html = client.get(DRAFT).content.decode()
    action = re.findall(r'action="([^"]*/publish/)"', html)[0]
    response = client.post(action, {"over": "1", "reason": "new policy"}, follow=True)
    assert "Release 2 is live" in said(response.context)
    assert current_playbook().number == 2
    html = client.get(DRAFT).content.decode()
    action = re.findall(r'action="([^"]*/roll-back/)"', html)[0]
    response = client.post(action, {"over": "2", "reason": "customers complain"}, follow=True)
    assert "Rolled back: release 1 is live" in said(response.context)
    assert current_playbook().number == 1
    last = Publication.objects.first()
    assert last is not None
    assert (last.kind, last.by_name, last.reason) == (PublicationKind.ROLLBACK, "publishers", "customers complain")
    assert "customers complain" in client.get(DRAFT).content.decode()


def test_publishing_without_a_passed_check_wants_a_reason() -> None:
    change_the_window()
    release = freeze(author=None)
    client = staff("Publishers")
    path = reverse("admin:playbook-publish", args=[release.pk])
    assert "not checked yet" in said(client.post(path, {"over": "1"}, follow=True).context)
    assert current_playbook().number == 1
    client.post(path, {"over": "1", "reason": "the shop is flooded"})
    assert current_playbook().number == 2
    assert AuditEntry.objects.filter(verb=Verb.OVERRIDE, reason="the shop is flooded").exists()


def test_who_looked_before_somebody_else_published_is_told_and_loses_nothing() -> None:
    change_the_window()
    mine = freeze(author=None)
    Fact.objects.filter(title__contains="Returns").update(text_en="30 days")
    publish(freeze(author=None), by=None, reason="a colleague")
    response = staff("Publishers").post(
        reverse("admin:playbook-publish", args=[mine.pk]), {"over": "1", "reason": "mine"}, follow=True
    )
    assert "release 3 is live now" in said(response.context)
    assert current_playbook().number == 3
    assert Release.objects.filter(pk=mine.pk).exists()


@pytest.mark.parametrize(
    ("group", "door", "is_open"),
    [
        ("Editors", "publish", False),
        ("Editors", "roll-back", False),
        ("Editors", "take-back", True),
        ("Publishers", "take-back", False),
        ("Publishers", "publish", True),
        ("Agents", "publish", False),
        ("Viewers", "publish", False),
        ("Viewers", "take-back", False),
        ("Operators", "publish", False),
    ],
)
def test_each_button_needs_its_right(group: str, door: str, is_open: bool) -> None:  # noqa: FBT001 - a test's parameter
    change_the_window()
    release = freeze(author=None)
    response = staff(group).post(f"/admin/conversations/release/{release.pk}/{door}/", {"reason": "x"})
    assert response.status_code == (302 if is_open else 403)


@pytest.mark.parametrize(
    ("group", "status"), [("Editors", 200), ("Publishers", 200), ("Viewers", 200), ("Operators", 403)]
)
def test_who_may_see_the_playbook_may_see_its_releases(group: str, status: int) -> None:
    client = staff(group)
    release = Release.objects.get()
    for path in (DRAFT, LIST, page_of(release), "/admin/conversations/auditentry/"):
        assert client.get(path).status_code == status, path


def test_viewers_see_everything_and_change_nothing() -> None:
    client = staff("Viewers")
    for model in ("example", "intent", "fact", "profile"):
        assert client.get(f"/admin/conversations/{model}/").status_code == 200
        assert client.get(f"/admin/conversations/{model}/add/").status_code == 403
    change_the_window()
    assert '<form method="post"' not in client.get(DRAFT).content.decode().split('class="desk changes"')[1]


def test_a_doors_get_does_nothing() -> None:
    release = Release.objects.get()
    client = staff("Publishers", "Editors")
    for door in ("publish", "roll-back", "take-back"):
        assert client.get(f"/admin/conversations/release/{release.pk}/{door}/").status_code == 405


def test_a_release_is_compared_with_any_other_and_with_nothing() -> None:
    change_the_window()
    release = freeze(author=None, comment="14 days")
    client = staff("Viewers")
    assert "<del>7</del><ins>14</ins>" in client.get(page_of(release)).content.decode()
    html = client.get(page_of(release) + "?against=0").content.decode()
    assert html.count('data-kind="added"') > 60
    first = Release.objects.get(number=1)
    assert "<del>14</del><ins>7</ins>" in client.get(page_of(first) + "?against=2").content.decode()
    assert client.get(page_of(first) + "?against=77").status_code == 404


def test_releases_are_neither_added_nor_changed_nor_deleted_by_hand() -> None:
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss", password="x"))
    release = Release.objects.get()
    assert boss.get(f"{LIST}add/").status_code in {403, 404}
    assert boss.get(f"{LIST}{release.pk}/delete/").status_code == 403
    assert boss.post(page_of(release), {"comment": "x"}).status_code == 405
    entry = AuditEntry.objects.all()[0]
    chosen = {"action": "delete_selected", "_selected_action": [str(entry.pk)], "post": "yes"}
    boss.post("/admin/conversations/auditentry/", chosen)
    assert AuditEntry.objects.filter(pk=entry.pk).exists()
    assert boss.get(f"/admin/conversations/auditentry/{entry.pk}/delete/").status_code == 403


def test_the_draft_can_be_taken_back_to_what_is_live_and_nothing_is_deleted() -> None:
    change_the_window()
    Example.objects.filter(pk=Example.objects.on()[0].pk).update(response="kaputt", position=990)
    Fact.objects.filter(title__contains="Refunds").delete()
    Intent.objects.filter(key="จัดส่ง").update(needs_person=True)
    count = Example.objects.count()
    client = staff("Editors")
    release = Release.objects.get()
    response = client.post(reverse("admin:playbook-take-back", args=[release.pk]), follow=True)
    assert "The draft says what release 1 says" in said(response.context)
    assert read_draft().version == current_playbook().version
    assert Example.objects.count() == count
    assert not Example.objects.get(customer_text__startswith="คืนได้กี่วัน").is_on
    done = AuditEntry.objects.filter(actor_name="editors")
    assert done.filter(verb=Verb.RESET).count() == 1
    assert done.filter(object_type="example", verb=Verb.CHANGE).count() == 2
    assert done.filter(object_type="fact").count() == 2


def test_the_audit_log_shows_what_was_done_with_its_difference() -> None:
    client = staff("Editors")
    fact = Fact.objects.get(title__contains="Returns")
    data = {"title": fact.title, "text_th": "<script>x</script>", "text_en": "14 days", "position": "20", "is_on": "on"}
    client.post(f"/admin/conversations/fact/{fact.pk}/change/", data)
    data["text_th"] = "คืนได้ 14 วัน"
    client.post(f"/admin/conversations/fact/{fact.pk}/change/", data)
    assert "editors" in client.get("/admin/conversations/auditentry/").content.decode()
    entry = AuditEntry.objects.latest("pk")
    html = client.get(f"/admin/conversations/auditentry/{entry.pk}/change/").content.decode()
    assert "14" in html and "<ins>" in html


def test_an_older_installations_groups_get_what_came_with_releases_and_keep_what_was_changed() -> None:
    Group.objects.get(name="Publishers").delete()
    editors = Group.objects.get(name="Editors")
    editors.permissions.set(editors.permissions.filter(codename__in=["view_example", "change_example"]))
    ensure_groups()
    names = set(editors.permissions.values_list("codename", flat=True))
    assert {"view_release", "change_profile", "view_auditentry", "change_example"} <= names
    assert "delete_example" not in names
    editors.permissions.clear()
    ensure_groups()
    assert not editors.permissions.exists()


def test_checking_a_draft_asks_the_release_the_cases_beside_the_live_one() -> None:
    cases = EvaluationSet.objects.create(name="returns")
    EvaluationCase.objects.create(evaluation_set=cases, question="คืนของได้กี่วัน", intent="คืนสินค้า")
    change_the_window()
    client = staff("Editors")
    response = client.post("/admin/conversations/release/draft/freeze/", {"comment": "14 days"}, follow=True)
    run = EvaluationRun.objects.get()
    assert (run.release.number, run.baseline and run.baseline.number, run.by_name) == (2, 1, "editors")
    assert "0 / " in response.content.decode()
    assert "<progress" in client.get(DRAFT).content.decode()


def test_a_draft_without_cases_becomes_a_release_all_the_same_and_says_why_it_is_not_checked() -> None:
    change_the_window()
    response = staff("Editors").post("/admin/conversations/release/draft/freeze/", {}, follow=True)
    assert "There are no cases to ask" in said(response.context)
    assert Release.objects.filter(number=2).exists()
