"""Students in a real Chromium: on a phone, in Thai, in the dark, and without sight."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from conversations.answers.student.artefact import to_artefact
from conversations.answers.student.distilling import note_comparison, store
from conversations.answers.student.drift import Seen, note
from conversations.answers.student.examining import examine
from conversations.answers.student.models import DistillationExport, StudentState, TrainedStudent
from conversations.answers.student.promotion import promote
from conversations.answers.student.reading import Student
from tests.dashboard.test_browser import DARK, complaints_of_axe, is_within_the_screen
from tests.desk.conftest import desk, transactional_db
from tests.desk.test_browser import PHONE, OpenPage, open_page, orm_beside_playwright
from tests.student.samples import RETURN, rows

__all__ = ["desk", "open_page", "orm_beside_playwright", "transactional_db"]

pytestmark = pytest.mark.browser

LIST: Final = "/admin/conversations/trainedstudent/"
EXPORTS: Final = "/admin/conversations/distillationexport/"
CARD: Final[dict[str, Any]] = {
    "release": 2,
    "files": [{"name": "messages_few_shot.validation.jsonl", "rows": 26, "sha256": "0" * 64}],
    "turns": {"train": {"intent": {RETURN: 20}, "approval": {"rating": 20}}, "validation": {"intent": {RETURN: 6}}},
    "left_out": {"served_from_known_answers": 63, "like_an_evaluation_case": 7},
    "terms": {"simulator": {"words": "It answers with the shop's own examples.", "url": "", "is_own_decision": False}},
}


@pytest.fixture
def owner(transactional_db: None, student: Student) -> Iterator[User]:
    """The shop's owner; a student is at work, and a newer one wasn't found good enough."""
    user = User.objects.create_superuser("owner")
    report = examine(student, rows()).to_json()
    for number in range(2):
        row = TrainedStudent.objects.create(rows=128, held_rows=32, sources={"model": 150, "people": 10})
        store(row, to_artefact(student), report=report)
        if number:
            note_comparison(row, {"live": row.pk - 1, "figures": report, "faults": ["less_precise"]})
        else:
            promote(row.pk, by=user)
            row.refresh_from_db()
            note(row, Seen(100, 96, 80, 79), until=row.watched_message_id + 1)
    DistillationExport.objects.create(rows=26, data_hash="0" * 64, card=CARD)
    yield user
    DistillationExport.objects.all().delete()
    TrainedStudent.objects.all().delete()


@pytest.mark.parametrize(
    ("locale", "options"), [("en", {}), ("th", PHONE | DARK)], ids=["desktop", "Thai phone in the dark"]
)
def test_everybody_can_read_the_pages(open_page: OpenPage, owner: User, locale: str, options: dict[str, Any]) -> None:
    newest = TrainedStudent.objects.latest("pk")
    page = open_page(owner, LIST, locale=locale, **options)
    home = page.url.removesuffix(LIST)
    export = f"{EXPORTS}{DistillationExport.objects.get().pk}/change/"
    for address in (LIST, f"{LIST}{newest.pk}/change/", f"{LIST}{newest.pk - 1}/change/", EXPORTS, export):
        page.goto(home + address)
        expect(page.locator(".figures h2")).to_be_visible()
        assert is_within_the_screen(page)
        assert complaints_of_axe(page) == []


def test_a_student_is_tried_and_put_to_work_on_a_phone(open_page: OpenPage, owner: User) -> None:
    newest = TrainedStudent.objects.latest("pk")
    page = open_page(owner, f"{LIST}{newest.pk}/change/", **PHONE)
    page.get_by_label("A question to try").fill("ขอคืนตู้เย็นได้ไหมคะ")
    page.get_by_role("button", name="What does it say?").click()
    expect(page.get_by_role("table", name="ขอคืนตู้เย็นได้ไหมคะ")).to_contain_text(RETURN)
    page.get_by_label("Why", exact=True).fill("ทดลอง")
    page.get_by_role("button", name="Put it to work").click()
    expect(page.locator("#student-title")).to_have_text("At work")
    newest.refresh_from_db()
    assert newest.state == StudentState.LIVE
