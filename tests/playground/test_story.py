"""A new employee changes the shop's return window: edit, try, check, publish, ask as a customer, take it back.

One day in a real Chromium with a real web process and the bundled simulator, which knows only what the prompt says.
With CSBOT_SCREENSHOTS set to a folder it is told on a phone and on a desktop, and keeps the pictures for
docs/playbook.md.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from conversations.database import close_database_threads
from conversations.models import Conversation, Site
from conversations.playbook.models import AuditEntry, EvaluationCase, EvaluationSet, PublicationKind, Release
from conversations.playbook.models.releases import Publication
from conversations.playbook.starter import load_starter_playbook
from conversations.replies.loop import ReplyLoop
from tests.desk.conftest import client_of
from tests.desk.test_browser import orm_beside_playwright
from tests.gateway.conftest import add_route, clean_circuits, simulator
from tests.playground.conftest import make_staff
from tests.playground.test_browser import column, is_within_the_screen
from tests.web.server import WebProcess
from tests.widget.chromium import PATIENCE_MS
from tests.widget.conftest import DEVICES
from tests.widget.visitor import SCREENSHOTS, Visitor

__all__ = ["clean_circuits", "orm_beside_playwright", "simulator"]

pytestmark = pytest.mark.browser

OLD, NEW = "7 วัน", "14 วัน"
QUESTION: Final = "คืนสินค้าได้ภายในกี่วันคะ"
EXAMPLES: Final = (
    ("ซื้อไปแล้วเปลี่ยนใจ ยังคืนทันไหมคะ", "คืนได้ภายใน 14 วันนับจากวันที่ได้รับสินค้าค่ะ"),
    ("ได้ของมาสิบวันแล้ว ยังคืนได้อยู่ไหม", "ได้ค่ะ คืนได้ภายใน 14 วันนับจากวันที่ได้รับสินค้าค่ะ"),
    ("หมดเวลาคืนของวันไหน", "คืนได้ภายใน 14 วันนับจากวันที่ได้รับสินค้าค่ะ หลังจากนั้นรับคืนไม่ได้แล้วค่ะ"),
)
CASES: Final = {"คืนสินค้า": (QUESTION, EXAMPLES[0][0]), "จัดส่ง": ("ค่าส่งเท่าไหร่คะ",), "อื่นๆ": ("สวัสดีค่ะ",)}


@pytest.fixture
def web(transactional_db: None, tmp_path: Path) -> Iterator[WebProcess]:
    """A web process with the demo shop, which nothing of an earlier day is left in."""
    running = WebProcess(tmp_path / "log", {"CSBOT_DEMO": "1", "CSBOT_RATE_LIMIT_SCALE": "0"}).start()
    yield running
    running.stop()
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def shop(transactional_db: None, clean_circuits: None, simulator: str) -> Site:
    """A shop with the starter playbook and a few cases of its own; the simulator answers."""
    load_starter_playbook()
    add_route("simulator", simulator)
    EvaluationSet.objects.all().delete()
    own = EvaluationSet.objects.create(name="Our customers' questions", samples=2)
    for intent, questions in CASES.items():
        for question in questions:
            EvaluationCase.objects.create(evaluation_set=own, question=question, intent=intent)
    return Site.objects.create(name="ร้านผ้าไทย", duty_days=list(range(7)), duty_from="00:00", duty_until="23:59:59")


@pytest.fixture
def loop(shop: Site) -> Iterator[ReplyLoop]:
    """A worker's loop."""
    running = ReplyLoop(name="test", capacity=4)
    running.start()
    yield running
    running.stop(grace_seconds=0.1)
    close_database_threads()


@dataclass
class Employee:
    """Who works at the shop, with a browser of their own."""

    page: Page
    base: str
    device: str
    step: int = 0

    def go(self, name: str) -> None:
        """Open a page from the sidebar; on a phone it has to be opened first."""
        line = self.page.locator("#nav-sidebar a, aside a, nav a").get_by_text(name, exact=True).first
        if not line.is_visible():
            self.page.locator("[x-on\\:click*='sidebarMobileOpen']:visible").first.click()
        line.click()

    def photograph(self, name: str, *, at: Locator | None = None) -> None:
        """Keep a picture of this step, where somebody wants to look at them."""
        self.step += 1
        assert is_within_the_screen(self.page), name
        if SCREENSHOTS:
            if at is not None:
                at.scroll_into_view_if_needed()
            self.page.wait_for_timeout(300)
            path = Path(SCREENSHOTS) / f"playbook-{self.step}-{name}-{self.device}.jpg"
            self.page.screenshot(path=path, type="jpeg", quality=70)


