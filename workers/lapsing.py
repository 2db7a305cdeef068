"""Letting reservations lapse whose time is up."""

from __future__ import annotations

import logging

import asyncpg

from service import reservations
from service.db import AWAY, new_id, transaction
from service.errors import Refusal

log = logging.getLogger(__name__)


async def sweep(pool: asyncpg.Pool) -> None:
    """End every reservation whose time is up, each in a transaction of its own. Raises one of AWAY."""
    async with pool.acquire() as connection:
        waiting = await reservations.due(connection)
    for reservation_id in waiting:
        try:
            async with transaction(pool) as connection:
                await reservations.lapse(connection, reservation_id, new_id())
        except Refusal:  # its member was quicker
            continue
        except AWAY:
            raise
        except Exception:
            log.exception("reservation %s cannot lapse", reservation_id)
