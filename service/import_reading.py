"""A table's rows as lines of activity data: what is wrong is told by cell, and all of it at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache, partial
from typing import Any
from uuid import UUID

import msgspec

from scenarios.quantities import count_from_text, metres_from_km_text
from scenarios.refusals import CarbonRefusal, NumberUnreadable
from service.carbon import carbon_refusal
from service.errors import BadInput, NotNow, Refusal
from service.i18n import LANGUAGES
from service.import_columns import (
    CABINS,
    OF_A_FACTOR,
    OWN,
    OWN_FACTOR,
    RANKS,
    STAGES,
    TITLES,
    TRUTHS,
    heading_readings,
    item_readings,
    readings,
)
from service.line_inputs import NewFactor, NewLine, gases_of
from service.tables import Row, Table
from service.workbooks import letters_of

MOST_TOLD = 200
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
PEOPLE = re.compile(r"[0-9]{1,8}(\.[0-9]{1,6})?")
DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
LONGEST = {"label": 200, "certificate": 100}


class ImportRefused(NotNow):
    """表格中有 {count} 处错误，因此一行也没有导入。"""

    code = "import_refused"


class HeadingUnknown(BadInput):
    """不认识名为“{text}”的列，请使用模板。"""

    code = "heading_unknown"


class HeadingRepeats(BadInput):
    """“{text}”这一列出现了两次。"""

    code = "heading_repeats"


class HeadingMissing(BadInput):
    """缺少“{title}”这一列，请使用模板。"""

    code = "heading_missing"


class CellChoiceUnknown(BadInput):
    """“{text}”不是可选的值，可选：{choices}。"""

    code = "cell_choice_unknown"


class CellDateUnreadable(BadInput):
    """“{text}”不是日期，请像 2026-11-21 这样填写。"""

    code = "cell_date_unreadable"


class CellEmpty(BadInput):
    """这一格须填写。"""

    code = "cell_empty"


class CellTooLong(BadInput):
    """这一格最多 {most} 个字。"""

    code = "cell_too_long"


class CellOutside(BadInput):
    """这一格在表头没有标题的列里，请删去或补上标题。"""

    code = "cell_outside"


class FileNameUnknown(BadInput):
    """这个活动没有名为“{text}”的文件，请先上传。"""

    code = "file_name_unknown"


class CellError(msgspec.Struct, frozen=True):
    """What is wrong with one cell: its place as spreadsheets name it, its column's title, and the refusal."""

    sheet: str
    cell: str
    row: int
    column: str
    code: str
    texts: dict[str, str]


def error_at(sheet: str, row: int, column: int, title: str, refusal: Refusal) -> CellError:
    """A refusal at a cell; `column` counts from 0."""
    texts = {str(language): refusal.message(language) for language in LANGUAGES}
    return CellError(sheet, f"{letters_of(column)}{row}", row, title, refusal.code, texts)


def refused(errors: list[CellError]) -> ImportRefused:
    """The refusal that tells of cells: the first of them, and how many there are."""
    shown = [msgspec.to_builtins(each) for each in errors[:MOST_TOLD]]
    return ImportRefused(count=len(errors), errors=shown)


def columns_of(table: Table) -> dict[str, int]:
    """Where each column stands, by its key. Raises ImportRefused."""
    known, found, errors = heading_readings(), dict[str, int](), list[CellError]()
    for index, text in enumerate(table.heading.cells):
        key = known.get(text.rstrip("* ").casefold())
        if text and (key is None or key in found):
            refusal = HeadingUnknown(text=text[:40]) if key is None else HeadingRepeats(text=text[:40])
            errors.append(error_at(table.sheet, table.heading.number, index, text[:40], refusal))
        elif key is not None:
            found[key] = index
    if "item" not in found:
        missing = HeadingMissing(title=TITLES["item"])
        errors.append(error_at(table.sheet, table.heading.number, 0, TITLES["item"], missing))
    if errors:
        raise refused(errors)
    return found


class Reader:
    """Reads rows into lines. `files` are the event's by name."""

    def __init__(self, table: Table, files: Mapping[str, UUID]) -> None:
        self.sheet = table.sheet
        self.columns = columns_of(table)
        self.files = files
        self.readers = readers(files)

    def line(self, row: Row) -> NewLine | list[CellError]:
        """The row's line, or what is wrong with its cells."""
        values, errors = dict[str, Any](), list[CellError]()
        for key, index in self.columns.items():
            text = row.cells[index] if index < len(row.cells) else ""
            if not text and key != "item":
                continue
            try:
                values[key] = self.readers[key](text)
            except CarbonRefusal as refusal:
                errors.append(self.error(row, key, carbon_refusal(refusal)))
            except Refusal as refusal:
                errors.append(self.error(row, key, refusal))
        errors += self.outside(row)
        if not errors:
            errors = [self.error(row, key, CellEmpty()) for key in lacking(values)]
        return errors or line_of(values)

    def error(self, row: Row, key: str, refusal: Refusal) -> CellError:
        """A refusal at the row's cell of that column; at the item's where the table has no such column."""
        index = self.columns.get(key, self.columns["item"])
        return error_at(self.sheet, row.number, index, TITLES[key], refusal)

    def domain_error(self, row: Row, refusal: Refusal) -> CellError:
        """What the rules refuse of a line, at the cell that it speaks of."""
        key, index = OWN.get(refusal.code, "item"), self.columns.get("own_unit", len(row.cells))
        if key == "unit" and index < len(row.cells) and row.cells[index][:40] == refusal.values.get("unit"):
            key = "own_unit"
        return self.error(row, key, refusal)

    def outside(self, row: Row) -> list[CellError]:
        """Cells that stand under no heading."""
        if len(row.cells) <= len(self.columns):
            return []
        own = set(self.columns.values())
        strays = [index for index, text in enumerate(row.cells) if text and index not in own]
        return [error_at(self.sheet, row.number, index, "", CellOutside()) for index in strays]


