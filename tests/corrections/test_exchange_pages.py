"""Examples are imported and exported in the admin, by those who may."""

import io

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from conversations.playbook.models import Example, ExampleImport
from tests.corrections.conftest import browser, member

UPLOAD = "/admin/conversations/exampleimport/"
GOOD = "customer_text,intent,response\nส่งวันเสาร์ไหมคะ,จัดส่ง,วันเสาร์ส่งตามปกติค่ะ\n"
BAD = GOOD + "คำถาม,ไม่มี,<b>ได้</b>\n"
HOSTILE = "<img src=x onerror=alert(1)>"


def upload(client: Client, text: str, name: str = "f.csv") -> str:
    """Upload a file; return the page that it leads to."""
    response = client.post(UPLOAD, {"file": SimpleUploadedFile(name, text.encode())}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("language", ["th", "en"])
def test_a_file_is_looked_at_then_imported(editor: Client, language: str) -> None:
    editor.cookies["django_language"] = language
    assert reverse("admin:examples-import") in editor.get("/admin/conversations/example/").content.decode()
    assert editor.get(UPLOAD).status_code == 200
    before = Example.objects.count()
    page = upload(editor, GOOD)
    assert "ส่งวันเสาร์ไหมคะ" in page
    assert Example.objects.count() == before
    kept = ExampleImport.objects.get()
    response = editor.post(reverse("admin:examples-apply", args=[kept.pk]), follow=True)
    assert "1 example added" in response.content.decode() or language == "th"
    assert Example.objects.count() == before + 1


def test_bad_rows_are_named_and_nothing_is_imported_until_they_are_left_out(editor: Client) -> None:
    before = Example.objects.count()
    page = upload(editor, BAD)
    assert "There is no such intent." in page
    assert "plain text" in page
    kept = ExampleImport.objects.get()
    apply = reverse("admin:examples-apply", args=[kept.pk])
    assert "nothing was imported" in editor.post(apply, follow=True).content.decode()
    assert Example.objects.count() == before
    listed = editor.get(reverse("admin:examples-problems", args=[kept.pk])).content.decode("utf-8-sig")
    assert listed.splitlines()[1:] == [
        "3,response,Customers see plain text: please leave out HTML and markdown.",
        "3,intent,There is no such intent.",
    ]
    assert "1 bad row left out." in editor.post(apply, {"without": "3"}, follow=True).content.decode()
    assert Example.objects.count() == before + 1


def test_a_file_can_be_thrown_away(editor: Client) -> None:
    upload(editor, GOOD)
    kept = ExampleImport.objects.get()
    editor.post(reverse("admin:examples-apply", args=[kept.pk]), {"cancel": "1"})
    assert not ExampleImport.objects.exists()
    assert editor.post(reverse("admin:examples-apply", args=[kept.pk])).status_code == 404


def test_what_stands_in_a_file_is_never_html(editor: Client) -> None:
    page = upload(
        editor, f"customer_text,intent,response,{HOSTILE}\n{HOSTILE},{HOSTILE},{HOSTILE},x\n", name=f"{HOSTILE}.csv"
    )
    assert HOSTILE not in page
    assert "&lt;img" in page


def test_a_file_that_cannot_be_read_is_refused_in_words(editor: Client) -> None:
    assert "must end in" in upload(editor, GOOD, name="f.pdf")
    assert "Columns are missing" in upload(editor, "a,b\n1,2\n")
    assert not ExampleImport.objects.exists()


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "jsonl"])
def test_an_export_is_a_file_that_can_be_imported_again(editor: Client, file_format: str) -> None:
    response = editor.get(reverse("admin:examples-export", args=[file_format]))
    assert f".{file_format}" in response["Content-Disposition"]
    file = SimpleUploadedFile(f"again.{file_format}", io.BytesIO(response.content).read())
    page = editor.post(UPLOAD, {"file": file}, follow=True).content.decode()
    assert "Everything in it is there already." in page


def test_only_editors_import_and_only_those_who_see_examples_export(shop: None) -> None:
    viewer, agent = browser(member("Viewers", "vi")), browser(member("Agents", "nok"))
    export = reverse("admin:examples-export", args=["csv"])
    assert [viewer.get(UPLOAD).status_code, agent.get(UPLOAD).status_code] == [403, 403]
    assert [viewer.get(export).status_code, agent.get(export).status_code] == [200, 403]
    assert viewer.get(reverse("admin:examples-export", args=["exe"])).status_code == 404


def test_nobody_sees_what_another_one_uploaded(editor: Client, ploy: User) -> None:
    upload(editor, GOOD)
    kept = ExampleImport.objects.get()
    other = browser(member("Editors", "mew"))
    for name in ("examples-plan", "examples-problems"):
        assert other.get(reverse(f"admin:{name}", args=[kept.pk])).status_code == 404
    assert other.post(reverse("admin:examples-apply", args=[kept.pk])).status_code == 404
