"""Tables of activity data in pages: a template, the table filled in, and what is wrong with it, cell by cell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, FromQuery

from service import imports
from service.access import Caller
from service.activity_data import Ending
from service.api.event_files import BODY_BYTES
from service.api.given import Pool
from service.api.imports import template_in
from service.db import Connection, new_id
from service.errors import Refusal
from service.event_files import FileEmpty
from service.import_reading import ImportRefused
from service.pages.organize import decoded, done_once, own_event, seen_event
from service.pages.rendering import page, see_other, typed_in

MOST_SHOWN = 200


@get("/organize/events/{event_id:uuid}/imports")
async def show_imports(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, done: FromQuery[UUID | None] = None
) -> Response[Any]:
    """The form, and the tables that came in."""
    return await imports_page(request, pool, event_id, done=done)


async def imports_page(
    request: Request[Caller, Any, Any],
    pool: Pool,
    event_id: UUID,
    refusal: Refusal | None = None,
    done: UUID | None = None,
) -> Response[Any]:
    """The same, with what is wrong with a table."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        imported = await imports.of_event(connection, event_id)
    cells = imports.told(refusal)[:MOST_SHOWN] if isinstance(refusal, ImportRefused) else []
    return page(
        request,
        "imports",
        refusal=refusal,
        fields={"file_empty": "table"},
        event=event,
        writes=writes,
        imported=imported,
        cells=cells,
        brought=next((each for each in imported if each.id == done), None),
        id=str(new_id()),
    )


@post("/organize/events/{event_id:uuid}/imports", status_code=200, request_max_body_size=BODY_BYTES)
async def import_table(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Bring a table in; a long one is watched while it comes."""
    typed = await typed_in(request)
    now = datetime.now(UTC)

    async def bring_in(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        sent = (await request.form()).get("table")
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise FileEmpty
        done = await imports.bring_in(connection, request.user, event, sent.filename, await sent.read(), now)
        if done.job_id:
            return f"/organize/jobs/{done.job_id}"
        return f"/organize/events/{event_id}/imports?done={done.import_id}"

    try:
        return see_other(await done_once(request, pool, typed, bring_in))
    except Refusal as refusal:
        return await imports_page(request, pool, event_id, refusal)


@post("/organize/events/{event_id:uuid}/imports/{import_id:uuid}/end", status_code=200)
async def end_import(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], import_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """Let a table's lines count no longer."""
    typed = await typed_in(request)

    async def end(connection: Connection) -> str:
        await own_event(connection, request.user, event_id)
        because = decoded({"because": typed["because"]}, Ending).because
        await imports.end(connection, request.user, event_id, import_id, because, datetime.now(UTC))
        return f"/organize/events/{event_id}/imports"

    try:
        return see_other(await done_once(request, pool, typed, end))
    except Refusal as refusal:
        return await imports_page(request, pool, event_id, refusal)


@get("/organize/activity-data-template/{form:str}")
async def show_template(request: Request[Caller, Any, Any], form: FromPath[Literal["xlsx", "csv"]]) -> Response[bytes]:
    """The table to fill in."""
    return template_in(request, form)


routes = [show_imports, import_table, end_import, show_template]
