"""Providers of the test's own, each a scripted model on loopback, and a reply loop that routes among them."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal

import pytest
import redis
from django.conf import settings as django_settings
from pytest_django import Settings

from conversations.database import close_database_threads
from conversations.gateway.models import Account, ApiKey, LanguageModel, Price, Provider, ProviderKind, Route
from conversations.gateway.secrets import Secret
from conversations.llm.simulator.delivery import Pace
from conversations.llm.simulator.server import Setup, Simulator, start
from conversations.models import Conversation, Customer, Site
from conversations.playbook.starter import load_starter_playbook
from conversations.replies.loop import ReplyLoop
from tests.model import Model


def forget_circuits() -> None:
    """Empty Redis of what other tests learnt about providers: ids come again."""
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    for pattern in ("csbot:circuit:*", "csbot:slots:*", "csbot:buckets:*", "csbot:provider:*"):
        for name in client.scan_iter(match=pattern, count=1000):
            client.delete(name)
    client.close()


@pytest.fixture
def clean_circuits() -> None:
    """Circuits as a new Redis has them."""
    forget_circuits()


@dataclass
class Shop:
    """A provider as the tables have it, with its one account, model and route, and the server behind it."""

    provider: Provider
    account: Account
    language_model: LanguageModel
    route: Route
    server: Model


def add_route(
    name: str, base_url: str, *, keys: tuple[str, ...] = ("key",), group: int = 1, weight: int = 100
) -> Route:
    """Add a provider with one of everything."""
    provider = Provider.objects.create(name=name, kind=ProviderKind.DEEPSEEK, base_url=base_url)
    account = Account.objects.create(provider=provider)
    for key in keys:
        row = ApiKey(account=account)
        row.set_key(Secret(f"{name}-{key}"))
        row.save()
    model = LanguageModel.objects.create(provider=provider, name=f"{name}-model")
    Price.objects.create(
        model=model,
        input=Decimal("0.15"),
        cached_input=Decimal("0.003"),
        output=Decimal("0.60"),
        valid_from="2020-01-01T00:00Z",
    )
    return Route.objects.create(account=account, model=model, group=group, weight=weight)


@pytest.fixture
def open_shop(transactional_db: None, clean_circuits: None) -> Iterator[Callable[..., Shop]]:
    """Start a scripted model and enter it as a provider."""
    with ExitStack() as stack:

        def start(name: str, **details: object) -> Shop:
            server = stack.enter_context(Model().running())
            route = add_route(name, server.base_url, **details)  # type: ignore[arg-type]
            return Shop(route.account.provider, route.account, route.model, route, server)

        yield start


@pytest.fixture
def quick(settings: Settings) -> None:
    """Deadlines that a test can wait for."""
    settings.CSBOT_FIRST_TOKEN_SECONDS = 0.5
    settings.CSBOT_BETWEEN_CHUNKS_SECONDS = 0.5
    settings.CSBOT_ANSWER_SECONDS = 8


@pytest.fixture
def loop(transactional_db: None, clean_circuits: None, quick: None) -> Iterator[ReplyLoop]:
    """A running reply loop."""
    load_starter_playbook()
    loop = ReplyLoop(name="test", capacity=50)
    loop.start()
    yield loop
    loop.stop(grace_seconds=0.1)
    close_database_threads()


@pytest.fixture
def new_conversation(transactional_db: None) -> Callable[[], Conversation]:
    """Make conversations of new visitors, committed."""
    site = Site.objects.create(name="ร้านทดสอบ")
    return lambda: Conversation.objects.create(site=site, customer=Customer.objects.create(site=site))


@pytest.fixture
def simulator() -> Iterator[str]:
    """The bundled simulator, as quick as it can be; its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    starting = start(Simulator(Setup(pace=Pace(0, 0))), host="127.0.0.1", port=0)
    runner, port = asyncio.run_coroutine_threadsafe(starting, loop).result()
    yield f"http://127.0.0.1:{port}/v1"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
