"""A shop with the starter playbook, and people with the rights of its groups."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from conversations.desk.groups import ensure_groups
from conversations.playbook.starter import load_starter_playbook


def member(group: str, username: str) -> User:
    """Return a member of one of the ready-made groups."""
    user = User.objects.create_user(username, password="a-long-password", is_staff=True, first_name=username)
    user.groups.add(Group.objects.get(name=group))
    return user


def browser(user: User) -> Client:
    """Return a browser in which the person is signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def shop(db: None) -> None:
    """The starter playbook, and the groups."""
    load_starter_playbook()
    ensure_groups()


@pytest.fixture
def ploy(shop: None) -> User:
    """An editor."""
    return member("Editors", "ploy")


@pytest.fixture
def editor(ploy: User) -> Client:
    """The browser of the editor."""
    return browser(ploy)


@pytest.fixture
def nok(shop: None) -> User:
    """An agent."""
    return member("Agents", "nok")


@pytest.fixture
def agent(nok: User) -> Client:
    """The browser of the agent."""
    return browser(nok)
