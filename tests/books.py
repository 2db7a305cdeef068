"""Members, events and credits to test the ledger with, made without HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg

from service import ledger
from service.db import Connection, new_id

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
CLASSES = [ledger.CreditClass("110000", "DB11/T 3043", "2024", date(2026, month, 1)) for month in (9, 10, 11)]


async def open_member(connection: Connection) -> UUID:
    """A member with an account and nothing in it."""
    member_id = new_id()
    await connection.execute(
        "INSERT INTO members (id, phone_digest, phone_hint) VALUES ($1, sha256($2), '138****0000')",
        member_id,
        member_id.bytes,
    )
    await ledger.open_account(connection, member_id, "member")
    return member_id


async def open_event_account(connection: Connection) -> UUID:
    """An event as the ledger knows it: an account."""
    event_id = new_id()
    await ledger.open_account(connection, event_id, "event")
    return event_id


async def issue(connection: Connection, member_id: UUID, grams: Sequence[int]) -> list[UUID]:
    """Issue grams to a member, the first of the oldest class and so on."""
    ids = await ledger.class_ids(connection, CLASSES[: len(grams)])
    transfers = [
        ledger.Transfer(new_id(), ledger.ISSUANCE, member_id, ids[each], g, "issue")
        for each, g in zip(CLASSES, grams, strict=False)
    ]
    await ledger.post_many(connection, transfers)
    return [each.id for each in transfers]


async def rich_member(pool: asyncpg.Pool, *grams: int) -> UUID:
    """A member who holds grams of one class after another, the oldest first."""
    async with pool.acquire() as connection, connection.transaction():
        member_id = await open_member(connection)
        await issue(connection, member_id, grams)
        return member_id


async def event_account(pool: asyncpg.Pool) -> UUID:
    """An event that can be given to."""
    async with pool.acquire() as connection:
        return await open_event_account(connection)


async def balance(pool: asyncpg.Pool, member: UUID) -> int:
    """Grams that a member holds."""
    async with pool.acquire() as connection:
        return await ledger.balance_g(connection, member)
