"""A citizen's statement: what came and went, month by month, and the same for spreadsheets."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import QueryParameter
from litestar.response import Stream

from service import balances, statement_csv, statements
from service.access import Caller
from service.api.given import Config, Pool
from service.api.problems import language_of
from service.api.statements import CSV_HEADERS, CSV_TYPE
from service.errors import NotFound, Refusal
from service.pages.organize import read_date
from service.pages.rendering import Typed, page
from service.schedules import CHINA
from service.statement_lines import Kind, Line
from service.statement_words import KIND_LABELS, sentence
from service.statements import Statement, Wanted

Text = Annotated[str, QueryParameter(max_length=200)]
First = Annotated[str, QueryParameter(name="from", max_length=40)]
Last = Annotated[str, QueryParameter(name="to", max_length=40)]
FIELDS = {"date_unreadable": "from", "days_reversed": "to"}
LINES = 30


@get("/me/statement")
async def show_statement(
    request: Request[Caller, Any, Any],
    pool: Pool,
    config: Config,
    reason: Text = "",
    first: First = "",
    last: Last = "",
    event_id: Text = "",
    cursor: Text = "",
) -> Response[Any]:
    """The newest lines, those that a filter asks for, or those after a cursor."""
    typed = Typed({"reason": reason, "from": first, "to": last, "event_id": event_id})
    member, shown, refusal = request.user.member, Statement([], None), None
    async with pool.acquire() as connection:
        balance = await balances.read(connection, member)
        try:
            shown = await statements.read(connection, config, member, wanted_by(typed), cursor or None, LINES)
        except Refusal as unfit:
            if unfit.code not in FIELDS:
                raise
            refusal = unfit
    asked = {name: value for name, value in typed.items() if value}
    return page(
        request,
        "statement",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        balance=balance,
        kinds=KIND_LABELS,
        months=[(month, list(lines)) for month, lines in groupby(shown.lines, month_of)],
        asked=asked,
        query=urlencode(asked),
        more=urlencode({**asked, "cursor": shown.next_cursor}) if shown.next_cursor else "",
        zone=CHINA.key,
        said=lambda line: sentence(line, language_of(request), certificates=False),
    )


@get("/me/statement.csv", media_type=CSV_TYPE)
async def export_statement(
    request: Request[Caller, Any, Any],
    pool: Pool,
    config: Config,
    reason: Text = "",
    first: First = "",
    last: Last = "",
    event_id: Text = "",
) -> Stream:
    """The same lines, all of them, as a file."""
    wanted = wanted_by(Typed({"reason": reason, "from": first, "to": last, "event_id": event_id}))
    rows = await statement_csv.stream(pool, config, request.user.member, wanted, language_of(request))
    return Stream(rows, headers=CSV_HEADERS, media_type=CSV_TYPE)


def wanted_by(typed: Typed) -> Wanted:
    """What a filter asks for. Raises DateUnreadable, and NotFound for a kind or an event that there cannot be."""
    try:
        kind = msgspec.convert(typed["reason"] or None, Kind | None)
        event_id = UUID(typed["event_id"]) if typed["event_id"] else None
    except ValueError:
        raise NotFound from None
    first, last = (read_date(typed[name]) if typed[name] else None for name in ("from", "to"))
    return Wanted(kind, first, last, event_id)


def month_of(line: Line) -> date:
    """The month of a line, in China, as its first day."""
    return line.made_at.astimezone(CHINA).date().replace(day=1)


routes = [show_statement, export_statement]
