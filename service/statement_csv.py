"""A statement as comma-separated values, for spreadsheets: RFC 4180, in UTF-8 with a byte order mark.

Texts can hold names that strangers chose, and a spreadsheet takes a cell that begins with = + - @ for a formula.
Such a beginning gets an apostrophe before it, also behind what could be read as a cell's border (OWASP, CSV
Injection, https://owasp.org/www-community/attacks/CSV_Injection). Numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import UUID

import asyncpg

from scenarios.regions import jurisdiction_name
from service import statements
from service.config import Config
from service.i18n import Language, mark, translate
from service.schedules import CHINA
from service.statement_lines import Line, Part
from service.statement_words import KIND_LABELS, sentence
from service.statements import Statement, Wanted

HEADINGS = (
    mark("时间（北京时间）"),
    mark("种类"),
    mark("说明"),
    mark("变动（克）"),
    mark("变动后余额（克）"),
    mark("活动"),
    mark("减排量类别"),
    mark("编号"),
    mark("所指编号"),
)
BYTE_ORDER_MARK = "\ufeff"
PAGE = 500
FORMULA = re.compile(r"""(^|[,;|"'\t\r\n])(\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])""")


async def stream(
    pool: asyncpg.Pool, config: Config, member_id: UUID, wanted: Wanted, language: Language
) -> AsyncIterator[str]:
    """The statement in pieces; each is read when the one before has been taken. Raises DaysReversed at once."""
    async with pool.acquire() as connection:
        first = await statements.read(connection, config, member_id, wanted, None, PAGE)
    return pieces(pool, config, member_id, wanted, language, first)


async def pieces(
    pool: asyncpg.Pool, config: Config, member_id: UUID, wanted: Wanted, language: Language, page: Statement
) -> AsyncIterator[str]:
    """The headings and first page, then page after page."""
    yield BYTE_ORDER_MARK + written([[translate(language, each) for each in HEADINGS]])
    yield written(row_of(line, language) for line in page.lines)
    while page.next_cursor:
        async with pool.acquire() as connection:
            page = await statements.read(connection, config, member_id, wanted, page.next_cursor, PAGE)
        yield written(row_of(line, language) for line in page.lines)


def written(rows: Iterable[Sequence[str | int]]) -> str:
    """Rows as lines: every text quoted and harmless, every number bare."""
    paper = io.StringIO(newline="")
    writer = csv.writer(paper, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return paper.getvalue()


def harmless(text: str) -> str:
    """The text, such that no spreadsheet takes it or a piece of it for a formula."""
    return FORMULA.sub(r"\1'\2", text)


def row_of(line: Line, language: Language) -> list[str | int]:
    """A line's cells, in the order of the headings."""
    return [
        line.made_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S"),
        translate(language, KIND_LABELS[line.kind]),
        sentence(line, language),
        line.grams,
        line.balance_g,
        line.event_name or "",
        "; ".join(part_text(each, language) for each in line.parts),
        str(line.id),
        str(line.refers_to or ""),
    ]


def part_text(part: Part, language: Language) -> str:
    """A class and its grams: 北京 DB11/T 3043 2024 2026-09 来「…」途中获得: 800."""
    place = jurisdiction_name(part.region, language)
    text = f"{place} {part.methodology} {part.version} {part.vintage:%Y-%m}"
    if part.earned_at:
        earned = translate(language, mark("来「%(event)s」途中获得")) % {"event": part.earned_at.event_name}
        text = f"{text} {earned}"
    return f"{text}: {part.grams}"
