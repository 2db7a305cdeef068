"""Events that are given to, retire, and are cancelled; and what is left of that."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg

from service import cancellations, ledger
from service.access import Caller, Role
from service.db import Connection, new_id, transaction
from service.donations import ClosedToDonations, Donation, DonationRequest, donate_many
from service.errors import Refusal
from service.events import Event
from tests.books import CLASSES
from tests.doors import open_event
from tests.tallied import Hall
from workers import refunding


async def open_hall(pool: asyncpg.Pool) -> Hall:
    """An event with an organizer."""
    return as_hall(await open_event(pool))


def as_hall(event: Event) -> Hall:
    """An event as the tallies' helpers know it."""
    return Hall(event.id, (event.gates[0].id, event.gates[1].id))


async def organizer_of(connection: Connection, event_id: UUID) -> Caller:
    """Who may cancel it."""
    member = await connection.fetchval(
        "SELECT member_id FROM organization_members JOIN events USING (organization_id) WHERE events.id = $1", event_id
    )
    return Caller(member, frozenset({Role.ORGANIZER}))


async def cancel(pool: asyncpg.Pool, event: Hall) -> None:
    """Cancel it, committed."""
    async with transaction(pool) as connection:
        await cancellations.cancel(connection, await organizer_of(connection, event.id), event.id, "台风")


async def give(pool: asyncpg.Pool, event: Hall, member: UUID, grams: int) -> Donation | Refusal:
    """Donate, committed. That the event was closed between look and gift the database says."""
    try:
        async with transaction(pool) as connection:
            (verdict,) = await donate_many(connection, [DonationRequest(new_id(), member, event.id, grams)])
            return verdict
    except asyncpg.CheckViolationError as violation:
        if violation.constraint_name != "open_accounts":
            raise
        return ClosedToDonations()


async def retire(pool: asyncpg.Pool, event: Hall, grams: int, month: int = 0) -> None:
    """The event retires grams of one class, committed."""
    async with transaction(pool) as connection:
        id_, each = new_id(), CLASSES[month]
        class_id = (await ledger.class_ids(connection, [each]))[each]
        await ledger.lock_accounts(connection, [event.id])
        await connection.execute(
            """
            INSERT INTO retirements (id, account_id, beneficiary, beneficiary_kind, purpose, grams, retired_on)
            VALUES ($1, $2, '会务组', 'organization', '碳中和', $3, '2026-11-21')
            """,
            id_,
            event.id,
            grams,
        )
        await ledger.post_many(connection, [ledger.Transfer(id_, event.id, ledger.RETIRED, class_id, grams, "retire")])


async def left(pool: asyncpg.Pool, event: Hall) -> int:
    """What the event still holds, by the journal."""
    return int(
        await pool.fetchval(
            "SELECT coalesce(sum(CASE destination WHEN $1 THEN grams ELSE -grams END), 0) "
            "FROM transfers WHERE $1 IN (source, destination)",
            event.id,
        )
    )


async def sweep_until_refunded(pool: asyncpg.Pool, event: Hall) -> bool:
    """Sweep until the cancellation counts as done; other tests' transactions on this server hold that up meanwhile."""
    for _ in range(200):
        await refunding.sweep(pool)
        if await is_refunded(pool, event):
            return True
        await asyncio.sleep(0.05)
    return False


async def is_refunded(pool: asyncpg.Pool, event: Hall) -> bool:
    async with pool.acquire() as connection:
        found = await cancellations.find(connection, event.id)
    assert found
    return found.refunded_at is not None
