"""Looking again and again for what is to be done, with or without a queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import asyncpg

from service.db import AWAY

SWEEP_EVERY_S = 2.0

log = logging.getLogger(__name__)


async def keep_sweeping(
    pool: asyncpg.Pool, sweep: Callable[[asyncpg.Pool], Awaitable[object]], every_s: float = SWEEP_EVERY_S
) -> None:
    """Sweep every few seconds for ever, also when the database went away or the sweep failed."""
    while True:
        try:
            await sweep(pool)
        except AWAY as away:
            log.warning("the database does not answer: %r", away)
        except Exception:
            log.exception("a sweep failed: %r", sweep)
        await asyncio.sleep(every_s)
