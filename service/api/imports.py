"""Activity data as tables: a template to fill in, and what came in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation
from litestar.params import FromPath, JSONBody

from service import events, imports, tables, workbooks
from service.access import READERS, Caller, Role
from service.activity_data import Ending
from service.api.event_files import BINARY, BODY_BYTES, NameGiven, attachment, file_in, taken
from service.api.given import Pool
from service.api.problems import WRITES, language_of, refuses
from service.api.requests import Key, answer_once
from service.db import Connection
from service.event_files import CSV, XLSX, FileTooLarge, TooManyFiles
from service.i18n import translate
from service.import_columns import SHEET
from service.import_reading import ImportRefused
from service.import_templates import csv_template, xlsx_template
from service.imports import Import, Imported
from service.organizations import require

REFUSED = (
    FileTooLarge,
    TooManyFiles,
    ImportRefused,
    tables.NotATable,
    tables.WrongSeparator,
    tables.TextUnreadable,
    workbooks.WorkbookUnreadable,
    workbooks.WorkbookHasMacros,
    workbooks.WorkbookLinked,
    workbooks.WorkbookUnfolds,
    workbooks.CellIsFormula,
    workbooks.CellsMerged,
    workbooks.SheetTooLarge,
)


@dataclass
class Upload(Operation):
    """A route that takes a table, bare or in a form."""

    def __post_init__(self) -> None:
        self.request_body = taken((XLSX, CSV))


@dataclass
class Template(Operation):
    """A route that answers with a table to fill in."""

    def __post_init__(self) -> None:
        assert self.responses is not None
        content = dict.fromkeys((XLSX, CSV), OpenAPIMediaType(schema=BINARY))
        self.responses["200"] = OpenAPIResponse(description="The table to fill in", content=content)


@post(
    "/events/{event_id:uuid}/imports",
    status_code=201,
    operation_class=Upload,
    request_max_body_size=BODY_BYTES,
    responses=refuses(*WRITES, *REFUSED),
)
async def import_table(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], key: Key, pool: Pool, name: NameGiven = ""
) -> Response[Imported]:
    """Bring in a table, XLSX or CSV: all its lines or none. A refusal tells of every cell that is wrong.

    A long table becomes a job, whose id is answered.
    """
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.ORGANIZER)
    named, content = await file_in(request, name)
    now = datetime.now(UTC)

    async def bring_in(connection: Connection) -> Imported:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        return await imports.bring_in(connection, request.user, event, named or "table", content, now)

    sent = {"name": named, "content": hashlib.sha256(content).hexdigest()}
    return await answer_once(request, pool, key, sent, bring_in)


@get("/events/{event_id:uuid}/imports", responses=refuses())
async def list_imports(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> list[Import]:
    """The tables that came in, the newest first."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await imports.of_event(connection, event_id)


@post("/events/{event_id:uuid}/imports/{import_id:uuid}/ending", status_code=201, responses=refuses(*WRITES))
async def end_import(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    import_id: FromPath[UUID],
    data: JSONBody[Ending],
    key: Key,
    pool: Pool,
) -> Response[Ending]:
    """Let all lines of a table count no longer, for a reason."""
    now = datetime.now(UTC)

    async def end(connection: Connection) -> Ending:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        await imports.end(connection, request.user, event_id, import_id, data.because, now)
        return data

    return await answer_once(request, pool, key, data, end)


@get("/activity-data-template/{form:str}", operation_class=Template, responses=refuses())
async def show_template(request: Request[Caller, Any, Any], form: FromPath[Literal["xlsx", "csv"]]) -> Response[bytes]:
    """The table to fill in, in the caller's language."""
    return template_in(request, form)


def template_in(request: Request[Any, Any, Any], form: Literal["xlsx", "csv"]) -> Response[bytes]:
    """The same, for a page."""
    language = language_of(request)
    content, kind = (xlsx_template(language), XLSX) if form == "xlsx" else (csv_template(language), CSV)
    return attachment(content, kind, f"{translate(language, SHEET)}.{form}")


routes = [import_table, list_imports, end_import, show_template]
