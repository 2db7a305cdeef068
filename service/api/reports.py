"""An event's report as a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, FromQuery

from scenarios.meeting.reports import Form
from service import reports
from service.access import Caller
from service.api.given import Pool
from service.api.problems import language_of, refuses
from service.errors import NotFound
from service.reports import MEDIA_TYPES, Format, Wanted

BYTES = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))


@dataclass
class Files(Operation):
    """A route that answers with files of several kinds."""

    def __post_init__(self) -> None:
        assert self.responses is not None
        content = dict.fromkeys(MEDIA_TYPES.values(), BYTES)
        self.responses["200"] = OpenAPIResponse(description="The report", content=content)


@get("/events/{event_id:uuid}/reports/{file:str}", operation_class=Files, responses=refuses())
async def show_report(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    file: FromPath[str],
    pool: Pool,
    form: FromQuery[Form] = "full",
) -> Response[bytes]:
    """The report `draft` or a version's number, as `.json`, `.pdf`, `.xlsx` or `.docx`: `1.pdf`, `draft.json`.

    In full for the event's organizers and its authority; the public form of a submitted version for everyone.
    """
    return await download(request, pool, event_id, file, form)


async def download(
    request: Request[Caller, Any, Any], pool: asyncpg.Pool, event_id: UUID, file: str, form: Form
) -> Response[bytes]:
    """The file, for a caller who may have it."""
    number, kind = parts_of(file)
    async with pool.acquire() as connection:
        await reports.require(connection, request.user, event_id, number, form)
    wanted = Wanted(event_id, number, form, kind, language_of(request))
    content = await reports.file_of(pool, wanted, datetime.now(UTC))
    name = f"report-{file.removesuffix(kind)[:-1]}-{form}.{kind}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type=MEDIA_TYPES[kind], headers=headers)


def parts_of(file: str) -> tuple[int | None, Format]:
    """The version and the format that a file's name says. Raises NotFound."""
    stem, _, suffix = file.partition(".")
    kind = next((each for each in MEDIA_TYPES if each == suffix), None)
    if kind is None or not (stem == "draft" or (stem.isascii() and stem.isdigit() and len(stem) < 9)):
        raise NotFound
    return None if stem == "draft" else int(stem), kind


routes = [show_report]
