"""The widget on somebody else's page: another origin, a strict policy, hostile styles, the small API."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from django.utils import timezone
from playwright.sync_api import expect

from conversations.models import Customer, Site
from tests.web.server import WebProcess
from tests.widget.backstage import Backstage
from tests.widget.conftest import NewVisitor
from tests.widget.visitor import Visitor

pytestmark = pytest.mark.browser


@dataclass
class ForeignShop:
    """A shop's own web server, with one page."""

    page: str = ""
    policy: str = ""
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(PageHandler, self))
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"


class PageHandler(BaseHTTPRequestHandler):
    """Serves the shop's page."""

    def __init__(self, shop: ForeignShop, *arguments: object) -> None:
        self.shop = shop
        super().__init__(*arguments)  # type: ignore[arg-type]  # handed through as socketserver gives them

    def do_GET(self) -> None:
        """Answer with the page, whatever was asked for."""
        self.send_response(200 if self.path == "/" else 204)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if self.shop.policy:
            self.send_header("Content-Security-Policy", self.shop.policy)
        self.end_headers()
        self.wfile.write(self.shop.page.encode() if self.path == "/" else b"")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def foreign(running_shop: WebProcess, shop: Site, backstage: Backstage) -> Iterator[ForeignShop]:
    """A shop that may show the widget."""
    foreign = ForeignShop()
    host = f"http://127.0.0.1:{running_shop.port}"
    foreign.page = f"""<!DOCTYPE html><html lang="en"><title>Shop</title><h1>Shop</h1>
        <script src="{host}/widget.js" data-site="{shop.public_key}" data-locale="en" async></script>"""
    backstage.do(Site.objects.update, allowed_origins=[foreign.origin])
    yield foreign
    foreign.server.shutdown()
    foreign.server.server_close()


@pytest.fixture
def visitor(new_visitor: NewVisitor, foreign: ForeignShop) -> Visitor:
    """A customer of the other shop, who has not gone there yet."""
    visitor = new_visitor(locale="en")
    visitor.base = foreign.origin
    return visitor


def go(visitor: Visitor) -> None:
    """Go to the shop's page."""
    visitor.page.goto(visitor.base)
    expect(visitor.launcher).to_be_visible()


