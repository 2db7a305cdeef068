"""Forgetting what served its purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from service import idempotency, sign_in_codes
from service.db import transaction

KEPT = timedelta(days=7)
"""The longest that anything asks for them is an hour; a week lets a person look into a complaint."""


async def forget_old(context: dict[str, Any]) -> None:
    """Job: forget answers kept for repeats, and which codes were sent, a week ago."""
    before = datetime.now(UTC) - KEPT
    async with transaction(context["pool"]) as connection:
        await idempotency.forget(connection, before)
        await sign_in_codes.forget_old(connection, before)
