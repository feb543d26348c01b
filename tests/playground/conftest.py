"""A shop with the starter playbook, its staff, and replies that were made."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from conversations.actions.append import Verdict
from conversations.actions.customers import add_customer_message
from conversations.actions.runs import Figures, finish_run, open_run
from conversations.desk.groups import ensure_groups
from conversations.models import Conversation, Customer, Run, Site
from conversations.playbook.starter import load_starter_playbook

HOSTILE = "<script>alert(1)</script>"


def make_staff(*groups: str) -> User:
    """Return a new member of the groups, and of no other."""
    ensure_groups()
    user = User.objects.create_user("-".join(["x", *groups]).lower(), is_staff=True)
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def browser_of(*groups: str) -> Client:
    """Return a browser in which a new member of the groups is signed in."""
    client = Client()
    client.force_login(make_staff(*groups))
    return client


@pytest.fixture
def shop(db: None) -> Site:
    """The starter playbook, live."""
    load_starter_playbook()
    return Site.objects.create(name="ร้านทดสอบ")


NOTHING_TO_DO = Verdict("จัดส่ง", action_required=False, escalate=False)


def made_reply(
    site: Site,
    *questions: str,
    reply: str = "ได้ค่ะ",
    verdict: Verdict = NOTHING_TO_DO,
    conversation: Conversation | None = None,
    **known: object,
) -> Run:
    """Let a customer ask and the bot answer; `known` are the run's figures."""
    if conversation is None:
        conversation = Conversation.objects.create(site=site, customer=Customer.objects.create(site=site, name="มะลิ"))
    for text in questions:
        add_customer_message(conversation.pk, client_id=uuid.uuid4(), text=text)
    opened = open_run(conversation.pk, worker="test")
    assert opened is not None
    usual: dict[str, Any] = {"provider": "deepseek", "model": "deepseek-flash", "attempts": 1, "release": 1}
    finish_run(opened.run.pk, text=reply, verdict=verdict, figures=Figures(**usual | known))
    return Run.objects.get(pk=opened.run.pk)


Reply = Callable[..., Run]


@pytest.fixture
def reply(shop: Site) -> Reply:
    """Makes replies."""

    def make(*questions: str, **details: object) -> Run:
        made: Run = made_reply(shop, *questions, **details)  # type: ignore[arg-type]
        return made

    return make