def test_it_works_under_a_strict_policy_with_trusted_types(
    visitor: Visitor, foreign: ForeignShop, running_shop: WebProcess, backstage: Backstage
) -> None:
    host = f"http://127.0.0.1:{running_shop.port}"
    foreign.policy = (
        f"default-src 'none'; script-src {host}; connect-src {host}; frame-src {host}; base-uri 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    go(visitor)
    box = visitor.launcher.bounding_box()
    assert box is not None and (box["width"], box["height"]) == (56, 56)
    visitor.open_chat()
    visitor.says("Hello from afar")
    visitor.sees("Hello from afar")
    backstage.reply("Welcome")
    visitor.sees("Welcome")


def test_the_shops_styles_do_not_reach_it(visitor: Visitor, foreign: ForeignShop) -> None:
    foreign.page += "<style>* { color: red !important; padding: 40px !important; font-size: 60px !important; }"
    foreign.page += " button, iframe { display: none !important; } div { transform: scale(3); }</style>"
    go(visitor)
    box = visitor.launcher.bounding_box()
    assert box is not None and (box["width"], box["height"]) == (56, 56)
    visitor.open_chat()
    frame = visitor.page.locator("#csbot iframe").bounding_box()
    assert frame is not None and frame["width"] == 400


def test_a_page_that_may_not_frame_it_gets_no_conversation(
    visitor: Visitor, foreign: ForeignShop, backstage: Backstage
) -> None:
    backstage.do(Site.objects.update, allowed_origins=["https://another.example"])
    go(visitor)
    visitor.launcher.click()
    visitor.page.wait_for_timeout(500)
    expect(visitor.panel.locator("#text")).to_have_count(0)
    assert any("frame-ancestors" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


def test_the_shops_page_can_drive_it_and_hears_what_happens(visitor: Visitor, backstage: Backstage) -> None:
    visitor.page.add_init_script(
        """window.heard = [];
        window.csbot = [["on", "ready", () => window.heard.push("ready")]];
        for (const name of ["open", "close", "message", "unread", "escalated", "resolved", "error"])
          window.csbot.push(["on", name, (detail) => window.heard.push(name + " " + JSON.stringify(detail))]);
        window.csbot.push(["open", "A question"]);"""
    )
    go(visitor)
    visitor.is_connected()
    expect(visitor.panel.locator("#text")).to_have_value("A question")
    visitor.panel.locator("#text").press("Enter")
    visitor.sees("A question")
    backstage.reply("secret words")
    visitor.sees("secret words")
    visitor.page.evaluate("csbot.setLocale('th')")
    expect(visitor.panel.get_by_role("button", name="คุยกับเจ้าหน้าที่")).to_be_visible()
    visitor.is_connected()
    visitor.panel.get_by_role("button", name="คุยกับเจ้าหน้าที่").click()
    expect(visitor.panel.locator("#waiting")).to_be_visible()
    visitor.page.evaluate("csbot.close()")
    backstage.agent_joins()
    backstage.agent_says("secret too")
    expect(visitor.page.locator("#csbot button span")).to_have_text("1")
    backstage.agent_resolves()
    visitor.page.wait_for_function("heard.includes('resolved {}')")
    heard = visitor.page.evaluate("heard")
    assert heard[:2] == ["ready", "open {}"]
    assert {"escalated {}", "close {}", 'unread {"count":1}', 'message {"sender":"bot","seq":2}'} <= set(heard)
    assert not any("secret" in line for line in heard)


def test_messages_from_strangers_are_not_obeyed(visitor: Visitor, backstage: Backstage) -> None:
    go(visitor)
    visitor.open_chat()
    visitor.page.evaluate(
        """() => { for (const type of ["close", "unread", "locale"])
          window.postMessage({ csbot: 1, type, count: 9, locale: "th" }, "*"); }"""
    )
    visitor.says("Still here")
    visitor.sees("Still here")
    expect(visitor.launcher).to_have_attribute("aria-expanded", "true")
    expect(visitor.launcher).to_have_attribute("aria-label", "Close the chat")


def identity(shop: Site, *, sub: str, seconds: float = 600) -> str:
    """Sign who the customer is, as a shop's own server does."""
    claims = {"sub": sub, "name": "Mali", "exp": timezone.now().timestamp() + seconds}
    return jwt.encode(claims, shop.identity_secret, algorithm="HS256")


def test_a_known_customer_finds_the_conversation_on_every_device_and_leaves_nothing_behind(
    visitor: Visitor, new_visitor: NewVisitor, shop: Site, foreign: ForeignShop, backstage: Backstage
) -> None:
    go(visitor)
    visitor.page.evaluate("token => csbot.identify(token)", identity(shop, sub="customer-7"))
    visitor.open_chat()
    visitor.says("From my laptop")
    visitor.sees("From my laptop")
    expect(visitor.panel.locator(".row.unsent")).to_have_count(0)
    assert backstage.do(lambda: Customer.objects.get().external_id) == "customer-7"

    other = new_visitor("phone", locale="en")
    other.base = foreign.origin
    go(other)
    other.page.evaluate("token => csbot.identify(token)", identity(shop, sub="customer-7"))
    other.open_chat()
    other.sees("From my laptop")

    visitor.page.evaluate("csbot.identify(null)")
    visitor.is_connected()
    expect(visitor.bubbles.get_by_text("From my laptop")).to_have_count(0)
    assert "customer-7" not in str(visitor.page.frames[1].evaluate("JSON.stringify([localStorage, sessionStorage])"))


def test_a_wrong_identity_is_told_to_the_shop_and_the_customer_is_helped_all_the_same(
    visitor: Visitor, shop: Site, backstage: Backstage
) -> None:
    visitor.page.add_init_script(
        "window.heard = []; window.csbot = [['on', 'error', (detail) => window.heard.push(detail.code)]];"
    )
    go(visitor)
    visitor.page.evaluate("token => csbot.identify(token)", identity(shop, sub="customer-7", seconds=-600))
    visitor.open_chat()
    visitor.says("Hello")
    visitor.sees("Hello")
    assert visitor.page.evaluate("heard") == ["identity"]
    assert any("401" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()
