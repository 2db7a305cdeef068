"""Tables of activity data brought in whole: every line quantified before any is written, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from scenarios.meeting.lines import EventDays, Factors
from scenarios.refusals import CarbonRefusal
from service import accountings, activity_data, event_files, events, jobs, line_rows, tables
from service.access import Caller
from service.carbon import carbon_refusal
from service.db import Connection, new_id
from service.errors import NotFound, Refusal
from service.event_files import FileTooLarge, Kept
from service.events import Event
from service.i18n import translate
from service.import_columns import SHEET
from service.import_reading import CellEmpty, CellError, Reader, error_at, refused
from service.line_inputs import days_of
from service.line_rows import NewRow
from service.tables import Row, Table

KIND = "import_activity_data"
AT_ONCE = 2_000
"""Tables of fewer lines are brought in while the request waits; longer ones are a job."""
CHUNK = 2_000
Progress = Callable[[int, int], Awaitable[None]]
THREADS = ThreadPoolExecutor(2, "tables")
"""Few tables are unpacked at once, whoever sends them."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A table that came in: its lines and what they emit, and of which of them the amounts look out of scale.

    For a long one `job_id` tells where to watch, and the rest is None until it is done.
    """

    lines: int
    import_id: UUID | None = None
    emissions_g: int | None = None
    co2_only_g: int | None = None
    out_of_scale: list[int] = []
    job_id: UUID | None = None


class Import(msgspec.Struct, frozen=True):
    """A table that came in before, and how many of its lines still count."""

    id: UUID
    file_id: UUID
    name: str
    lines: int
    live: int
    imported_by: UUID
    imported_at: datetime


async def read_table(content: bytes) -> Table:
    """The table in a file, read apart from the requests. Raises FileTooLarge and what tables raise."""
    if len(content) > event_files.LARGEST_BYTES:
        raise FileTooLarge
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(THREADS, tables.read, content, translate("zh", SHEET))


async def bring_in(
    connection: Connection, caller: Caller, event: Event, name: str, content: bytes, now: datetime
) -> Imported:
    """Bring a table in, or begin the job that does. Raises ImportRefused, what tables raise, and as `enter`."""
    table = await read_table(content)
    if not table.rows:
        raise refused([error_at(table.sheet, table.heading.number + 1, 0, "", CellEmpty())])
    kept = Kept(event_files.XLSX if content.startswith(b"PK") else event_files.CSV, content)
    file = await event_files.add(connection, caller, event.id, name, "import", kept, now)
    if len(table.rows) < AT_ONCE:
        return await write(connection, caller, event, file.id, table, now, unwatched)
    job = await jobs.start(connection, KIND, event.id, caller, {"file_id": file.id})
    return Imported(lines=len(table.rows), job_id=job.id)


async def unwatched(_done: int, _total: int) -> None:
    """Nobody looks at the progress."""


@jobs.handles(KIND)
async def import_as_job(work: jobs.Work) -> Imported:
    """Bring in a table that was kept. Raises as `bring_in`."""
    file_id = UUID(msgspec.json.decode(work.payload)["file_id"])
    event = await events.find(work.connection, work.job.event_id)
    caller = Caller(work.job.started_by, frozenset())
    _, content = await event_files.find(work.connection, event.id, file_id)
    table = await read_table(content)
    return await write(work.connection, caller, event, file_id, table, datetime.now(UTC), work.progress)


async def write(
    connection: Connection,
    caller: Caller,
    event: Event,
    file_id: UUID,
    table: Table,
    now: datetime,
    progress: Progress,
) -> Imported:
    """Quantify every row, then write them all. Raises ImportRefused and what opening the accounting raises."""
    accounting = await accountings.opened(connection, event, caller, now)
    rows = await quantified(table, await names_of(connection, event.id), days_of(event), accounting.factors, progress)
    import_id = new_id()
    await connection.execute(
        """
        INSERT INTO imports (id, event_id, file_id, lines, imported_by, imported_at) VALUES ($1, $2, $3, $4, $5, $6)
        """,
        import_id,
        event.id,
        file_id,
        len(rows),
        caller.member,
        now,
    )
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        await line_rows.add(connection, caller.member, event.id, chunk, now, import_id=import_id)
        await progress(len(rows) + start, 2 * len(rows))
    return Imported(
        lines=len(rows),
        import_id=import_id,
        emissions_g=sum(each.quantified.emissions_g for each in rows),
        co2_only_g=sum(each.quantified.emissions_g for each in rows if each.quantified.co2_only),
        out_of_scale=[row.number for row, each in zip(table.rows, rows, strict=True) if each.quantified.out_of_scale],
    )


async def names_of(connection: Connection, event_id: UUID) -> dict[str, UUID]:
    """The event's files by name: of several of one name, the newest."""
    files = await event_files.of_event(connection, event_id)
    return {each.name: each.id for each in reversed(files) if each.purpose != "import"}


async def quantified(
    table: Table, files: Mapping[str, UUID], days: EventDays, factors: Factors, progress: Progress
) -> list[NewRow]:
    """Every row quantified. Raises ImportRefused, which tells of every cell that is wrong."""
    reader, known = Reader(table, files), frozenset(files.values())
    done, errors = list[NewRow](), list[CellError]()
    for start in range(0, len(table.rows), CHUNK):
        chunk = table.rows[start : start + CHUNK]
        found, wrong = await asyncio.to_thread(quantify_rows, reader, chunk, days, factors, known)
        done += found
        errors += wrong
        await progress(start, 2 * len(table.rows))
    if errors:
        raise refused(errors)
    return done


def quantify_rows(
    reader: Reader, rows: list[Row], days: EventDays, factors: Factors, known: frozenset[UUID]
) -> tuple[list[NewRow], list[CellError]]:
    """Rows quantified, and what is wrong with those that cannot be."""
    done, errors = list[NewRow](), list[CellError]()
    for row in rows:
        line = reader.line(row)
        if isinstance(line, list):
            errors += line
            continue
        try:
            done.append(activity_data.quantify(days, line, factors, known))
        except CarbonRefusal as refusal:
            errors.append(reader.domain_error(row, carbon_refusal(refusal)))
        except Refusal as refusal:
            errors.append(reader.domain_error(row, refusal))
    return done, errors


async def of_event(connection: Connection, event_id: UUID) -> list[Import]:
    """The tables that came in, the newest first."""
    rows = await connection.fetch(
        """
        SELECT imports.id, file_id, name, lines, imported_by, imported_at, (
            SELECT count(*) FROM activity_data WHERE import_id = imports.id AND ended_at IS NULL
                AND activity_data.event_id = imports.event_id
        ) AS live
        FROM imports JOIN event_files ON event_files.id = file_id
        WHERE imports.event_id = $1 ORDER BY imports.id DESC
        """,
        event_id,
    )
    return [Import(**row) for row in rows]


async def end(
    connection: Connection, caller: Caller, event_id: UUID, import_id: UUID, because: str, now: datetime
) -> int:
    """The lines of a table count no longer: how many they were. Raises NotFound."""
    if not any(each.id == import_id for each in await of_event(connection, event_id)):
        raise NotFound
    ended = await connection.fetch(
        """
        UPDATE activity_data SET ended_at = $3, ended_by = $4, ended_because = $5
        WHERE event_id = $1 AND import_id = $2 AND ended_at IS NULL
        RETURNING id
        """,
        event_id,
        import_id,
        now,
        caller.member,
        because.strip(),
    )
    return len(ended)


def told(refusal: Refusal) -> list[dict[str, Any]]:
    """What an import's refusal says of cells; nothing for another."""
    return list(refusal.values.get("errors", []))
