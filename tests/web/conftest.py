"""A shop, its web process, and visitors of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from pytest_django import DjangoDbBlocker

from conversations.models import Conversation, Customer, Site
from tests.web.server import Client, Frame, WebProcess


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Committed rows, in place of pytest-django's fixture: to empty just what we fill is ten times faster."""
    with django_db_blocker.unblock():
        yield
        Customer.objects.all().delete()
        get_user_model().objects.all().delete()
        Site.objects.all().delete()


@pytest.fixture
def web(running_web: WebProcess, transactional_db: None, shop: Site) -> Iterator[WebProcess]:
    """The web process, with a shop in its database; no test may leave a traceback in its log."""
    before = running_web.log.stat().st_size
    yield running_web
    assert "Traceback" not in running_web.log.read_text()[before:]


@pytest.fixture
def shop(transactional_db: None) -> Site:
    """The default site."""
    return Site.objects.create(name="ร้านทดสอบ", allowed_origins=["https://shop.example"], identity_secret="k" * 64)


@pytest.fixture
def session(web: WebProcess) -> Frame:
    """A new visitor's session."""
    return web.session(locale="en")


@pytest.fixture
def talk(web: WebProcess, session: Frame) -> Conversation:
    """The visitor's conversation."""
    return Conversation.objects.get(public_id=session["conversation"])


@pytest.fixture
def widget(web: WebProcess, session: Frame) -> Iterator[Client]:
    """The visitor's widget, welcomed."""
    with web.widget(session["token"]) as client:
        yield client


@pytest.fixture
def start_web(transactional_db: None, tmp_path: Path) -> Iterator[Callable[..., WebProcess]]:
    """Start more web processes, each with its own environment; they are stopped at the end."""
    started: list[WebProcess] = []

    def start(**changes: str) -> WebProcess:
        started.append(WebProcess(tmp_path / f"log-{len(started)}", changes).start())
        return started[-1]

    yield start
    for web in started:
        if web.process is not None and web.process.poll() is None:
            web.stop()
