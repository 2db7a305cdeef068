"""Giving back what events were given beyond their need, or can use no more."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from service import surplus
from service.db import AWAY, transaction

log = logging.getLogger(__name__)


async def sweep(pool: asyncpg.Pool) -> None:
    """Give back all that is due. An event that fails keeps no other back. Raises one of AWAY."""
    async with pool.acquire() as connection:
        events = await surplus.waiting(connection)
    for event_id in events:
        try:
            await return_all(pool, event_id)
        except AWAY:
            raise
        except Exception:
            log.exception("surplus of event %s cannot go back", event_id)


async def return_all(pool: asyncpg.Pool, event_id: UUID) -> None:
    """Return set by set until nothing is left, each set in a transaction of its own."""
    returned = True
    while returned:
        async with transaction(pool) as connection:
            returned = bool(await surplus.return_some(connection, event_id, datetime.now(UTC)))
