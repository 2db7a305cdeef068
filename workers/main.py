"""The workers' process: `python -m workers.main`, as many as one likes.

Jobs come from the queue (arq); what must not depend on it, the sweep, runs beside it. When the queue goes away the
process stays, sweeps, and takes up the queue when it is back. Ended by SIGTERM or SIGINT, with nothing half done.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import asyncpg
from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix
from arq.cron import cron
from arq.worker import Worker, func
from redis.exceptions import RedisError

from service.config import Config, from_environment
from service.db import open_pool
from service.methodology_versions import kept_fresh
from service.nudges import FOLD, PATIENCE_S, decode_job, encode_job, open_queue
from workers import folding, lapsing, refunding, returning, sealing, settling, watching, working
from workers.audits import audit_books
from workers.cleaning import forget_old
from workers.expiring import expire_credits
from workers.folding import fold_event, look_again
from workers.sweeping import keep_sweeping

if TYPE_CHECKING:
    from arq.typing import StartupShutdown, WorkerCoroutine

RETRY_EVERY_S = 1.0
PULSE_EVERY_S = 5.0
GRACE_S = 2.0
NIGHT_HOUR = 18
"""In UTC; 02:00 in China."""

log = logging.getLogger(__name__)


def make_worker(queue: ArqRedis, config: Config, pool: asyncpg.Pool) -> Worker:
    """What runs jobs, with its settings: polls every 50 ms, keeps no results, reports its health every 10 s."""
    return Worker(
        functions=[func(cast("WorkerCoroutine", fold_event), name=FOLD, timeout=60)],
        cron_jobs=[
            cron(cast("WorkerCoroutine", audit_books), hour=NIGHT_HOUR, minute=11, timeout=3_600),
            cron(cast("WorkerCoroutine", expire_credits), hour=NIGHT_HOUR, minute=26, timeout=3_600),
            cron(cast("WorkerCoroutine", forget_old), hour=NIGHT_HOUR, minute=41, timeout=600),
        ],
        redis_pool=queue,
        on_job_start=cast("StartupShutdown", keep_track),
        after_job_end=cast("StartupShutdown", look_again),
        handle_signals=False,
        max_jobs=8,
        keep_result=0,
        poll_delay=0.05,
        health_check_interval=10,
        ctx={"config": config, "pool": pool, "running": set()},
        job_serializer=encode_job,
        job_deserializer=decode_job,
        timezone=UTC,
        log_results=False,
    )


async def keep_track(context: dict[str, Any]) -> None:
    """A job begins. The queue's worker forgets a job that is not quite done when another of its name begins."""
    if task := asyncio.current_task():
        context["running"].add(task)
        task.add_done_callback(context["running"].discard)


async def serve_queue(config: Config, pool: asyncpg.Pool) -> None:
    """Run jobs until the queue goes away: raises a group of RedisError and OSError then."""
    queue = open_queue(config.redis_url)
    worker = make_worker(queue, config, pool)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_pulse(queue))
            tasks.create_task(run(worker, queue))
    finally:
        await stop(worker, queue)


async def run(worker: Worker, queue: ArqRedis) -> None:
    """Run jobs, first those that a killed worker had begun."""
    await forget_interrupted(queue)
    await worker.async_run()


async def keep_pulse(queue: ArqRedis) -> None:
    """See every few seconds that the queue still answers. Raises TimeoutError when it hangs."""
    while True:
        async with asyncio.timeout(PATIENCE_S):
            await queue.ping()
        await asyncio.sleep(PULSE_EVERY_S)


async def forget_interrupted(queue: ArqRedis) -> None:
    """Let folds that a killed worker began be begun anew, not only when their marks expire. Two at once do no harm."""
    async for mark in queue.scan_iter(f"{in_progress_key_prefix}{FOLD}:*"):
        await queue.delete(mark)


async def stop(worker: Worker, queue: ArqRedis) -> None:
    """Let running jobs end, for a moment; break off those that take longer: their transactions roll back."""
    running: set[asyncio.Task[Any]] = {*worker.tasks.values(), *worker.ctx["running"]}
    if running:
        await asyncio.wait(running, timeout=GRACE_S)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    with suppress(RedisError, OSError):
        await queue.aclose(close_connection_pool=True)


async def serve_queue_on(config: Config, pool: asyncpg.Pool) -> None:
    """Run jobs for ever; while the queue is away, try every second."""
    away = False
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await serve_queue(config, pool)
        except* (RedisError, OSError) as errors:
            if not away or asyncio.get_running_loop().time() - began > PATIENCE_S:
                log.warning("the queue does not answer, sweeping goes on without it: %r", errors.exceptions)
            away = True
        await asyncio.sleep(RETRY_EVERY_S)


async def work(config: Config) -> None:
    """Run jobs and sweep until cancelled. Raises what asyncpg raises when the database is away at the start."""
    async with await open_pool(config) as pool, kept_fresh(pool), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_queue_on(config, pool))
        tasks.create_task(keep_sweeping(pool, partial(sealing.seal_all, config=config), sealing.SEAL_EVERY_S))
        for each in (folding.sweep, lapsing.sweep, refunding.sweep, returning.sweep, settling.settle_due):
            tasks.create_task(keep_sweeping(pool, each))
        tasks.create_task(keep_sweeping(pool, watching.sweep, watching.WATCH_EVERY_S))
        for _ in range(working.LANES):
            tasks.create_task(keep_sweeping(pool, partial(working.do_waiting, config=config), working.LOOK_EVERY_S))


async def work_until_told(config: Config) -> None:
    """Work until a signal."""
    working = asyncio.create_task(work(config))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    with suppress(asyncio.CancelledError):
        await working


def main() -> None:
    """Work with settings from the environment."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("arq").setLevel(logging.WARNING)
    asyncio.run(work_until_told(from_environment()))


if __name__ == "__main__":
    main()
