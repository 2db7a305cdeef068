"""Who has just been erased: their access tokens, good for minutes still, are refused.

Tokens are not looked up, so each process remembers for as long as they live. It learns of its own erasures at once and
of other processes' within a second; the database refuses what would move credits or sign in from the first moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg

from service.db import AWAY, Connection
from service.sessions import ACCESS_LIFE

LOOK_EVERY_S = 1.0
REMEMBERED = ACCESS_LIFE + timedelta(minutes=1)

log = logging.getLogger(__name__)


class Departures:
    """The members whose tokens one process refuses."""

    def __init__(self, pool: asyncpg.Pool, every_s: float = LOOK_EVERY_S) -> None:
        self._pool = pool
        self._every_s = every_s
        self._gone: frozenset[UUID] = frozenset()

    def __contains__(self, member_id: object) -> bool:
        return member_id in self._gone

    def add(self, member_id: UUID) -> None:
        """Refuse a member's tokens from now on; to be called once the erasure is committed."""
        self._gone |= {member_id}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Departures]:
        """Keep looking for the length of the block. Raises what asyncpg raises when the database is away at first."""
        await self.look()
        looking = asyncio.create_task(self._look_on())
        try:
            yield self
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def look(self) -> None:
        """Learn who was erased lately."""
        before = self._gone
        async with self._pool.acquire() as connection:
            self._gone = await erased_lately(connection) | (self._gone - before)

    async def _look_on(self) -> None:
        """Look every second, come what may."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.look()
            except AWAY as away:
                log.warning("who was erased lately cannot be asked: %r", away)


async def erased_lately(connection: Connection) -> frozenset[UUID]:
    """Members erased within the life of an access token."""
    rows = await connection.fetch(
        "SELECT id FROM members WHERE erased_at > clock_timestamp() - $1::interval", REMEMBERED
    )
    return frozenset(row["id"] for row in rows)
