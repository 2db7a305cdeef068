"""Members whose statements are worth reading, and the whole of one."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from service import ledger, reservations, retirements, statements
from service.config import Config
from service.db import new_id, transaction
from service.retirements import NewRetirement
from service.statement_lines import Line
from service.statements import Wanted
from tests.books import issue, rich_member
from tests.histories import LATER, give


async def whole(
    pool: asyncpg.Pool, config: Config, member: UUID, wanted: Wanted = statements.EVERYTHING, limit: int = 3
) -> list[Line]:
    """All pages, one after the other."""
    lines: list[Line] = []
    cursor = None
    while True:
        async with pool.acquire() as connection:
            page = await statements.read(connection, config, member, wanted, cursor, limit)
        assert len(page.lines) <= limit
        lines += page.lines
        if page.next_cursor is None:
            return lines
        cursor = page.next_cursor


async def busy_member(pool: asyncpg.Pool, events: tuple[UUID, ...], rounds: int = 4) -> UUID:
    """A member with something of most kinds in their statement."""
    member = await rich_member(pool, 1000, 2000, 3000)
    for number in range(rounds):
        await give(pool, member, events[number % len(events)], 700 + number)
        async with transaction(pool) as connection:
            await ledger.lock_accounts(connection, [member])
            await issue(connection, member, [50, 60])
            own = NewRetirement(grams=10 + number, beneficiary="李雷", purpose="出差")
            await retirements.retire_own(connection, new_id(), member, own)
            reservation = new_id()
            await reservations.reserve(connection, reservation, member, events[0], 40, LATER)
            if number % 2:
                await reservations.void(connection, reservation, new_id())
    return member
