"""Watching the deadlines of events that are to be carbon-neutral."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from service import deadline_watch
from service.db import AWAY, transaction

WATCH_EVERY_S = 3_600.0
"""A reminder is for a day: it need not come at its first minute."""

log = logging.getLogger(__name__)


async def sweep(pool: asyncpg.Pool, now: datetime | None = None) -> int:
    """Tell what is to be told of every event; how much was new. One that fails keeps no other back. Raises of AWAY."""
    told, after = 0, None
    while True:
        async with pool.acquire() as connection:
            events = await deadline_watch.watched(connection, after)
        if not events:
            return told
        for event_id in events:
            told += await watch(pool, event_id, now or datetime.now(UTC))
        after = events[-1]


async def watch(pool: asyncpg.Pool, event_id: UUID, now: datetime) -> int:
    """Tell what is to be told of an event; how much was new. A failure is logged. Raises one of AWAY."""
    try:
        async with transaction(pool) as connection:
            return await deadline_watch.watch(connection, event_id, now)
    except AWAY:
        raise
    except Exception:
        log.exception("the deadlines of event %s cannot be watched", event_id)
        return 0
