"""The playground in a real Chromium, as an editor uses it: draft beside live, without an example, on a Thai phone."""

import re
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from conversations.gateway.models import LanguageModel
from conversations.models import Site
from conversations.playbook.drafts import read_draft
from conversations.playbook.models import Example, Fact
from tests.desk.conftest import desk
from tests.desk.test_browser import PHONE, SERIOUS, OpenPage, open_page, orm_beside_playwright
from tests.model import Hold, Model, Script, envelope, streamed
from tests.playground.conftest import HOSTILE, made_reply, make_staff
from tests.playground.test_socket import model, shop

__all__ = ["desk", "model", "open_page", "orm_beside_playwright", "shop"]

pytestmark = pytest.mark.browser

PLAYGROUND: Final = "/admin/conversations/run/playground/"
QUESTION: Final = "คืนสินค้าได้ภายในกี่วันคะ"
DARK: Final[dict[str, Any]] = {"color_scheme": "dark"}


@pytest.fixture
def editor(shop: Site) -> User:
    """Who edits the playbook and reads conversations."""
    return make_staff("Editors")


def column(page: Page, number: int) -> Locator:
    """Return a column."""
    return page.locator(".playground-column").nth(number - 1)


def ask(page: Page, question: str = QUESTION) -> None:
    """Type a question and ask it."""
    page.get_by_label("The customer asks").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def is_within_the_screen(page: Page) -> bool:
    """Whether nothing of the page itself has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"))


def complaints_of_axe(page: Page, context: str) -> list[str]:
    """Return what stops people with disabilities within a part of the page."""
    found = Axe().run(page, context=context).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found if each["impact"] in SERIOUS for node in each["nodes"]]


def test_an_editor_sees_what_an_example_does_and_switches_it_off(
    open_page: OpenPage, model: Model, editor: User
) -> None:
    example = Example.objects.on()[0]
    unfinished: Script = [envelope("7 วันค่ะ", intent="คืนสินค้า")[:-4], Hold()]
    model.will(unfinished, unfinished)
    page = open_page(editor, PLAYGROUND)
    ask(page, example.customer_text)
    expect(page.locator(".playground-answer .desk-bubble", has_text="7 วัน").first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    model.will(
        streamed(envelope("7 วันค่ะ", intent="คืนสินค้า")),
        streamed(envelope("7 วันค่ะ", intent="คืนสินค้า")),
        streamed(envelope("ไม่ทราบค่ะ", escalate=True)),
    )
    ask(page, example.customer_text)
    expect(column(page, 2).locator(".playground-likeness")).to_have_text("The same answer")
    expect(column(page, 1).locator(".playground-took")).to_contain_text("100 tokens in (60 cached), 20 out")
    expect(column(page, 1).locator(".playground-took")).to_contain_text("USD")
    column(page, 2).get_by_role("button", name="Try without it").first.click()
    expect(column(page, 3).locator(".playground-likeness")).to_have_text("Another decision")
    expect(column(page, 3).locator("ins")).to_have_text(["ไม่ทราบ"])
    expect(column(page, 2).locator(".desk-bubble")).to_have_text("7 วันค่ะ")
    prompts = [str(call.body["messages"]) for call in model.calls[-3:]]
    assert [example.response in prompt for prompt in prompts] == [True, True, False]
    page.get_by_role("button", name="Switch it off in the draft").click()
    expect(column(page, 3)).to_contain_text("Off in the draft.")
    assert example.pk not in {each.id for each in read_draft().examples}


def test_several_answers_of_the_draft_are_summed_up_and_kept_as_example(
    open_page: OpenPage, model: Model, editor: User
) -> None:
    Fact.objects.filter(title__contains="Returns").update(text_th="คืนได้ภายใน 14 วัน")
    page = open_page(editor, PLAYGROUND)
    column(page, 1).get_by_role("button", name="Remove this column").click()
    page.get_by_label("Answers each").select_option("3")
    model.will(*[streamed(envelope("14 วันค่ะ", intent="คืนสินค้า"))] * 3)
    ask(page)
    expect(column(page, 1).locator(".playground-summary")).to_contain_text("intents: คืนสินค้า ×3")
    expect(column(page, 1).locator(".playground-summary")).to_contain_text("handed to a person: 0 of 3")
    assert all("คืนได้ภายใน 14 วัน" in str(call.body["messages"][0]) for call in model.calls)
    column(page, 1).get_by_role("link", name="Make an example of it").first.click()
    expect(page.locator("#id_customer_text")).to_have_value(QUESTION)
    expect(page.locator("#id_response")).to_have_value("14 วันค่ะ")
    expect(page.locator("#id_intent option:checked")).to_have_text("คืนสินค้า")


def test_a_real_question_is_picked_with_its_conversation(
    open_page: OpenPage, model: Model, editor: User, shop: Site
) -> None:
    made = made_reply(shop, "มีเสื้อสีฟ้าไหม", reply="มีค่ะ")
    made_reply(shop, "แล้วราคาเท่าไหร่", conversation=made.conversation)
    page = open_page(editor, PLAYGROUND)
    page.get_by_role("button", name="Pick a real question").click()
    page.get_by_label("Words in it").fill("ราคา")
    expect(page.locator(".playground-row")).to_have_count(1)
    page.locator(".playground-row").click()
    expect(page.get_by_label("The customer asks")).to_have_value("แล้วราคาเท่าไหร่")
    expect(page.locator("[data-before-title]")).to_have_text("Said before this question (2)")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(column(page, 2).locator(".playground-took")).to_be_visible()
    assert all("มีเสื้อสีฟ้าไหม" in str(call.body["messages"]) for call in model.calls)


def test_what_is_wrong_is_said(open_page: OpenPage, model: Model, editor: User) -> None:
    page = open_page(editor, PLAYGROUND)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Write a question first.")
    model.will(streamed(HOSTILE), streamed(envelope(HOSTILE)))
    ask(page, HOSTILE)
    expect(page.locator(".playground-failed").first).to_contain_text("No reply came of it: No envelope")
    expect(page).to_have_title(re.compile("Playground"))


@pytest.mark.parametrize(
    ("locale", "options"),
    [("en", {}), ("th", {**PHONE, **DARK})],
    ids=["desktop", "Thai phone in the dark"],
)
def test_everybody_can_use_it(
    open_page: OpenPage, model: Model, editor: User, shop: Site, locale: str, options: dict[str, Any]
) -> None:
    run = made_reply(shop, "ก" * 900, reply="ข" * 900, raw="{" * 900, trace={"guards": ["on_action"]})
    page = open_page(editor, f"{PLAYGROUND}?run={run.pk}", locale=locale, **options)
    page.locator("[data-go]").click()
    expect(column(page, 2).locator(".playground-took")).to_be_visible()
    assert is_within_the_screen(page)
    assert complaints_of_axe(page, "#playground") == []
    LanguageModel.objects.update(name="a-very-long-name-" * 6)
    for address, context in ((f"{run.pk}/why/", ".why"), (f"prompt/?run={run.pk}", ".prompt")):
        page.goto(page.url.split("playground/")[0].split(f"{run.pk}/why/")[0] + address)
        expect(page.locator(context)).to_be_visible()
        assert is_within_the_screen(page)
        assert complaints_of_axe(page, context) == []