def lacking(values: dict[str, Any]) -> Iterator[str]:
    """Columns that have to be filled in because others are."""
    if ("people" in values) != ("distance_km" in values):
        yield "people" if "distance_km" in values else "distance_km"
    if not OWN_FACTOR.isdisjoint(values):
        yield from (key for key in OF_A_FACTOR if key not in values)


def line_of(values: dict[str, Any]) -> NewLine:
    """A line from its cells' values."""
    distance_m, file_id = values.pop("distance_km", None), values.pop("file", None)
    own = {} if OWN_FACTOR.isdisjoint(values) else {key: values.pop(key) for key in OWN_FACTOR & values.keys()}
    return NewLine(**values, distance_m=distance_m, file_id=file_id, factor=factor_of(own) if own else None)


def factor_of(own: dict[str, Any]) -> NewFactor:
    """A factor of the organizer's own, from its cells' values."""
    return NewFactor(
        value=own["own_value"],
        unit=own["own_unit"],
        gases=gases_of(own["own_unit"]),
        document=own["own_document"],
        publisher=own["own_publisher"],
        published_on=own["own_published_on"].isoformat(),
        file_id=own["own_file"],
        clause=own.get("own_clause", ""),
    )


def readers(files: Mapping[str, UUID]) -> dict[str, Callable[[str], Any]]:
    """How each column's text is read."""
    named = partial(read_file, files=files)
    return {**plain_readers(), "file": named, "own_file": named}


@cache
def plain_readers() -> dict[str, Callable[[str], Any]]:
    """The same for the columns that ask for nothing of the event's."""
    truth = choice(TRUTHS)
    return {
        "item": choice_item(),
        "quantity": lambda text: number(text, AMOUNT),
        "unit": lambda text: text[:40],
        "people": lambda text: number(text, PEOPLE),
        "distance_km": metres_from_km_text,
        "round_trip": lambda text: truth(text) == "yes",
        "cabin": choice(CABINS),
        "occupants": positive,
        "starts_on": day,
        "ends_on": day,
        "stage": choice(STAGES),
        "rank": choice(RANKS),
        "label": lambda text: short(text, LONGEST["label"]),
        "certificate": lambda text: short(text, LONGEST["certificate"]),
        "own_value": lambda text: number(text, AMOUNT),
        "own_unit": lambda text: text[:40],
        "own_document": lambda text: short(text, LONGEST["label"]),
        "own_publisher": lambda text: short(text, LONGEST["label"]),
        "own_published_on": day,
        "own_clause": lambda text: short(text, LONGEST["label"]),
    }


def choice(labels: dict[str, str]) -> Callable[[str], str]:
    """A reader of one of a few values. It raises CellChoiceUnknown."""
    known, shown = readings(labels), "、".join(labels.values())

    def read(text: str) -> str:
        found = known.get(text.casefold())
        if found is None:
            raise CellChoiceUnknown(text=text[:40], choices=shown)
        return found

    return read


def choice_item() -> Callable[[str], str]:
    """A reader of an item. It raises CellEmpty; what is no item is left for the rules to refuse."""
    known = item_readings()

    def read(text: str) -> str:
        if not text:
            raise CellEmpty
        return known.get(text.casefold(), text[:40])

    return read


def number(text: str, pattern: re.Pattern[str]) -> str:
    """Plain digits. Raises NumberUnreadable."""
    if not pattern.fullmatch(text):
        raise NumberUnreadable(text=text[:40])
    return text


def positive(text: str) -> int:
    """How many people, one or more. Raises NumberUnreadable."""
    count = count_from_text(text)
    if not 1 <= count <= 10_000_000:
        raise NumberUnreadable(text=text[:40])
    return count


def day(text: str) -> date:
    """A date. Raises CellDateUnreadable."""
    found = DAY.fullmatch(text)
    try:
        year, month, day_of_month = map(int, found.groups() if found else ())
        return date(year, month, day_of_month)
    except ValueError:
        raise CellDateUnreadable(text=text[:40]) from None


def short(text: str, most: int) -> str:
    """Text of one line. Raises CellTooLong."""
    plain = " ".join(text.split())
    if len(plain) > most:
        raise CellTooLong(most=most)
    return plain


def read_file(text: str, files: Mapping[str, UUID]) -> UUID:
    """The event's file of that name. Raises FileNameUnknown."""
    found = files.get(text)
    if found is None:
        raise FileNameUnknown(text=text[:80])
    return found
