"""The usual course of a message goes by statements of our own: what they leave is what the ORM's way leaves."""

import threading
import uuid
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from django.db.models import Model

from conversations.actions.append import Verdict
from conversations.actions.customers import ConflictError, add_customer_message
from conversations.actions.ownership import escalate
from conversations.actions.runs import LOST, Ended, Figures, finish_run, open_run
from conversations.gateway.admission import Lease
from conversations.gateway.metering import CallWatch, Origin
from conversations.gateway.models import LLMCall, Purpose
from conversations.gateway.reading import current_catalog
from conversations.models import Conversation, Message, Owner, Reason, Run, RunState
from tests.gateway.conftest import add_route

SURE = Verdict("อื่นๆ", action_required=False, escalate=False)


@pytest.fixture
def call(conversation: Conversation) -> CallWatch:
    add_route("first", "http://127.0.0.1:9/v1")
    candidate = current_catalog().candidates[0]
    made = CallWatch(Lease(candidate, candidate.keys[0], "token", 10), Origin(Purpose.REPLY), number=0)
    made.succeed(is_repaired=False, has_escalated=False)
    made.close()
    return made


def ask(conversation: Conversation, text: str = "มีไซซ์ M ไหมคะ") -> int:
    return add_customer_message(conversation.pk, client_id=uuid.uuid4(), text=text).seq


def test_an_opened_run_covers_all_that_is_unanswered_and_reads_it(conversation: Conversation) -> None:
    ask(conversation, "สวัสดีค่ะ")
    ask(conversation, "มีไซซ์ M ไหมคะ")
    opened = open_run(conversation.pk, worker="w")
    assert opened is not None
    stored = Run.objects.get()
    assert (stored.pk, stored.covers_seq, stored.owner_epoch, stored.worker) == (opened.run.pk, 2, 1, "w")
    assert [message.text for message in opened.spoken] == ["สวัสดีค่ะ", "มีไซซ์ M ไหมคะ"]
    conversation.refresh_from_db()
    assert all(
        getattr(opened.conversation, field.attname) == getattr(conversation, field.attname)
        for field in Conversation._meta.concrete_fields
    )


def test_no_second_run_is_opened_beside_one(conversation: Conversation) -> None:
    ask(conversation)
    assert open_run(conversation.pk, worker="a") is not None
    assert open_run(conversation.pk, worker="b") is None
    assert Run.objects.count() == 1


def test_nothing_is_opened_where_nothing_is_asked_or_people_answer(conversation: Conversation) -> None:
    assert open_run(conversation.pk, worker="a") is None
    ask(conversation)
    escalate(conversation.pk, reason=Reason.CUSTOMER)
    assert open_run(conversation.pk, worker="a") is None
    assert not Run.objects.exists()


def test_a_question_joins_the_run_that_answers_the_one_before(conversation: Conversation) -> None:
    ask(conversation)
    opened = open_run(conversation.pk, worker="a")
    second = add_customer_message(conversation.pk, client_id=uuid.uuid4(), text="สีดำค่ะ")
    assert opened is not None
    assert second.open_run_id == opened.run.pk


def test_the_same_id_with_other_words_is_refused_and_takes_no_number(conversation: Conversation) -> None:
    client_id = uuid.uuid4()
    add_customer_message(conversation.pk, client_id=client_id, text="หนึ่ง")
    with pytest.raises(ConflictError):
        add_customer_message(conversation.pk, client_id=client_id, text="สอง")
    conversation.refresh_from_db()
    assert (conversation.head_seq, Message.objects.count()) == (1, 1)


def test_what_people_answer_is_stored_without_asking_for_a_reply(conversation: Conversation) -> None:
    ask(conversation)
    escalate(conversation.pk, reason=Reason.CUSTOMER)
    stored = add_customer_message(conversation.pk, client_id=uuid.uuid4(), text="ยังอยู่ไหมคะ")
    assert not stored.wants_reply
    conversation.refresh_from_db()
    assert conversation.owner == Owner.WAITING
    assert conversation.head_seq == stored.seq


