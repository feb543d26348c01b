"""The figures in a real Chromium: on a phone, in Thai, in the dark, readable by those who can't see charts."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission, User
from playwright.sync_api import Page, expect

from conversations.gateway.models import (
    Account,
    Budget,
    CallHour,
    LanguageModel,
    LLMCall,
    Provider,
    Rollout,
    RolloutState,
    Route,
)
from conversations.gateway.models.calls import RollupMark
from conversations.gateway.rollup import sum_up_hours
from tests.dashboard.conftest import fill
from tests.desk.conftest import desk, transactional_db
from tests.desk.test_browser import PHONE, SERIOUS, OpenPage, open_page, orm_beside_playwright
from tests.rollout.conftest import Trial, new_trial

__all__ = ["desk", "open_page", "orm_beside_playwright", "transactional_db"]

pytestmark = pytest.mark.browser

FIGURES: Final = "/admin/?span=month#figures"
DARK: Final[dict[str, Any]] = {"color_scheme": "dark"}


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Trial]:
    """Traffic that the web process sees too."""
    trial = new_trial()
    fill(trial)
    Budget.objects.create(cap="0.05")
    sum_up_hours()
    yield trial
    for model in (LLMCall, CallHour, RollupMark, Budget, Rollout, Route, LanguageModel, Account, Provider):
        model.objects.all().delete()


@pytest.fixture
def owner(shop: Trial) -> User:
    """Who operates the shop's providers."""
    user = User.objects.create_user("owner", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="operator"))
    return user


def is_within_the_screen(page: Page) -> bool:
    """Whether nothing of the page itself has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"))


def complaints_of_axe(page: Page) -> list[str]:
    """Return what stops people with disabilities within the figures."""
    found = Axe().run(page, context=".figures").response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found if each["impact"] in SERIOUS for node in each["nodes"]]


@pytest.mark.parametrize(
    ("locale", "options"),
    [("en", {}), ("th", PHONE | DARK)],
    ids=["desktop", "Thai phone in the dark"],
)
def test_everybody_can_read_the_figures(open_page: OpenPage, owner: User, locale: str, options: dict[str, Any]) -> None:
    page = open_page(owner, FIGURES, locale=locale, **options)
    expect(page.locator(".figures-chart svg")).to_have_count(3)
    expect(page.locator(".figures-bar").first).to_be_visible()
    assert is_within_the_screen(page)
    assert complaints_of_axe(page) == []
    page.locator(".figures-chart summary").first.click()
    expect(page.locator(".figures-chart table").first).to_be_visible()
    assert is_within_the_screen(page)


def test_the_span_changes_by_a_click(open_page: OpenPage, owner: User) -> None:
    page = open_page(owner)
    expect(page.locator(".figures-span[aria-current=page]")).to_have_text("24 hours")
    page.get_by_role("link", name="30 days").click()
    expect(page.locator(".figures-span[aria-current=page]")).to_have_text("30 days")


def test_a_rollout_is_started_and_rolled_back_by_buttons(open_page: OpenPage, owner: User, shop: Trial) -> None:
    page = open_page(owner, f"/admin/conversations/rollout/{shop.rollout.pk}/change/", **PHONE)
    page.get_by_role("button", name="Start").click()
    shop.rollout.refresh_from_db()
    assert shop.rollout.state == RolloutState.DRAFT
    page.get_by_label("Why", exact=True).fill("cheaper")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".figures-decisions")).to_contain_text("cheaper")
    expect(page.locator("[aria-current=step]")).to_have_text("1 %")
    assert is_within_the_screen(page)
    assert complaints_of_axe(page) == []
    page.get_by_label("Why", exact=True).fill("not good enough")
    page.get_by_role("button", name="Roll back").click()
    expect(page.locator("#rollout-title")).to_contain_text("Rolled back, 0.0 %")
    shop.rollout.refresh_from_db()
    assert (shop.rollout.state, shop.rollout.ratio) == (RolloutState.ROLLED_BACK, 0)
