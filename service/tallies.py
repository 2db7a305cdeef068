"""An event's accounting as it happens: changes are folded into sums, and the sums are read, however many there are.

Whoever records or ends a check-in, or a donation, writes a row to `tally_changes` in the same transaction. A fold
deletes such rows and adds what they say to the sums, in one transaction: each change counts exactly once, whatever
is interrupted, repeated, late or restored. Folds of one event queue at its row in `tallies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from scenarios.meeting.modes import MODES
from service.db import Connection
from service.errors import NotFound

CHANNEL = "tally"
"""On which PostgreSQL tells, when a fold is committed, the event's id."""


class Cell(msgspec.Struct, frozen=True):
    """One sum: of a mode, a gate's id, or an hour's start in UTC."""

    dimension: str
    key: str
    check_ins: int
    people: int
    trips: int
    person_m: int
    emissions_g: int


class Gate(msgspec.Struct, frozen=True):
    """A gate's id and name."""

    id: int
    name: str


class ModeLine(msgspec.Struct, frozen=True):
    """Trips by one mode. `people` came that way, counted at each check-in; `label` is Chinese."""

    mode: str
    label: str
    check_ins: int
    people: int
    trips: int
    person_m: int
    emissions_g: int


class GateLine(msgspec.Struct, frozen=True):
    """Check-ins at one gate; emissions of travel and lodging."""

    gate_id: int
    name: str
    check_ins: int
    people: int
    emissions_g: int


class HourLine(msgspec.Struct, frozen=True):
    """Check-ins of one hour, beginning at `starts_at` in the event's time zone; emissions of travel and lodging."""

    starts_at: datetime
    check_ins: int
    people: int
    emissions_g: int


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """An event's sums as of `folded_at`, the `sequence`-th fold.

    `people` are distinct, `nights` those of every person. `journey_…` is travel from home, `local_…` each day's
    local trips; the total has lodging besides.
    `coverage_permille` is what donations cover of the emissions, null while there are none.
    `behind_s` is the age of the oldest change not yet folded, `as_of` when all this was read.
    """

    event_id: UUID
    event_name: str
    time_zone: str
    sequence: int
    folded_at: datetime | None
    behind_s: int
    as_of: datetime
    check_ins: int
    people: int
    nights: int
    emissions_g: int
    journey_emissions_g: int
    local_emissions_g: int
    lodging_emissions_g: int
    donations: int
    donated_g: int
    coverage_permille: int | None
    journey_modes: list[ModeLine]
    local_modes: list[ModeLine]
    gates: list[GateLine]
    hours: list[HourLine]


async def fold(connection: Connection, event_id: UUID, limit: int = 200) -> int:
    """Fold up to `limit` of the oldest changes in the caller's transaction; return how many there were.

    Raises NotFound for no such event, LookupError where a change names a check-in that is not there.
    """
    await lock(connection, event_id)
    changes = await oldest_changes(connection, event_id, limit)
    if changes:
        await add_cells(connection, event_id, changes)
        await add_classes(connection, event_id, changes)
        await add_sums(connection, event_id, changes)
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, str(event_id))
    return len(changes)


async def lock(connection: Connection, event_id: UUID) -> None:
    """Wait for whoever is folding this event, then keep others waiting. Raises NotFound.

    What follows in the transaction is planned each time: a plan kept from when the tables were small reads all of
    them when they are large (seen: 45 ms a fold instead of 2 at 200 000 check-ins).
    """
    if not await connection.fetchval(
        """
        SELECT set_config('plan_cache_mode', 'force_custom_plan', true)
        FROM tallies WHERE event_id = $1 FOR NO KEY UPDATE
        """,
        event_id,
    ):
        raise NotFound


async def oldest_changes(connection: Connection, event_id: UUID, limit: int) -> list[int]:
    """The ids of the changes that wait longest."""
    rows = await connection.fetch(
        "SELECT id FROM tally_changes WHERE event_id = $1 ORDER BY id LIMIT $2", event_id, limit
    )
    return [row["id"] for row in rows]


