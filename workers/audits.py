"""Auditing: the ledger's invariants, and tallies counted anew. A finding is a fault of ours, logged as an error."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from service import ledger, recounts
from service.config import Config
from service.db import Connection, set_up_connection

LOOKED_BACK = timedelta(days=2)
TRIES = 5

log = logging.getLogger(__name__)


async def audit_books(context: dict[str, Any]) -> None:
    """Job: audit the ledger, and every tally that changed in the last two days."""
    findings = await find_faults(context["config"], datetime.now(UTC) - LOOKED_BACK)
    for finding in findings:
        log.error("audit: %s", finding)
    if not findings:
        log.info("audit: the books are in order")


async def find_faults(config: Config, since: datetime) -> list[str]:
    """What is wrong with the books, and with tallies that changed since."""
    async with patient_connection(config) as connection:
        findings = await ledger.audit(connection)
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
