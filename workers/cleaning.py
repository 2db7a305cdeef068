"""Forgetting what served its purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from service import evidence, idempotency, partner_signatures, sessions, sign_in_codes
from service.db import transaction
from service.personal_data import DAYS

KEPT = timedelta(days=DAYS.requests)
"""The longest that anything asks for them is an hour; a week lets a person look into a complaint."""
UNATTACHED = timedelta(days=DAYS.photos)
ENDED = timedelta(days=DAYS.sessions)


async def forget_old(context: dict[str, Any]) -> None:
    """Job: forget answers kept for repeats, which codes were sent, sessions long over, and photos that no act took."""
    now = datetime.now(UTC)
    async with transaction(context["pool"]) as connection:
        await idempotency.forget(connection, now - KEPT)
        await sign_in_codes.forget_old(connection, now - KEPT)
        await sessions.forget_old(connection, now - ENDED)
        await partner_signatures.forget_nonces(connection, now)
    await forget_photos(context["pool"], now - UNATTACHED)


async def forget_photos(pool: asyncpg.Pool, before: datetime) -> None:
    """Forget uploads from before then that no act took, a thousand at a time."""
    forgotten = 1
    while forgotten:
        async with transaction(pool) as connection:
            forgotten = await evidence.forget_unattached(connection, before)
