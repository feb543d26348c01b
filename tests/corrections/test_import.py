"""An import says what it would do and names every bad row; then it does all of it, or nothing."""

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from conversations.playbook import exchange
from conversations.playbook.exchange_upkeep import forget_old_uploads
from conversations.playbook.models import AuditEntry, Example, ExampleImport, FileFormat, Intent, Release, Verb
from conversations.upkeep import JOBS

GOOD = {"customer_text": "ส่งวันเสาร์ไหมคะ", "intent": "จัดส่ง", "response": "วันเสาร์ส่งตามปกติค่ะ"}


def uploaded(*rows: dict[str, Any] | str, by: User | None = None, is_masking: bool = False) -> ExampleImport:
    """Upload rows as a file of JSON lines."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    return exchange.upload("examples.jsonl", "\n".join(lines).encode(), by=by, is_masking=is_masking)[0]


def problems(*rows: dict[str, Any] | str) -> list[tuple[int, str, str]]:
    """Return what the dry run says is wrong."""
    planned = exchange.plan(uploaded(*rows))
    return [(row, column, text) for row, column, text, _value in exchange.problem_rows(planned)]


def test_good_rows_become_examples_and_are_written_down(ploy: User) -> None:
    before = Example.objects.count()
    row = GOOD | {"escalate": "ใช่", "tags": ["เสาร์", "ส่ง"], "note": "n", "is_pinned": False}
    kept = uploaded(
        row, GOOD | {"customer_text": "Do you ship on Saturdays?", "response": "Yes.", "intent": "Delivery"}, by=ploy
    )
    assert exchange.counts(exchange.plan(kept)) == {"new": 2, "changed": 0, "bad": 0, "same": 0, "masked": 0}
    assert Example.objects.count() == before, "a dry run writes nothing"
    assert exchange.apply(kept.pk, by=ploy) == {"new": 2, "changed": 0, "same": 0, "bad": 0}
    thai, english = Example.objects.order_by("-pk")[:2][::-1]
    assert (thai.intent.key, thai.escalate, thai.tags, thai.is_pinned, thai.locale) == (
        "จัดส่ง",
        True,
        ["เสาร์", "ส่ง"],
        False,
        "th",
    )
    assert (english.intent.key, english.locale, english.is_on) == ("จัดส่ง", "en", True)
    assert english.position > thai.position > 10
    entry = AuditEntry.objects.about("example", thai.pk).get()
    assert (entry.verb, entry.actor_name, entry.changes["customer_text"]) == (
        Verb.IMPORT,
        "ploy",
        [None, thai.customer_text],
    )
    whole = AuditEntry.objects.get(object_type="example", object_id="")
    assert (whole.reason, whole.changes) == ("examples.jsonl", {"new": [None, 2]})
    assert not ExampleImport.objects.exists()


@pytest.mark.parametrize(
    ("change", "column", "words"),
    [
        ({"customer_text": " "}, "customer_text", "Nothing in it can be seen"),
        ({"customer_text": "\u200b"}, "customer_text", "Nothing in it can be seen"),
        ({"customer_text": "ก" * 4001}, "customer_text", "More than 4000 characters"),
        ({"response": ""}, "response", "Nothing in it can be seen"),
        ({"response": "<b>ได้ค่ะ</b>"}, "response", "plain text"),
        ({"response": "Yes", "locale": "th"}, "response", "no Thai"),
        ({"intent": "ไม่มี"}, "intent", "no such intent"),
        ({"intent": ""}, "intent", "missing"),
        ({"locale": "fr"}, "locale", "th or en"),
        ({"escalate": "maybe"}, "escalate", "true or false"),
        ({"position": "-1"}, "position", "whole number"),
        ({"position": "9" * 30}, "position", "whole number"),
        ({"tags": "x" * 41}, "tags", "More than 40 characters"),
        ({"note": "x" * 501}, "note", "More than 500 characters"),
        ({"id": "99999999"}, "id", "no example with this id"),
        ({"id": "7; DROP TABLE"}, "id", "no example with this id"),
        ({"customer_text": "โทร 0812345678 ค่ะ"}, "customer_text", "a phone number"),
        ({"response": "โอนไปที่บัญชี 123-4-56789-0 ค่ะ"}, "response", "a bank account"),
        ({"customer_text": "ร้านเปิดกี่โมงคะ"}, "customer_text", "The same words as example"),
        ({"customer_text": "a\x00b"}, "", "can't be stored"),
    ],
)
def test_a_bad_row_is_named_with_its_column_and_the_reason(
    shop: None, change: dict[str, str], column: str, words: str
) -> None:
    found = problems(GOOD | {"customer_text": "คำถามที่ดีค่ะ"}, GOOD | change)
    assert [(row, named) for row, named, _text in found] == [(2, column)]
    assert words in found[0][2]


def test_all_that_is_wrong_with_a_row_is_said_at_once(shop: None) -> None:
    found = problems(GOOD | {"intent": "x", "escalate": "maybe", "customer_text": "", "locale": "x"})
    assert {column for _row, column, _text in found} == {"intent", "escalate", "customer_text", "locale"}


def test_rows_that_say_the_same_as_each_other_are_named(shop: None) -> None:
    found = problems(GOOD, GOOD | {"customer_text": "อื่น"}, GOOD | {"response": "ไม่ส่งค่ะ"})
    assert found == [(3, "customer_text", "The same words as row 1.")]


def test_a_row_of_an_intent_that_is_off_is_bad_only_if_it_is_on(shop: None) -> None:
    Intent.objects.filter(key="จัดส่ง").update(is_on=False)
    found = problems(GOOD, GOOD | {"customer_text": "อื่น", "is_on": False})
    assert [(row, column) for row, column, _text in found] == [(1, "intent")]


def test_one_bad_row_keeps_all_others_out(ploy: User) -> None:
    before = Example.objects.count()
    kept = uploaded(GOOD, GOOD | {"customer_text": "อื่น", "intent": "x"}, "{broken", by=ploy)
    with pytest.raises(exchange.RefusedError):
        exchange.apply(kept.pk, by=ploy)
    with pytest.raises(exchange.RefusedError):
        exchange.apply(kept.pk, by=ploy, without=[2])
    assert Example.objects.count() == before
    assert exchange.apply(kept.pk, by=ploy, without=[2, 3])["bad"] == 2
    assert Example.objects.count() == before + 1


def test_an_export_changed_and_imported_changes_only_what_differs(ploy: User) -> None:
    rows = [json.loads(line) for line in exchange.export(FileFormat.JSONL).decode().splitlines()]
    assert len(rows) == Example.objects.count()
    rows[3] |= {"response": "คำตอบใหม่ค่ะ", "locale": "th"}
    kept = uploaded(*rows, by=ploy)
    counted = exchange.counts(exchange.plan(kept))
    assert (counted["new"], counted["changed"], counted["bad"]) == (0, 1, 0)
    assert exchange.apply(kept.pk, by=ploy)["changed"] == 1
    changed = Example.objects.get(pk=rows[3]["id"])
    assert changed.response == "คำตอบใหม่ค่ะ"
    assert changed.edit_version == rows[3]["edit_version"] + 1
    assert set(AuditEntry.objects.about("example", changed.pk).get().changes) == {"response"}


@pytest.mark.parametrize("file_format", list(FileFormat))
def test_an_export_imported_again_changes_nothing(ploy: User, file_format: FileFormat) -> None:
    kept, unknown = exchange.upload(f"x.{file_format}", exchange.export(file_format), by=ploy, is_masking=False)
    assert unknown == ()
    counted = exchange.counts(exchange.plan(kept))
    assert (counted["same"], counted["bad"]) == (Example.objects.count(), 0), exchange.plan(kept).bad


def test_rows_that_are_there_already_are_no_duplicates(ploy: User) -> None:
    exchange.apply(uploaded(GOOD, by=ploy).pk, by=ploy)
    assert exchange.apply(uploaded(GOOD, by=ploy).pk, by=ploy) == {"new": 0, "changed": 0, "same": 1, "bad": 0}


def test_work_that_somebody_did_since_the_export_is_not_lost(ploy: User) -> None:
    rows = [json.loads(line) for line in exchange.export(FileFormat.JSONL).decode().splitlines()][:2]
    colleague = Example.objects.get(pk=rows[0]["id"])
    colleague.response += " นะคะ"
    colleague.save()
    rows[0]["response"] = rows[1]["response"] = "ทับค่ะ"
    rows[0]["locale"] = rows[1]["locale"] = "th"
    assert problems(*rows) == [(1, "edit_version", "Somebody changed this example after the file was exported.")]


def test_a_change_between_dry_run_and_import_stops_it(ploy: User) -> None:
    kept = uploaded(GOOD, by=ploy)
    assert exchange.plan(kept).bad == []
    exchange.apply(uploaded(GOOD | {"response": "ไม่ส่งค่ะ"}, by=ploy).pk, by=ploy)
    with pytest.raises(exchange.RefusedError):
        exchange.apply(kept.pk, by=ploy)


def test_the_same_id_twice_is_named(shop: None) -> None:
    example = Example.objects.all()[0]
    rows = [{"id": example.pk, "note": "a"}, {"id": example.pk, "note": "b"}]
    assert problems(*rows) == [(2, "id", "Row 1 has the same id.")]


def test_columns_that_a_file_lacks_stay_as_they_are(ploy: User) -> None:
    example = Example.objects.all()[0]
    exchange.apply(uploaded({"id": example.pk, "is_on": "no"}, by=ploy).pk, by=ploy)
    after = Example.objects.get(pk=example.pk)
    assert not after.is_on
    assert (after.response, after.note, after.position) == (example.response, example.note, example.position)


def test_personal_data_can_be_masked_instead(ploy: User) -> None:
    row = GOOD | {"customer_text": "โทร 0812345678 ได้ไหม", "response": "โทร 02-123-4567 หรือ support@shop.example ค่ะ"}
    kept = uploaded(row, by=ploy, is_masking=True)
    assert exchange.counts(exchange.plan(kept))["masked"] == 1
    exchange.apply(kept.pk, by=ploy)
    example = Example.objects.latest("pk")
    assert example.customer_text == "โทร [phone] ได้ไหม"
    assert example.response == "โทร [phone] หรือ support@shop.example ค่ะ", "the shop's own address is in its facts"


def test_near_duplicates_and_contradictions_are_shown(shop: None) -> None:
    planned = exchange.plan(
        uploaded(
            GOOD | {"customer_text": "ร้านเปิดกี่โมงครับ", "intent": "อื่นๆ"},
            GOOD | {"customer_text": "ของที่สั่งไปเมื่อวานยังไม่ถึงเลยค่ะ"},
            GOOD | {"customer_text": "ของที่สั่งไปเมื่อวานยังไม่ถึงเลยครับ", "intent": "คืนสินค้า"},
        )
    )
    compared, found = exchange.likenesses(planned)
    (near,) = found.duplicates
    assert (compared[near.first].row, compared[near.second].customer_text) == (1, "ร้านเปิดกี่โมงคะ")
    (against,) = found.contradictions
    assert (compared[against.first].row, compared[against.second].row, against.fields) == (2, 3, ("intent",))


def test_an_import_changes_the_draft_and_not_what_customers_meet(ploy: User) -> None:
    live = Release.objects.get(is_live=True)
    exchange.apply(uploaded(GOOD, by=ploy).pk, by=ploy)
    assert Release.objects.get(is_live=True).content_hash == live.content_hash
    assert Release.objects.count() == 1


def test_five_thousand_rows_of_which_fifty_are_bad(ploy: User) -> None:
    bad = range(100, 5100, 100)
    rows = [GOOD | {"customer_text": f"ถามเรื่องที่ {number} {number * 7919 % 10007} ค่ะ"} for number in range(1, 5001)]
    for number in bad:
        rows[number - 1] |= {"intent": "ไม่มี"}
    start = time.monotonic()
    kept = uploaded(*rows, by=ploy)
    planned = exchange.plan(kept)
    assert [line.raw.number for line in planned.bad] == list(bad)
    before = Example.objects.count()
    with pytest.raises(exchange.RefusedError):
        exchange.apply(kept.pk, by=ploy)
    assert Example.objects.count() == before
    assert exchange.apply(kept.pk, by=ploy, without=list(bad))["new"] == 4950
    assert Example.objects.count() == before + 4950
    assert time.monotonic() - start < 60, "under 30 s on a machine that does nothing else"


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_file_at_once_make_its_examples_once(ploy: User) -> None:
    first, second = uploaded(GOOD, by=ploy), uploaded(GOOD, by=ploy)
    results: list[int] = []

    def run(import_id: int) -> None:
        results.append(exchange.apply(import_id, by=ploy)["new"])
        connection.close()

    threads = [threading.Thread(target=run, args=[kept.pk]) for kept in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 1]
    assert Example.objects.filter(customer_text=GOOD["customer_text"]).count() == 1


def test_an_upload_that_nobody_imports_is_forgotten_after_a_day(ploy: User) -> None:
    old, new = uploaded(GOOD, by=ploy), uploaded(GOOD, by=ploy)
    ExampleImport.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    (job,) = [job for job in JOBS if job.work is forget_old_uploads]
    job.work()
    assert list(ExampleImport.objects.all()) == [new]


def test_many_rows_of_an_export_that_change_nothing_are_read_in_seconds(ploy: User) -> None:
    intent = Intent.objects.all()[0]
    rows = [Example(customer_text=f"ถามเรื่องที่ {number}", response="ค่ะ", intent=intent) for number in range(600)]
    Example.objects.bulk_create(rows)
    kept, _unknown = exchange.upload("x.csv", exchange.export(FileFormat.CSV), by=ploy, is_masking=False)
    start = time.process_time()
    planned = exchange.plan(kept)
    assert exchange.counts(planned)["same"] == Example.objects.count()
    assert (planned.new, planned.changed, planned.bad) == ([], [], [])
    assert time.process_time() - start < 20
