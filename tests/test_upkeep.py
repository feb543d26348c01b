import time
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from conversations.actions.customers import add_customer_message
from conversations.actions.runs import open_run
from conversations.actions.sentences import Sentence, say
from conversations.intake import receive_message
from conversations.models import Conversation, Customer, Escalation, Message, Owner, Reason, Run, Site
from conversations.upkeep import (
    JOBS,
    MAX_LOST_RUNS,
    ask_again_for_overdue_replies,
    run_alone,
    take_back_lost_runs,
    tell_who_waits,
)


@pytest.fixture
def queue() -> Iterator[redis.Redis]:
    """The broker, whose queue is empty at first."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete(settings.CELERY_TASK_DEFAULT_QUEUE)
    yield client
    client.delete(settings.CELERY_TASK_DEFAULT_QUEUE)
    client.close()


def queued(queue: redis.Redis) -> int:
    return int(queue.llen(settings.CELERY_TASK_DEFAULT_QUEUE))


def ask_long_ago(conversation: Conversation, *, seconds: float) -> None:
    seq = add_customer_message(conversation.pk, client_id=uuid.uuid4(), text="อยู่ไหมคะ").seq
    moment = timezone.now() - timedelta(seconds=seconds)
    conversation.messages.filter(seq=seq).update(created_at=moment)
    Conversation.objects.filter(pk=conversation.pk).update(reply_requested_at=moment)


def lose_run(conversation: Conversation) -> None:
    assert open_run(conversation.pk, worker="killed")
    Run.objects.open().update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_run_whose_worker_died_is_thrown_away_and_asked_for_again(
    conversation: Conversation, queue: redis.Redis
) -> None:
    ask_long_ago(conversation, seconds=1)
    lose_run(conversation)
    take_back_lost_runs()
    assert Run.objects.get().outcome == "lost"
    assert queued(queue) == 1


def test_a_message_that_kills_every_worker_ends_at_a_person(conversation: Conversation, queue: redis.Redis) -> None:
    ask_long_ago(conversation, seconds=1)
    for _ in range(MAX_LOST_RUNS):
        lose_run(conversation)
        take_back_lost_runs()
    assert Escalation.objects.get().reason == Reason.FAILED
    assert queued(queue) == MAX_LOST_RUNS - 1


def test_a_living_run_is_left_alone(conversation: Conversation, queue: redis.Redis) -> None:
    ask_long_ago(conversation, seconds=60)
    open_run(conversation.pk, worker="alive")
    take_back_lost_runs()
    ask_again_for_overdue_replies()
    tell_who_waits()
    assert Run.objects.open().count() == 1
    assert queued(queue) == 0
    assert conversation.messages.count() == 1


def test_what_an_emptied_queue_forgot_is_asked_for_again_once(conversation: Conversation, queue: redis.Redis) -> None:
    ask_long_ago(conversation, seconds=5)
    ask_again_for_overdue_replies()
    ask_again_for_overdue_replies()
    assert queued(queue) == 1


def test_what_waits_in_a_long_queue_is_not_asked_for_again(conversation: Conversation, queue: redis.Redis) -> None:
    queue.lpush(settings.CELERY_TASK_DEFAULT_QUEUE, "somebody else's turn")
    ask_long_ago(conversation, seconds=20)
    ask_again_for_overdue_replies()
    assert queued(queue) == 1
    ask_long_ago(conversation, seconds=31)
    ask_again_for_overdue_replies()
    assert queued(queue) == 2


def test_who_waits_is_told_once(conversation: Conversation) -> None:
    ask_long_ago(conversation, seconds=4)
    tell_who_waits()
    tell_who_waits()
    assert [message.code for message in conversation.messages.order_by("seq")] == ["", "please_wait"]


def test_who_waited_too_long_gets_a_person(conversation: Conversation) -> None:
    ask_long_ago(conversation, seconds=settings.CSBOT_GIVE_UP_SECONDS + 1)
    tell_who_waits()
    conversation.refresh_from_db()
    assert conversation.owner == Owner.WAITING
    assert Escalation.objects.get().reason == Reason.OVERLOAD


def test_a_fresh_question_is_left_to_the_queue(conversation: Conversation, queue: redis.Redis) -> None:
    ask_long_ago(conversation, seconds=1)
    ask_again_for_overdue_replies()
    tell_who_waits()
    assert queued(queue) == 0
    assert conversation.messages.count() == 1


def test_who_writes_while_the_queue_stands_still_is_told_at_once_and_once(
    conversation: Conversation, site: Site, queue: redis.Redis, settings: Settings
) -> None:
    settings.CSBOT_BUSY_QUEUE_SECONDS = 0.2
    other = Conversation.objects.create(site=site, customer=Customer.objects.create(site=site))
    receive_message(other.pk, client_id=uuid.uuid4(), text="สวัสดีค่ะ")
    receive_message(conversation.pk, client_id=uuid.uuid4(), text="มีไซซ์ M ไหมคะ")
    assert not Message.objects.filter(code="please_wait").exists()
    time.sleep(0.25)
    for words in ("ยังอยู่ไหมคะ", "ขอสีดำค่ะ"):
        receive_message(conversation.pk, client_id=uuid.uuid4(), text=words)
    said = conversation.messages.order_by("seq").values_list("seq", "code")
    assert list(said) == [(1, ""), (2, ""), (3, "please_wait"), (4, "")]
    conversation.refresh_from_db()
    assert conversation.head_seq == 4
    assert Message.objects.get(code="please_wait").text == say(Sentence.PLEASE_WAIT, locale="th")


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.work.__name__)
def test_every_job_runs_on_an_empty_database(db: None, job: object) -> None:
    assert all(run_alone(each) for each in JOBS if each is job)
