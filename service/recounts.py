"""A tally counted anew from what was recorded, to be compared with the sums that were folded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from service.db import Connection
from service.tallies import Cell, fold


class Counts(msgspec.Struct, frozen=True):
    """An event's sums: totals by name, and the cells that are not empty, by dimension and key."""

    totals: dict[str, int]
    cells: list[Cell]


async def recount(connection: Connection, event_id: UUID) -> Counts:
    """Count check-ins that were not ended, and donations less what went back. Takes longer the more there are."""
    totals = await connection.fetchrow(
        """
        WITH given AS (
            SELECT donations.grams - coalesce((
                SELECT sum(back.grams) FROM transfers AS back WHERE back.refers_to = donations.id
            ), 0) AS grams
            FROM donations WHERE event_id = $1 AND refusal IS NULL
        )
        SELECT count(*) AS check_ins,
            coalesce((
                SELECT sum(most.people) FROM (
                    SELECT max(people) AS people FROM check_ins
                    WHERE event_id = $1 AND ended_at IS NULL GROUP BY attendee
                ) AS most
            ), 0)::bigint AS people,
            coalesce(sum(people * (trip->>'nights')::bigint), 0)::bigint AS nights,
            coalesce(sum(travel_emissions_g) FILTER (WHERE part = 'journey'), 0)::bigint AS journey_emissions_g,
            coalesce(sum(travel_emissions_g) FILTER (WHERE part = 'local'), 0)::bigint AS local_emissions_g,
            coalesce(sum(lodging_emissions_g), 0)::bigint AS lodging_emissions_g,
            (SELECT count(*) FROM given WHERE grams > 0) AS donations,
            (SELECT coalesce(sum(grams), 0)::bigint FROM given) AS donated_g
        FROM check_ins WHERE event_id = $1 AND ended_at IS NULL
        """,
        event_id,
    )
    return Counts(dict(totals), await recount_cells(connection, event_id))


async def recount_cells(connection: Connection, event_id: UUID) -> list[Cell]:
    """Count check-ins by mode, gate and hour."""
    rows = await connection.fetch(
        """
        WITH live AS (
            SELECT check_ins.id, part, people, gate_id::text AS gate, trip,
                to_char(date_trunc('hour', checked_in_at, time_zone) AT TIME ZONE 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS hour,
                travel_emissions_g + lodging_emissions_g AS emissions_g
            FROM check_ins JOIN events ON events.id = event_id
            WHERE event_id = $1 AND ended_at IS NULL
        ),
        legs AS (
            SELECT live.id, part, people, mode, person_trips, person_m, leg.emissions_g
            FROM live CROSS JOIN LATERAL jsonb_to_recordset(trip->'legs')
                AS leg (mode text, person_trips bigint, person_m bigint, emissions_g bigint)
        ),
        pieces AS (
            SELECT part || '_mode' AS dimension, mode AS key, id, people, person_trips, person_m, emissions_g FROM legs
            UNION ALL
            SELECT 'gate', gate, id, people, 0, 0, emissions_g FROM live
            UNION ALL
            SELECT 'hour', hour, id, people, 0, 0, emissions_g FROM live
            UNION ALL
            SELECT 'gate', gate, id, 0, person_trips, person_m, 0 FROM legs JOIN live USING (id)
            UNION ALL
            SELECT 'hour', hour, id, 0, person_trips, person_m, 0 FROM legs JOIN live USING (id)
        ),
        each AS (
            SELECT dimension, key, max(people) AS people, sum(person_trips) AS trips, sum(person_m) AS person_m,
                sum(emissions_g) AS emissions_g
            FROM pieces GROUP BY dimension, key, id
        )
        SELECT dimension, key, count(*) AS check_ins, sum(people)::bigint AS people, sum(trips)::bigint AS trips,
            sum(person_m)::bigint AS person_m, sum(emissions_g)::bigint AS emissions_g
        FROM each GROUP BY dimension, key ORDER BY dimension, key
        """,
        event_id,
    )
    return [Cell(**row) for row in rows]


async def folded(connection: Connection, event_id: UUID) -> Counts:
    """The sums as they were folded."""
    totals = await connection.fetchrow(
        """
        SELECT check_ins, people, nights, journey_emissions_g, local_emissions_g, lodging_emissions_g, donations,
            donated_g
        FROM tallies WHERE event_id = $1
        """,
        event_id,
    )
    rows = await connection.fetch(
        """
        SELECT dimension, key, check_ins, people, trips, person_m::bigint, emissions_g
        FROM tally_cells WHERE event_id = $1 AND check_ins > 0 ORDER BY dimension, key
        """,
        event_id,
    )
    return Counts(dict(totals or {}), [Cell(**row) for row in rows])


async def audit(connection: Connection, event_id: UUID) -> list[str]:
    """Fold what waits, recount, and say where the sums differ: nowhere, one hopes.

    The caller's transaction is repeatable read, so that check-ins of the meantime are in neither count. Raises
    asyncpg's SerializationError when another fold came between: to be asked again.
    """
    while await fold(connection, event_id):
        pass
    return list(differences(event_id, await folded(connection, event_id), await recount(connection, event_id)))


def differences(event_id: UUID, folded: Counts, counted: Counts) -> Iterator[str]:
    """Each sum that is not what it should be."""
    for name, expected in counted.totals.items():
        if folded.totals.get(name) != expected:
            yield f"tally of event {event_id}: {name} is {folded.totals.get(name)}, counted {expected}"
    before = {(cell.dimension, cell.key): cell for cell in folded.cells}
    after = {(cell.dimension, cell.key): cell for cell in counted.cells}
    for place in sorted(before.keys() | after.keys()):
        if before.get(place) != after.get(place):
            yield f"tally of event {event_id}: {before.get(place)}, counted {after.get(place)}"


async def folded_since(connection: Connection, at: datetime | None) -> list[UUID]:
    """Events whose tally has changed since; all events when no instant is given."""
    rows = await connection.fetch(
        "SELECT event_id FROM tallies WHERE $1::timestamptz IS NULL OR folded_at >= $1 ORDER BY event_id", at
    )
    return [row["event_id"] for row in rows]
