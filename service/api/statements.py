"""What a citizen holds, and how it came and went."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from service import balances, statement_csv, statements
from service.access import Caller
from service.api.given import Config, Pool
from service.api.problems import Texts, language_of, refuses
from service.balances import Balance, EventNamed
from service.donation_uses import Use
from service.schedules import DaysReversed
from service.statement_lines import Kind, Line, Part, Reserved, Subject
from service.statement_words import sentence
from service.statements import CursorUnknown, Wanted

Cursor = Annotated[
    str | None,
    QueryParameter(min_length=1, max_length=200, description="`next_cursor` of the page before; filters as there."),
]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]
Reason = Annotated[Kind | None, QueryParameter(description="Only lines of this kind.")]
First = Annotated[date | None, QueryParameter(name="from", description="From this day on, by China's calendar.")]
Last = Annotated[date | None, QueryParameter(name="to", description="Up to and with this day, by China's calendar.")]
About = Annotated[UUID | None, QueryParameter(description="Only lines about this event.")]

CSV_TYPE = "text/csv"
CSV_HEADERS = {
    "content-disposition": 'attachment; filename="tanhui-statement.csv"',
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


class LineShown(msgspec.Struct, frozen=True, kw_only=True):
    """Grams that came (or went: negative), `balance_g` after it, and why, in words.

    `subject_id` is the id of what the line is about (`subject`; none where nothing else is recorded of it). `use`
    tells what became of a donation, `reserved` how a reservation ended.
    """

    id: UUID
    made_at: datetime
    kind: Kind
    grams: int
    balance_g: int
    text: Texts
    parts: list[Part]
    refers_to: UUID | None
    subject: Subject | None
    subject_id: UUID
    event: EventNamed | None
    reserved: Reserved | None
    use: Use | None


class StatementShown(msgspec.Struct, frozen=True):
    """The newest lines first. With a filter a page can be short, or empty, and still have a next one."""

    lines: list[LineShown]
    next_cursor: str | None


@get("/me/balance", responses=refuses())
async def read_balance(request: Request[Caller, Any, Any], pool: Pool) -> Balance:
    """The caller's credits by class, what is reserved, and what each may not be used for."""
    async with pool.acquire() as connection:
        return await balances.read(connection, request.user.member)


@get("/me/statement", responses=refuses(CursorUnknown, DaysReversed))
async def read_statement(
    request: Request[Caller, Any, Any],
    pool: Pool,
    config: Config,
    cursor: Cursor = None,
    limit: PageSize = 50,
    reason: Reason = None,
    first: First = None,
    last: Last = None,
    event_id: About = None,
) -> StatementShown:
    """The caller's transfers, the newest first, each explained."""
    wanted = Wanted(reason, first, last, event_id)
    async with pool.acquire() as connection:
        page = await statements.read(connection, config, request.user.member, wanted, cursor, limit)
    return StatementShown([shown(each) for each in page.lines], page.next_cursor)


@get(
    "/me/statement.csv",
    media_type=CSV_TYPE,
    responses={
        **refuses(DaysReversed),
        200: ResponseSpec(str, media_type="text/csv", generate_examples=False, description="One row a line"),
    },
)
async def export_statement(
    request: Request[Caller, Any, Any],
    pool: Pool,
    config: Config,
    reason: Reason = None,
    first: First = None,
    last: Last = None,
    event_id: About = None,
) -> Stream:
    """The whole statement, for spreadsheets."""
    wanted = Wanted(reason, first, last, event_id)
    rows = await statement_csv.stream(pool, config, request.user.member, wanted, language_of(request))
    return Stream(rows, headers=CSV_HEADERS, media_type=CSV_TYPE)


def shown(line: Line) -> LineShown:
    """A line for people and programs."""
    return LineShown(
        id=line.id,
        made_at=line.made_at,
        kind=line.kind,
        grams=line.grams,
        balance_g=line.balance_g,
        text=Texts(zh=sentence(line, "zh"), en=sentence(line, "en")),
        parts=line.parts,
        refers_to=line.refers_to,
        subject=line.subject,
        subject_id=line.subject_id,
        event=EventNamed(line.event_id, line.event_name) if line.event_id and line.event_name else None,
        reserved=line.reserved,
        use=line.use,
    )


routes = [read_balance, read_statement, export_statement]
