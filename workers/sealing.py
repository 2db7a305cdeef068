"""Sealing what was posted into the log of transfers, about once a second. Several workers take turns."""

from __future__ import annotations

import asyncio
import logging

import asyncpg

from service import transfer_log
from service.config import Config
from service.db import AWAY, transaction

SEAL_EVERY_S = 1.0

log = logging.getLogger(__name__)


async def seal_all(pool: asyncpg.Pool, config: Config) -> int:
    """Seal until nothing waits, each batch in a transaction of its own; return how many transfers."""
    sealed = 0
    while True:
        async with transaction(pool) as connection:
            taken = await transfer_log.seal(connection, config)
        if not taken:
            return sealed
        sealed += taken


async def seal_on(pool: asyncpg.Pool, config: Config) -> None:
    """Seal every second for ever, with or without a queue."""
    while True:
        try:
            await seal_all(pool, config)
        except AWAY as away:
            log.warning("nothing is sealed, the database does not answer: %r", away)
        except Exception:
            log.exception("transfers cannot be sealed")
        await asyncio.sleep(SEAL_EVERY_S)
