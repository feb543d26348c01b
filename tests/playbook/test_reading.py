"""An edit of the playbook, however it is made, is in the next reply's prompt."""

from collections.abc import Callable

import pytest
from django.db import connection

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
    example: Example, django_assert_num_queries: Callable[[int], object]
) -> None:
    before = current_playbook()
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        assert current_playbook() is before
