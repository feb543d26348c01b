"""The main job in a browser, from the first question to the rating, on a phone and a desktop, in Thai and English."""

import pytest
from playwright.sync_api import expect

from tests.widget.backstage import Backstage
from tests.widget.conftest import NewVisitor
from tests.widget.visitor import Visitor

pytestmark = pytest.mark.browser

QUESTION = {"th": "สั่งของไปห้าวันแล้ว ยังไม่ได้รับเลยค่ะ", "en": "I ordered five days ago and nothing came."}
PIECES = {
    "th": ("ขออภัยที่ทำให้รอนะคะ ", "พัสดุอยู่ระหว่างจัดส่ง ", "ดูสถานะได้ที่ https://shop.example/track ค่ะ"),
    "en": (
        "Sorry to keep you waiting. ",
        "Your parcel is on its way. ",
        "See https://shop.example/track for where it is.",
    ),
}
EVERYWHERE = pytest.mark.parametrize(
    ("device", "locale"), [("phone", "th"), ("phone", "en"), ("desktop", "th"), ("desktop", "en")]
)


@EVERYWHERE
def test_a_customer_asks_and_is_answered_by_bot_and_person(
    new_visitor: NewVisitor, backstage: Backstage, device: str, locale: str
) -> None:
    visitor = new_visitor(device, locale=locale).visit()
    picture = f"{device}-{locale}"
    visitor.photograph(f"{picture}-1-shop")
    visitor.has_no_barriers()
    visitor.open_chat()
    expect(visitor.panel.locator("#simulated")).to_contain_text(visitor.words.simulated)
    visitor.photograph(f"{picture}-2-open")

    ask_and_watch(visitor, backstage)
    visitor.photograph(f"{picture}-3-streaming")
    reload_in_the_middle(visitor, backstage)
    visitor.photograph(f"{picture}-4-answered")
    visitor.has_no_barriers()

    go_offline_and_back(visitor, backstage, picture=picture)
    meet_a_person(visitor, backstage, picture=picture)
    rate(visitor, backstage, picture=picture)
    visitor.has_no_barriers()
    visitor.asked_only()


def ask_and_watch(visitor: Visitor, backstage: Backstage) -> None:
    """Ask, and see the reply grow: dots first, then its words, in one and the same bubble."""
    visitor.says(QUESTION[visitor.locale])
    visitor.sees(QUESTION[visitor.locale])
    expect(visitor.panel.locator(".row.unsent")).to_have_count(0)
    assert backstage.customer_texts() == [QUESTION[visitor.locale]]
    backstage.begin_reply()
    expect(visitor.panel.locator(".dots")).to_be_visible()
    first, second, _third = PIECES[visitor.locale]
    backstage.write(first)
    visitor.sees(first.strip())
    expect(visitor.panel.locator(".dots")).to_have_count(0)
    backstage.write(second)
    visitor.sees((first + second).strip())
    expect(visitor.panel.locator("#stop")).to_have_text(visitor.words.stop)


def reload_in_the_middle(visitor: Visitor, backstage: Backstage) -> None:
    """Lose nothing of a reply by a reload, and see it end."""
    first, second, third = PIECES[visitor.locale]
    visitor.page.reload()
    expect(visitor.launcher).to_be_visible()
    if visitor.launcher.get_attribute("aria-expanded") == "false":
        visitor.launcher.click()
    visitor.sees((first + second).strip())
    backstage.write(third)
    backstage.finish_reply()
    visitor.sees(first + second + third)
    expect(visitor.panel.locator("#stop")).to_be_hidden()
    link = visitor.panel.get_by_role("link", name="https://shop.example/track")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")


def go_offline_and_back(visitor: Visitor, backstage: Backstage, *, picture: str) -> None:
    """Write without a network: said plainly, kept, and sent once when the network is back."""
    text = "ขอบคุณค่ะ" if visitor.locale == "th" else "Thank you"
    visitor.context.set_offline(offline=True)
    visitor.banner_says(visitor.words.offline)
    visitor.says(text)
    visitor.banner_says(visitor.words.offline_one)
    visitor.photograph(f"{picture}-5-offline")
    visitor.context.set_offline(offline=False)
    visitor.is_connected()
    expect(visitor.panel.locator(".row.unsent")).to_have_count(0)
    assert backstage.customer_texts() == [QUESTION[visitor.locale], text]


def meet_a_person(visitor: Visitor, backstage: Backstage, *, picture: str) -> None:
    """Ask for a person, be told honestly when, and talk to them by name."""
    visitor.panel.get_by_role("button", name=visitor.words.ask_human).click()
    expect(visitor.panel.locator("#waiting-text")).to_have_text(visitor.words.waiting)
    expect(visitor.panel.locator("#waiting-detail")).to_contain_text("23:59")
    visitor.photograph(f"{picture}-6-waiting")
    backstage.agent_joins()
    expect(visitor.panel.locator("#status")).to_contain_text("ณัฐ")
    backstage.agent_types()
    expect(visitor.panel.locator(".dots")).to_be_visible()
    visitor.photograph(f"{picture}-7-agent-typing")
    backstage.agent_says("สวัสดีค่ะ ณัฐตรวจสอบให้แล้วค่ะ")
    visitor.sees("สวัสดีค่ะ ณัฐตรวจสอบให้แล้วค่ะ")
    expect(visitor.panel.locator(".dots")).to_have_count(0)
    expect(visitor.panel.locator(".name", has_text="ณัฐ")).to_be_visible()


def rate(visitor: Visitor, backstage: Backstage, *, picture: str) -> None:
    """Say how it went, once the matter is closed."""
    backstage.agent_resolves()
    visitor.panel.get_by_label(visitor.words.score, exact=True).check(force=True)
    visitor.panel.locator(".card textarea").fill("เร็วมาก")
    visitor.photograph(f"{picture}-8-rating")
    visitor.panel.get_by_role("button", name=visitor.words.submit_rating).click()
    expect(visitor.panel.locator(".thanks")).to_have_text(visitor.words.thanks)
    visitor.photograph(f"{picture}-9-thanks")
    assert wait_for_rating(visitor, backstage) == (4, "เร็วมาก")


def wait_for_rating(visitor: Visitor, backstage: Backstage) -> tuple[int | None, str]:
    """Return the stored rating, once there is one."""
    for _moment in range(50):
        talk = backstage.talk
        if talk.rating is not None:
            return talk.rating, talk.rating_comment
        visitor.page.wait_for_timeout(50)
    return None, ""
