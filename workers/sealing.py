"""Sealing what was posted into the log of transfers, about once a second. Several workers take turns."""

from __future__ import annotations

import asyncpg

from service import transfer_log
from service.config import Config
from service.db import transaction

SEAL_EVERY_S = 1.0


async def seal_all(pool: asyncpg.Pool, config: Config) -> int:
    """Seal until nothing waits, each batch in a transaction of its own; return how many transfers."""
    sealed = 0
    while True:
        async with transaction(pool) as connection:
            taken = await transfer_log.seal(connection, config)
        if not taken:
            return sealed
        sealed += taken
