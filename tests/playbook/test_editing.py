"""Two people edit the draft at once: nobody's words are lost, and who changed what stays readable."""

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from conversations.desk.groups import ensure_groups
from conversations.desk.wording import Mark, compare
from conversations.playbook.models import AuditEntry, Example, Fact, Intent, Verb
from conversations.playbook.starter import load_starter_playbook
from tests.playbook.forms import values_on

HOSTILE = "<script>alert(1)</script> 50 บาท"


@pytest.fixture
def people(db: None) -> dict[str, Client]:
    """Two editors of a shop with the starter playbook, each in a browser of their own."""
    load_starter_playbook()
    ensure_groups()
    return {name: editor(name) for name in ("ploy", "nok")}


def editor(name: str) -> Client:
    user = User.objects.create_user(name, password="a-long-password", is_staff=True)
    user.groups.add(Group.objects.get(name="Editors"))
    client = Client()
    client.force_login(user)
    return client


def page(entry: Model, verb: str = "change") -> str:
    return reverse(f"admin:conversations_{entry._meta.model_name}_{verb}", args=[entry.pk])


def opened(client: Client, path: str) -> dict[str, str]:
    """Return what a form sends back if nobody touches it."""
    return values_on(client.get(path).content.decode())


def test_an_untouched_form_sends_back_what_it_shows_and_saves_nothing(people: dict[str, Client]) -> None:
    for entry in (Fact.objects.all()[0], Intent.objects.all()[0], Example.objects.all()[0]):
        before = AuditEntry.objects.count()
        response = people["ploy"].post(page(entry), opened(people["ploy"], page(entry)))
        assert response.status_code == 302, response.context["adminform"].form.errors
        assert AuditEntry.objects.count() == before


def test_the_second_save_is_refused_and_both_texts_are_on_the_page(people: dict[str, Client]) -> None:
    fact = Fact.objects.get(title__contains="Returns")
    ploys, noks = opened(people["ploy"], page(fact)), opened(people["nok"], page(fact))
    assert people["nok"].post(page(fact), noks | {"text_th": "คืนได้ 14 วัน", "text_en": "14 days"}).status_code == 302
    response = people["ploy"].post(page(fact), ploys | {"text_th": "คืนได้ 30 วัน"})
    assert response.status_code == 200
    form = response.context["adminform"].form
    assert "nok saved a newer version" in str(form.non_field_errors())
    assert "คืนได้ 14 วัน" in str(form.errors["text_th"])
    fact.refresh_from_db()
    assert fact.text_th == "คืนได้ 14 วัน"
    shown = values_on(response.content.decode())
    assert shown["text_th"] == "คืนได้ 30 วัน"
    # What only the other one changed is taken over, so that saving again doesn't undo it.
    assert shown["text_en"] == "14 days"
    assert people["ploy"].post(page(fact), shown).status_code == 302
    fact.refresh_from_db()
    assert (fact.text_th, fact.text_en) == ("คืนได้ 30 วัน", "14 days")


def test_a_third_save_in_between_is_refused_again(people: dict[str, Client]) -> None:
    fact = Fact.objects.all()[0]
    ploys = opened(people["ploy"], page(fact))
    Fact.objects.filter(pk=fact.pk).update(text_en="one")
    shown = values_on(people["ploy"].post(page(fact), ploys | {"text_th": "ของฉัน"}).content.decode())
    Fact.objects.filter(pk=fact.pk).update(text_en="two")
    again = people["ploy"].post(page(fact), shown)
    assert again.status_code == 200
    assert values_on(again.content.decode())["text_en"] == "two"
    assert values_on(again.content.decode())["text_th"] == "ของฉัน"


def test_what_the_other_one_wrote_is_never_read_as_html(people: dict[str, Client]) -> None:
    fact = Fact.objects.all()[0]
    ploys = opened(people["ploy"], page(fact))
    Fact.objects.filter(pk=fact.pk).update(text_th=HOSTILE)
    html = people["ploy"].post(page(fact), ploys | {"text_th": "ของฉัน"}).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_a_flag_that_the_other_one_changed_is_taken_over_too(people: dict[str, Client]) -> None:
    example = Example.objects.all()[0]
    ploys = opened(people["ploy"], page(example))
    Example.objects.filter(pk=example.pk).update(escalate=True, is_on=False, tags=["ด่วน"])
    shown = values_on(people["ploy"].post(page(example), ploys | {"note": "ของฉัน"}).content.decode())
    assert people["ploy"].post(page(example), shown).status_code == 302
    example.refresh_from_db()
    assert (example.escalate, example.is_on, example.tags, example.note) == (True, False, ["ด่วน"], "ของฉัน")


