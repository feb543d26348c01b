"""Fixtures that every area's tests share."""

import pytest

from conversations.models import Conversation, Customer, Site


@pytest.fixture
def site(db: None) -> Site:
    """A shop's site, on duty at all hours."""
    return Site.objects.create(name="ร้านทดสอบ")


@pytest.fixture
def conversation(site: Site) -> Conversation:
    """A new visitor's empty conversation."""
    return Conversation.objects.create(site=site, customer=Customer.objects.create(site=site))
