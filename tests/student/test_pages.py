"""Students and exports in the admin: who sees what, what the buttons do, and that every figure is there."""

import io
import zipfile

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from conversations.answers.student.artefact import to_artefact
from conversations.answers.student.distilling import note_comparison, store
from conversations.answers.student.examining import examine
from conversations.answers.student.models import DistillationExport, StudentState, TrainedStudent
from conversations.answers.student.promotion import promote
from conversations.answers.student.reading import Student
from conversations.gateway.models import Provider, ProviderKind
from conversations.models import Conversation, Site
from conversations.playbook.models import AuditEntry
from conversations.playbook.starter import load_starter_playbook
from tests.student.samples import RETURN, Said, answered, rows

LIST = "admin:conversations_trainedstudent_changelist"
QUESTION = "ขอคืนตู้เย็นได้ไหมคะ"


@pytest.fixture
def staff(client: Client, admin_user: User) -> Client:
    """Somebody who may do everything."""
    client.force_login(admin_user)
    return client


@pytest.fixture
def trained(student: Student, db: None) -> TrainedStudent:
    """A student that was trained and examined, beside an older one at work."""
    report = examine(student, rows()).to_json()
    old = TrainedStudent.objects.create(rows=100)
    store(old, to_artefact(student), report=report)
    promote(old.pk, by=None)
    row = TrainedStudent.objects.create(rows=128, held_rows=32, sources={"model": 150, "people": 10})
    store(row, to_artefact(student), report=report)
    note_comparison(row, {"live": old.pk, "figures": report, "faults": ["less_precise"]})
    return row


