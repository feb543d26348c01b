"""An edit of the playbook, however it is made, is in the next reply's prompt."""

from collections.abc import Callable
from threading import Event, Thread

import pytest
from django.db import connection, transaction
from django.db.models import F
from pytest_django import DjangoAssertNumQueries

from conversations.playbook.models import Example, Fact, Instruction, Intent
from conversations.playbook.reading import current_playbook

pytestmark = pytest.mark.django_db


@pytest.fixture
def example() -> Example:
    """A playbook of one of each."""
    Instruction.objects.create(text="Be kind.")
    Fact.objects.create(title="Hours", text_th="เปิด 9:00", text_en="Open from 9:00")
    intent = Intent.objects.create(key="จัดส่ง", name_th="จัดส่ง", name_en="Shipping", belongs="Parcels")
    Intent.objects.create(key="อื่นๆ", name_th="อื่นๆ", name_en="Other", belongs="All else")
    return Example.objects.create(customer_text="ของถึงไหนแล้ว", intent=intent, response="กำลังเช็กให้ค่ะ")


def rename_by_sql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE conversations_example SET response = 'x'")


EDITS: dict[str, Callable[[], object]] = {
    "a saved example": lambda: Example.objects.get().save(),
    "a bulk update": lambda: Example.objects.update(is_on=False),
    "a bulk delete": lambda: Example.objects.all().delete(),
    "a bulk create": lambda: Fact.objects.bulk_create([Fact(title="Fee", text_th="50 บาท", text_en="50 baht")]),
    "a raw statement": rename_by_sql,
    "a changed intent": lambda: Intent.objects.filter(key="อื่นๆ").update(belongs="Everything else"),
    "a changed instruction": lambda: Instruction.objects.update(temperature=0.5),
    "a removed fact": lambda: Fact.objects.get().delete(),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_every_kind_of_edit_is_noticed(example: Example, edit: Callable[[], object]) -> None:
    before = current_playbook()
    edit()
    assert current_playbook() is not before


def test_an_unchanged_playbook_costs_one_query(
    example: Example, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    before = current_playbook()
    with django_assert_num_queries(1):
        assert current_playbook() is before


def test_a_change_that_was_rolled_back_is_not_kept(example: Example) -> None:
    before = current_playbook()
    with transaction.atomic():
        Example.objects.update(response="x")
        assert current_playbook().examples[0].response == "x"
        transaction.set_rollback(True)
    assert current_playbook().version == before.version
    assert current_playbook().examples[0].response == example.response


def test_entries_come_in_their_order_and_only_those_that_are_on(example: Example) -> None:
    Example.objects.create(customer_text="ก่อน", intent=example.intent, response="ค่ะ", position=0)
    Example.objects.update(position=F("pk"))
    Example.objects.create(customer_text="ปิด", intent=example.intent, response="ค่ะ", is_on=False)
    Example.objects.create(customer_text="แรก", intent=example.intent, response="ค่ะ", position=0)
    assert [entry.customer_text for entry in current_playbook().examples] == ["แรก", example.customer_text, "ก่อน"]


@pytest.mark.django_db(transaction=True)
def test_another_processes_edit_is_seen_by_the_next_reply(example: Example) -> None:
    def edit() -> None:
        Example.objects.update(response="แก้แล้วค่ะ")
        connection.close()

    assert current_playbook().examples[0].response == example.response
    other = Thread(target=edit)
    other.start()
    other.join()
    assert current_playbook().examples[0].response == "แก้แล้วค่ะ"


@pytest.mark.django_db(transaction=True)
def test_replies_read_while_staff_edit_never_mix_two_states(example: Example) -> None:
    """Intent and answer are always changed together; a reply must see both or neither."""
    intents = {intent.key: intent for intent in Intent.objects.all()}
    is_over = Event()

    def edit() -> None:
        for number in range(60):
            key = ("จัดส่ง", "อื่นๆ")[number % 2]
            with transaction.atomic():
                Fact.objects.update(text_th=key)
                Example.objects.update(intent=intents[key])
        is_over.set()
        connection.close()

    Fact.objects.update(text_th="จัดส่ง")
    editor = Thread(target=edit)
    editor.start()
    seen = set()
    while not is_over.is_set():
        playbook = current_playbook()
        seen.add((playbook.facts[0].text_th, playbook.examples[0].intent))
    editor.join()
    assert seen <= {("จัดส่ง", "จัดส่ง"), ("อื่นๆ", "อื่นๆ")}


@pytest.mark.django_db(transaction=True)
def test_emptied_tables_are_noticed_too(example: Example) -> None:
    assert current_playbook().examples
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE conversations_example")
    assert not current_playbook().examples
