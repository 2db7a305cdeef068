"""The books audited: the ledger's invariants, and tallies counted anew. A finding is a fault of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg

from service import ledger, ledger_audit, recounts
from service.config import Config
from service.db import Connection, set_up_connection

TRIES = 5


async def find_faults(config: Config, since: datetime | None = None) -> list[str]:
    """What is wrong with the books and with tallies, all or those that changed since. Folds what waits."""
    async with patient_connection(config) as connection:
        findings = await ledger.audit(connection) + await ledger_audit.issued_for_nothing(connection)
        for event_id in await recounts.folded_since(connection, since):
            findings += await audit_tally(connection, event_id)
    return findings


async def audit_tally(connection: Connection, event_id: UUID) -> list[str]:
    """What is wrong with one tally. Raises SerializationError where folds came between again and again."""
    for tried in range(1, TRIES + 1):
        try:
            async with connection.transaction(isolation="repeatable_read"):
                return await recounts.audit(connection, event_id)
        except asyncpg.SerializationError:
            if tried == TRIES:
                raise
    raise AssertionError


@asynccontextmanager
async def patient_connection(config: Config) -> AsyncIterator[asyncpg.Connection]:
    """A connection of our own, whose statements may take their time."""
    connection = await asyncpg.connect(config.database_url, server_settings={"timezone": "UTC"})
    try:
        await set_up_connection(connection)
        yield connection
    finally:
        await connection.close()
