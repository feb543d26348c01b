"""Corrections in a real Chromium: two clicks at a bad reply, then an editor's decision on a phone."""

import re
from collections.abc import Callable
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from conversations.models import Conversation
from conversations.playbook.models import Correction, CorrectionState, Example
from tests.corrections.conftest import member
from tests.desk.conftest import answer, say
from tests.desk.test_browser import PHONE, SERIOUS

pytestmark = pytest.mark.browser

HOSTILE: Final = "<img src=x onerror=\"document.title='owned'\">"

NewConversation = Callable[[str], Conversation]
OpenPage = Callable[..., Page]


def page_of(conversation: Conversation) -> str:
    return f"/admin/conversations/conversation/{conversation.pk}/change/"


def assert_fits_and_is_readable(page: Page) -> None:
    """Nothing sticks out sideways, and axe finds nothing that keeps people out."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")
    results = Axe().run(page)
    assert [found["id"] for found in results.response["violations"] if found["impact"] in SERIOUS] == []


def button_of(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_two_clicks_correct_a_reply(intents: None, new_conversation: NewConversation, open_page: OpenPage) -> None:
    conversation = new_conversation("มะลิ ใจดี")
    say(conversation, f"โทร 0812345678 คืนได้ไหม {HOSTILE}")
    answer(conversation, "คืนไม่ได้ค่ะ")
    nok = member("Agents", "nok")
    page = open_page(nok, page_of(conversation))
    button_of(page, "Correct").click()
    dialog = page.get_by_role("dialog", name="What would have been right?")
    expect(dialog).to_contain_text("[phone]")
    expect(dialog.get_by_label("The right answer")).to_have_value("คืนไม่ได้ค่ะ")
    button_of(page, "Send for review").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Say what would have been right")
    dialog.get_by_label("The right answer").fill("คืนได้ภายใน 14 วันค่ะ")
    dialog.get_by_label("Right intent").select_option("คืนสินค้า")
    expect(dialog.get_by_label("What was wrong")).to_have_value("misunderstood")
    assert_fits_and_is_readable(page)
    button_of(page, "Send for review").click()
    expect(page.get_by_text("Correction waits for review")).to_be_visible()
    expect(button_of(page, "Correct")).to_have_count(0)
    correction = Correction.objects.get()
    assert (correction.response, correction.intent, correction.reason) == (
        "คืนได้ภายใน 14 วันค่ะ",
        "คืนสินค้า",
        "misunderstood",
    )
    assert "0812345678" not in correction.question
    assert page.title() != "owned"


def test_an_editor_decides_on_a_phone_in_thai_in_the_dark(
    intents: None, new_conversation: NewConversation, open_page: OpenPage
) -> None:
    long = "ขอคืน" + "ก" * 300
    for text in ("ซื้อไปสิบวันแล้วคืนได้ไหมคะ", "ซื้อไปสิบวันแล้วคืนได้ไหมครับ"):
        Correction.objects.create(
            question=text,
            bot_answer=long,
            response=f"คืนได้ภายใน 14 วันค่ะ {long}",
            intent="คืนสินค้า",
            reason="wrong",
            author_name="nok",
        )
    ploy: User = member("Editors", "ploy")
    page = open_page(ploy, "/admin/conversations/correction/", locale="th-TH", color_scheme="dark", **PHONE)
    expect(page.get_by_role("heading", name=re.compile("รอตรวจ"))).to_be_visible()
    assert_fits_and_is_readable(page)
    page.get_by_role("link", name="ตรวจดู").click()
    assert_fits_and_is_readable(page)
    page.get_by_role("button", name="นำเข้าฉบับร่าง").click()
    expect(page.get_by_text("อยู่ในฉบับร่างแล้ว").first).to_be_visible()
    assert Example.objects.get().intent.key == "คืนสินค้า"
    assert Correction.objects.filter(state=CorrectionState.APPROVED).count() == 2
