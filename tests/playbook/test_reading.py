"""What staff edit is the draft; a reply reads the live release, and notices at once when it is another one."""

from collections.abc import Callable
from threading import Event, Thread

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from pytest_django import DjangoAssertNumQueries

from conversations.playbook.drafts import read_draft
from conversations.playbook.models import Example, Fact, Instruction, Intent, Profile, Release
from conversations.playbook.reading import current_playbook, playbook_of_release
from conversations.playbook.releases import freeze, publish, publish_first

pytestmark = pytest.mark.django_db


@pytest.fixture
def example() -> Example:
    """A playbook of one of each, not published."""
    Instruction.objects.create(text="Be kind.")
    Fact.objects.create(title="Hours", text_th="เปิด 9:00", text_en="Open from 9:00")
    intent = Intent.objects.create(key="จัดส่ง", name_th="จัดส่ง", name_en="Shipping", belongs="Parcels")
    Intent.objects.create(key="อื่นๆ", name_th="อื่นๆ", name_en="Other", belongs="All else")
    return Example.objects.create(customer_text="ของถึงไหนแล้ว", intent=intent, response="กำลังเช็กให้ค่ะ")


@pytest.fixture
def live(example: Example) -> Example:
    """The same, published."""
    publish_first()
    return example


def publish_draft() -> Release:
    release = freeze(author=None)
    publish(release, by=None, reason="a test")
    return release


def rename_by_sql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE conversations_example SET response = 'x'")


EDITS: dict[str, Callable[[], object]] = {
    "a saved example": lambda: Example(**Example.objects.values().get() | {"response": "x"}).save(force_update=True),
    "a bulk update": lambda: Example.objects.update(is_on=False),
    "a bulk delete": lambda: Example.objects.all().delete(),
    "a bulk create": lambda: Fact.objects.bulk_create([Fact(title="Fee", text_th="50 บาท", text_en="50 baht")]),
    "a raw statement": rename_by_sql,
    "a changed intent": lambda: Intent.objects.filter(key="อื่นๆ").update(belongs="Everything else"),
    "a changed instruction": lambda: Instruction.objects.update(text="Be short."),
    "a new profile": lambda: Instruction.objects.update(profile=Profile.objects.create(key="own", temperature=1.5)),
    "a removed fact": lambda: Fact.objects.get().delete(),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_every_kind_of_edit_is_in_the_draft_and_in_the_next_release_only(
    live: Example, edit: Callable[[], object]
) -> None:
    before = current_playbook()
    edit()
    assert current_playbook() is before
    assert read_draft().version != before.version
    publish_draft()
    assert current_playbook().version == read_draft().version


def test_an_unchanged_release_costs_one_query(live: Example, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    before = current_playbook()
    with django_assert_num_queries(1):
        assert current_playbook() is before


def test_a_frozen_release_that_is_not_published_changes_nothing(live: Example) -> None:
    before = current_playbook()
    Example.objects.update(response="x")
    release = freeze(author=None)
    assert current_playbook() is before
    assert playbook_of_release(release.pk).examples[0].response == "x"


def test_a_publication_that_was_rolled_back_by_the_database_is_not_kept(live: Example) -> None:
    before = current_playbook()
    with transaction.atomic():
        Example.objects.update(response="x")
        publish_draft()
        assert current_playbook().examples[0].response == "x"
        transaction.set_rollback(True)
    assert current_playbook().version == before.version
    assert current_playbook().examples[0].response == live.response


def test_a_shop_without_a_release_knows_nothing(example: Example) -> None:
    assert current_playbook().examples == ()
    assert current_playbook().number is None


def test_entries_come_in_their_order_and_only_those_that_are_on(example: Example) -> None:
    Example.objects.create(customer_text="ก่อน", intent=example.intent, response="ค่ะ", position=0)
    Example.objects.update(position=F("pk"))
    Example.objects.create(customer_text="ปิด", intent=example.intent, response="ค่ะ", is_on=False)
    Example.objects.create(customer_text="แรก", intent=example.intent, response="ค่ะ", position=0)
    assert [entry.customer_text for entry in read_draft().examples] == ["แรก", example.customer_text, "ก่อน"]


def test_an_examples_id_leads_to_its_row_and_is_no_part_of_the_version(live: Example) -> None:
    assert current_playbook().examples[0].id == live.pk
    before = read_draft()
    copy = Example(customer_text=live.customer_text, intent=live.intent, response=live.response)
    live.delete()
    copy.save()
    assert read_draft().version == before.version


@pytest.mark.django_db(transaction=True)
def test_another_processes_publication_is_seen_by_the_next_reply(live: Example) -> None:
    def edit() -> None:
        Example.objects.update(response="แก้แล้วค่ะ")
        publish_draft()
        connection.close()

    assert current_playbook().examples[0].response == live.response
    other = Thread(target=edit)
    other.start()
    other.join()
    assert current_playbook().examples[0].response == "แก้แล้วค่ะ"


@pytest.mark.django_db(transaction=True)
def test_a_draft_read_while_staff_edit_never_mixes_two_states(example: Example) -> None:
    """Intent and answer are always changed together; a release must have both or neither."""
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
        playbook = read_draft()
        seen.add((playbook.facts[0].text_th, playbook.examples[0].intent))
    editor.join()
    assert seen <= {("จัดส่ง", "จัดส่ง"), ("อื่นๆ", "อื่นๆ")}


@pytest.mark.django_db(transaction=True)
def test_emptied_tables_are_noticed_too(live: Example) -> None:
    assert current_playbook().examples
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE conversations_release CASCADE")
    assert not current_playbook().examples


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE conversations_release SET content = '{}'",
        "UPDATE conversations_release SET number = 7",
        "UPDATE conversations_release SET comment = 'x'",
        "DELETE FROM conversations_release",
        "UPDATE conversations_publication SET reason = 'x'",
        "DELETE FROM conversations_publication",
        "UPDATE conversations_auditentry SET actor_name = 'x'",
        "DELETE FROM conversations_auditentry",
    ],
)
def test_what_is_kept_is_never_changed_whoever_asks(live: Example, statement: str) -> None:
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
