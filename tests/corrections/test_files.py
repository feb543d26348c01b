"""Files as people have them are read, and what is written is read back as it was."""

import io
import json
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from conversations.playbook.exchange_columns import COLUMNS
from conversations.playbook.exchange_files import FileError, format_of, read_file, write_file
from conversations.playbook.models import FileFormat

HEADER = "customer_text,intent,response\n"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufffe\uffff"), max_size=30)


def row(**changes: object) -> dict[str, Any]:
    """Return a row as it is exported."""
    usual = {
        "id": 7,
        "edit_version": 2,
        "customer_text": "ส่งไหม",
        "intent": "จัดส่ง",
        "response": "ส่งค่ะ",
        "locale": "th",
    }
    flags = {"action_required": False, "escalate": True, "is_pinned": True, "is_on": True}
    return {**usual, **flags, "tags": ["a", "b"], "position": 10, "note": "", **changes}


def sheet(*lines: list[Any]) -> bytes:
    """Return an XLSX file as a spreadsheet program saves it."""
    book = Workbook()
    for line in lines:
        book.worksheets[0].append(line)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("file_format", list(FileFormat))
@settings(max_examples=25)
@given(text=TEXTS, note=TEXTS)
def test_what_is_written_is_read_back(file_format: FileFormat, text: str, note: str) -> None:
    # A line end of its own kind is no part of the words: spreadsheets keep only one kind.
    text, note = (f"a{each}".replace("\r\n", "\n").replace("\r", "\n") for each in (text, note))
    table = read_file(write_file([row(customer_text=text, note=note)], file_format), file_format)
    (read,) = table.rows
    assert set(read.values) == set(COLUMNS)
    assert (read.values["customer_text"], read.values["note"]) == (text, note)
    assert (read.values["escalate"], read.values["tags"], read.values["id"]) == ("true", "a, b", "7")


@pytest.mark.parametrize("text", ["=1+1", "+66", "-5", "@cmd", "'=1", "''@", "\t=1"])
@pytest.mark.parametrize("file_format", [FileFormat.CSV, FileFormat.XLSX])
def test_no_cell_is_a_formula_and_its_words_come_back(file_format: FileFormat, text: str) -> None:
    data = write_file([row(response=text)], file_format)
    if file_format == FileFormat.XLSX:
        cells = [cell for line in load_workbook(io.BytesIO(data)).worksheets[0].iter_rows() for cell in line]
        assert all(cell.data_type in {"s", "inlineStr"} for cell in cells if cell.value is not None)
    else:
        assert f"'{text}" in data.decode("utf-8-sig")
    assert read_file(data, file_format).rows[0].values["response"] == text


@pytest.mark.parametrize(
    "data",
    [
        (HEADER + "ส่งไหม,จัดส่ง,ส่งค่ะ\n").encode(),
        (HEADER + "ส่งไหม,จัดส่ง,ส่งค่ะ\n").encode("utf-8-sig"),
        (HEADER + "ส่งไหม,จัดส่ง,ส่งค่ะ\n").encode("cp874"),
        (HEADER + "ส่งไหม,จัดส่ง,ส่งค่ะ\n").encode("utf-16"),
        "Customer says;Intent;The bot answers\r\n\r\nส่งไหม;จัดส่ง;ส่งค่ะ\r\n".encode(),
        "คำถาม\tหมวด\tคำตอบ\nส่งไหม\tจัดส่ง\tส่งค่ะ\n".encode(),
    ],
)
def test_csv_files_of_all_kinds_are_read(data: bytes) -> None:
    (read,) = read_file(data, FileFormat.CSV).rows
    assert dict(read.values) == {"customer_text": "ส่งไหม", "intent": "จัดส่ง", "response": "ส่งค่ะ"}


def test_rows_have_the_numbers_that_the_spreadsheet_shows() -> None:
    table = read_file((HEADER + '"a\nb",x,y\n\n,,\nc,x,y\nd,x,y,z\n').encode(), FileFormat.CSV)
    assert [(each.number, each.problem) for each in table.rows] == [(2, ""), (5, ""), (6, "cells")]


def test_a_spreadsheets_own_kinds_of_cells_are_read() -> None:
    data = sheet(
        ["question", "label", "answer", "escalate", "order", "???"], ["ส่งไหม", "จัดส่ง", "ส่งค่ะ", True, 20.0, "x"]
    )
    table = read_file(data, FileFormat.XLSX)
    values = {"customer_text": "ส่งไหม", "intent": "จัดส่ง", "response": "ส่งค่ะ", "escalate": "true", "position": "20"}
    assert dict(table.rows[0].values) == values
    assert table.unknown == ("???",)


def test_a_line_that_is_no_json_is_a_bad_row_and_no_bad_file() -> None:
    good = json.dumps({"customer_text": "a", "intent": "b", "response": "c", "tags": ["x", "y"], "is_on": False})
    table = read_file(f"{good}\n{{broken\n[1]\n{good}".encode(), FileFormat.JSONL)
    assert [(each.number, each.problem) for each in table.rows] == [(1, ""), (2, "json"), (3, "json"), (4, "")]
    assert (table.rows[0].values["tags"], table.rows[0].values["is_on"]) == ("x, y", "false")


def bomb() -> bytes:
    """Return a small file that would be large unpacked."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b"0" * (101 * 1024 * 1024))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "file_format", "words"),
    [
        (b"", FileFormat.CSV, "no row"),
        (HEADER.encode(), FileFormat.CSV, "no row"),
        (b"a,b\n1,2\n", FileFormat.CSV, "customer_text, intent, response"),
        (b"\xff\xfe\xff", FileFormat.CSV, "UTF-8"),
        (HEADER.encode() + b'"' + b"a" * 200_000, FileFormat.CSV, "not a CSV"),
        (b"no zip", FileFormat.XLSX, "not an Excel"),
        (HEADER.encode() + b"a,b,c\n" * 20_001, FileFormat.CSV, "split"),
        (b"x" * (10 * 1024 * 1024 + 1), FileFormat.JSONL, "larger than 10 MB"),
        (sheet(["a"])[:-100], FileFormat.XLSX, "not an Excel"),
    ],
)
def test_what_is_no_such_file_is_refused_in_words(data: bytes, file_format: FileFormat, words: str) -> None:
    with pytest.raises(FileError, match=words):
        read_file(data, file_format)


def test_a_file_that_grows_when_unpacked_is_refused_before() -> None:
    with pytest.raises(FileError, match="larger than 100 MB"):
        read_file(bomb(), FileFormat.XLSX)


def test_the_name_says_the_format() -> None:
    assert [format_of(name) for name in ("a.CSV", "ข้อมูล.xlsx", "b.c.jsonl")] == ["csv", "xlsx", "jsonl"]
    with pytest.raises(FileError, match="must end in"):
        format_of("examples.pdf")
