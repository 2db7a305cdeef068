"""An event's files in pages: what was handed in and for what, who by, to be saved; and the form to hand one in."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath

from service import event_files, organizations
from service.access import Caller
from service.api.event_files import BODY_BYTES, downloaded
from service.api.event_files import REFUSED as REFUSED_FILES
from service.api.given import Pool
from service.db import Connection, new_id
from service.errors import Refusal
from service.event_files import PURPOSES, EventFile, FileEmpty
from service.events import Event
from service.line_inputs import FilePurpose
from service.pages.organize import decoded, done_or_again, own_event, seen_event
from service.pages.rendering import Typed, page, typed_in
from service.report_words import WORDS

FIELDS = {each.code: "file" for each in REFUSED_FILES}
"""Where a form says what is wrong with its file."""
LABELS = {purpose: WORDS[purpose] for purpose in (*PURPOSES, "import")}


class Chosen(msgspec.Struct):
    """What a file is handed in for."""

    purpose: FilePurpose


@get("/organize/events/{event_id:uuid}/files")
async def show_files(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """What was handed in, the newest first."""
    return await files_page(request, event_id, pool, Typed())


async def files_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what is wrong with a file."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        files = await event_files.of_event(connection, event_id)
        colleagues = await organizations.people_of(connection, event.organization_id)
    return page(
        request,
        "event_files",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        writes=writes,
        files=files,
        purposes=LABELS,
        offered=PURPOSES,
        hints={each.member_id: each.phone_hint for each in colleagues},
        id=str(new_id()),
    )


@post("/organize/events/{event_id:uuid}/files", status_code=200, request_max_body_size=BODY_BYTES)
async def upload_file(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Keep a file for the event."""
    typed = await typed_in(request)

    async def keep(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        purpose = decoded({"purpose": typed["purpose"]}, Chosen).purpose
        if await keep_sent(request, connection, event, "file", purpose, datetime.now(UTC)) is None:
            raise FileEmpty
        return f"/organize/events/{event_id}/files"

    return await done_or_again(request, pool, typed, keep, partial(files_page, request, event_id, pool))


async def keep_sent(
    request: Request[Caller, Any, Any],
    connection: Connection,
    event: Event,
    field: str,
    purpose: FilePurpose,
    now: datetime,
) -> EventFile | None:
    """Keep the file that came in that field; None when none came. Raises what files raise."""
    sent = (await request.form()).get(field)
    if not isinstance(sent, UploadFile) or not sent.filename:
        return None
    kept = await event_files.accepted(await sent.read())
    return await event_files.add(connection, request.user, event.id, sent.filename, purpose, kept, now)


@get("/organize/events/{event_id:uuid}/files/{file_id:uuid}")
async def download_file(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], file_id: FromPath[UUID], pool: Pool
) -> Response[bytes]:
    """A file, to be saved."""
    return await downloaded(request, pool, event_id, file_id)


routes = [show_files, upload_file, download_file]
