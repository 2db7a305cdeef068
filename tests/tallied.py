"""Events whose tallies are watched: check-ins written as the service writes them, with trips as plain as can be."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from service import ledger, recounts, tallies
from service.db import Connection, encode_json, new_id, transaction
from service.donations import Donation, DonationRequest, donate_many
from service.tallies import Tally
from tests.books import issue, open_member

MORNING = datetime(2026, 11, 20, 1, 2, tzinfo=UTC)
DAY = date(2026, 11, 20)


class Hall(NamedTuple):
    """An event with gates A and B."""

    id: UUID
    gates: tuple[int, int]


class Leg(NamedTuple):
    """A leg of a trip, for one person there and back."""

    mode: str
    emissions_g: int
    person_m: int = 20_000
    person_trips: int = 2


class Visit(NamedTuple):
    """One check-in's facts."""

    attendee: UUID
    legs: tuple[Leg, ...] = (Leg("metro", 600),)
    part: str = "journey"
    day: date = DAY
    people: int = 1
    nights: int = 0
    lodging_emissions_g: int = 0
    gate: int = 0
    at: datetime = MORNING


async def open_hall(connection: Connection, time_zone: str = "Asia/Shanghai") -> Hall:
    """An event as it is made, with an account and an empty tally."""
    member, organization, event = await open_member(connection), new_id(), new_id()
    await connection.execute(
        "INSERT INTO organizations (id, name, founded_by) VALUES ($1, '会务组', $2)", organization, member
    )
    await connection.execute(
        """
        INSERT INTO events (
            id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
            expected_people, factor_set
        )
        VALUES ($1, $2, '零碳会议', 'meeting', 'CN', '110000', 'geonames:1816670', '会议中心', 39.9, 116.4, $3, 300,
            'travel-cn')
        """,
        event,
        organization,
        time_zone,
    )
    gates = [await add_gate(connection, event, name) for name in ("A", "B")]
    await ledger.open_account(connection, event, "event")
    await connection.execute("INSERT INTO tallies (event_id) VALUES ($1)", event)
    return Hall(event, (gates[0], gates[1]))


async def add_gate(connection: Connection, event: UUID, name: str) -> int:
    """A gate with a short code that no other has."""
    gate: int = await connection.fetchval(
        """
        INSERT INTO gates (event_id, name, short_code)
        VALUES ($1, $2, lpad((SELECT count(*) FROM gates)::text, 8, '0')) RETURNING id
        """,
        event,
        name,
    )
    return gate


async def hall(pool: asyncpg.Pool, time_zone: str = "Asia/Shanghai") -> Hall:
    """An event, committed."""
    async with transaction(pool) as connection:
        return await open_hall(connection, time_zone)


async def visit(connection: Connection, hall: Hall, *visits: Visit) -> list[UUID]:
    """Check in together, in the caller's transaction."""
    ids = [new_id() for _ in visits]
    for id_, one in zip(ids, visits, strict=True):
        await write_visit(connection, hall, id_, one)
    await note(connection, hall, 1, ids)
    return ids


async def write_visit(connection: Connection, hall: Hall, id_: UUID, one: Visit) -> None:
    """One check-in's row."""
    trip = {"legs": [leg._asdict() for leg in one.legs], "nights": one.nights}
    await connection.execute(
        """
        INSERT INTO check_ins (
            id, event_id, gate_id, day, attendee, attendee_kind, fresh, part, people, travel_emissions_g,
            lodging_emissions_g, trip, request_digest, checked_in_at
        )
        VALUES ($1, $2, $3, $4, $5, 'device', true, $6, $7, $8, $9, $10, $11, $12)
        """,
        id_,
        hall.id,
        hall.gates[one.gate],
        one.day,
        one.attendee,
        one.part,
        one.people,
        sum(leg.emissions_g for leg in one.legs),
        one.lodging_emissions_g,
        encode_json(trip),
        bytes(32),
        one.at,
    )


async def note(connection: Connection, hall: Hall, sign: int, ids: list[UUID]) -> None:
    """Note a change for the tally."""
    await connection.execute(
        "INSERT INTO tally_changes (event_id, sign, check_ins, changed_at) VALUES ($1, $2, $3, clock_timestamp())",
        hall.id,
        sign,
        ids,
    )


async def end(connection: Connection, hall: Hall, id_: UUID, because: str = "undone") -> None:
    """End a check-in, in the caller's transaction."""
    await connection.execute(
        "UPDATE check_ins SET ended_at = clock_timestamp(), ended_because = $2 WHERE id = $1", id_, because
    )
    await note(connection, hall, -1, [id_])


async def come(pool: asyncpg.Pool, hall: Hall, *visits: Visit) -> list[UUID]:
    """Check in together, committed."""
    async with transaction(pool) as connection:
        return await visit(connection, hall, *visits)


async def undo(pool: asyncpg.Pool, hall: Hall, id_: UUID) -> None:
    """Take a check-in back, committed."""
    async with transaction(pool) as connection:
        await end(connection, hall, id_)


async def correct(pool: asyncpg.Pool, hall: Hall, id_: UUID, instead: Visit) -> UUID:
    """End a check-in and put another in its place, committed."""
    async with transaction(pool) as connection:
        await end(connection, hall, id_, "corrected")
        (new,) = await visit(connection, hall, instead)
        return new


async def donor(pool: asyncpg.Pool, grams: int = 1_000_000) -> UUID:
    """A member who has something to give."""
    async with transaction(pool) as connection:
        member = await open_member(connection)
        await issue(connection, member, [grams])
        return member


async def donate(pool: asyncpg.Pool, hall: Hall, member: UUID, grams: int) -> None:
    """Give to the event, committed."""
    async with transaction(pool) as connection:
        (given,) = await donate_many(connection, [DonationRequest(new_id(), member, hall.id, grams)])
        assert isinstance(given, Donation)


async def fold(pool: asyncpg.Pool, hall: Hall, limit: int = 200) -> int:
    """Fold once, committed."""
    async with transaction(pool) as connection:
        return await tallies.fold(connection, hall.id, limit)


async def fold_out(pool: asyncpg.Pool, hall: Hall) -> Tally:
    """Fold all there is and read the tally, which must be what a recount finds."""
    while await fold(pool, hall):
        pass
    await check(pool, hall)
    return await read(pool, hall)


async def check(pool: asyncpg.Pool, hall: Hall) -> None:
    """The sums are those of a recount."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        assert await recounts.audit(connection, hall.id) == []


async def read(pool: asyncpg.Pool, hall: Hall) -> Tally:
    """The tally as folded."""
    async with pool.acquire() as connection:
        return await tallies.read(connection, hall.id)
