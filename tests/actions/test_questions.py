"""What many customers write at the same moment is stored in one statement, and none of it can harm another."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from conversations.actions.customers import Asked, Stored, add_customer_message, add_questions
from conversations.actions.overload import ask_to_wait
from conversations.actions.ownership import escalate
from conversations.actions.runs import open_run
from conversations.models import Conversation, Customer, Message, Owner, Reason, Sender


@pytest.fixture
def talks(conversation: Conversation) -> list[Conversation]:
    """Five conversations of one shop."""
    more = [
        Conversation.objects.create(site=conversation.site, customer=Customer.objects.create(site=conversation.site))
        for _ in range(4)
    ]
    return [conversation, *more]


def asked(talk: Conversation, text: str = "มีไซซ์ M ไหมคะ") -> Asked:
    return Asked(talk.pk, uuid.uuid4(), text)


def numbers(stored: list[Stored | None]) -> list[int | None]:
    return [each.seq if each else None for each in stored]


@contextmanager
def locked_elsewhere(talk: Conversation) -> Iterator[None]:
    """Hold the conversation's row from another connection."""
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Conversation.objects.locked(talk.pk)
            is_held.set()
            may_go.wait(10)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_held.wait(10)
    try:
        yield
    finally:
        may_go.set()
        thread.join()


def test_many_are_stored_at_once_as_one_by_one(talks: list[Conversation]) -> None:
    together = add_questions([asked(talk) for talk in talks])
    alone = add_customer_message(talks[0].pk, client_id=uuid.uuid4(), text="มีไซซ์ M ไหมคะ")
    assert numbers(together) == [1] * 5
    assert alone.seq == 2
    first, second = Message.objects.filter(conversation=talks[0]).order_by("seq")
    own = {"id", "seq", "client_id", "created_at"}
    fields = [field.attname for field in Message._meta.concrete_fields if field.attname not in own]
    assert [getattr(first, name) for name in fields] == [getattr(second, name) for name in fields]
    talks[1].refresh_from_db()
    message = Message.objects.get(conversation=talks[1])
    assert (talks[1].head_seq, talks[1].customer_seq, talks[1].reply_requested_at) == (1, 1, message.created_at)


def test_a_resend_among_others_is_left_to_be_looked_up(talks: list[Conversation]) -> None:
    again = asked(talks[0])
    assert numbers(add_questions([again])) == [1]
    assert numbers(add_questions([asked(talks[1]), again, asked(talks[2])])) == [1, None, 1]
    assert Message.objects.filter(conversation=talks[0]).count() == 1


def test_what_people_answer_is_left_to_the_long_way(talks: list[Conversation]) -> None:
    escalate(talks[0].pk, reason=Reason.CUSTOMER)
    assert numbers(add_questions([asked(talks[0]), asked(talks[1])])) == [None, 1]
    talks[0].refresh_from_db()
    assert (talks[0].owner, talks[0].customer_seq) == (Owner.WAITING, 0)


def test_a_second_message_of_one_conversation_waits_for_the_first(talks: list[Conversation]) -> None:
    first, second = asked(talks[0], "หนึ่ง"), asked(talks[0], "สอง")
    assert numbers(add_questions([first, asked(talks[1]), second])) == [1, 1, None]
    assert numbers(add_questions([second])) == [2]


def test_a_conversation_that_is_gone_takes_nobody_along(talks: list[Conversation]) -> None:
    gone = asked(talks[0])
    talks[0].customer.delete()
    assert numbers(add_questions([gone, asked(talks[1])])) == [None, 1]


def test_a_question_that_comes_along_finds_the_run_it_may_join(talks: list[Conversation]) -> None:
    add_questions([asked(talks[0])])
    opened = open_run(talks[0].pk, worker="w")
    stored = add_questions([asked(talks[0]), asked(talks[1])])
    assert opened is not None
    assert [each.open_run_id if each else 0 for each in stored] == [opened.run.pk, None]


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_conversation_that_somebody_else_is_changing(talks: list[Conversation]) -> None:
    with locked_elsewhere(talks[0]):
        assert numbers(add_questions([asked(talks[0]), asked(talks[1])])) == [None, 1]
        assert ask_to_wait({talk.pk: 1 for talk in talks})


def test_only_those_whom_nobody_answers_are_asked_to_wait_and_once(talks: list[Conversation]) -> None:
    add_questions([asked(talk) for talk in talks[:3]])
    open_run(talks[1].pk, worker="w")
    seqs = {talk.pk: 1 for talk in talks}
    said = ask_to_wait(seqs)
    assert sorted(message.conversation_id for message in said) == [talks[0].pk, talks[2].pk]
    assert {(message.sender, message.seq, message.code) for message in said} == {(Sender.SYSTEM, 2, "please_wait")}
    assert ask_to_wait(seqs) == []
    assert ask_to_wait({}) == []
