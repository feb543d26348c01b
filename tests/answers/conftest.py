"""A worker's loop with a scripted model behind it, in a shop whose opening hours may be known."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from conversations.answers.board import Scope
from conversations.database import close_database_threads
from conversations.models import Conversation, Customer, Site
from conversations.playbook.models import Intent
from conversations.playbook.reading import current_playbook
from conversations.playbook.releases import freeze, publish
from conversations.playbook.starter import load_starter_playbook
from conversations.playbook.starter_texts import OTHER, SHIPPING
from conversations.replies.loop import ReplyLoop
from tests.model import Model


@pytest.fixture
def model() -> Iterator[Model]:
    """A scripted model on loopback."""
    with Model().running() as running:
        yield running


def publish_draft() -> None:
    """Let customers meet the draft."""
    publish(freeze(author=None, comment=""), by=None, reason="a test")


@pytest.fixture
def shop(transactional_db: None) -> Site:
    """A shop whose playbook says that answers about deliveries and other matters may be used again."""
    load_starter_playbook()
    Intent.objects.filter(key__in=[SHIPPING, OTHER]).update(is_reusable=True)
    publish_draft()
    assert current_playbook().intents_by_key[SHIPPING].is_reusable
    return Site.objects.create(name="ร้านทดสอบ")


@pytest.fixture
def scope(shop: Site) -> Scope:
    """Where the shop's Thai answers hold."""
    return Scope(shop.pk, "th")


@pytest.fixture
def loop(shop: Site, model: Model, settings: Settings) -> Iterator[ReplyLoop]:
    """A running reply loop that calls the scripted model."""
    settings.DEEPSEEK_API_KEYS = ["secret"]
    settings.DEEPSEEK_BASE_URL = model.base_url
    settings.CSBOT_ANSWER_SECONDS = 8
    loop = ReplyLoop(name="test", capacity=8)
    loop.start()
    yield loop
    loop.stop(grace_seconds=0.1)
    close_database_threads()


@pytest.fixture
def visitor(shop: Site) -> Callable[[], Conversation]:
    """Make new visitors, each with a conversation."""

    def new() -> Conversation:
        return Conversation.objects.create(site=shop, customer=Customer.objects.create(site=shop))

    return new