@pytest.fixture
def employee(browser: Browser, web: WebProcess, shop: Site, device: str) -> Iterator[Employee]:
    """A new employee, who may edit and publish."""
    user: User = make_staff("Editors", "Publishers")
    base = f"http://127.0.0.1:{web.port}"
    context = new_context(browser, device, locale="en")
    session = client_of(user).cookies[django_settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": base}])
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{base}/admin/")
    yield Employee(page, base, device)
    context.close()
    assert complaints == []


def new_context(browser: Browser, device: str, *, locale: str) -> BrowserContext:
    """Return a browser profile of its own."""
    options: dict[str, Any] = {**DEVICES[device], "device_scale_factor": 1}
    context = browser.new_context(locale=locale, timezone_id="Asia/Bangkok", **options)
    context.set_default_timeout(PATIENCE_MS)
    return context


@pytest.fixture
def ask_in_widget(browser: Browser, web: WebProcess, loop: ReplyLoop, device: str) -> Callable[..., None]:
    """Asks the question as a customer who comes to the shop's page."""

    def ask(*, expects: str, photograph: str = "") -> None:
        visitor = Visitor(new_context(browser, device, locale="th"), f"http://127.0.0.1:{web.port}")
        visitor.visit().open_chat()
        visitor.says(QUESTION)
        loop.submit(asked_conversation())
        expect(visitor.bubbles.last).to_contain_text(expects)
        if photograph:
            visitor.photograph(f"{photograph}-{device}")
        visitor.context.close()

    return ask


def asked_conversation() -> int:
    """Return the newest conversation, once the customer's words are in it."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while (conversation := Conversation.objects.order_by("-pk").filter(customer_seq__gt=0).first()) is None or (
        not conversation.is_unanswered
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return conversation.pk


def save(page: Page) -> None:
    """Save an entry."""
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(re.compile("successfully")).first).to_be_visible()


def correct(field: Locator, old: str, new: str) -> None:
    """Change some words of a field."""
    text = field.input_value()
    assert old in text
    field.fill(text.replace(old, new))


def ask_in_playground(employee: Employee) -> None:
    """Ask the draft beside the live release."""
    page = employee.page
    employee.go("Playground")
    page.get_by_label("The customer asks").fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(column(page, 2).locator(".playground-took")).to_be_visible()


@pytest.mark.parametrize("device", ["phone", "desktop"] if SCREENSHOTS else ["phone"])
def test_the_return_window_is_changed_from_the_first_edit_to_customers_and_back(
    employee: Employee, ask_in_widget: Callable[..., None], loop: ReplyLoop
) -> None:
    page = employee.page
    ask_in_widget(expects=OLD)

    # The shop fact, in both languages.
    employee.go("Shop facts")
    page.get_by_role("link", name=re.compile("Returns")).first.click()
    correct(page.locator("#id_text_th"), OLD, NEW)
    correct(page.locator("#id_text_en"), "7 days", "14 days")
    employee.photograph("fact", at=page.locator("#id_text_en"))
    save(page)

    # Three examples.
    for question, answer in EXAMPLES:
        page.goto(f"{employee.base}/admin/conversations/example/add/")
        page.locator("#id_customer_text").fill(question)
        page.locator("#id_response").fill(answer)
        page.locator("#id_intent").select_option(label="คืนสินค้า")
        if question == EXAMPLES[0][0]:
            employee.photograph("example")
        save(page)

    # The playground shows which example still says the old thing.
    ask_in_playground(employee)
    expect(column(page, 2).locator(".desk-bubble")).to_contain_text(OLD)
    used = column(page, 2).locator(".playground-used")
    if used.get_attribute("open") is None:
        used.locator("summary").click()
    expect(used.locator("li").first).to_contain_text(QUESTION)
    employee.photograph("culprit", at=used.locator("li").first)
    used.get_by_role("link", name="Open in the draft").first.click()
    correct(page.locator("#id_response"), OLD, NEW)
    save(page)

    # Now the draft answers differently.
    ask_in_playground(employee)
    expect(column(page, 1).locator(".desk-bubble")).to_contain_text(OLD)
    expect(column(page, 2).locator(".desk-bubble")).to_contain_text(NEW)
    expect(column(page, 2).locator("ins")).to_have_text(["14"])
    employee.photograph("playground", at=column(page, 2).locator(".playground-took"))
    ask_in_widget(expects=OLD)

    # What would change, and the check.
    employee.go("Draft: what would change")
    expect(page.get_by_role("heading", name="5 entries would change for customers")).to_be_visible()
    page.get_by_label("What is new").fill("Return window: 14 days")
    employee.photograph("draft")
    page.get_by_role("button", name="Check this draft").click()
    page.get_by_role("link", name=re.compile(r"^evaluation \d+ of release 2")).click()
    expect(page.locator("[data-done]")).to_have_text("0")
    loop.evaluate()
    expect(page.get_by_text("Nothing was lost beyond what chance explains.")).to_be_visible(timeout=60_000)
    employee.photograph("evaluation")

    # Published: customers get it.
    employee.go("Draft: what would change")
    page.get_by_role("button", name="Publish release 2").click()
    expect(page.get_by_text("Release 2 is live").first).to_be_visible()
    employee.photograph("published")
    ask_in_widget(expects=NEW, photograph="playbook-8-widget")
    employee.step += 1

    # One click takes it back.
    employee.go("Draft: what would change")
    page.get_by_role("button", name="Roll back to release 1").click()
    expect(page.get_by_text("Rolled back: release 1 is live").first).to_be_visible()
    employee.photograph("rolled-back")
    ask_in_widget(expects=OLD)
    kinds = list(Publication.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == [PublicationKind.FIRST, PublicationKind.PUBLISH, PublicationKind.ROLLBACK]
    assert Release.objects.get(is_live=True).number == 1
    assert AuditEntry.objects.filter(actor_name="x-editors-publishers").count() >= 8