async def add_cells(connection: Connection, event_id: UUID, changes: list[int]) -> None:
    """Add changes to the sums by mode, gate and hour, the hours being those of the event's clocks.

    A check-in with two legs of a mode counts there once. No two folds of an event run at once, so that what is not
    there to be updated can be inserted.
    """
    await connection.execute(
        """
        WITH changed AS MATERIALIZED (
            SELECT check_ins.id, net.sign, part, people, gate_id, travel_emissions_g + lodging_emissions_g AS all_g,
                date_trunc('hour', checked_in_at, time_zone) AT TIME ZONE 'UTC' AS hour, leg.*
            FROM (
                SELECT check_in, sum(sign) AS sign FROM tally_changes, unnest(check_ins) AS check_in
                WHERE id = ANY ($2::bigint[]) GROUP BY check_in HAVING sum(sign) <> 0
            ) AS net
            JOIN check_ins ON check_ins.id = net.check_in AND event_id = $1
            JOIN events ON events.id = event_id
            LEFT JOIN LATERAL (
                SELECT mode, sum(person_trips) AS trips, sum(person_m) AS person_m, sum(emissions_g) AS emissions_g
                FROM jsonb_to_recordset(trip->'legs')
                    AS leg (mode text, person_trips bigint, person_m bigint, emissions_g bigint)
                GROUP BY mode
            ) AS leg ON true
        ),
        come AS (
            SELECT sign, people, gate_id, hour, all_g, coalesce(sum(trips), 0) AS trips,
                coalesce(sum(person_m), 0) AS person_m
            FROM changed GROUP BY id, sign, people, gate_id, hour, all_g
        ),
        change AS MATERIALIZED (
            SELECT part || '_mode' AS dimension, mode AS key, sum(sign) AS check_ins, sum(sign * people) AS people,
                sum(sign * trips) AS trips, sum(sign * person_m) AS person_m, sum(sign * emissions_g) AS emissions_g
            FROM changed WHERE mode IS NOT NULL GROUP BY part, mode
            UNION ALL
            SELECT CASE WHEN grouping(gate_id) = 0 THEN 'gate' ELSE 'hour' END,
                coalesce(gate_id::text, to_char(hour, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), sum(sign), sum(sign * people),
                sum(sign * trips), sum(sign * person_m), sum(sign * all_g)
            FROM come GROUP BY GROUPING SETS ((gate_id), (hour))
        ),
        updated AS (
            UPDATE tally_cells AS cell SET
                check_ins = cell.check_ins + change.check_ins, people = cell.people + change.people,
                trips = cell.trips + change.trips, person_m = cell.person_m + change.person_m,
                emissions_g = cell.emissions_g + change.emissions_g
            FROM change WHERE cell.event_id = $1 AND cell.dimension = change.dimension AND cell.key = change.key
            RETURNING cell.dimension, cell.key
        )
        INSERT INTO tally_cells (event_id, dimension, key, check_ins, people, trips, person_m, emissions_g)
        SELECT $1, change.* FROM change
        WHERE NOT EXISTS (SELECT FROM updated WHERE (dimension, key) = (change.dimension, change.key))
        """,
        event_id,
        changes,
    )


async def add_classes(connection: Connection, event_id: UUID, changes: list[int]) -> None:
    """Add to what the event was given of each class, and did not give back."""
    await connection.execute(
        """
        INSERT INTO event_holdings AS held (event_id, class_id, grams)
        SELECT $1, class_id, sum(CASE destination WHEN $1 THEN grams ELSE -grams END)
        FROM tally_changes, unnest(tally_changes.transfers) AS moved JOIN transfers ON transfers.id = moved
        WHERE tally_changes.id = ANY ($2::bigint[]) AND $1 IN (source, destination)
        GROUP BY class_id ORDER BY class_id
        ON CONFLICT (event_id, class_id) DO UPDATE SET grams = held.grams + excluded.grams
        """,
        event_id,
        changes,
    )


async def add_sums(connection: Connection, event_id: UUID, changes: list[int]) -> None:
    """Add changes to the event's totals, and take them away. Raises LookupError where a check-in is not there.

    Behind an attendee stand as many people as came along on any day, nobody when all of the check-ins are ended.
    """
    missing = await connection.fetchval(
        """
        WITH taken AS (
            DELETE FROM tally_changes WHERE id = ANY ($2::bigint[]) RETURNING sign, check_ins, donations, donated_g
        ),
        net AS (
            SELECT check_in, sum(sign) AS sign FROM taken, unnest(check_ins) AS check_in GROUP BY check_in
        ),
        changed AS MATERIALIZED (
            SELECT net.sign, attendee, part, people, travel_emissions_g, lodging_emissions_g, trip->>'nights' AS nights
            FROM net JOIN check_ins ON check_ins.id = net.check_in AND event_id = $1
        ),
        present AS MATERIALIZED (
            SELECT touched.attendee, coalesce(most.people, 0) AS people, coalesce(counted.people, 0) AS before
            FROM (SELECT DISTINCT attendee FROM changed) AS touched
            CROSS JOIN LATERAL (
                SELECT max(people) AS people FROM check_ins
                WHERE event_id = $1 AND attendee = touched.attendee AND ended_at IS NULL
            ) AS most
            LEFT JOIN counted_attendees AS counted ON counted.event_id = $1 AND counted.attendee = touched.attendee
        ),
        written AS (
            INSERT INTO counted_attendees (event_id, attendee, people)
            SELECT $1, attendee, people FROM present WHERE people <> before ORDER BY attendee
            ON CONFLICT (event_id, attendee) DO UPDATE SET people = excluded.people
        ),
        change AS (
            SELECT count(*) AS found, coalesce(sum(sign), 0) AS check_ins,
                coalesce(sum(sign * people * nights::bigint), 0) AS nights,
                coalesce(sum(sign * travel_emissions_g) FILTER (WHERE part = 'journey'), 0) AS journey_g,
                coalesce(sum(sign * travel_emissions_g) FILTER (WHERE part = 'local'), 0) AS local_g,
                coalesce(sum(sign * lodging_emissions_g), 0) AS lodging_g
            FROM changed
        )
        UPDATE tallies SET
            sequence = sequence + 1, folded_at = clock_timestamp(),
            check_ins = tallies.check_ins + change.check_ins, nights = tallies.nights + change.nights,
            people = tallies.people + (SELECT coalesce(sum(people - before), 0) FROM present),
            journey_emissions_g = journey_emissions_g + journey_g, local_emissions_g = local_emissions_g + local_g,
            lodging_emissions_g = lodging_emissions_g + lodging_g,
            donations = tallies.donations + (SELECT coalesce(sum(sign * donations), 0) FROM taken),
            donated_g = tallies.donated_g + (SELECT coalesce(sum(sign * donated_g), 0) FROM taken)
        FROM change WHERE event_id = $1
        RETURNING (SELECT count(*) FROM net) - found
        """,
        event_id,
        changes,
    )
    if missing:
        raise LookupError(f"event {event_id}: {missing} check-ins to fold are not there")


