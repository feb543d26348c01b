"""The panel's promises, one by one, in a browser against the real server."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from conversations.models import Site
from tests.web.server import WebProcess
from tests.widget.backstage import Backstage
from tests.widget.conftest import NewVisitor
from tests.widget.visitor import Visitor

pytestmark = pytest.mark.browser

# The longest pause between two attempts, twice.
LONGEST_WAIT_MS = 60_000


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    """A customer whose chat is open, and who has asked something."""
    visitor = new_visitor(locale="en").visit().open_chat()
    visitor.says("Hello")
    visitor.sees("Hello")
    expect(visitor.panel.locator(".row.unsent")).to_have_count(0)
    return visitor


def test_a_second_tab_shows_the_reply_in_progress_and_both_see_it_end(visitor: Visitor, backstage: Backstage) -> None:
    backstage.begin_reply()
    backstage.write("One ")
    visitor.sees("One")
    second = Visitor(visitor.context, visitor.base, "en").visit().open_chat()
    second.sees("One")
    backstage.write("two")
    backstage.finish_reply(rest=" three")
    for tab in (visitor, second):
        tab.sees("One two three")
        expect(tab.bubbles).to_have_count(3)
    second.says("Thanks")
    visitor.sees("Thanks")


def test_a_reply_is_one_bubble_from_its_first_dot_to_its_last_word(visitor: Visitor, backstage: Backstage) -> None:
    backstage.begin_reply()
    bubble = visitor.panel.locator(".row.theirs").last.element_handle()
    backstage.write("สวัส")
    visitor.sees("สวัส")
    text = visitor.bubbles.last.evaluate_handle("element => element.firstChild")
    backstage.write("ดีค่ะ")
    backstage.finish_reply(rest=" ยินดีต้อนรับ")
    visitor.sees("สวัสดีค่ะ ยินดีต้อนรับ")
    assert bubble.evaluate("element => element.isConnected")
    assert text.evaluate("node => node.isConnected && node.data") == "สวัสดีค่ะ ยินดีต้อนรับ"


def test_a_finished_reply_is_announced_once_and_its_pieces_never(visitor: Visitor, backstage: Backstage) -> None:
    said = visitor.panel.locator("#announcer")
    expect(visitor.panel.locator("#log")).to_have_attribute("aria-live", "off")
    visitor.page.frames[1].evaluate(
        """() => { window.said = [];
        new MutationObserver(() => window.said.push(document.querySelector("#announcer").textContent))
          .observe(document.querySelector("#announcer"), { childList: true, subtree: true, characterData: true }); }"""
    )
    backstage.begin_reply()
    for word in ("One ", "two ", "three"):
        backstage.write(word)
    visitor.sees("One two three")
    backstage.finish_reply()
    expect(said).to_have_text("Assistant: One two three")
    assert visitor.page.frames[1].evaluate("window.said") == ["Assistant: One two three"]


def test_stopping_keeps_what_was_shown_and_says_so(visitor: Visitor, backstage: Backstage) -> None:
    sent: list[str] = []
    visitor.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
    visitor.page.reload()
    visitor.is_connected()
    backstage.begin_reply()
    backstage.write("A long story ")
    visitor.panel.get_by_role("button", name="Stop").click()
    backstage.stop_reply()
    expect(visitor.panel.locator(".meta", has_text=visitor.words.stopped)).to_be_visible()
    visitor.sees("A long story")
    assert any('"type":"stop"' in frame for frame in sent)


def test_no_bot_text_stays_when_a_person_takes_over_in_the_middle(visitor: Visitor, backstage: Backstage) -> None:
    backstage.begin_reply()
    backstage.write("The bot says")
    visitor.sees("The bot says")
    backstage.agent_joins()
    expect(visitor.panel.locator("#status")).to_contain_text("ณัฐ")
    backstage.write(" even more")
    backstage.agent_says("I am here")
    visitor.sees("I am here")
    expect(visitor.bubbles.get_by_text("The bot says")).to_have_count(0)


def test_hostile_text_is_shown_as_text(visitor: Visitor, backstage: Backstage) -> None:
    text = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) https://good.example@evil.example/ {{7*7}} \u202eabc"
    visitor.says(text)
    visitor.sees(text)
    backstage.reply(text)
    expect(visitor.bubbles.get_by_text(text, exact=True)).to_have_count(2)
    expect(visitor.panel.locator("#log a, #log img, #log script")).to_have_count(0)


def test_what_was_not_sent_survives_a_reload(visitor: Visitor, backstage: Backstage) -> None:
    is_down = [True]

    def swallow(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda frame: None if is_down and '"type":"send"' in str(frame) else server.send(frame))

    visitor.context.route_web_socket(re.compile("/ws/widget/"), swallow)
    visitor.page.reload()
    visitor.is_connected()
    visitor.says("Keep this")
    expect(visitor.panel.locator(".row.unsent")).to_have_count(1)
    assert backstage.customer_texts() == ["Hello"]
    is_down.clear()
    revisit = Visitor(visitor.context, visitor.base, "en").visit().open_chat()
    revisit.sees("Keep this")
    expect(revisit.panel.locator(".row.unsent")).to_have_count(0)
    assert backstage.customer_texts() == ["Hello", "Keep this"]


def test_a_draft_survives_a_reload(visitor: Visitor) -> None:
    visitor.panel.locator("#text").fill("Half a thou")
    visitor.page.reload()
    expect(visitor.panel.locator("#text")).to_have_value("Half a thou")


def test_too_long_a_message_is_counted_and_not_sent(visitor: Visitor, backstage: Backstage) -> None:
    field, counter = visitor.panel.locator("#text"), visitor.panel.locator("#counter")
    expect(counter).to_be_hidden()
    field.fill("ก" * 1990)
    expect(counter).to_have_text("1990 / 2000")
    field.fill("ก" * 2001)
    expect(counter).to_have_text("1 character too long")
    field.press("Enter")
    expect(visitor.panel.locator("#send")).to_be_disabled()
    assert backstage.customer_texts() == ["Hello"]


def test_shift_enter_makes_a_line_and_a_composing_enter_sends_nothing(visitor: Visitor, backstage: Backstage) -> None:
    field = visitor.panel.locator("#text")
    field.fill("one")
    field.press("Shift+Enter")
    field.press_sequentially("two")
    field.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True, "cancelable": True})
    expect(field).to_have_value("one\ntwo")
    field.press("Enter")
    visitor.sees("one two")
    assert backstage.customer_texts()[-1] == "one\ntwo"


def test_escape_closes_and_gives_the_focus_back_to_the_launcher(visitor: Visitor) -> None:
    visitor.panel.locator("#text").press("Escape")
    expect(visitor.launcher).to_have_attribute("aria-expanded", "false")
    expect(visitor.launcher).to_be_focused()
    visitor.page.keyboard.press("Enter")
    expect(visitor.panel.locator("#text")).to_be_focused()


def test_every_control_can_be_reached_and_pressed_by_a_finger(new_visitor: NewVisitor, backstage: Backstage) -> None:
    visitor = new_visitor("phone", locale="th").visit().open_chat()
    visitor.says("สวัสดี")
    backstage.reply("สวัสดีค่ะ")
    backstage.agent_joins()
    backstage.agent_resolves()
    expect(visitor.panel.locator(".stars label")).to_have_count(5)
    for control in visitor.panel.locator("button:visible, .stars label").all():
        box = control.bounding_box()
        assert box is not None and box["width"] >= 44 and box["height"] >= 44, control.inner_html()


def test_the_panel_fills_a_phone_and_the_page_behind_stands_still(new_visitor: NewVisitor) -> None:
    visitor = new_visitor("phone").visit().open_chat()
    box = visitor.page.locator("#csbot iframe").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert visitor.page.evaluate("document.documentElement.style.overflow") == "hidden"
    visitor.panel.get_by_role("button", name="ปิดหน้าต่างแชต").click()
    expect(visitor.launcher).to_be_focused()
    assert visitor.page.evaluate("document.documentElement.style.overflow") == ""


def test_a_message_that_comes_while_the_chat_is_closed_shows_as_a_number(
    visitor: Visitor, backstage: Backstage
) -> None:
    visitor.panel.locator("#text").press("Escape")
    backstage.reply("Are you there?")
    badge = visitor.page.locator("#csbot button span")
    expect(badge).to_have_text("1")
    expect(visitor.launcher).to_have_attribute("aria-label", "Open the chat (1 new messages)")
    visitor.page.reload()
    expect(badge).to_have_text("1")
    visitor.launcher.click()
    expect(badge).to_be_hidden()
    wait_until(visitor.page, lambda: backstage.talk.read_seq == 2)


def test_nobody_becomes_a_visitor_before_opening_the_chat(new_visitor: NewVisitor, backstage: Backstage) -> None:
    visitor = new_visitor().visit()
    visitor.launcher.hover()
    expect(visitor.page.locator("#csbot iframe")).to_have_count(1)
    visitor.page.wait_for_load_state("networkidle")
    assert not any("sessions" in url for url in visitor.requests)


def test_the_language_can_be_changed_and_is_remembered(visitor: Visitor, backstage: Backstage) -> None:
    visitor.panel.get_by_role("button", name="เปลี่ยนเป็นภาษาไทย").click()
    expect(visitor.panel.get_by_role("button", name="คุยกับเจ้าหน้าที่")).to_be_visible()
    visitor.is_connected()
    wait_until(visitor.page, lambda: backstage.talk.locale == "th")
    visitor.page.reload()
    expect(visitor.panel.get_by_role("button", name="คุยกับเจ้าหน้าที่")).to_be_visible()
    expect(visitor.launcher).to_have_attribute("aria-label", "ปิดแชต")


def test_with_less_motion_a_reply_comes_clause_by_clause(new_visitor: NewVisitor, backstage: Backstage) -> None:
    visitor = new_visitor(locale="en", reduced_motion="reduce").visit().open_chat()
    visitor.says("Hello")
    visitor.sees("Hello")
    expect(visitor.panel.locator(".row.unsent")).to_have_count(0)
    backstage.begin_reply()
    backstage.write("One sentence. And hal")
    visitor.sees("One sentence. And")
    backstage.finish_reply(rest="f a word")
    visitor.sees("One sentence. And half a word")


@pytest.fixture
def own_web(backstage: Backstage, tmp_path: Path) -> Iterator[WebProcess]:
    """A web process that the test may stop and start again."""
    web = WebProcess(tmp_path / "log", {"CSBOT_DEMO": "1", "CSBOT_RATE_LIMIT_SCALE": "0"}).start()
    yield web
    web.stop()


def test_when_the_server_restarts_the_widget_comes_back_by_itself_and_misses_nothing(
    new_visitor: NewVisitor, backstage: Backstage, own_web: WebProcess
) -> None:
    visitor = new_visitor(locale="en")
    visitor.base = f"http://127.0.0.1:{own_web.port}"
    visitor.visit().open_chat()
    visitor.says("Before")
    visitor.sees("Before")
    expect(visitor.panel.locator(".row.unsent")).to_have_count(0)
    own_web.stop()
    expect(visitor.panel.locator("#status")).not_to_have_attribute("data-link", "online")
    visitor.says("Meanwhile")
    backstage.reply("An answer nobody heard")
    own_web.start()
    expect(visitor.panel.locator("#status")).to_have_attribute("data-link", "online", timeout=LONGEST_WAIT_MS)
    visitor.sees("An answer nobody heard")
    expect(visitor.panel.locator(".row.unsent")).to_have_count(0)
    assert backstage.customer_texts() == ["Before", "Meanwhile"]
    visitor.complaints.clear()


@pytest.mark.parametrize("colour", ["#ffe94d", "#101010", "#e91e63"])
def test_the_shops_colour_can_be_read_in_light_and_dark(
    new_visitor: NewVisitor, backstage: Backstage, shop: Site, colour: str
) -> None:
    backstage.do(Site.objects.update, accent_colour=colour)
    for scheme in ("light", "dark"):
        visitor = new_visitor(locale="en", color_scheme=scheme).visit().open_chat()
        visitor.says("Hello https://shop.example/a")
        visitor.sees("Hello https://shop.example/a")
        backstage.reply("Look at https://shop.example/b please")
        visitor.sees("Look at https://shop.example/b please")
        visitor.has_no_barriers()
        visitor.photograph(f"colour-{colour}-{scheme}")


def wait_until(page: Page, happened: Callable[[], bool]) -> None:
    """Wait for something that the browser can't see."""
    for _moment in range(100):
        if happened():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen")
