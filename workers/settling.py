"""Crediting acts that waited for a partner's better report, once none can come."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg

from service import action_settling
from service.db import transaction

SET = 500


async def settle_due(pool: asyncpg.Pool) -> None:
    """Settle all that is due, a set a transaction. Raises one of AWAY."""
    due = SET
    while due == SET:
        async with transaction(pool) as connection:
            due = await action_settling.settle_due(connection, datetime.now(UTC), SET)
