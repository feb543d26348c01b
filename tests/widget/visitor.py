"""A customer at a browser: the shop's page, the launcher, the panel, by what people see and press."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, expect

SCREENSHOTS: Final = os.environ.get("CSBOT_SCREENSHOTS", "")
AXE_OPTIONS: Final = {"resultTypes": ["violations"], "iframes": False}
SERIOUS: Final = frozenset({"serious", "critical"})


@dataclass(frozen=True)
class Words:
    """How the panel says things in one language."""

    open: str
    ask_human: str
    waiting: str
    offline: str
    offline_one: str
    stop: str
    stopped: str
    submit_rating: str
    thanks: str
    score: str
    simulated: str


WORDS: Final[Mapping[str, Words]] = {
    "th": Words(
        open="เปิดแชต",
        ask_human="คุยกับเจ้าหน้าที่",
        waiting="กำลังรอเจ้าหน้าที่",
        offline="ออฟไลน์ กำลังลองเชื่อมต่อใหม่",
        offline_one="ออฟไลน์ ยังไม่ได้ส่ง 1 ข้อความ",
        stop="หยุดตอบ",
        stopped="หยุดไว้กลางคัน",
        submit_rating="ส่งคะแนน",
        thanks="ขอบคุณสำหรับคะแนน",
        score="ดี",
        simulated="ตัวจำลอง",
    ),
    "en": Words(
        open="Open the chat",
        ask_human="Talk to a person",
        waiting="Waiting for a person",
        offline="Offline, trying to reconnect",
        offline_one="Offline, 1 message not sent",
        stop="Stop",
        stopped="Stopped half-way",
        submit_rating="Send rating",
        thanks="Thank you for your rating",
        score="Good",
        simulated="simulator",
    ),
}


@dataclass
class Visitor:
    """One tab. `requests` and `complaints` hold what the browser asked for and what it didn't like."""

    context: BrowserContext
    base: str
    locale: str = "th"
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._note(message.type, message.text))

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and "ERR_INTERNET_DISCONNECTED" not in text:
            self.complaints.append(text)

    @property
    def words(self) -> Words:
        """What the panel says."""
        return WORDS[self.locale]

    @property
    def panel(self) -> FrameLocator:
        """The panel's frame."""
        return self.page.frame_locator("#csbot iframe")

    @property
    def launcher(self) -> Locator:
        """The round button."""
        return self.page.locator("#csbot button")

    @property
    def bubbles(self) -> Locator:
        """Everything said, the greeting first."""
        return self.panel.locator(".row .text")

    def visit(self, path: str = "/") -> "Visitor":
        """Go to a page of the shop."""
        self.page.goto(f"{self.base}{path}?locale={self.locale}")
        expect(self.launcher).to_be_visible()
        return self

    def open_chat(self) -> "Visitor":
        """Press the launcher, and wait until the panel is connected."""
        self.launcher.click()
        self.is_connected()
        return self

    def is_connected(self) -> None:
        """Wait until the panel is up to date."""
        expect(self.panel.locator("#status")).to_have_attribute("data-link", "online")

    def says(self, text: str) -> None:
        """Write and press Enter."""
        field = self.panel.locator("#text")
        field.fill(text)
        field.press("Enter")

    def sees(self, text: str) -> None:
        """Wait until a bubble says exactly this."""
        expect(self.bubbles.get_by_text(text, exact=True)).to_be_visible()

    def banner_says(self, text: str) -> None:
        """Wait until the banner says this."""
        expect(self.panel.locator("#banner-text")).to_have_text(text)

    def photograph(self, name: str) -> None:
        """Keep a picture, where somebody wants to look at them."""
        if SCREENSHOTS:
            self.page.wait_for_timeout(300)
            self.page.screenshot(path=Path(SCREENSHOTS) / f"{re.sub(r'[^a-z0-9]+', '-', name)}.png")

    def has_no_barriers(self) -> None:
        """Let axe-core look at the page and at the panel, each by itself."""
        for frame in self.page.frames:
            violations = Axe().run(frame, options=AXE_OPTIONS).response["violations"]
            serious = [found for found in violations if found["impact"] in SERIOUS]
            assert not serious, [(found["id"], [node["html"] for node in found["nodes"]]) for found in serious]

    def asked_only(self) -> None:
        """Check that no request left for anybody else's host."""
        strangers = [url for url in self.requests if not url.startswith((self.base, "data:", "blob:"))]
        assert not strangers
