"""Visitors in a browser, the web process of the demo shop, and what goes on behind the shop's counter."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser
from pytest_django import DjangoDbBlocker

from conversations.models import Site
from tests.web.server import WebProcess
from tests.widget.backstage import Backstage
from tests.widget.chromium import PATIENCE_MS
from tests.widget.visitor import Visitor

PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
DESKTOP: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 800}}
DEVICES: Final = {"phone": PHONE, "desktop": DESKTOP}

NewVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session")
def running_shop(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """The web process with the demo shop."""
    changes = {"CSBOT_DEMO": "1", "CSBOT_RATE_LIMIT_SCALE": "0"}
    web = WebProcess(tmp_path_factory.mktemp("widget") / "log", changes).start()
    yield web
    web.stop()


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Allow the database, to every thread; pytest-django makes the tests' database where it sees this name."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def backstage(transactional_db: None) -> Iterator[Backstage]:
    """The other side of the conversation."""
    backstage = Backstage()
    backstage.open_shop()
    yield backstage
    backstage.close_shop()


@pytest.fixture
def shop(backstage: Backstage) -> Site:
    """The shop's site."""
    return backstage.do(Site.objects.get)


@pytest.fixture
def new_visitor(browser: Browser, running_shop: WebProcess, backstage: Backstage) -> Iterator[NewVisitor]:
    """Make visitors, each with a browser profile of their own. None may have made the browser complain."""
    visitors: list[Visitor] = []

    def make(device: str = "desktop", *, locale: str = "th", **options: object) -> Visitor:
        settings = {"locale": locale, "timezone_id": "Asia/Bangkok", **DEVICES[device], **options}
        context = browser.new_context(**settings)
        context.set_default_timeout(PATIENCE_MS)
        visitors.append(Visitor(context, f"http://127.0.0.1:{running_shop.port}", locale))
        return visitors[-1]

    yield make
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    for visitor in visitors:
        visitor.context.close()
    assert complaints == []
