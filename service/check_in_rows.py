"""Check-ins as rows: what is known before a set is decided, and recording what was decided, all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from scenarios.meeting.travel import Quantified, Trip
from service import codes, ledger, personal_codes
from service.attendees import Attendee
from service.check_in_memory import Memory
from service.codes import Scanned
from service.config import Config
from service.db import Connection, encode_json
from service.errors import Refusal
from service.events import Event, Gate
from service.receipts import Receipt, earning_state


class CheckIn(NamedTuple):
    """One request to check in. `id` is the caller's, `at` when it counts, `scanned` what `code` said, or its refusal.

    `origin` is a place's id, or its name as typed. `by_steward` when someone else's badge was read.
    """

    id: UUID
    event_id: UUID
    code: str
    scanned: Scanned | Refusal
    attendee: Attendee | None
    trip: Trip
    origin: str | None
    request_digest: bytes
    at: datetime
    by_steward: bool = False
    replaces: UUID | None = None


class Known(NamedTuple):
    """What the database knows of a set of requests before it is decided."""

    doors: Mapping[str, tuple[Event, Gate]]
    digests: Mapping[UUID, bytes]
    by_day: Mapping[tuple[UUID, UUID, date], UUID]
    journeys: frozenset[tuple[UUID, UUID]]
    credited: frozenset[tuple[UUID, UUID, date]]
    badges: frozenset[tuple[UUID, UUID]]


class Row(NamedTuple):
    """A check-in as it will be stored, in the order of the columns."""

    id: UUID
    event_id: UUID
    gate_id: int
    day: date
    attendee: UUID
    attendee_kind: str
    fresh: bool
    part: str
    people: int
    travel_emissions_g: int
    lodging_emissions_g: int
    trip: bytes
    credit_class: int | None
    reduction_g: int | None
    credited_to: UUID | None
    request_digest: bytes
    checked_in_at: datetime
    replaces: UUID | None


class New(NamedTuple):
    """A check-in decided but not yet recorded."""

    request: CheckIn
    event: Event
    gate: Gate
    day: date
    quantified: Quantified
    credit_class: ledger.CreditClass | None
    reduction_g: int | None
    credited_to: UUID | None


async def what_is_known(connection: Connection, requests: Sequence[CheckIn], memory: Memory) -> Known:
    """Doors, earlier check-ins and badges that bear on these requests.

    `OFFSET 0` keeps the planner from turning a look at an index for each request into one walk through all of it.
    """
    doors = await memory.doors(
        connection, {each.scanned.short_code for each in requests if isinstance(each.scanned, Scanned)}
    )
    asked = [(each.id, each.event_id, each.attendee.id if each.attendee else None) for each in requests]
    members = [(each.event_id, each.attendee.id) for each in requests if is_of_kind(each, "member")]  # type: ignore[union-attr]
    rows = await connection.fetch(
        """
        SELECT id, event_id, attendee, day, part, credited_to, request_digest, ended_at IS NULL AS live
        FROM check_ins WHERE id = ANY ($1::uuid[])
        UNION ALL
        SELECT seen.id, seen.event_id, seen.attendee, day, part, credited_to, request_digest, true
        FROM unnest($2::uuid[], $3::uuid[]) AS asked (event_id, attendee)
        CROSS JOIN LATERAL (
            SELECT * FROM check_ins
            WHERE event_id = asked.event_id AND attendee = asked.attendee AND ended_at IS NULL
            OFFSET 0
        ) AS seen
        UNION ALL
        SELECT seen.id, seen.event_id, seen.attendee, day, part, credited_to, request_digest, true
        FROM unnest($4::uuid[], $5::uuid[]) AS asked (event_id, member_id)
        CROSS JOIN LATERAL (
            SELECT * FROM check_ins
            WHERE event_id = asked.event_id AND credited_to = asked.member_id AND ended_at IS NULL
            OFFSET 0
        ) AS seen
        """,
        *map(list, zip(*asked, strict=True)),
        [event_id for event_id, _ in members],
        [member_id for _, member_id in members],
    )
    live = [row for row in rows if row["live"]]
    return Known(
        doors=doors,
        digests={row["id"]: row["request_digest"] for row in rows},
        by_day={(row["event_id"], row["attendee"], row["day"]): row["id"] for row in live},
        journeys=frozenset((row["event_id"], row["attendee"]) for row in live if row["part"] == "journey"),
        credited=frozenset((r["event_id"], r["credited_to"], r["day"]) for r in live if r["credited_to"]),
        badges=await personal_codes.known_among(
            connection,
            [(each.event_id, each.attendee.id) for each in requests if is_of_kind(each, "personal")],  # type: ignore[union-attr]
        ),
    )


def is_of_kind(request: CheckIn, kind: str) -> bool:
    """Whether who attends is known as a member, by a badge's code, or by a device."""
    return request.attendee is not None and request.attendee.kind == kind


