"""Telling people what will expire, and taking out what has, by night."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg

from service import expiry
from service.db import Connection, transaction

log = logging.getLogger(__name__)


async def expire_credits(context: dict[str, Any]) -> None:
    """Job: tell first, then expire what was told of in time, each set in a transaction of its own."""
    now = datetime.now(UTC)
    told = await all_of(context["pool"], lambda c: expiry.tell(c, now))
    expired = await all_of(context["pool"], lambda c: expiry.expire_due(c, now))
    log.info("expiry: %s holdings told of, credits of %s members expired", told, expired)


async def all_of(pool: asyncpg.Pool, some: Callable[[Connection], Awaitable[int]]) -> int:
    """Do it set by set until nothing is left; return how many in all."""
    done, last = 0, 1
    while last:
        async with transaction(pool) as connection:
            last = await some(connection)
        done += last
    return done
