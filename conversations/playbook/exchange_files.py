"""Files of examples: CSV, JSON lines and XLSX, read into rows of texts and written from them. No database.

What comes from outside is hostile: sizes are bounded before anything is unpacked, and cells that a spreadsheet would
run as a formula are written with an apostrophe in front, which reading takes away again.
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from django.utils.translation import gettext as _

from conversations.playbook.exchange_columns import COLUMNS, column_of
from conversations.playbook.models import FileFormat

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 100 * 1024 * 1024
MAX_ROWS: Final = 20_000
MAX_CELLS: Final = 100
FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
QUOTED: Final = re.compile(r"'+[=+\-@\t\r]")
UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_x(?=[0-9A-Fa-f]{4}_)")
WRITTEN: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
BROKEN_XLSX: Final = (
    zipfile.BadZipFile,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    OSError,
    EOFError,
    NotImplementedError,
)
"""What openpyxl raises for files that are none, besides an error of its own."""


class FileError(Exception):
    """The file can't be read at all; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it stands in the file, by its number there; `problem` if it can't even be read."""

    number: int
    values: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, the columns they have, and those that nobody knows."""

    rows: tuple[RawRow, ...]
    columns: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def format_of(name: str) -> FileFormat:
    """Return the format that a file's name says. Raises FileError."""
    ending = name.lower().rpartition(".")[2]
    known = {"csv": FileFormat.CSV, "tsv": FileFormat.CSV, "txt": FileFormat.CSV, "xlsx": FileFormat.XLSX}
    known |= {"jsonl": FileFormat.JSONL, "ndjson": FileFormat.JSONL}
    if ending not in known:
        raise FileError(_("The file's name must end in .csv, .jsonl or .xlsx."))
    return known[ending]


def read_file(data: bytes, file_format: FileFormat) -> Table:
    """Return what a file says. Raises FileError."""
    if len(data) > MAX_BYTES:
        raise FileError(_("The file is larger than %(size)d MB.") % {"size": MAX_BYTES // 1024 // 1024})
    read = {FileFormat.CSV: _read_csv, FileFormat.JSONL: _read_jsonl, FileFormat.XLSX: _read_xlsx}[file_format]
    table = read(data)
    if not table.rows:
        raise FileError(_("There is no row in the file."))
    missing = [column for column in ("customer_text", "intent", "response") if column not in table.columns]
    if missing and "id" not in table.columns:
        raise FileError(_("Columns are missing: %(columns)s.") % {"columns": ", ".join(missing)})
    return table


def _read_csv(data: bytes) -> Table:
    text = _decoded(data)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return _table(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False))
    except csv.Error as error:
        raise FileError(_("The file is not a CSV file that can be read.")) from error


def _decoded(data: bytes) -> str:
    """Return the text of a file: UTF-8, UTF-16 with a mark, or what Windows in Thai saves (cp874)."""
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp874"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileError(_("The file's letters can't be read. Save it as UTF-8."))


def _read_xlsx(data: bytes) -> Table:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_UNPACKED_BYTES:
                raise FileError(
                    _("The file is larger than %(size)d MB.") % {"size": MAX_UNPACKED_BYTES // 1024 // 1024}
                )
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()
            return _table([_cell_text(cell) for cell in row[:MAX_CELLS]] for row in sheet.iter_rows(values_only=True))
        finally:
            book.close()
    except (InvalidFileException, *BROKEN_XLSX) as error:
        raise FileError(_("The file is not an Excel file (XLSX) that can be read.")) from error


def _text(value: object) -> str:
    """Return a value as a text."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case datetime() | date():
            return value.isoformat()
    return str(value)


def _cell_text(value: object) -> str:
    """Return a cell's value as a text, with the characters that XML can't hold."""
    return WRITTEN.sub(lambda code: chr(int(code[1], 16)), _text(value))


def _table(lines: Iterable[Sequence[str]]) -> Table:
    """Return the table that lines of cells make, the first of which names the columns."""
    numbered = enumerate(islice(lines, MAX_ROWS * 2), start=1)
    header: Sequence[str] = next((cells for _number, cells in numbered if any(cells)), [])
    columns = [column_of(name) for name in header]
    rows = [_row(number, columns, cells) for number, cells in numbered if any(cell.strip() for cell in cells)]
    return Table(
        rows=_bounded(rows),
        columns=tuple(column for column in columns if column),
        unknown=tuple(name for name, column in zip(header, columns, strict=True) if not column and name.strip()),
    )


def _row(number: int, columns: Sequence[str], cells: Sequence[str]) -> RawRow:
    if any(cell.strip() for cell in cells[len(columns) :]):
        return RawRow(number, {}, problem="cells")
    values = {column: cell for column, cell in zip(columns, cells, strict=False) if column}
    return RawRow(number, {column: cell[1:] if QUOTED.match(cell) else cell for column, cell in values.items()})


def _bounded(rows: Sequence[RawRow]) -> tuple[RawRow, ...]:
    if len(rows) > MAX_ROWS:
        raise FileError(_("The file has more than %(count)d rows. Please split it.") % {"count": MAX_ROWS})
    return tuple(rows)


def _read_jsonl(data: bytes) -> Table:
    lines = enumerate(_decoded(data).split("\n"), start=1)
    parsed = [_parsed(number, line) for number, line in lines if line.strip()]
    names = dict.fromkeys(name for row in parsed for name in row.values)
    columns = {name: column_of(name) for name in names}
    rows = [
        RawRow(row.number, {columns[name]: value for name, value in row.values.items() if columns[name]}, row.problem)
        for row in parsed
    ]
    return Table(
        rows=_bounded(rows),
        columns=tuple(column for column in columns.values() if column),
        unknown=tuple(name for name, column in columns.items() if not column),
    )


def _parsed(number: int, line: str) -> RawRow:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return RawRow(number, {}, problem="json")
    if not isinstance(values, dict):
        return RawRow(number, {}, problem="json")
    return RawRow(number, {str(name): _json_text(value) for name, value in values.items()})


def _json_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else _text(value)


def write_file(rows: Iterable[Mapping[str, Any]], file_format: FileFormat) -> bytes:
    """Return a file with these rows, in the order of COLUMNS."""
    write = {FileFormat.CSV: _write_csv, FileFormat.JSONL: _write_jsonl, FileFormat.XLSX: _write_xlsx}[file_format]
    return write(rows)


def _write_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in rows)
    # The mark tells Excel that the letters are UTF-8; without it, Thai is unreadable there.
    return file.getvalue().encode("utf-8-sig")


def _cells(row: Mapping[str, Any]) -> Iterator[str]:
    for column in COLUMNS:
        text = _json_text(row[column])
        yield f"'{text}" if FORMULA.match(text) else text


def _write_jsonl(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows).encode()


def _write_xlsx(rows: Iterable[Mapping[str, Any]]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("examples")
    for cells in ([*COLUMNS], *(_cells(row) for row in rows)):
        line = [WriteOnlyCell(sheet, UNWRITABLE.sub(_written, cell)) for cell in cells]
        for cell in line:
            # Never a formula, whatever a customer wrote.
            cell.data_type = "s"
        sheet.append(line)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _written(found: re.Match[str]) -> str:
    """Return a character that XML can't hold as spreadsheets write it."""
    return f"_x{ord(found[0][0]):04X}_{found[0][1:]}"
