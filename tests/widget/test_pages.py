"""The widget's addresses: what they answer, who may frame them, how long a browser may keep them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from conversations.models import Site
from tests.web.server import Answer, WebProcess

SHOP: Final = "https://shop.example"


@pytest.fixture
def site(transactional_db: None) -> Iterator[Site]:
    """A shop whose settings hold what an origin must not."""
    hostile = [
        f"{SHOP}:8443",
        "HTTPS://Other.Example",
        "https://a.example; script-src *",
        "https://b.example\r\nX: y",
        "*",
    ]
    site = Site.objects.create(name="ร้าน </script><b>มะลิ", allowed_origins=[SHOP, *hostile], accent_colour="#aa3355")
    yield site
    site.delete()


def get(web: WebProcess, path: str, **headers: str) -> Answer:
    """Fetch a page."""
    return web.http("GET", path, headers=headers)


def directives(answer: Answer) -> dict[str, str]:
    """Return the answer's policy, by directive."""
    parts = (part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _space, value in parts}


def test_the_panel_may_be_framed_by_the_shops_origins_and_nobody_else(running_shop: WebProcess, site: Site) -> None:
    answer = get(running_shop, f"/widget/panel?site={site.public_key}")
    policy = directives(answer)
    assert answer.status == 200
    assert policy["frame-ancestors"] == f"'self' {SHOP} {SHOP}:8443 https://other.example"
    assert policy["script-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "X-Frame-Options" not in answer.headers


def test_a_shops_name_can_not_break_out_of_the_page(running_shop: WebProcess, site: Site) -> None:
    page = get(running_shop, f"/widget/panel?site={site.public_key}").body.decode()
    assert "<b>มะลิ" not in page
    assert page.count("</script>") == page.count("<script")


def test_an_unknown_site_has_no_panel_and_no_look(running_shop: WebProcess, site: Site) -> None:
    assert get(running_shop, "/widget/panel?site=nobody").status == 404
    assert get(running_shop, "/widget/look?site=nobody").status == 404


@pytest.mark.parametrize("query", ["?site=%00", "?locale=%3Cscript%3E", "?theme=%22%3E", "?site="])
def test_odd_queries_do_no_harm(running_shop: WebProcess, site: Site, query: str) -> None:
    answer = get(running_shop, f"/widget/panel{query}")
    assert answer.status in {200, 404}
    assert b"<script>" not in answer.body


def test_any_page_may_ask_how_a_launcher_looks(running_shop: WebProcess, site: Site) -> None:
    answer = get(running_shop, f"/widget/look?site={site.public_key}", Origin="https://anywhere.example")
    assert answer.json == {"name": site.name, "colour": "#aa3355", "locale": "th"}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_loader_is_kept_for_minutes_and_the_rest_for_ever(running_shop: WebProcess, site: Site) -> None:
    loader = get(running_shop, "/widget.js", **{"Accept-Encoding": "gzip"})
    assert (loader.status, loader.headers["Content-Encoding"]) == (200, "gzip")
    assert "max-age=300" in loader.headers["Cache-Control"]
    assert loader.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert get(running_shop, "/widget.js", **{"If-None-Match": loader.headers["ETag"]}).status == 304

    page = get(running_shop, f"/widget/panel?site={site.public_key}").body.decode()
    address = next(word for word in page.split('"') if word.endswith("/panel.js"))
    module = get(running_shop, address)
    assert "immutable" in module.headers["Cache-Control"]
    assert module.headers["Content-Type"].startswith("text/javascript")
    older = get(running_shop, address.replace(address.split("/")[3], "0" * 12))
    assert (older.status, older.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize(
    "path", ["../csbot/settings.py", "widget/../../manage.py", "widget/", "desk/queue.js", "widget/%00"]
)
def test_only_the_widgets_own_files_are_served(running_shop: WebProcess, site: Site, path: str) -> None:
    assert get(running_shop, f"/widget/assets/x/{path}").status == 404


@pytest.mark.parametrize(("locale", "words"), [("th", "สั่งซื้อจริงไม่ได้"), ("en", "nothing can be ordered")])
def test_the_demo_says_that_it_is_one_and_that_a_simulator_answers(
    running_shop: WebProcess, site: Site, locale: str, words: str
) -> None:
    page = get(running_shop, f"/?locale={locale}").body.decode()
    assert words in page
    assert ("ตัวจำลอง" if locale == "th" else "simulator") in page


def test_with_a_key_nobody_speaks_of_a_simulator_and_without_the_demo_there_is_no_shop(
    transactional_db: None, site: Site, tmp_path: Path
) -> None:
    web = WebProcess(tmp_path / "log", {"CSBOT_DEMO": "0", "DEEPSEEK_API_KEY": "key"}).start()
    try:
        assert '"simulated": false' in get(web, "/widget/panel").body.decode()
        assert get(web, "/").status == 404
    finally:
        web.stop()