def test_the_plain_end_of_a_run_leaves_what_the_long_one_leaves(conversation: Conversation, call: CallWatch) -> None:
    figures = Figures(provider="p", model="m", attempts=1, first_token_ms=5, total_ms=9, trace={"turns": 1})
    left: list[list[dict[str, object]]] = []
    for calls in ([call], [call, call]):
        ask(conversation)
        opened = open_run(conversation.pk, worker="w")
        assert opened is not None
        ended = finish_run(opened.run.pk, text="มีค่ะ", verdict=SURE, figures=figures, calls=calls)
        assert ended.message is not None and not ended.wants_reply
        run, message = Run.objects.get(pk=opened.run.pk), Message.objects.get(pk=ended.message.pk)
        conversation.refresh_from_db()
        assert message.seq == ended.message.seq == conversation.head_seq == conversation.answered_seq + 1
        assert run.ended_at is not None and run.outcome == "answered"
        skipped = {"id", "run_id", "seq", "created_at", "covers_seq", "started_at", "ended_at", "lease_until"}
        rows = (run, message, LLMCall.objects.get(run_id=run.pk, number=0))
        left.append([{name: value for name, value in fields_of(row).items() if name not in skipped} for row in rows])
    assert left[0] == left[1]


def fields_of(row: Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def in_threads(*works: Callable[[], object]) -> None:
    def run(work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_messages_that_come_at_once_are_numbered_without_a_gap(conversation: Conversation) -> None:
    in_threads(*[partial(ask, conversation, f"ข้อ {number}") for number in range(12)])
    conversation.refresh_from_db()
    numbers = sorted(conversation.messages.values_list("seq", flat=True))
    assert numbers == list(range(1, 13))
    assert (conversation.head_seq, conversation.customer_seq) == (12, 12)


@pytest.mark.django_db(transaction=True)
def test_the_same_message_sent_twice_at_once_is_stored_once(conversation: Conversation) -> None:
    client_id = uuid.uuid4()
    seqs: list[int] = []

    def work() -> None:
        seqs.append(add_customer_message(conversation.pk, client_id=client_id, text="ค่ะ").seq)

    in_threads(*[work] * 6)
    conversation.refresh_from_db()
    assert (seqs, conversation.head_seq, Message.objects.count()) == ([1] * 6, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_workers_that_open_at_once_one_gets_the_run(conversation: Conversation) -> None:
    ask(conversation)
    runs: list[int] = []

    def work() -> None:
        if (opened := open_run(conversation.pk, worker="w")) is not None:
            runs.append(opened.run.pk)

    in_threads(*[work] * 6)
    assert runs == [Run.objects.get().pk]


@pytest.mark.django_db(transaction=True)
def test_a_reply_and_new_questions_that_meet_leave_no_gap_and_nothing_unanswered(
    conversation: Conversation, call: CallWatch
) -> None:
    for _round in range(8):
        first = ask(conversation)
        opened = open_run(conversation.pk, worker="w")
        assert opened is not None
        finish = partial(finish_run, opened.run.pk, text="มีค่ะ", verdict=SURE, figures=Figures(), calls=[call])
        in_threads(finish, partial(ask, conversation, "แล้วสีดำล่ะคะ"))
        conversation.refresh_from_db()
        assert conversation.answered_seq == first
        assert conversation.is_unanswered
        again = open_run(conversation.pk, worker="w")
        assert again is not None
        finish_run(again.run.pk, text="มีค่ะ", verdict=SURE, figures=Figures(), calls=[call])
    numbers = sorted(conversation.messages.values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.django_db(transaction=True)
def test_a_run_ends_once_however_many_end_it(conversation: Conversation, call: CallWatch) -> None:
    ask(conversation)
    opened = open_run(conversation.pk, worker="w")
    assert opened is not None
    ended: list[Ended] = []

    def work() -> None:
        ended.append(finish_run(opened.run.pk, text="ค่ะ", verdict=SURE, figures=Figures(), calls=[call]))

    in_threads(*[work] * 5)
    assert ended.count(LOST) == 4
    assert Run.objects.get().state == RunState.CLOSED
    assert Message.objects.filter(sender="bot").count() == 1
