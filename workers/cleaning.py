"""Forgetting what served its purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from service import evidence, idempotency, partner_signatures, sign_in_codes
from service.db import transaction

KEPT = timedelta(days=7)
"""The longest that anything asks for them is an hour; a week lets a person look into a complaint."""
UNATTACHED = timedelta(days=1)


async def forget_old(context: dict[str, Any]) -> None:
    """Job: forget answers kept for repeats, and which codes were sent, a week ago; and photos that no act took."""
    now = datetime.now(UTC)
    async with transaction(context["pool"]) as connection:
        await idempotency.forget(connection, now - KEPT)
        await sign_in_codes.forget_old(connection, now - KEPT)
        await partner_signatures.forget_nonces(connection, now)
    await forget_photos(context["pool"], now - UNATTACHED)


async def forget_photos(pool: asyncpg.Pool, before: datetime) -> None:
    """Forget uploads from before then that no act took, a thousand at a time."""
    forgotten = 1
    while forgotten:
        async with transaction(pool) as connection:
            forgotten = await evidence.forget_unattached(connection, before)
