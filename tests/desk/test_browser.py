"""The desk in a real Chromium, as agents use it: live, two at once, on a phone, with hostile words, in Thai."""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from conversations.actions.agents import add_agent_message
from conversations.actions.append import Verdict
from conversations.actions.ownership import escalate, take
from conversations.actions.runs import Figures, finish_run, open_run
from conversations.events.frames import delta_frame
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import publish
from conversations.models import Conversation, Note, Reason, Sender
from tests.desk.conftest import answer, client_of, make_agent, say
from tests.web.server import WebProcess
from tests.widget.chromium import PATIENCE_MS

pytestmark = pytest.mark.browser

PHONE: Final[dict[str, Any]] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 800}}
SERIOUS: Final = ("serious", "critical")
HOSTILE: Final = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "\u202eข้อความกลับด้าน\u202e txet",
    "ท" + "\u0337\u0335\u0321\u0322\u0327\u0328\u0301\u0302\u0303\u0304" * 30 + "ดสอบ",
    "ก" * 900,
)

NewConversation = Callable[[str], Conversation]
OpenPage = Callable[..., Page]


@pytest.fixture(autouse=True)
def orm_beside_playwright(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the tests use the database: Playwright keeps an event loop on this thread, but never awaits Django."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    yield
    # Django keeps another connection where a loop runs, and forgets it.
    connections.close_all()


@pytest.fixture
def open_page(browser: Browser, desk: WebProcess) -> Iterator[OpenPage]:
    """Opens admin pages in a browser profile of the agent's own. None may complain in its console."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(user: User | None, path: str = "/admin/", *, locale: str = "en", **options: object) -> Page:
        home = f"http://127.0.0.1:{desk.port}"
        context = browser.new_context(locale=locale, timezone_id="Asia/Bangkok", **{**DESKTOP, **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if user is not None:
            session = client_of(user).cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": home}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(home + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    # Refusals are answers: the browser logs every 4xx as an error.
    assert [text for text in complaints if "Failed to load resource" not in text] == []


def page_of(conversation: Conversation) -> str:
    """Return the address of the conversation's page."""
    return f"/admin/conversations/conversation/{conversation.pk}/change/"


def section(page: Page, name: str) -> Locator:
    """Return a section of the queue."""
    return page.locator(f".desk-{name}.desk-section")


def is_live(page: Page) -> None:
    """Wait until the page's socket is up."""
    expect(page.locator("[data-status=live]")).to_be_visible()


def test_the_queue_follows_without_a_reload(open_page: OpenPage, new_conversation: NewConversation) -> None:
    nok, lek = make_agent("nok", name="นก"), make_agent("lek", name="เล็ก")
    page = open_page(nok)
    is_live(page)
    expect(section(page, "waiting")).to_contain_text("Nobody is waiting")
    page.evaluate("window.stillTheSame = true")
    conversation = new_conversation("คุณมะลิ")
    say(conversation, "ขอคืนสินค้าค่ะ")
    escalate(conversation.pk, reason=Reason.CUSTOMER, detail="ขอคุยกับคน")
    card = section(page, "waiting").locator(".desk-card")
    expect(card).to_contain_text("คุณมะลิ")
    expect(card).to_contain_text("ขอคืนสินค้าค่ะ")
    expect(card).to_contain_text("The customer asked for a person")
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(page.locator("[data-desk-badge]")).to_have_text("1")
    waits = card.locator("time").inner_text()
    expect(card.locator("time")).not_to_have_text(waits)
    take(conversation.pk, agent=lek)
    expect(section(page, "others").locator(".desk-card")).to_contain_text("เล็ก")
    expect(section(page, "waiting").locator(".desk-card")).to_have_count(0)
    expect(page.locator("[data-desk-badge]")).to_be_hidden()
    assert page.evaluate("window.stillTheSame")


def test_of_two_agents_who_take_one_learns_who_was_faster(
    open_page: OpenPage, new_conversation: NewConversation
) -> None:
    nok, lek = make_agent("nok", name="นก"), make_agent("lek", name="เล็ก")
    conversation = new_conversation("คุณมะลิ")
    escalate(conversation.pk, reason=Reason.CUSTOMER)
    pages = [open_page(nok, page_of(conversation)), open_page(lek, page_of(conversation))]
    for page, colleague in zip(pages, ("เล็ก", "นก"), strict=True):
        is_live(page)
        expect(page.locator(".desk-people")).to_contain_text(colleague)
    pages[0].get_by_role("button", name="Take over", exact=True).click()
    expect(pages[0].locator(".desk-owner")).to_have_text("You answer")
    expect(pages[1].locator(".desk-owner")).to_have_text("นก answers")
    expect(pages[1].get_by_role("button", name="Take over", exact=True)).to_be_hidden()
    pages[0].locator("textarea").press_sequentially("สวัส")
    expect(pages[1].locator(".desk-people")).to_contain_text("นก is typing")
    pages[0].locator("textarea").fill("สวัสดีค่ะ")
    pages[0].get_by_role("button", name="Send").click()
    expect(pages[1].locator(".desk-from-agent .desk-bubble")).to_have_text("สวัสดีค่ะ")
    assert conversation.messages.filter(code="agent_joined").count() == 1


def test_who_presses_take_a_moment_too_late_is_told_the_name(
    open_page: OpenPage, new_conversation: NewConversation
) -> None:
    nok, lek = make_agent("nok", name="นก"), make_agent("lek", name="เล็ก")
    conversation = new_conversation("คุณมะลิ")
    escalate(conversation.pk, reason=Reason.CUSTOMER)
    page = open_page(nok)
    button = section(page, "waiting").get_by_role("button", name=re.compile("^Take"))
    expect(button).to_be_visible()
    # The page hears nothing any more: as if both had pressed in the same moment.
    page.route("**/queue/**", lambda route: route.abort())
    take(conversation.pk, agent=lek)
    button.click()
    expect(page.locator("[data-alert]")).to_have_text("เล็ก has this conversation.")


def test_what_an_absent_colleague_holds_is_taken_over_after_a_question(
    open_page: OpenPage, new_conversation: NewConversation
) -> None:
    nok, lek = make_agent("nok", name="นก"), make_agent("lek", name="เล็ก")
    conversation = new_conversation("คุณมะลิ")
    take(conversation.pk, agent=lek)
    theirs, mine = open_page(lek, page_of(conversation)), open_page(nok, page_of(conversation), **PHONE)
    is_live(theirs)
    theirs.locator("textarea").fill("ยังไม่ได้ส่ง")
    over, dialog = mine.get_by_role("button", name="Take over from เล็ก"), mine.get_by_role("dialog")
    over.tap()
    expect(dialog).to_contain_text("เล็ก is answering this customer.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert [found for found in Axe().run(mine).response["violations"] if found["impact"] in SERIOUS] == []
    mine.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert Conversation.objects.get(pk=conversation.pk).agent == lek
    over.tap()
    dialog.get_by_role("button", name="Take over", exact=True).tap()
    expect(mine.locator(".desk-owner")).to_have_text("You answer")
    expect(over).to_be_hidden()
    expect(theirs.locator(".desk-lost")).to_have_text("นก took this conversation over from you.")
    expect(theirs.locator(".desk-owner")).to_have_text("นก answers")
    expect(theirs.locator("textarea")).to_have_value("ยังไม่ได้ส่ง")
    expect(theirs.get_by_role("button", name="Take over and send")).to_be_hidden()
    expect(theirs.get_by_role("button", name="Take over from นก")).to_be_enabled()


def test_the_transcript_shows_the_reply_while_it_is_written(
    open_page: OpenPage, new_conversation: NewConversation
) -> None:
    conversation = new_conversation("คุณมะลิ")
    say(conversation, "ส่งกี่วันคะ")
    page = open_page(make_agent("nok", name="นก"), page_of(conversation))
    is_live(page)
    opened = open_run(conversation.pk, worker="test")
    assert opened is not None
    run_id, topic, written = opened.run.pk, conversation_topic(conversation.pk), 0
    for piece in ("ส่งภายใน ", "2 วัน", "ทำการค่ะ"):
        publish([Item(topic, Kind.DELTA, delta_frame(run_id, offset=written, text=piece), run=run_id)])
        written += len(piece)
    live = page.locator(".desk-live .desk-bubble")
    expect(live).to_have_text("ส่งภายใน 2 วันทำการค่ะ")
    figures = Figures(provider="deepseek", model="deepseek-flash", attempts=1, first_token_ms=412, total_ms=1900)
    finish_run(
        run_id,
        text="ส่งภายใน 2 วันทำการค่ะ",
        verdict=Verdict("จัดส่ง", action_required=True, escalate=False),
        figures=figures,
    )
    expect(live).to_have_count(0)
    stored = page.locator(".desk-from-bot")
    expect(stored.locator(".desk-bubble")).to_have_text("ส่งภายใน 2 วันทำการค่ะ")
    expect(stored.locator(".desk-flags")).to_contain_text("จัดส่ง")
    expect(stored.locator(".desk-flags")).to_contain_text("Action required")
    stored.locator("summary").first.click()
    expect(stored.locator(".desk-facts")).to_contain_text("412 ms")


def test_an_agent_replies_leaves_a_note_and_resolves(open_page: OpenPage, new_conversation: NewConversation) -> None:
    nok, conversation = make_agent("nok", name="นก"), new_conversation("คุณมะลิ")
    say(conversation, "ขอคืนสินค้าค่ะ")
    page = open_page(nok, page_of(conversation))
    is_live(page)
    page.locator("textarea").fill("ได้เลยค่ะ")
    page.locator("textarea").press("Control+Enter")
    expect(page.locator(".desk-from-agent .desk-bubble")).to_have_text("ได้เลยค่ะ")
    expect(page.locator(".desk-owner")).to_have_text("You answer")
    expect(page.locator("textarea")).to_have_value("")
    page.get_by_role("button", name="Internal note").click()
    page.locator("textarea").fill("ลูกค้าประจำ")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".desk-note .desk-bubble")).to_have_text("ลูกค้าประจำ")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".desk-owner")).to_have_text("Resolved")
    assert conversation.messages.filter(sender=Sender.AGENT).count() == 1
    assert Note.objects.get(conversation=conversation).author == nok


