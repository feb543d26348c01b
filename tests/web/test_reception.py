"""Messages that come at the same moment are received together, and whatever is odd about one harms no other."""

import asyncio
import time
import uuid
from collections.abc import Iterator

import orjson
import pytest
from django.conf import settings as current
from django.contrib.auth.models import User
from django.db import IntegrityError
from pytest_django import Settings

from conversations.actions.customers import Asked, ConflictError, Stored, add_customer_message
from conversations.actions.ownership import take
from conversations.actions.runs import open_run
from conversations.consumers.reception import Reception
from conversations.database import close_database_threads
from conversations.models import Conversation, Customer, Message, Owner, Sender, Site
from conversations.queue import ask_for_replies
from conversations.redis import redis_client

QUICK_SECONDS = 0.05


@pytest.fixture
def talks(shop: Site) -> list[Conversation]:
    """Six conversations of one shop."""
    customers = [Customer.objects.create(site=shop) for _ in range(6)]
    return [Conversation.objects.create(site=shop, customer=customer) for customer in customers]


@pytest.fixture(autouse=True)
def queue(transactional_db: None) -> Iterator[str]:
    """Start and end with an empty queue."""
    name: str = current.CELERY_TASK_DEFAULT_QUEUE
    redis_client().delete(name)
    yield name
    redis_client().delete(name)


def receive(*asked: Asked, linger_seconds: float = 0.0) -> list[Stored | BaseException]:
    """Receive messages at the same moment; then wait for what is looked at later."""

    async def run() -> list[Stored | BaseException]:
        reception = Reception()
        received = await asyncio.gather(
            *(reception.receive(each.conversation_id, client_id=each.client_id, text=each.text) for each in asked),
            return_exceptions=True,
        )
        await asyncio.sleep(linger_seconds)
        return received

    try:
        return asyncio.run(run())
    finally:
        close_database_threads()


def asked(talk: Conversation, text: str = "มีไซซ์ M ไหมคะ") -> Asked:
    return Asked(talk.pk, uuid.uuid4(), text)


def told_to_wait() -> list[int]:
    return sorted(Message.objects.filter(sender=Sender.SYSTEM).values_list("conversation_id", flat=True))


def test_each_message_of_a_batch_gets_what_it_would_get_alone(talks: list[Conversation], queue: str) -> None:
    again = asked(talks[1])
    add_customer_message(talks[1].pk, client_id=again.client_id, text=again.text)
    other_words = Asked(talks[1].pk, again.client_id, "คำอื่น")
    take(talks[2].pk, agent=User.objects.create(username="napat", is_staff=True))
    gone = asked(talks[3])
    talks[3].customer.delete()
    plain, resend, conflict, owned, lost, first, second = receive(
        asked(talks[0]), again, other_words, asked(talks[2]), gone, asked(talks[4], "หนึ่ง"), asked(talks[4], "สอง")
    )
    assert isinstance(plain, Stored) and plain.is_new and plain.wants_reply
    assert isinstance(resend, Stored) and (resend.seq, resend.is_new) == (1, False)
    assert isinstance(conflict, ConflictError)
    assert isinstance(owned, Stored) and owned.is_new and not owned.wants_reply
    assert isinstance(lost, Conversation.DoesNotExist)
    assert isinstance(first, Stored) and isinstance(second, Stored)
    assert list(talks[4].messages.order_by("seq").values_list("text", flat=True)) == ["หนึ่ง", "สอง"]
    talks[2].refresh_from_db()
    assert talks[2].owner == Owner.AGENT
    assert redis_client().llen(queue) == 3


def test_an_error_of_the_database_harms_only_the_message_that_caused_it(talks: list[Conversation]) -> None:
    good, blank, also_good = receive(asked(talks[0]), asked(talks[1], ""), asked(talks[2]))
    assert isinstance(blank, IntegrityError)
    assert isinstance(good, Stored) and isinstance(also_good, Stored)
    talks[1].refresh_from_db()
    assert (talks[1].head_seq, talks[1].messages.count()) == (0, 0)


def test_who_is_queued_behind_others_and_not_begun_with_soon_is_asked_to_wait(
    talks: list[Conversation], settings: Settings
) -> None:
    settings.CSBOT_BUSY_QUEUE_SECONDS = 30 * QUICK_SECONDS
    ask_for_replies([talks[5].pk])
    begun = asked(talks[0])
    add_customer_message(talks[0].pk, client_id=uuid.uuid4(), text="สวัสดีค่ะ")
    open_run(talks[0].pk, worker="w")
    receive(begun, asked(talks[1]), asked(talks[2]), linger_seconds=60 * QUICK_SECONDS)
    assert told_to_wait() == [talks[1].pk, talks[2].pk]


def test_who_comes_when_the_first_has_long_been_waiting_is_told_at_once(
    talks: list[Conversation], settings: Settings
) -> None:
    settings.CSBOT_BUSY_QUEUE_SECONDS = QUICK_SECONDS
    ask_for_replies([talks[5].pk])
    time.sleep(2 * QUICK_SECONDS)
    receive(asked(talks[0]), asked(talks[1]))
    assert told_to_wait() == [talks[0].pk, talks[1].pk]


def test_nobody_is_told_anything_where_nobody_waits(talks: list[Conversation], settings: Settings) -> None:
    settings.CSBOT_BUSY_QUEUE_SECONDS = QUICK_SECONDS
    receive(asked(talks[0]), linger_seconds=6 * QUICK_SECONDS)
    assert told_to_wait() == []


def test_the_queue_keeps_the_order(talks: list[Conversation], queue: str) -> None:
    ids = [talk.pk for talk in talks]
    ask_for_replies(ids)
    waiting = [redis_client().rpop(queue) for _ in ids]
    reprs = [orjson.loads(message)["headers"]["argsrepr"] for message in waiting if isinstance(message, bytes)]
    assert reprs == [f"({pk},)" for pk in ids]
