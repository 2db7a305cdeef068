"""Lines of activity data as rows: written whole, read back as the accounting takes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from scenarios.meeting.lines import Given, Line, LineFactor, LineQuantified, OutOfScale
from scenarios.quantities import UNITS
from service.db import Connection, encode_json
from service.errors import NotFound

PAGE = 1_000


class Trace(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that went into a line's emissions, as the row keeps it."""

    base_amount: str
    factor: LineFactor
    shared_by: int = 1
    grid_g: int | None = None
    out_of_scale: OutOfScale | None = None


class NewRow(msgspec.Struct, frozen=True):
    """A line to write."""

    id: UUID
    label: str
    given: Given
    quantified: LineQuantified


decode_trace = msgspec.json.Decoder(Trace).decode


async def add(
    connection: Connection,
    member_id: UUID,
    event_id: UUID,
    rows: Sequence[NewRow],
    now: datetime,
    import_id: UUID | None = None,
    replaces: UUID | None = None,
) -> None:
    """Write lines with the trace of the values used."""
    await connection.execute(
        """
        INSERT INTO activity_data (
            id, event_id, entered_by, entered_at, import_id, replaces, label, item, source, stage, rank, quantity, unit,
            starts_on, ends_on, people, distance_m, round_trip, cabin, occupants, certificate, emissions_g, co2_only,
            file_id, factor_file_id, trace
        )
        SELECT id, $1, $2, $3, $4, $5, label, item, source, stage, rank, quantity, unit,
            starts_on, ends_on, people, distance_m, round_trip, cabin, occupants, certificate, emissions_g, co2_only,
            file_id, factor_file_id, trace
        FROM unnest(
            $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::numeric[], $13::text[],
            $14::date[], $15::date[], $16::numeric[], $17::bigint[], $18::boolean[], $19::text[], $20::integer[],
            $21::text[], $22::bigint[], $23::boolean[], $24::uuid[], $25::uuid[], $26::jsonb[]
        ) AS entered (
            id, label, item, source, stage, rank, quantity, unit,
            starts_on, ends_on, people, distance_m, round_trip, cabin, occupants,
            certificate, emissions_g, co2_only, file_id, factor_file_id, trace
        )
        """,
        event_id,
        member_id,
        now,
        import_id,
        replaces,
        *map(list, zip(*[columns(each) for each in rows], strict=True)),
    )


def columns(row: NewRow) -> tuple[Any, ...]:
    """A line's values in the order of the statement above."""
    given, done = row.given, row.quantified
    trace = Trace(done.base_amount, done.factor, done.shared_by, done.grid_g, done.out_of_scale)
    return (
        row.id,
        row.label,
        given.item,
        done.source,
        done.stage,
        given.rank,
        done.quantity,
        done.unit,
        given.starts_on,
        given.ends_on,
        given.people,
        given.distance_m,
        given.round_trip,
        given.cabin,
        given.occupants,
        given.certificate,
        done.emissions_g,
        done.co2_only,
        given.file_id,
        given.factor and given.factor.file_id,
        encode_json(trace),
    )


async def live_lines(connection: Connection, event_id: UUID) -> list[Line]:
    """All lines of an event that count, in the order in which they were entered."""
    rows = await connection.fetch(
        """
        SELECT id, item, source, stage, label, trim_scale(quantity) AS quantity, unit, rank, starts_on, ends_on, people,
            distance_m, round_trip, cabin, occupants, emissions_g, certificate, entered_by, entered_at, file_id,
            factor_file_id, import_id, replaces, ended_at, ended_by, ended_because, trace
        FROM activity_data WHERE event_id = $1 AND ended_at IS NULL
        ORDER BY entered_at, id
        """,
        event_id,
    )
    return [of_row(row) for row in rows]


async def page_of_lines(
    connection: Connection,
    event_id: UUID,
    *,
    history: bool,
    before: UUID | None = None,
    limit: int = PAGE,
    source: str | None = None,
) -> list[Line]:
    """Lines of an event, or of one emission source, the newest first; with `history` those too that no longer count.

    `before` is the id of the last line of the page before.
    """
    rows = await connection.fetch(
        """
        SELECT id, item, source, stage, label, trim_scale(quantity) AS quantity, unit, rank, starts_on, ends_on, people,
            distance_m, round_trip, cabin, occupants, emissions_g, certificate, entered_by, entered_at, file_id,
            factor_file_id, import_id, replaces, ended_at, ended_by, ended_because, trace
        FROM activity_data
        WHERE event_id = $1 AND ($2 OR ended_at IS NULL) AND ($3::uuid IS NULL OR id < $3)
            AND ($5::text IS NULL OR source = $5)
        ORDER BY id DESC LIMIT $4
        """,
        event_id,
        history,
        before,
        limit,
        source,
    )
    return [of_row(row) for row in rows]


class SourceSum(msgspec.Struct, frozen=True):
    """The lines that count of one emission source; `doubtful` of them are out of scale."""

    source: str
    lines: int
    emissions_g: int
    doubtful: int


async def sums(connection: Connection, event_id: UUID) -> list[SourceSum]:
    """What an event's lines emit, by source, the largest first."""
    rows = await connection.fetch(
        """
        SELECT source, count(*) AS lines, sum(emissions_g)::bigint AS emissions_g,
            count(*) FILTER (WHERE trace ? 'out_of_scale') AS doubtful
        FROM activity_data WHERE event_id = $1 AND ended_at IS NULL
        GROUP BY source ORDER BY sum(emissions_g) DESC, source
        """,
        event_id,
    )
    return [SourceSum(**row) for row in rows]


async def replaced_by(connection: Connection, line_id: UUID) -> UUID | None:
    """The line that took this one's place."""
    found: UUID | None = await connection.fetchval("SELECT id FROM activity_data WHERE replaces = $1", line_id)
    return found


async def find(connection: Connection, event_id: UUID, line_id: UUID) -> Line:
    """One line of an event, whether it counts or not. Raises NotFound."""
    row = await connection.fetchrow(
        """
        SELECT id, item, source, stage, label, trim_scale(quantity) AS quantity, unit, rank, starts_on, ends_on, people,
            distance_m, round_trip, cabin, occupants, emissions_g, certificate, entered_by, entered_at, file_id,
            factor_file_id, import_id, replaces, ended_at, ended_by, ended_because, trace
        FROM activity_data WHERE event_id = $1 AND id = $2
        """,
        event_id,
        line_id,
    )
    if row is None:
        raise NotFound
    return of_row(row)


def of_row(row: Any) -> Line:
    """A row of the queries above as a Line.

    Which gases it covers is read from its factor: rows older than 0004_activity_data.sql kept that of emissions alone.
    """
    values = dict(row)
    trace = decode_trace(values.pop("trace"))
    return Line(
        **values,
        base_amount=trace.base_amount,
        shared_by=trace.shared_by,
        factor=trace.factor,
        co2_only=UNITS[trace.factor.unit].gas == "CO2",
        grid_g=trace.grid_g,
        out_of_scale=trace.out_of_scale,
    )
