"""The draft and its releases in a real Chromium: edit, see the difference, publish, take back; phone, Thai, dark."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, expect

from conversations.playbook.evaluation.starting import Wish, start_run
from conversations.playbook.models import EvaluationCase, EvaluationRun, EvaluationSet, Example, Fact, Release
from conversations.playbook.models.evaluation import RunState
from conversations.playbook.releases import freeze, mark_checked
from conversations.playbook.starter import load_starter_playbook
from tests.desk.conftest import desk, make_agent, transactional_db
from tests.desk.test_browser import PHONE, SERIOUS, OpenPage, open_page, orm_beside_playwright

__all__ = ["desk", "open_page", "orm_beside_playwright", "transactional_db"]

pytestmark = pytest.mark.browser

DRAFT: Final = "/admin/conversations/release/draft/"
TABLES: Final = (
    "evaluationset",
    "release",
    "example",
    "fact",
    "intent",
    "instruction",
    "profile",
    "auditentry",
    "playbook_stamp",
)
DARK: Final[dict[str, Any]] = {"color_scheme": "dark"}


@pytest.fixture
def owner(transactional_db: None) -> Iterator[User]:
    """Who edits and publishes, in a shop with the starter playbook."""
    load_starter_playbook()
    user = make_agent("owner", name="Ploy", group="Editors")
    user.groups.add(Group.objects.get(name="Publishers"))
    yield user
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(f'conversations_{name}' for name in TABLES)} CASCADE")


def is_within_the_screen(page: Page) -> bool:
    """Whether nothing of the page itself has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"))


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look."""
    if folder := os.environ.get("CSBOT_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def serious(page: Page, *, part: str = ".changes") -> list[str]:
    """Return what hinders people who can't see or use a mouse."""
    found = Axe().run(page, context=part).response["violations"]
    return [each["id"] for each in found if each["impact"] in SERIOUS]


def test_two_edit_one_fact_then_it_is_published_and_taken_back(owner: User, open_page: OpenPage) -> None:
    fact = Fact.objects.get(title__contains="Returns")
    path = f"/admin/conversations/fact/{fact.pk}/change/"
    mine, theirs = open_page(owner, path), open_page(User.objects.get(username="owner"), path)
    theirs.get_by_label("in English").fill("Within 14 days.")
    theirs.get_by_role("button", name="Save", exact=True).click()
    theirs.wait_for_url("**/fact/")
    mine.get_by_label("in Thai").fill("คืนได้ภายใน 14 วัน")
    mine.get_by_role("button", name="Save", exact=True).click()
    expect(mine.get_by_text("saved a newer version")).to_be_visible()
    shoot(mine, "conflict")
    expect(mine.get_by_label("in Thai")).to_have_value("คืนได้ภายใน 14 วัน")
    expect(mine.get_by_label("in English")).to_have_value("Within 14 days.")
    mine.get_by_role("button", name="Save", exact=True).click()
    mine.wait_for_url("**/fact/")
    mine.goto(mine.url.replace("/fact/", "/release/draft/"))
    expect(mine.get_by_role("heading", name="1 entry would change")).to_be_visible()
    shoot(mine, "draft")
    assert serious(mine) == []
    mine.get_by_label("What is new").fill("14 days")
    mine.get_by_role("button", name="Check this draft").click()
    expect(mine.get_by_text("This is release 2 now")).to_be_visible()
    release = Release.objects.get(number=2)
    mark_checked(release.pk, is_green=True, summary={"baseline": 1})
    mine.reload()
    shoot(mine, "release")
    assert serious(mine) == []
    mine.get_by_role("button", name="Publish release 2").click()
    expect(mine.get_by_text("Release 2 is live")).to_be_visible()
    mine.get_by_role("link", name="Draft: what would change").first.click()
    shoot(mine, "published")
    mine.get_by_role("button", name="Roll back to release 1").click()
    expect(mine.get_by_text("Rolled back: release 1 is live")).to_be_visible()
    shoot(mine, "rolled-back")


def test_an_evaluation_tells_how_it_goes_without_a_reload(owner: User, open_page: OpenPage) -> None:
    cases = EvaluationSet.objects.create(name="mine", samples=1)
    EvaluationCase.objects.create(evaluation_set=cases, question="ส่งกี่วัน", position=1)
    live = Release.objects.get(number=1)
    run = start_run(Wish(release=live, baseline=live, sets=[cases]), by=None)
    page = open_page(owner, f"/admin/conversations/evaluationrun/{run.pk}/change/")
    words = page.locator("[data-state-words]")
    expect(words).to_have_text("Waiting")
    page.evaluate("window.stillTheSame = true")
    EvaluationRun.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
    expect(words).to_have_text("Running")
    assert page.evaluate("window.stillTheSame")
    EvaluationRun.objects.filter(pk=run.pk).update(state=RunState.CANCELLED, ended_at=timezone.now())
    expect(page.locator("progress")).to_have_count(0)
    expect(words).to_have_text("Stopped")


def test_the_pages_fit_a_phone_in_the_dark_in_thai(owner: User, open_page: OpenPage) -> None:
    first = Example.objects.on()[0]
    Example.objects.create(customer_text="ก" * 300, intent=first.intent, response="ข" * 300, position=5)
    Example.objects.filter(pk=first.pk).update(response="โทร 081-234-5678")
    release = freeze(author=owner, comment="ทดลอง")
    page = open_page(owner, DRAFT, locale="th", **PHONE, **DARK)
    for name, path in {
        "draft": DRAFT,
        "release": f"/admin/conversations/release/{release.pk}/change/?against=0",
        "releases": "/admin/conversations/release/",
        "log": "/admin/conversations/auditentry/",
        "example": f"/admin/conversations/example/{first.pk}/change/",
        "history": f"/admin/conversations/fact/{Fact.objects.all()[0].pk}/history/",
        "profile": "/admin/conversations/profile/",
        "examples": "/admin/conversations/example/",
    }.items():
        page.goto(page.url.split("/admin/")[0] + path)
        shoot(page, f"phone-{name}")
        assert is_within_the_screen(page), path
    assert serious(page, part="#result_list") == []
    page.goto(page.url.split("/admin/")[0] + DRAFT)
    assert serious(page) == []
