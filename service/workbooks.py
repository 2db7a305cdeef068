"""XLSX files from people: looked through before they are read, so that nothing runs, hides or unfolds without end.

What is read is a workbook written anew from the parts that were looked through, never the bytes as they came.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook

from service.errors import BadInput

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_UNPACKED = 120 * 2**20
MOST_PARTS = 500
MOST_ROWS = 50_001
"""Lines and their heading."""
MOST_COLUMNS = 40
OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
NEEDED = re.compile(r"\[Content_Types\]\.xml|_rels/\.rels|xl/(_rels/)?[^/]+|xl/worksheets/[^/]+")
"""The parts that a table's values are in: no pictures, no settings of printers, nothing foreign."""
SHEETS = "xl/worksheets/"
CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


class WorkbookUnreadable(BadInput):
    """这个 XLSX 文件打不开：可能已损坏、加了密码，或不是 XLSX。"""

    code = "workbook_unreadable"


class WorkbookHasMacros(BadInput):
    """这个文件含有宏（{part}），不予接受。请另存为不含宏的 XLSX。"""

    code = "workbook_has_macros"


class WorkbookLinked(BadInput):
    """这个文件链接到别的文件（{part}），不予接受。请断开链接，只留下数值。"""

    code = "workbook_linked"


class WorkbookUnfolds(BadInput):
    """这个文件解压后超过 {most_mb} MB，不予接受。"""

    code = "workbook_unfolds"


class CellIsFormula(BadInput):
    """工作表“{sheet}”的单元格 {cell} 是公式，请改成数值（复制，再选择性粘贴为数值）。"""

    code = "cell_is_formula"


class CellsMerged(BadInput):
    """工作表“{sheet}”的 {cell} 是合并的单元格，请取消合并。"""

    code = "cells_merged"


class SheetTooLarge(BadInput):
    """工作表“{sheet}”用到了单元格 {cell}：最多 {rows} 行、{columns} 列，请删去多余的行和列。"""

    code = "sheet_too_large"


class Sheet(NamedTuple):
    """A sheet by its name, and the part that it is in."""

    name: str
    part: str


Value = int | float | str | bool | time | date | datetime | timedelta
"""What a cell holds: text, a number, a truth, a date; an empty text where it is empty."""


def parts(content: bytes) -> dict[str, bytes]:
    """The parts of a workbook that hold its values, unpacked. Raises the refusals above, but those of cells."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            infos = archive.infolist()
            require_harmless([each.filename for each in infos])
            declared = sum(each.file_size for each in infos)
            if declared > MOST_UNPACKED or len(infos) > MOST_PARTS:
                raise WorkbookUnfolds(most_mb=MOST_UNPACKED // 2**20)
            found = {each.filename: archive.read(each) for each in infos if NEEDED.fullmatch(each.filename)}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError, OSError):
        raise WorkbookUnreadable from None
    if "xl/workbook.xml" not in found:
        raise WorkbookUnreadable
    return found


def require_harmless(names: list[str]) -> None:
    """Raise WorkbookHasMacros, WorkbookLinked or WorkbookUnreadable for what the names alone tell."""
    for name in names:
        low = name.lower()
        if "vbaproject" in low or "macrosheets/" in low or low.endswith((".bas", ".vbs")):
            raise WorkbookHasMacros(part=name[:100])
        if low.startswith("xl/externallinks/"):
            raise WorkbookLinked(part=name[:100])
    if len(set(names)) != len(names):
        raise WorkbookUnreadable


def sheets(found: dict[str, bytes]) -> list[Sheet]:
    """The sheets in their order. Raises WorkbookUnreadable."""
    book, links = tree(found["xl/workbook.xml"]), tree(found.get("xl/_rels/workbook.xml.rels", b""))
    targets = {each.get("Id", ""): each.get("Target", "") for each in links}
    named = [each for each in book.iter() if each.tag.rpartition("}")[2] == "sheet"]
    known = [Sheet(each.get("name", ""), resolved(targets.get(each.get(OFFICE, ""), ""))) for each in named]
    if not known or any(each.part not in found for each in known if each.part.startswith(SHEETS)):
        raise WorkbookUnreadable
    return [each for each in known if each.part in found]


def resolved(target: str) -> str:
    """A part's name from a link of the workbook."""
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def tree(content: bytes) -> ElementTree.Element:
    """A small part's elements. Raises WorkbookUnreadable, also for a document type, which no workbook has."""
    if len(content) > 2**20 or b"<!DOCTYPE" in content or b"\0" in content:
        raise WorkbookUnreadable
    try:
        return ElementTree.fromstring(content)  # noqa: S314 - small, and without a document type
    except ElementTree.ParseError:
        raise WorkbookUnreadable from None


class Walk:
    """Looks at every cell of a sheet: none is a formula or merged, all are within bounds."""

    def __init__(self, sheet: str) -> None:
        self.sheet = sheet
        self.cell = ""
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.StartDoctypeDeclHandler = refuse_doctype

    def look(self, content: bytes) -> None:
        """Raises CellIsFormula, CellsMerged, SheetTooLarge and WorkbookUnreadable."""
        try:
            self.parser.Parse(content, True)
        except expat.ExpatError:
            raise WorkbookUnreadable from None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        kind = name.rpartition(":")[2]
        if kind == "c":
            self.place(attributes.get("r", ""))
        elif kind == "f":
            raise CellIsFormula(sheet=self.sheet, cell=self.cell)
        elif kind == "mergeCell":
            raise CellsMerged(sheet=self.sheet, cell=attributes.get("ref", "")[:30])
        elif kind == "row" and int_of(attributes.get("r")) > MOST_ROWS:
            raise self.too_large(f"A{attributes['r'][:10]}")

    def place(self, reference: str) -> None:
        """A cell begins. One without its place stands beside the one before."""
        self.cell = reference[:12]
        if not reference:
            return
        found = CELL.fullmatch(reference)
        if found is None:
            raise WorkbookUnreadable
        letters, digits = found.groups()
        if int(digits) > MOST_ROWS or len(letters) > 2 or column_of(letters) >= MOST_COLUMNS:
            raise self.too_large(reference)

    def too_large(self, cell: str) -> SheetTooLarge:
        """The refusal, naming the cell."""
        return SheetTooLarge(sheet=self.sheet, cell=cell, rows=MOST_ROWS, columns=MOST_COLUMNS)


def refuse_doctype(*_: object) -> None:
    """No part of a workbook has a document type."""
    raise WorkbookUnreadable


def int_of(text: str | None) -> int:
    """A row's number; 0 where it has none. Raises WorkbookUnreadable."""
    if text is None:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise WorkbookUnreadable
    return int(text)


def column_of(letters: str) -> int:
    """A column's index from its letters: A is 0, AA is 26."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1


def letters_of(column: int) -> str:
    """A column's letters: 0 is A, 26 is AA."""
    letters, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def read(content: bytes, wanted: str) -> tuple[str, list[list[Value]]]:
    """The rows of the sheet of that name, or else of the first: from the sheet's first row and column on.

    Raises every refusal above.
    """
    found = parts(content)
    known = sheets(found)
    chosen = next((each for each in known if each.name == wanted), known[0])
    Walk(chosen.name).look(found[chosen.part])
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(packed(found)))
        sheet = book.get_sheet_by_name(chosen.name)
        return chosen.name, sheet.to_python(skip_empty_area=False)
    except CalamineError:
        raise WorkbookUnreadable from None


def packed(found: dict[str, bytes]) -> bytes:
    """The parts as a workbook again."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, part in found.items():
            archive.writestr(name, part)
    return out.getvalue()
