"""Reservations made and ended without HTTP, and what they leave where."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from service import ledger, reservations
from service.db import Connection, new_id, transaction
from service.errors import Refusal
from service.reservations import Ending, LapsesTooSoon, Reservation
from tests.tallied import Hall

IN_AN_HOUR = timedelta(hours=1)


async def reserve(
    pool: asyncpg.Pool,
    member: UUID,
    event: Hall,
    grams: int,
    *,
    id_: UUID | None = None,
    lasting: timedelta = IN_AN_HOUR,
) -> Reservation:
    """Set grams aside, committed."""
    async with transaction(pool) as connection:
        lapses_at = datetime.now(UTC) + lasting
        return await reservations.reserve(connection, id_ or new_id(), member, event.id, grams, lapses_at)


async def reserve_briefly(pool: asyncpg.Pool, member: UUID, event: Hall, grams: int, lasting: timedelta) -> Reservation:
    """Set grams aside for a moment, or for a longer one where the machine is too busy for so short a one."""
    while True:
        try:
            return await reserve(pool, member, event, grams, lasting=lasting)
        except LapsesTooSoon:
            lasting *= 2


async def time_is_up(reservation: Reservation) -> None:
    """Wait until it lapses, and a little longer."""
    await asyncio.sleep((reservation.lapses_at - datetime.now(UTC)).total_seconds() + 0.03)


async def do(pool: asyncpg.Pool, work: Callable[[Connection], Awaitable[Ending]]) -> Ending | Refusal:
    """End a reservation, committed; or why not, with nothing done."""
    try:
        async with transaction(pool) as connection:
            return await work(connection)
    except Refusal as refusal:
        return refusal


async def post(
    pool: asyncpg.Pool, reservation: Reservation, ending_id: UUID | None = None, grams: int | None = None
) -> Ending | Refusal:
    ending = ending_id or new_id()
    return await do(pool, lambda c: reservations.post(c, reservation.reservation_id, ending, grams))


async def void(pool: asyncpg.Pool, reservation: Reservation, ending_id: UUID | None = None) -> Ending | Refusal:
    ending = ending_id or new_id()
    return await do(pool, lambda c: reservations.void(c, reservation.reservation_id, ending))


async def lapse(pool: asyncpg.Pool, reservation: Reservation) -> Ending | Refusal:
    return await do(pool, lambda c: reservations.lapse(c, reservation.reservation_id, new_id()))


async def held(pool: asyncpg.Pool, member: UUID) -> list[tuple[int, int]]:
    """Months and grams of what a member holds."""
    async with pool.acquire() as connection:
        return [(each.vintage.month, each.grams) for each in await ledger.holdings(connection, member)]


async def given(pool: asyncpg.Pool, event: Hall) -> int:
    """What the journal says the event was given, less what it gave back."""
    return int(
        await pool.fetchval(
            """
            SELECT coalesce(sum(CASE destination WHEN $1 THEN grams ELSE -grams END), 0)
            FROM transfers WHERE $1 IN (source, destination)
            """,
            event.id,
        )
    )


async def set_aside(pool: asyncpg.Pool) -> int:
    """What lies in the account of what is held."""
    return int(
        await pool.fetchval(
            "SELECT coalesce(sum(CASE destination WHEN $1 THEN grams ELSE -grams END), 0) "
            "FROM transfers WHERE $1 IN (source, destination)",
            ledger.HELD,
        )
    )
