"""Fixtures that every area's tests share."""

from collections.abc import Iterator

import pytest
from django.test import TransactionTestCase, override_settings
from hypothesis import settings
from playwright.sync_api import Browser, expect, sync_playwright

from conversations.models import Conversation, Customer, Site
from tests.emptying import empty_the_database
from tests.web.server import WebProcess
from tests.widget.chromium import PATIENCE_MS, chromium_path, launch

# A busy machine is no failure of the code: what must be fast is measured in bench/.
settings.register_profile("csbot", deadline=None)
settings.load_profile("csbot")


@pytest.fixture(autouse=True, scope="session")
def quick_tests() -> Iterator[None]:
    """Hash passwords and empty the database quickly: half a second here and there adds up."""
    with (
        override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_the_database)
        yield


@pytest.fixture
def site(db: None) -> Site:
    """A shop's site, on duty at all hours."""
    return Site.objects.create(name="ร้านทดสอบ")


@pytest.fixture
def conversation(site: Site) -> Conversation:
    """A new visitor's empty conversation."""
    return Conversation.objects.create(site=site, customer=Customer.objects.create(site=site))


@pytest.fixture(scope="session")
def running_web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """A web process for the whole run, on the tests' own database and Redis."""
    web = WebProcess(tmp_path_factory.mktemp("web") / "log").start()
    yield web
    web.stop()


@pytest.fixture(scope="module")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """Chromium. Ends with the module: while it runs, this thread has an event loop, and Django keeps off it."""
    if chromium_path() is None:
        pytest.skip("no Chromium on PATH; install Debian's package chromium to run the browser tests")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()