def test_what_is_written_survives_a_failure_and_a_reload(
    open_page: OpenPage, new_conversation: NewConversation
) -> None:
    conversation = new_conversation("คุณมะลิ")
    page = open_page(make_agent("nok", name="นก"), page_of(conversation))
    page.route("**/reply/", lambda route: route.abort())
    page.locator("textarea").fill("สำคัญมาก")
    page.get_by_role("button", name="Take over and send").click()
    expect(page.locator(".desk-composer .desk-alert")).to_contain_text("That did not work")
    expect(page.locator("textarea")).to_have_value("สำคัญมาก")
    page.reload()
    expect(page.locator("textarea")).to_have_value("สำคัญมาก")
    page.unroute("**/reply/")
    page.get_by_role("button", name="Take over and send").click()
    expect(page.locator(".desk-from-agent .desk-bubble")).to_have_text("สำคัญมาก")


def test_an_answer_that_got_lost_is_not_sent_twice(open_page: OpenPage, new_conversation: NewConversation) -> None:
    conversation = new_conversation("คุณมะลิ")
    page = open_page(make_agent("nok", name="นก"), page_of(conversation))
    lost: list[int] = []

    def lose_the_answer(route: Any) -> None:  # noqa: ANN401 (Playwright's own type is not exported)
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/reply/", lose_the_answer)
    page.locator("textarea").fill("ครั้งเดียวเท่านั้น")
    button = page.get_by_role("button", name=re.compile("end$"))
    button.click()
    expect(page.locator(".desk-composer .desk-alert")).to_be_visible()
    button.click()
    expect(page.locator("textarea")).to_have_value("")
    expect(page.locator(".desk-from-agent")).to_have_count(1)
    assert lost == [200]
    assert conversation.messages.filter(sender=Sender.AGENT).count() == 1


