"""Events with doors, and people who come through them, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from scenarios.meeting.travel import Leg, Trip
from service import events
from service.access import Caller, Role
from service.attendees import Attendee
from service.check_in_rows import CheckIn
from service.check_ins import check_in_many
from service.codes import Scanned
from service.config import Config
from service.db import new_id, transaction
from service.errors import Refusal
from service.events import Event, NewEvent
from service.idempotency import digest
from service.receipts import Receipt
from service.schedules import Hours
from tests.books import open_member

MORNING = datetime(2026, 11, 20, 1, 2, tzinfo=UTC)
"""09:02 in Beijing, on the first day."""
DAY = timedelta(days=1)
BY_METRO = Trip(part="journey", legs=(Leg(mode="metro", distance_m=12_000),), round_trip=True)
LOCAL_METRO = Trip(part="local", legs=(Leg(mode="metro", distance_m=3_000),), round_trip=True)


async def open_event(pool: asyncpg.Pool, place: str = "北京", factor_set: str | None = None) -> Event:
    """An event of three days from 20 November 2026, open from 08:00 to 03:00, with gates A and B."""
    opening = datetime(2026, 11, 20, 0, tzinfo=UTC)
    async with transaction(pool) as connection:
        member = await open_member(connection)
        organization = new_id()
        await connection.execute(
            "INSERT INTO organizations (id, name, founded_by) VALUES ($1, '会务组', $2)", organization, member
        )
        await connection.execute(
            "INSERT INTO organization_members (organization_id, member_id, role) VALUES ($1, $2, 'owner')",
            organization,
            member,
        )
        new = NewEvent(
            organization_id=organization,
            name="零碳会议",
            kind="meeting",
            place=place,
            venue="会议中心",
            time_zone="Asia/Shanghai",
            expected_people=300,
            factor_set=factor_set,
            hours=[Hours(opening + DAY * n, opening + DAY * n + timedelta(hours=19)) for n in range(3)],
            gates=["A", "B"],
        )
        return await events.create(connection, Caller(member, frozenset({Role.ORGANIZER})), new)


def device(name: str) -> Attendee:
    """An attendee known by a device."""
    return Attendee("device", UUID(bytes=digest(name)[:16]))


def coming(
    event: Event,
    attendee: Attendee | None,
    trip: Trip = BY_METRO,
    *,
    at: datetime = MORNING,
    fresh: bool = True,
    gate: int = 0,
    check_in_id: UUID | None = None,
    origin: str | None = None,
) -> CheckIn:
    """A request to check in, as an edge would make it."""
    short_code = event.gates[gate].short_code
    return CheckIn(
        id=check_in_id or new_id(),
        event_id=event.id,
        code=short_code,
        scanned=Scanned(short_code, fresh),
        attendee=attendee,
        trip=trip,
        origin=origin,
        request_digest=digest(event.id, trip, origin, attendee),
        at=at,
    )


async def come(pool: asyncpg.Pool, config: Config, *requests: CheckIn) -> list[Receipt | Refusal]:
    """Decide requests as one set."""
    async with transaction(pool) as connection:
        return await check_in_many(connection, config, requests)


async def come_in(pool: asyncpg.Pool, config: Config, request: CheckIn) -> Receipt:
    """Check in, or raise the refusal."""
    (verdict,) = await come(pool, config, request)
    if isinstance(verdict, Refusal):
        raise verdict
    return verdict
