"""At rest: the load has ended, the workers have finished. Then the books are audited, and the log is sealed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from service import audits
from service.config import Config
from service.db import Connection

RESTS_WITHIN_S = 180.0


@asynccontextmanager
async def connection_to(config: Config) -> AsyncIterator[asyncpg.Connection]:
    """A connection of our own."""
    connection = await asyncpg.connect(config.database_url, server_settings={"timezone": "UTC"})
    try:
        yield connection
    finally:
        await connection.close()


async def come_to_rest(config: Config) -> list[str]:
    """Wait until the workers have folded and sealed all; what they have not after a while."""
    async with connection_to(config) as connection:
        deadline = time.monotonic() + RESTS_WITHIN_S
        while waiting := await what_waits(connection):
            if time.monotonic() > deadline:
                return waiting
            await asyncio.sleep(0.1)
        return []


async def what_waits(connection: Connection) -> list[str]:
    """What is not folded or not sealed."""
    changes, transfers = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM tally_changes), (SELECT count(*) FROM unsealed_transfers)"
    )
    waiting = [f"{changes} changes are not folded"] if changes else []
    return waiting + ([f"{transfers} statements' transfers are not sealed"] if transfers else [])


async def find_faults(config: Config) -> list[str]:
    """What the nightly audit finds, and what is wrong with the log's end."""
    async with connection_to(config) as connection:
        return await audits.find_faults(config) + await unsealed(connection)


async def unsealed(connection: Connection) -> list[str]:
    """Where the log is not sealed to the end: a transfer that is not in it, a gap, a shorter last checkpoint."""
    row = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM transfers) AS transfers,
            (SELECT count(*) FROM sealed_transfers) AS sealed,
            (SELECT coalesce(max(position) + 1, 0) FROM sealed_transfers) AS length,
            (SELECT coalesce(max(size), 0) FROM log_checkpoints) AS signed
        """
    )
    return [] if len(set(row)) == 1 else [f"the log is not sealed to the end: {dict(row)}"]
