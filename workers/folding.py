"""Folding: an event's tally when it is nudged, and every event's now and then."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import asyncpg

from service import tallies
from service.db import AWAY, transaction
from service.nudges import enqueue_fold

log = logging.getLogger(__name__)


async def fold_event(context: dict[str, Any], event_id: str) -> None:
    """Job: fold all that an event has waiting. A failure is left to the sweep."""
    try:
        await fold_all(context["pool"], UUID(event_id))
        context["folded"] = UUID(event_id)
    except AWAY as away:
        log.warning("event %s is not folded, the database does not answer: %r", event_id, away)


async def look_again(context: dict[str, Any]) -> None:
    """After a job has ended and may be queued anew: a nudge that came while it ran was not taken, so see for it."""
    if (event_id := context.get("folded")) is None:
        return
    try:
        async with context["pool"].acquire() as connection:
            waiting = await tallies.is_pending(connection, event_id)
    except AWAY:
        return
    if waiting:
        await enqueue_fold(context["redis"], event_id)


async def fold_all(pool: asyncpg.Pool, event_id: UUID) -> None:
    """Fold until nothing waits, each fold in a transaction of its own."""
    taken = True
    while taken:
        async with transaction(pool) as connection:
            taken = bool(await tallies.fold(connection, event_id))


async def sweep(pool: asyncpg.Pool) -> None:
    """Fold every event that has something waiting. One that fails keeps no other back. Raises one of AWAY."""
    async with pool.acquire() as connection:
        events = await tallies.pending_events(connection)
    for event_id in events:
        try:
            await fold_all(pool, event_id)
        except AWAY:
            raise
        except Exception:
            log.exception("event %s cannot be folded", event_id)