def limited(*rights: str) -> Client:
    """Return somebody on the staff with these rights only."""
    user = User.objects.create_user("nok", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


def page_of(row: TrainedStudent) -> str:
    """Return the address of a student's page."""
    return reverse("admin:conversations_trainedstudent_change", args=[row.pk])


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_list_and_the_page_show_how_a_student_did(staff: Client, trained: TrainedStudent, language: str) -> None:
    for address in (reverse(LIST), page_of(trained)):
        page = staff.get(address, headers={"accept-language": language})
        assert page.status_code == 200
        assert "%" in page.content.decode()
    text = staff.get(page_of(trained)).content.decode()
    assert RETURN in text
    assert trained.artefact_hash[:16] in text


def test_a_question_can_be_tried_on_a_student(staff: Client, trained: TrainedStudent) -> None:
    page = staff.get(page_of(trained), {"question": QUESTION + "<script>"})
    assert RETURN in page.content.decode()
    assert "<script>" not in page.content.decode().split("student-question")[1].split("</table>")[0]


def test_a_training_is_asked_for_once(staff: Client, admin_user: User) -> None:
    for _click in range(2):
        staff.post(reverse("admin:students-train"))
    row = TrainedStudent.objects.get()
    assert (row.state, row.wanted_by) == (StudentState.WANTED, admin_user)
    assert "disabled" in staff.get(reverse(LIST)).content.decode()
    waiting, door = staff.get(page_of(row)).content.decode(), reverse("admin:students-standing")
    assert door in waiting and staff.get(door).json() == {"is_over": False, "words": "Waiting for its training"}
    row.delete()
    assert staff.get(door).json()["is_over"] and door not in staff.get(reverse(LIST)).content.decode()
    assert limited().get(door).status_code == 403


def test_one_that_was_refused_goes_to_work_with_a_reason_only(staff: Client, trained: TrainedStudent) -> None:
    door = reverse("admin:students-move", args=[trained.pk, "promote"])
    staff.post(door)
    trained.refresh_from_db()
    assert trained.state == StudentState.REFUSED
    staff.post(door, {"why": "ลองดู"})
    trained.refresh_from_db()
    assert trained.state == StudentState.LIVE
    assert AuditEntry.objects.filter(reason="ลองดู", object_id=str(trained.pk)).exists()
    staff.post(reverse("admin:students-move", args=[trained.pk, "retire"]), {"why": "พอแล้ว"})
    assert not TrainedStudent.objects.live().exists()


def test_a_move_that_is_none_is_refused(staff: Client, trained: TrainedStudent) -> None:
    assert staff.post(reverse("admin:students-move", args=[trained.pk, "delete"])).status_code == 403
    assert staff.get(reverse("admin:students-move", args=[trained.pk, "promote"])).status_code == 405


def test_who_may_only_look_changes_nothing(trained: TrainedStudent) -> None:
    viewer = limited("view_trainedstudent", "view_distillationexport")
    text = viewer.get(page_of(trained)).content.decode()
    assert "student-why" not in text
    for door in ("students-train", "students-export"):
        assert viewer.post(reverse(f"admin:{door}")).status_code == 403
    promote_door = reverse("admin:students-move", args=[trained.pk, "promote"])
    assert viewer.post(promote_door, {"why": "x"}).status_code == 403


def test_who_may_not_look_sees_nothing(trained: TrainedStudent) -> None:
    stranger = limited()
    for address in (reverse(LIST), page_of(trained), reverse("admin:conversations_distillationexport_changelist")):
        page = stranger.get(address)
        assert page.status_code == 403
        assert trained.artefact_hash[:16] not in page.content.decode()


def test_an_empty_list_asks_nobody_to_add_what_nobody_adds(staff: Client) -> None:
    text = staff.get(reverse("admin:conversations_distillationexport_changelist")).content.decode()
    assert "Nothing here yet" in text and "Show all" not in text
    assert reverse("admin:conversations_distillationexport_add") not in text
    text = staff.get(reverse("admin:conversations_site_changelist")).content.decode()
    assert reverse("admin:conversations_site_add") in text
    text = staff.get(reverse("admin:conversations_fact_changelist") + "?q=nothing").content.decode()
    assert "Nothing matches" in text and "Show all" in text


@pytest.fixture
def liked(site: Site) -> Conversation:
    """A conversation that its customer liked, with answers of a provider whose terms restrict training."""
    load_starter_playbook()
    Provider.objects.create(name="DeepSeek", kind=ProviderKind.OPENAI, base_url="https://api.openai.com/v1")
    conversation = answered(site, Said(QUESTION, RETURN))
    Conversation.objects.filter(pk=conversation.pk).update(rating=5)
    return conversation


def test_an_export_is_made_once_somebody_decided_on_the_terms(staff: Client, liked: Conversation) -> None:
    listing = reverse("admin:conversations_distillationexport_changelist")
    door = reverse("admin:students-export")
    assert 'value="DeepSeek"' in staff.get(listing).content.decode()
    assert staff.post(door).status_code == 302
    page = staff.post(door, {"provider": "DeepSeek", "with_examples": "on"})
    assert page["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(page.content)) as archive:
        assert {"card.json", "README.md", "messages_few_shot.train.jsonl"} <= set(archive.namelist())
    noted = DistillationExport.objects.get()
    assert (noted.rows, noted.made_by_name) == (1, "admin")
    assert QUESTION not in str(noted.card)
    assert noted.data_hash[:16] in staff.get(listing).content.decode()
    card = staff.get(reverse("admin:conversations_distillationexport_change", args=[noted.pk])).content.decode()
    told = ["messages_few_shot.train.jsonl", RETURN, "rated well by the customer", "The operator decided to use it."]
    assert [words for words in told if words not in card] == [] and "\\u0e" not in card


def test_chosen_conversations_are_exported_from_their_list(staff: Client, liked: Conversation, site: Site) -> None:
    Provider.objects.update(kind=ProviderKind.DEEPSEEK, base_url="https://api.deepseek.com")
    other = answered(site, Said("ส่งกี่วัน", "จัดส่ง"))
    Conversation.objects.filter(pk=other.pk).update(rating=5)
    listing = reverse("admin:conversations_conversation_changelist")
    page = staff.post(listing, {"action": "export_for_distillation", "_selected_action": [str(liked.pk)]})
    assert page["Content-Type"] == "application/zip"
    assert DistillationExport.objects.get().rows == 1
    agent = limited("view_conversation", "change_conversation")
    assert "export_for_distillation" not in agent.get(listing).content.decode()
