"""Tables that people send, CSV or XLSX, as rows of texts that know where they stand."""

from __future__ import annotations

import codecs
import csv
import io
import re
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from service import workbooks
from service.errors import BadInput
from service.workbooks import MOST_COLUMNS, MOST_ROWS, SheetTooLarge, letters_of

UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
SEPARATORS = (";", "\t", "|", "；", "，")


class WrongSeparator(BadInput):
    """CSV 的各列须用英文逗号分隔；第一行用的是“{found}”。"""

    code = "wrong_separator"


class TextUnreadable(BadInput):
    """CSV 的文字须是 UTF-8 或 GB18030 编码，第 {line} 行附近读不懂。"""

    code = "text_unreadable"


class NotATable(BadInput):
    """只能导入 XLSX 或 CSV 表格。"""

    code = "not_a_table"


class Row(NamedTuple):
    """A row's number as spreadsheets count, and its cells' texts."""

    number: int
    cells: list[str]


class Table(NamedTuple):
    """A table: of which sheet ("CSV" where there are none), its heading, and the rows that are not empty."""

    sheet: str
    heading: Row
    rows: list[Row]


def text_of(content: bytes) -> str | None:
    """Bytes as text: UTF-8, else GB18030; None when they are none."""
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            return None
    return None if UNSPEAKABLE.search(text) else text


def read(content: bytes, wanted: str) -> Table:
    """A table from a file's bytes; `wanted` is the sheet to read where there is one of that name.

    Raises NotATable, WrongSeparator, TextUnreadable and what workbooks raise.
    """
    if content.startswith(b"PK\x03\x04"):
        sheet, values = workbooks.read(content, wanted)
        rows = [Row(number, list(map(text_in, cells))) for number, cells in enumerate(values, 1)]
    else:
        sheet, rows = "CSV", read_csv(content)
    full = [row for row in rows if any(row.cells)]
    if not full:
        raise NotATable
    return Table(sheet, full[0], full[1:])


def read_csv(content: bytes) -> list[Row]:
    """The rows of a CSV file; a row is counted by itself, however many lines a quoted cell has."""
    text = text_of(content)
    if text is None:
        raise NotATable
    first = text.lstrip("\r\n").partition("\n")[0]
    found = next((each for each in SEPARATORS if each in first), "")
    if "," not in first and found:
        raise WrongSeparator(found="Tab" if found == "\t" else found)
    rows, reader = [], csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if number > MOST_ROWS or len(cells) > MOST_COLUMNS:
                cell = f"{letters_of(len(cells) - 1)}{number}"
                raise SheetTooLarge(sheet="CSV", cell=cell, rows=MOST_ROWS, columns=MOST_COLUMNS)
            rows.append(Row(number, [each.strip() for each in cells]))
    except csv.Error:
        raise TextUnreadable(line=reader.line_num) from None
    return rows


def text_in(value: object) -> str:
    """What a spreadsheet's cell holds, as a person would type it."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float | int):
        return plain_number(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == value.min.time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def plain_number(value: float) -> str:
    """The shortest decimal that is that number, as spreadsheets show it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return format(Decimal(repr(value)), "f")