async def pending_events(connection: Connection) -> list[UUID]:
    """Events that have something to fold, the one that waits longest first."""
    rows = await connection.fetch("SELECT event_id FROM tally_changes GROUP BY event_id ORDER BY min(id)")
    return [row["event_id"] for row in rows]


async def is_pending(connection: Connection, event_id: UUID) -> bool:
    """Whether the event has something to fold."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM tally_changes WHERE event_id = $1)", event_id))


async def read(connection: Connection, event_id: UUID) -> Tally:
    """The sums as last folded, of one moment. Takes no longer when there are more check-ins. Raises NotFound."""
    row = await connection.fetchrow(
        """
        SELECT tallies.event_id, events.name AS event_name, time_zone, sequence, folded_at, check_ins, people, nights,
            journey_emissions_g, local_emissions_g, lodging_emissions_g, donations, donated_g,
            coalesce((
                SELECT greatest(floor(extract(epoch FROM clock_timestamp() - changed_at)), 0)
                FROM tally_changes WHERE event_id = $1 ORDER BY id LIMIT 1
            ), 0)::bigint AS behind_s,
            clock_timestamp() AS as_of,
            (
                SELECT coalesce(jsonb_agg(to_jsonb(cell) ORDER BY emissions_g DESC, key), '[]')
                FROM tally_cells AS cell WHERE event_id = $1 AND check_ins > 0
            ) AS cells,
            (
                SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name) ORDER BY id), '[]')
                FROM gates WHERE event_id = $1
            ) AS gates
        FROM tallies JOIN events ON events.id = tallies.event_id
        WHERE tallies.event_id = $1
        """,
        event_id,
    )
    if row is None:
        raise NotFound
    return as_tally(dict(row))


def as_tally(values: dict[str, Any]) -> Tally:
    """A row of `read` as a Tally."""
    cells = msgspec.json.decode(values.pop("cells"), type=list[Cell])
    gates = msgspec.json.decode(values.pop("gates"), type=list[Gate])
    emissions_g = values["journey_emissions_g"] + values["local_emissions_g"] + values["lodging_emissions_g"]
    return Tally(
        **values,
        emissions_g=emissions_g,
        coverage_permille=values["donated_g"] * 1000 // emissions_g if emissions_g else None,
        journey_modes=mode_lines(cells, "journey_mode"),
        local_modes=mode_lines(cells, "local_mode"),
        gates=gate_lines(cells, gates),
        hours=hour_lines(cells, ZoneInfo(values["time_zone"])),
    )


def mode_lines(cells: Sequence[Cell], dimension: str) -> list[ModeLine]:
    """Lines of a part's modes, in the order of the cells."""
    return [
        ModeLine(c.key, MODES[c.key].label, c.check_ins, c.people, c.trips, c.person_m, c.emissions_g)
        for c in cells
        if c.dimension == dimension
    ]


def gate_lines(cells: Sequence[Cell], gates: Sequence[Gate]) -> list[GateLine]:
    """A line for each gate, in the event's order, also where nobody has come yet."""
    by_gate = {int(cell.key): cell for cell in cells if cell.dimension == "gate"}
    empty = Cell("gate", "", 0, 0, 0, 0, 0)
    return [
        GateLine(gate.id, gate.name, cell.check_ins, cell.people, cell.emissions_g)
        for gate in gates
        for cell in [by_gate.get(gate.id, empty)]
    ]


def hour_lines(cells: Sequence[Cell], zone: ZoneInfo) -> list[HourLine]:
    """Lines of the hours in which someone came, in order."""
    found = sorted((cell for cell in cells if cell.dimension == "hour"), key=lambda cell: cell.key)
    return [
        HourLine(datetime.fromisoformat(c.key).astimezone(zone), c.check_ins, c.people, c.emissions_g) for c in found
    ]
