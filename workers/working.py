"""Doing jobs that requests began. Several workers, and several lanes of one, share them."""

from __future__ import annotations

import logging

import asyncpg

from service import imports, jobs, reports
from service.config import Config
from service.db import AWAY

LOOK_EVERY_S = 0.5
LANES = 2
"""How many jobs a worker does at once, so that a short one need not wait for a long one."""

HANDLING = (imports, reports)
"""The modules that have handlers of jobs: to import them is enough."""

log = logging.getLogger(__name__)


async def do_waiting(pool: asyncpg.Pool, config: Config) -> None:
    """Do every job that nobody does, the oldest first. One that fails keeps no other back. Raises one of AWAY."""
    async with pool.acquire() as connection:
        waiting = await jobs.to_do(connection)
    for job_id in waiting:
        try:
            await jobs.run(pool, config, job_id)
        except AWAY:
            raise
        except Exception:
            log.exception("job %s cannot be ended", job_id)