def test_a_list_that_was_opened_long_ago_writes_only_what_was_changed_on_it(people: dict[str, Client]) -> None:
    path = reverse("admin:conversations_fact_changelist")
    first, second = Fact.objects.order_by("position")[:2]
    ploys = opened(people["ploy"], path)
    Fact.objects.filter(pk=first.pk).update(position=999, text_en="new")
    Fact.objects.filter(pk=second.pk).update(position=998)
    rows = {value: name.split("-")[1] for name, value in ploys.items() if name.endswith("-id")}
    del ploys[f"form-{rows[str(first.pk)]}-is_on"]
    assert people["ploy"].post(path, ploys | {"_save": "Save"}).status_code == 302
    found = {fact.pk: (fact.position, fact.is_on, fact.text_en) for fact in Fact.objects.all()}
    assert found[first.pk] == (999, False, "new")
    assert found[second.pk] == (998, True, second.text_en)
    entry = AuditEntry.objects.latest("pk")
    assert (entry.object_id, entry.changes) == (str(first.pk), {"is_on": [True, False]})


def test_every_way_to_change_the_draft_is_written_down(people: dict[str, Client]) -> None:
    example = Example.objects.all()[0]
    client = people["ploy"]
    client.post(page(example), opened(client, page(example)) | {"response": "เปลี่ยนแล้วค่ะ"})
    chosen = [str(pk) for pk in Example.objects.values_list("pk", flat=True)[1:3]]
    path = reverse("admin:conversations_example_changelist")
    client.post(path, {"action": "switch_off", "_selected_action": chosen})
    client.post(path, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    client.post(page(example, "delete"), {"post": "yes"})
    done = AuditEntry.objects.filter(object_type="example").order_by("pk")
    assert [(each.actor_name, each.verb) for each in done] == [
        ("ploy", verb) for verb in (Verb.CHANGE, *[Verb.CHANGE] * 2, *[Verb.DELETE] * 3)
    ]
    first = done[0]
    assert first.changes == {"response": [example.response, "เปลี่ยนแล้วค่ะ"]}
    assert done[1].changes == {"is_on": [True, False]}
    assert done[5].changes["customer_text"] == [example.customer_text, None]


def test_an_entrys_history_says_who_when_and_what_differed(people: dict[str, Client]) -> None:
    fact = Fact.objects.get(title__contains="Returns")
    client = people["ploy"]
    client.post(page(fact), opened(client, page(fact)) | {"text_en": "Within 14 days."})
    html = client.get(page(fact, "history")).content.decode()
    assert "ploy" in html
    assert "<ins>" in html and "<del>" in html
    # Most of the two sentences is the same: only the difference is marked.
    assert "14" in html.split("<ins>", 1)[1].split("</ins>", 1)[0] or "Within" in html


def test_those_who_may_not_see_an_entry_do_not_see_its_history(people: dict[str, Client]) -> None:
    user = User.objects.create_user("agent", is_staff=True)
    user.groups.add(Group.objects.get(name="Operators"))
    client = Client()
    client.force_login(user)
    assert client.get(page(Fact.objects.all()[0], "history")).status_code == 403


@pytest.mark.parametrize(
    ("old", "new", "marked"),
    [
        ("คืนได้ภายใน 7 วัน", "คืนได้ภายใน 14 วัน", [("old", "7"), ("new", "14")]),
        ("", "ใหม่", [("new", "ใหม่")]),
        ("เก่า", "", [("old", "เก่า")]),
        ("same", "same", []),
        ("Free over 500 baht", "Free over 1,000 baht", [("old", "500"), ("new", "1,000")]),
    ],
)
def test_only_what_differs_is_marked(old: str, new: str, marked: list[tuple[str, str]]) -> None:
    pieces = compare(old, new)
    assert [(piece.mark, piece.text) for piece in pieces if piece.mark != Mark.SAME] == marked
    assert "".join(piece.text for piece in pieces if piece.mark != Mark.NEW) == old
    assert "".join(piece.text for piece in pieces if piece.mark != Mark.OLD) == new


def test_two_long_texts_with_nothing_in_common_are_compared_quickly() -> None:
    old, new = "ก " * 4_000, "ข " * 4_000
    assert [piece.mark for piece in compare(old, new)][:2] == [Mark.OLD, Mark.NEW]
