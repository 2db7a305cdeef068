"""An event's files, handed in by its organizers and read by its parties."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, FromQuery, QueryParameter

from service import event_files, events, photos, workbooks
from service.access import READERS, Caller, Role
from service.api.evidence import HEADERS
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.db import Connection
from service.errors import BadInput, Refusal
from service.event_files import EventFile, FileEmpty, FileTooLarge, FileTypeUnknown, TooManyFiles
from service.line_inputs import FilePurpose
from service.organizations import require

BINARY = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
BODY_BYTES = event_files.LARGEST_BYTES + 2**16
"""With room for a form's own lines; what is larger is refused while it comes in."""
IN_A_FORM = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT, properties={"file": BINARY}, required=["file"]))
NameGiven = Annotated[str, QueryParameter(max_length=200, description="The file's name, where no form tells it.")]
REFUSED: tuple[type[Refusal], ...] = (
    FileTooLarge,
    FileEmpty,
    FileTypeUnknown,
    TooManyFiles,
    photos.NotAPhoto,
    photos.PhotoBroken,
    photos.PhotoAnimated,
    photos.PhotoTooLarge,
    photos.TooManyPixels,
    workbooks.WorkbookUnreadable,
    workbooks.WorkbookHasMacros,
    workbooks.WorkbookLinked,
    workbooks.WorkbookUnfolds,
)


def taken(kinds: Iterable[str]) -> RequestBody:
    """What a route takes: such bytes bare, or in a form."""
    bare = dict.fromkeys(kinds, OpenAPIMediaType(schema=BINARY))
    return RequestBody(content={**bare, RequestEncodingType.MULTI_PART.value: IN_A_FORM}, required=True)


@dataclass
class Upload(Operation):
    """A route that takes a file, bare or in a form."""

    def __post_init__(self) -> None:
        self.request_body = taken(event_files.MEDIA_TYPES)


@dataclass
class Download(Operation):
    """A route that answers with a file."""

    def __post_init__(self) -> None:
        assert self.responses is not None
        content = dict.fromkeys(event_files.MEDIA_TYPES, OpenAPIMediaType(schema=BINARY))
        self.responses["200"] = OpenAPIResponse(description="The file", content=content)


async def file_in(request: Request[Any, Any, Any], name: str) -> tuple[str, bytes]:
    """The name and bytes that were sent: the body, or the one file of a form. Raises BadInput."""
    if request.content_type[0] != RequestEncodingType.MULTI_PART:
        return name, await request.body()
    try:
        form = await request.form()
    except (LookupError, ValueError) as unreadable:  # which the framework lets through
        raise BadInput(reason=str(unreadable)) from None
    files = [each for _, each in form.multi_items() if isinstance(each, UploadFile)]
    if len(files) != 1:
        raise BadInput(reason="one file is expected")
    return name or files[0].filename, await files[0].read()


@post(
    "/events/{event_id:uuid}/files",
    status_code=201,
    operation_class=Upload,
    request_max_body_size=BODY_BYTES,
    responses=refuses(*WRITES, *REFUSED),
)
async def upload_file(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    key: Key,
    pool: Pool,
    name: NameGiven = "",
    purpose: FromQuery[FilePurpose] = "proof",
) -> Response[EventFile]:
    """Hand in an invoice, a meter's reading, a proof or a plan. Pictures keep their pixels only."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.ORGANIZER)
    named, content = await file_in(request, name)
    kept, now = await event_files.accepted(content), datetime.now(UTC)

    async def keep(connection: Connection) -> EventFile:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        return await event_files.add(connection, request.user, event_id, named, purpose, kept, now)

    sent = {"name": named, "purpose": purpose, "content": hashlib.sha256(content).hexdigest()}
    return await answer_once(request, pool, key, sent, keep)


@get("/events/{event_id:uuid}/files", responses=refuses())
async def list_files(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> list[EventFile]:
    """An event's files, the newest first."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await event_files.of_event(connection, event_id)


@get("/events/{event_id:uuid}/files/{file_id:uuid}", operation_class=Download, responses=refuses())
async def download_file(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], file_id: FromPath[UUID], pool: Pool
) -> Response[bytes]:
    """A file, to be saved and not shown."""
    return await downloaded(request, pool, event_id, file_id)


async def downloaded(request: Request[Caller, Any, Any], pool: Pool, event_id: UUID, file_id: UUID) -> Response[bytes]:
    """A file for one of the event's parties. Raises NotFound and NotAllowed."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        await events.find(connection, event_id)
        file, content = await event_files.find(connection, event_id, file_id)
    return attachment(content, file.media_type, file.name)


def attachment(content: bytes, media_type: str, name: str) -> Response[bytes]:
    """Bytes to be saved under that name."""
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type=media_type, headers={**HEADERS, "content-disposition": disposition})


routes = [upload_file, list_files, download_file]
