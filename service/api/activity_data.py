"""Activity data as the organizer enters it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from scenarios.meeting.lines import Line
from service import activity_data, events
from service.access import READERS, Caller, Role
from service.activity_data import (
    Correction,
    Ending,
    EnteredActivityData,
    LineEnded,
    LinesRefused,
    NewActivityData,
    page_of_lines,
)
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.db import Connection
from service.organizations import require

Limit = Annotated[int, QueryParameter(ge=1, le=1_000)]


@post("/events/{event_id:uuid}/activity-data", status_code=201, responses=refuses(LinesRefused, *WRITES))
async def enter_activity_data(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewActivityData],
    key: Key,
    pool: Pool,
) -> Response[EnteredActivityData]:
    """Enter lines, all or none: a refusal tells of each line that cannot be, and why."""
    now = datetime.now(UTC)

    async def enter(connection: Connection) -> EnteredActivityData:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        return await activity_data.enter(connection, request.user, event, data, now)

    return await answer_once(request, pool, key, data, enter)


@get("/events/{event_id:uuid}/activity-data", responses=refuses())
async def list_activity_data(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    pool: Pool,
    history: FromQuery[bool] = False,
    before: FromQuery[UUID | None] = None,
    limit: Limit = 1_000,
) -> list[Line]:
    """The lines that count, the newest first; with `history` also those that were corrected or ended."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await page_of_lines(connection, event_id, history=history, before=before, limit=limit)


@post(
    "/events/{event_id:uuid}/activity-data/{line_id:uuid}/corrections",
    status_code=201,
    responses=refuses(LinesRefused, LineEnded, *WRITES),
)
async def correct_activity_data(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    line_id: FromPath[UUID],
    data: JSONBody[Correction],
    key: Key,
    pool: Pool,
) -> Response[EnteredActivityData]:
    """Put another line in this one's place. The old one stays, and is seen with what took its place."""
    now = datetime.now(UTC)

    async def correct(connection: Connection) -> EnteredActivityData:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        return await activity_data.correct(connection, request.user, event, line_id, data, now)

    return await answer_once(request, pool, key, data, correct)


@post(
    "/events/{event_id:uuid}/activity-data/{line_id:uuid}/ending",
    status_code=201,
    responses=refuses(LineEnded, *WRITES),
)
async def end_activity_data(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    line_id: FromPath[UUID],
    data: JSONBody[Ending],
    key: Key,
    pool: Pool,
) -> Response[Ending]:
    """Let a line count no longer, for a reason; it stays to be seen."""
    now = datetime.now(UTC)

    async def end(connection: Connection) -> Ending:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        await activity_data.end(connection, request.user, event_id, line_id, data.because, now)
        return data

    return await answer_once(request, pool, key, data, end)


routes = [enter_activity_data, list_activity_data, correct_activity_data, end_activity_data]
