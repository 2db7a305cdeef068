"""The reports of an event, to choose and to download."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from scenarios.meeting.reports import Form
from service import inventories, jobs
from service.access import Caller
from service.api.given import Pool
from service.api.problems import language_of
from service.api.reports import download
from service.db import Connection, new_id
from service.errors import NotFound
from service.pages.organize import done_once, own_event, seen_event
from service.pages.rendering import page, see_other, typed_in
from service.reports import JOB, Format, Prepared

FORMATS: tuple[Format, ...] = ("pdf", "docx", "xlsx", "json")
"""As people look for them."""


@get("/organize/events/{event_id:uuid}/reports")
async def show_reports(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """The draft and every version, in full and for everyone."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        versions = await inventories.of_event(connection, event_id)
    return page(request, "reports", event=event, writes=writes, versions=versions, formats=FORMATS, id=str(new_id()))


@post("/organize/events/{event_id:uuid}/reports", status_code=200)
async def prepare_files(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Make all files of a version, as a job."""
    typed = await typed_in(request)

    async def begin(connection: Connection) -> str:
        await own_event(connection, request.user, event_id)
        versions = {str(each.number): each.number for each in await inventories.of_event(connection, event_id)}
        if typed["number"] not in versions:
            raise NotFound
        asked = Prepared(versions[typed["number"]], language_of(request))
        job = await jobs.start(connection, JOB, event_id, request.user, asked)
        return f"/organize/jobs/{job.id}"

    return see_other(await done_once(request, pool, typed, begin))


@get("/organize/events/{event_id:uuid}/reports/{file:str}")
async def get_report(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    file: FromPath[str],
    pool: Pool,
    form: FromQuery[Form] = "full",
) -> Response[bytes]:
    """One file, as /v1 gives it."""
    await require_own(pool, request.user, event_id)
    return await download(request, pool, event_id, file, form)


async def require_own(pool: asyncpg.Pool, caller: Caller, event_id: UUID) -> None:
    """Go on only for the event's organizers. Raises NotFound and NotAllowed."""
    async with pool.acquire() as connection:
        await seen_event(connection, caller, event_id)


routes = [show_reports, prepare_files, get_report]
