"""Giving back what was given to cancelled events."""

from __future__ import annotations

import logging
from uuid import UUID

import asyncpg

from service import refunds, reservations
from service.db import AWAY, new_id, transaction
from service.errors import Refusal

log = logging.getLogger(__name__)


async def sweep(pool: asyncpg.Pool) -> None:
    """Give back all that cancelled events still hold. One that fails keeps no other back. Raises one of AWAY."""
    async with pool.acquire() as connection:
        events = await refunds.waiting(connection)
    for event_id in events:
        try:
            await void_reservations(pool, event_id)
            await refund_all(pool, event_id)
        except AWAY:
            raise
        except Exception:
            log.exception("donations to event %s cannot go back", event_id)


async def void_reservations(pool: asyncpg.Pool, event_id: UUID) -> None:
    """Give back what was set aside for the event, each in a transaction of its own."""
    async with pool.acquire() as connection:
        waiting = await refunds.reserved(connection, event_id)
    for reservation_id in waiting:
        try:
            async with transaction(pool) as connection:
                await reservations.void(connection, reservation_id, new_id())
        except Refusal:  # its member was quicker
            continue


async def refund_all(pool: asyncpg.Pool, event_id: UUID) -> None:
    """Refund set by set until nothing is left, each set in a transaction of its own."""
    refunded = True
    while refunded:
        async with transaction(pool) as connection:
            refunded = bool(await refunds.refund_some(connection, event_id))
