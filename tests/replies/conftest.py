"""A worker's loop of the test's own, with a scripted model at the other end of the wire."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from conversations.database import close_database_threads
from conversations.models import Conversation, Customer, Site
from conversations.playbook.starter import load_starter_playbook
from conversations.replies.loop import ReplyLoop
from tests.model import Model


@pytest.fixture
def model() -> Iterator[Model]:
    """A scripted model on loopback."""
    with Model().running() as running:
        yield running


@pytest.fixture
def loop(transactional_db: None, model: Model, settings: Settings) -> Iterator[ReplyLoop]:
    """A running reply loop that calls the scripted model."""
    settings.DEEPSEEK_API_KEYS = ["secret"]
    settings.DEEPSEEK_BASE_URL = model.base_url
    settings.CSBOT_FIRST_TOKEN_SECONDS = 2
    settings.CSBOT_BETWEEN_CHUNKS_SECONDS = 2
    settings.CSBOT_ANSWER_SECONDS = 8
    load_starter_playbook()
    loop = ReplyLoop(name="test", capacity=4)
    loop.start()
    yield loop
    loop.stop(grace_seconds=0.1)
    close_database_threads()


@pytest.fixture
def conversation(transactional_db: None) -> Conversation:
    """A new visitor's conversation, committed, so that the loop's threads see it."""
    site = Site.objects.create(name="ร้านทดสอบ")
    return Conversation.objects.create(site=site, customer=Customer.objects.create(site=site))
