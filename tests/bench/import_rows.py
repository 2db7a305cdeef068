"""How fast a workbook of activity data is looked through, read, validated and quantified, and then written."""

from __future__ import annotations

import asyncio
import io
import time
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

import xlsxwriter

from scenarios.factors import FactorBook, default_sets
from scenarios.meeting.lines import EventDays
from service import imports, tables
from service.import_columns import COLUMNS
from tests.bench.figures import Figure

LINES = 20_000
LEAST_PER_S = 5_000
RUNS = 3


def workbook(lines: int) -> bytes:
    """A table of power, meals and journeys."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("活动数据")
        sheet.write_row(0, 0, [each.title for each in COLUMNS[:5]])
        kinds = (["外购电力", 12.5, "kWh"], ["牛肉餐", 30, "份"], ["地铁", "", "", 12, 10.5])
        for number in range(lines):
            sheet.write_row(number + 1, 0, kinds[number % len(kinds)])
    return out.getvalue()


async def seconds_for(content: bytes, lines: int) -> float:
    """How long it takes from bytes to lines that only have to be written."""
    book = FactorBook(default_sets("CN"))
    today = datetime.now(UTC).date()
    days = EventDays("110000", max(today, date(2026, 11, 1)), max(today, date(2026, 11, 2)), 2, 1_000)
    began = time.perf_counter()
    table = tables.read(content, "活动数据")
    done = await imports.quantified(table, {}, days, book, imports.unwatched)
    taken = time.perf_counter() - began
    assert len(done) == lines
    return taken


def measure(_: Path) -> list[Figure]:
    """Lines a second, the median of a few runs."""
    content = workbook(LINES)
    taken = [asyncio.run(seconds_for(content, LINES)) for _ in range(RUNS)]
    per_s = round(LINES / median(taken))
    note = f"XLSX of {LINES} lines, from bytes to lines quantified; nothing written"
    return [Figure(name="import_rows", value=per_s, unit="1/s", limit=LEAST_PER_S, bound="least", note=note)]
