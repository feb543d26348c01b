"""Known answers in a real Chromium: on a phone, in Thai, in the dark, and without sight."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from conversations.answers.board import Scope, policy_row, touch
from conversations.answers.keeping import add_answer, add_question
from conversations.answers.knowledge import reusable_intents
from conversations.answers.models import AnswerPolicy, AnswerState, KnownAnswer
from conversations.models import Site
from conversations.playbook.models import Intent
from conversations.playbook.reading import current_playbook
from conversations.playbook.starter import load_starter_playbook
from conversations.playbook.starter_texts import OTHER
from tests.answers.conftest import publish_draft
from tests.dashboard.test_browser import DARK, complaints_of_axe, is_within_the_screen
from tests.desk.conftest import desk, transactional_db
from tests.desk.test_browser import PHONE, OpenPage, open_page, orm_beside_playwright

__all__ = ["desk", "open_page", "orm_beside_playwright", "transactional_db"]

pytestmark = pytest.mark.browser

LIST: Final = "/admin/conversations/knownanswer/"
HOURS: Final = "ร้านเปิดกี่โมงคะ"
HOSTILE: Final = "<img src=x onerror=\"document.title='owned'\"> ร้านอยู่แถวไหนคะ"
NARROW: Final[dict[str, Any]] = {**PHONE, "viewport": {"width": 360, "height": 780}}
TOO_SMALL: Final = """[...document.querySelectorAll('.figures :is(button, a.desk-button, input, select, summary)')]
    .filter(each => each.offsetParent && each.getBoundingClientRect().height < 44).map(each => each.outerHTML)"""
ANSWER: Final = "ร้านเปิดวันจันทร์ถึงวันเสาร์ เวลา 9:00-18:00 น. หยุดวันอาทิตย์ค่ะ แวะมาได้เลยนะคะ"


@pytest.fixture
def owner(transactional_db: None) -> Iterator[User]:
    """The shop's owner; one answer is served, another waits, and serving has stopped."""
    if OTHER not in reusable_intents(current_playbook()):
        load_starter_playbook()
        Intent.objects.filter(key=OTHER).update(is_reusable=True)
        publish_draft()
    scope = Scope(Site.objects.create(name="ร้านทดสอบ").pk, "th")
    served = add_answer(scope, intent=OTHER, question=HOURS, text=ANSWER, by=None)
    KnownAnswer.objects.filter(pk=served.pk).update(hits=1234, right=61, money_saved=Decimal("12.3456"))
    waiting = add_answer(scope, intent=OTHER, question="ร้านอยู่ที่ไหนคะ", text="อยู่ถนนสุขุมวิทค่ะ", by=None)
    add_question(waiting, HOSTILE)
    for number in range(6):
        add_question(waiting, f"หน้าร้านอยู่แถวไหนคะ มีที่จอดรถสำหรับลูกค้าที่ขับรถมาเองไหม {number}")
    KnownAnswer.objects.filter(pk=waiting.pk).update(state=AnswerState.SHADOW, approved_at=None)
    policy_row()
    AnswerPolicy.objects.update(stopped_at="2026-01-01T00:00:00Z")
    touch()
    yield User.objects.create_superuser("owner")
    AnswerPolicy.objects.all().delete()
    KnownAnswer.objects.all().delete()


@pytest.mark.parametrize(
    ("locale", "options"), [("en", {}), ("th", NARROW | DARK)], ids=["desktop", "Thai phone in the dark"]
)
def test_everybody_can_read_the_pages(open_page: OpenPage, owner: User, locale: str, options: dict[str, Any]) -> None:
    waiting = KnownAnswer.objects.get(state=AnswerState.SHADOW)
    page = open_page(owner, LIST, locale=locale, **options)
    home = page.url.removesuffix(LIST)
    for address in ("", f"{waiting.pk}/change/", f"try/?question={HOURS}", "coverage/"):
        page.goto(f"{home}{LIST}{address}")
        expect(page.locator(".figures")).to_be_visible()
        assert is_within_the_screen(page), address
        assert complaints_of_axe(page) == [], address
        assert not options or page.evaluate(TOO_SMALL) == [], address
        assert page.title() != "owned" and page.locator("img[src=x]").count() == 0, address
    expect(page.get_by_text(HOSTILE)).to_be_visible()


def test_an_answer_is_found_and_approved_on_a_phone(open_page: OpenPage, owner: User) -> None:
    page = open_page(owner, LIST, **PHONE)
    page.get_by_role("button", name="Serve again").click()
    page.get_by_role("link", name="What would this question hit?").click()
    page.get_by_label("Question").fill("ร้านเปิดกี่โมงครับ")
    page.get_by_role("button", name="Look").click()
    expect(page.locator(".known-outcome")).to_contain_text("The customer would read:")
    expect(page.locator(".known-outcome .known-answer")).to_have_text(ANSWER)
    page.goto(page.url.split("try/")[0] + "coverage/")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("It is served from the next question on.")).to_be_visible()
    assert KnownAnswer.objects.filter(state=AnswerState.APPROVED).count() == 2


def test_an_answer_is_looked_at_and_retired_without_a_mouse(open_page: OpenPage, owner: User) -> None:
    waiting = KnownAnswer.objects.get(state=AnswerState.SHADOW)
    page = open_page(owner, f"{LIST}{waiting.pk}/change/")
    take_out = page.get_by_role("button", name=f"Take out: {HOSTILE}")
    take_out.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The model answers this question from now on.")).to_be_visible()
    expect(take_out).to_have_count(0)
    page.get_by_label("Why", exact=True).fill("เราย้ายร้าน")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Retire")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#known-title")).to_contain_text("Retired")
    expect(page.locator(".known-why")).to_have_text("เราย้ายร้าน")
