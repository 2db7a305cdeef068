"""A statement for spreadsheets: the whole of it, numbers as numbers, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from uuid import UUID

import asyncpg
import pytest

from service import statement_csv, statements
from service.config import Config
from service.statement_csv import harmless
from service.statements import Wanted
from tests.books import rich_member
from tests.histories import give
from tests.stated import busy_member, whole
from tests.tallied import hall


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "\n=", "\uff1d", "\uff20"])
def test_no_cell_and_no_piece_of_one_begins_as_a_formula(start: str) -> None:
    assert harmless(f"{start}1+1") == f"'{start}1+1"
    for border in (",", ";", '"', "\t", "|", "\n"):
        assert f"{border}'{start}HYPERLINK" in harmless(f"x{border}{start}HYPERLINK()")
    assert harmless("2026-11-20 a=b+c, x@y") == "2026-11-20 a=b+c, x@y"


async def exported(pool: asyncpg.Pool, config: Config, member: UUID, wanted: Wanted = statements.EVERYTHING) -> str:
    """The whole file."""
    return "".join([piece async for piece in await statement_csv.stream(pool, config, member, wanted, "zh")])


async def test_a_strangers_words_are_no_formula_in_a_spreadsheet_and_numbers_are_numbers(
    database: asyncpg.Pool, config: Config
) -> None:
    event = (await hall(database)).id
    hostile = '=HYPERLINK("http://evil.invalid";"x")\n,=1+1'
    await database.execute("UPDATE events SET name = $2 WHERE id = $1", event, hostile)
    member = await rich_member(database, 500)
    await give(database, member, event, 100)
    text = await exported(database, config, member)
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    assert len(rows) == 3
    for cell in (cell for row in rows for column, cell in enumerate(row) if column not in (3, 4)):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert ",=" not in cell
    assert (rows[1][3], rows[1][4]) == ("-100", "400")
    assert ",-100,400," in text


async def test_the_file_is_the_whole_statement_page_after_page(
    database: asyncpg.Pool, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement_csv, "PAGE", 3)
    member = await busy_member(database, ((await hall(database)).id,))
    lines = await whole(database, config, member)
    for wanted in (statements.EVERYTHING, Wanted(kind="donate")):
        fitting = [line for line in lines if wanted.kind in (None, line.kind)]
        text = await exported(database, config, member, wanted)
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))[1:]
        assert [(row[7], int(row[3]), int(row[4])) for row in rows] == [
            (str(line.id), line.grams, line.balance_g) for line in fitting
        ]
