"""Fixtures that every area's tests share."""

import pytest
from hypothesis import settings

from conversations.models import Conversation, Customer, Site

# A busy machine is no failure of the code: what must be fast is measured in bench/.
settings.register_profile("csbot", deadline=None)
settings.load_profile("csbot")


@pytest.fixture
def site(db: None) -> Site:
    """A shop's site, on duty at all hours."""
    return Site.objects.create(name="ร้านทดสอบ")


@pytest.fixture
def conversation(site: Site) -> Conversation:
    """A new visitor's empty conversation."""
    return Conversation.objects.create(site=site, customer=Customer.objects.create(site=site))