def test_hostile_words_are_shown_as_they_are(open_page: OpenPage, new_conversation: NewConversation) -> None:
    conversation = new_conversation(HOSTILE[0])
    for text in HOSTILE:
        say(conversation, text)
    answer(conversation, HOSTILE[0])
    escalate(conversation.pk, reason=Reason.CUSTOMER, detail=HOSTILE[0])
    nok = make_agent("nok", name=HOSTILE[0][:100])
    for path in ("/admin/", page_of(conversation)):
        page = open_page(nok, path, **PHONE)
        is_live(page)
        assert "owned" not in page.title().partition("|")[2]
        assert page.locator("img[src=x]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    bubbles = page.locator(".desk-from-customer .desk-bubble")
    assert [bubble.text_content() for bubble in bubbles.all()] == list(HOSTILE)


def test_a_long_conversation_opens_at_its_end_and_pages_back(
    open_page: OpenPage, new_conversation: NewConversation
) -> None:
    conversation = new_conversation("คุณมะลิ")
    for number in range(70):
        say(conversation, f"ข้อความที่ {number}")
    page = open_page(make_agent("nok", name="นก"), page_of(conversation))
    expect(page.locator(".desk-bubble").last).to_be_in_viewport()
    expect(page.locator(".desk-bubble")).to_have_count(50)
    page.locator(".desk-log").evaluate("log => { log.scrollTop = 0; }")
    page.get_by_role("button", name="Show earlier messages").click()
    expect(page.locator(".desk-bubble")).to_have_count(70)
    expect(page.locator(".desk-bubble", has_text="ข้อความที่ 20")).to_be_in_viewport()
    say(conversation, "ใหม่ล่าสุด")
    expect(page.get_by_role("button", name="New messages")).to_be_visible()


def test_rows_missed_while_the_socket_was_down_come_with_the_reconnect(
    open_page: OpenPage, new_conversation: NewConversation
) -> None:
    nok, conversation = make_agent("nok", name="นก"), new_conversation("คุณมะลิ")
    say(conversation, "ก่อน")
    take(conversation.pk, agent=nok)
    page = open_page(nok, page_of(conversation))
    is_live(page)
    page.context.set_offline(True)
    expect(page.locator(".desk-link-state")).to_have_attribute("data-status", "offline")
    say(conversation, "ระหว่างนั้น")
    add_agent_message(conversation.pk, agent=nok, text="จากอีกเครื่อง", client_id=uuid.uuid4())
    page.context.set_offline(False)
    is_live(page)
    expect(page.locator(".desk-bubble").last).to_have_text("จากอีกเครื่อง")


def test_the_pages_speak_thai(open_page: OpenPage, new_conversation: NewConversation) -> None:
    conversation = new_conversation("คุณมะลิ")
    escalate(conversation.pk, reason=Reason.CUSTOMER)
    nok = make_agent("nok", name="นก")
    page = open_page(nok, locale="th-TH")
    expect(section(page, "waiting").get_by_role("heading")).to_contain_text("รอเจ้าหน้าที่")
    expect(page.locator("#nav-sidebar-apps")).to_contain_text("บทสนทนา")
    page = open_page(nok, page_of(conversation), locale="th-TH")
    page.get_by_role("button", name="รับเรื่อง", exact=True).click()
    expect(page.locator(".desk-owner")).to_have_text("คุณกำลังดูแล")


@pytest.mark.parametrize(
    "look",
    [{"color_scheme": "light", "locale": "en", **DESKTOP}, {"color_scheme": "dark", "locale": "th-TH", **PHONE}],
    ids=["desktop-light-en", "phone-dark-th"],
)
def test_axe_finds_nothing_serious(
    open_page: OpenPage, new_conversation: NewConversation, look: dict[str, Any]
) -> None:
    nok, conversation = make_agent("nok", name="นก"), new_conversation("คุณมะลิ")
    say(conversation, "ขอคืนสินค้าค่ะ")
    answer(conversation, "ได้ค่ะ")
    take(conversation.pk, agent=nok)
    add_agent_message(conversation.pk, agent=nok, text="สวัสดีค่ะ", client_id=uuid.uuid4())
    waiting = new_conversation("คุณสมชาย")
    escalate(waiting.pk, reason=Reason.CUSTOMER)
    problems = {}
    for user, path in (
        (None, "/admin/login/"),
        (nok, "/admin/"),
        (nok, page_of(conversation)),
        (nok, "/admin/conversations/conversation/"),
    ):
        page = open_page(user, path, **look)
        page.wait_for_load_state("networkidle")
        violations = Axe().run(page).response["violations"]
        problems[path] = [
            (found["id"], [node["html"][:90] for node in found["nodes"]])
            for found in violations
            if found["impact"] in SERIOUS
        ]
    assert {path: some for path, some in problems.items() if some} == {}


def test_everything_fits_on_a_phone(open_page: OpenPage, new_conversation: NewConversation) -> None:
    nok, conversation = make_agent("nok", name="นก"), new_conversation("คุณกนกวรรณ พงษ์พิพัฒน์วรเวชกุล")
    say(conversation, "ขอคืนสินค้าค่ะ " * 20)
    escalate(conversation.pk, reason=Reason.CUSTOMER)
    for path in ("/admin/", page_of(conversation), "/admin/conversations/conversation/"):
        page = open_page(nok, path, **PHONE)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        small = page.evaluate(
            "[...document.querySelectorAll('.desk button, .desk a.desk-button')]"
            ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).map(e => e.textContent)"
        )
        assert small == [], path
    page = open_page(nok, page_of(conversation), **PHONE)
    expect(page.locator("textarea")).to_be_in_viewport()
    page.get_by_role("button", name="Take over", exact=True).tap()
    expect(page.locator(".desk-owner")).to_have_text("You answer")
