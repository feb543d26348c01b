"""Agents of the shop, their browsers, and a web process that both doors of the desk are knocked at."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import DjangoDbBlocker

from conversations.actions.append import Verdict
from conversations.actions.customers import add_customer_message
from conversations.actions.runs import Figures, finish_run, open_run
from conversations.desk.groups import ensure_groups
from conversations.models import Conversation, Customer, Site
from conversations.redis import redis_client
from tests.web.server import WebProcess

PASSWORD = "a-long-password-1"


def make_agent(username: str, *, name: str, group: str = "Agents") -> User:
    """Return a staff member of the group."""
    ensure_groups()
    user = User.objects.create_user(username, password=PASSWORD, first_name=name, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


def client_of(user: User) -> Client:
    """Return a test client in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return client


def say(conversation: Conversation, text: str) -> None:
    """Let the customer write."""
    add_customer_message(conversation.pk, client_id=uuid.uuid4(), text=text)


def answer(conversation: Conversation, text: str, *, escalate: bool = False) -> None:
    """Let the bot answer."""
    opened = open_run(conversation.pk, worker="test")
    assert opened is not None
    figures = Figures(provider="deepseek", model="deepseek-flash", attempts=2, first_token_ms=412, total_ms=1900)
    verdict = Verdict(intent="จัดส่ง", action_required=True, escalate=escalate)
    finish_run(opened.run.pk, text=text, verdict=verdict, figures=figures)


@pytest.fixture(autouse=True)
def fresh_redis() -> None:
    """Forget the attempts to sign in of earlier tests."""
    client = redis_client()
    for key in client.scan_iter("csbot:credit:login*"):
        client.delete(key)


@pytest.fixture
def nok(db: None) -> User:
    """An agent."""
    return make_agent("nok", name="นก")


@pytest.fixture
def lek(db: None) -> User:
    """Another agent."""
    return make_agent("lek", name="เล็ก")


@pytest.fixture
def agent_client(nok: User) -> Client:
    """The browser of an agent."""
    return client_of(nok)


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Rows that other processes see (pytest-django makes the database where it finds this name); emptied at the end."""
    with django_db_blocker.unblock():
        yield
        Customer.objects.all().delete()
        Session.objects.all().delete()
        get_user_model().objects.all().delete()
        Site.objects.all().delete()


@pytest.fixture
def shop_site(transactional_db: None) -> Site:
    """The site, for other processes too."""
    return Site.objects.create(name="ร้านผ้าไทย")


@pytest.fixture
def new_conversation(shop_site: Site) -> Callable[[str], Conversation]:
    """Makes conversations of customers with a name, for other processes too."""

    def make(name: str) -> Conversation:
        customer = Customer.objects.create(site=shop_site, name=name)
        return Conversation.objects.create(site=shop_site, customer=customer)

    return make


@pytest.fixture
def desk(running_web: WebProcess, transactional_db: None) -> Iterator[WebProcess]:
    """The web process; no test may leave a traceback in its log."""
    log: Path = running_web.log
    before = log.stat().st_size
    yield running_web
    assert "Traceback" not in log.read_text()[before:]