async def record(connection: Connection, config: Config, decided: Sequence[New], memory: Memory) -> dict[UUID, Receipt]:
    """Store check-ins, issue what they earn, note them for the tally. What is missing in the answer came too late."""
    if not decided:
        return {}
    classes = await memory.class_ids(connection, {each.credit_class for each in decided if each.credit_class})
    rows = {each.request.id: row_of(each, classes) for each in decided}
    added = await insert(connection, sorted(rows.values(), key=lambda row: (row.event_id, row.attendee, row.day)))
    return {each.request.id: receipt_of(config, each) for each in decided if each.request.id in added}


def row_of(new: New, classes: Mapping[ledger.CreditClass, int]) -> Row:
    """A decided check-in as it is stored."""
    request = new.request
    assert request.attendee
    assert isinstance(request.scanned, Scanned)
    return Row(
        id=request.id,
        event_id=new.event.id,
        gate_id=new.gate.id,
        day=new.day,
        attendee=request.attendee.id,
        attendee_kind=request.attendee.kind,
        fresh=request.scanned.fresh,
        part=request.trip.part,
        people=new.quantified.people,
        travel_emissions_g=new.quantified.travel_emissions_g,
        lodging_emissions_g=new.quantified.lodging_emissions_g,
        trip=encode_json(new.quantified),
        credit_class=classes[new.credit_class] if new.credit_class else None,
        reduction_g=new.reduction_g,
        credited_to=new.credited_to,
        request_digest=request.request_digest,
        checked_in_at=request.at,
        replaces=request.replaces,
    )


async def insert(connection: Connection, rows: Sequence[Row]) -> set[UUID]:
    """Insert rows that no other contradicts, with what follows from them; return the ids of those inserted.

    One statement, so that it is done whole or not at all, whoever commits: it holds the accounts that earn, stores the
    rows, notes them for the tally, and issues what each earned under its id.
    """
    added = await connection.fetch(
        """
        WITH held AS MATERIALIZED (
            SELECT id FROM accounts WHERE id = ANY ($15::uuid[]) ORDER BY id FOR NO KEY UPDATE
        ),
        added AS (
            INSERT INTO check_ins (
                id, event_id, gate_id, day, attendee, attendee_kind, fresh, part, people, travel_emissions_g,
                lodging_emissions_g, trip, credit_class, reduction_g, credited_to, request_digest, checked_in_at,
                replaces
            )
            SELECT * FROM unnest(
                $1::uuid[], $2::uuid[], $3::integer[], $4::date[], $5::uuid[], $6::text[], $7::boolean[], $8::text[],
                $9::integer[], $10::bigint[], $11::bigint[], $12::jsonb[], $13::integer[], $14::bigint[], $15::uuid[],
                $16::bytea[], $17::timestamptz[], $18::uuid[]
            )
            WHERE (SELECT count(*) FROM held) >= 0
            ON CONFLICT DO NOTHING
            RETURNING id, event_id, credited_to, credit_class, reduction_g
        ),
        noted AS (
            INSERT INTO tally_changes (event_id, sign, check_ins, changed_at)
            SELECT event_id, 1, array_agg(id), clock_timestamp() FROM added GROUP BY event_id
        ),
        issued AS (
            INSERT INTO transfers (id, source, destination, class_id, grams, reason, ordinal)
            SELECT id, $19, credited_to, credit_class, reduction_g, 'issue', 0
            FROM added WHERE credited_to IS NOT NULL ORDER BY id
        )
        SELECT id FROM added
        """,
        *map(list, zip(*rows, strict=True)),
        ledger.ISSUANCE,
    )
    return {row["id"] for row in added}


def receipt_of(config: Config, new: New) -> Receipt:
    """The receipt of a check-in just recorded."""
    request, quantified = new.request, new.quantified
    return Receipt(
        check_in_id=request.id,
        event_id=new.event.id,
        event_name=new.event.name,
        time_zone=new.event.time_zone,
        gate=new.gate.name,
        day=new.day,
        checked_in_at=request.at,
        people=quantified.people,
        part=quantified.part,
        emissions_g=quantified.emissions_g,
        travel_emissions_g=quantified.travel_emissions_g,
        lodging_emissions_g=quantified.lodging_emissions_g,
        trip=quantified,
        earning=earning_state(new.reduction_g, new.credited_to),
        earned_g=new.reduction_g or 0,
        receipt_key=None if request.by_steward else codes.receipt_key(config, request.id),
    )
