"""Alarm clocks for the workers: the one place here that knows their queue.

A nudge says that an event has something to fold. It may be lost without harm: workers look for themselves besides.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import msgspec
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError

PAUSE_S = 0.05
PATIENCE_S = 2.0
FOLD = "fold_event"

log = logging.getLogger(__name__)


def queue_settings(redis_url: str) -> RedisSettings:
    """Where the queue is. `unix://` and `redis://` addresses; failures are told at once, whoever waits tries again."""
    settings = RedisSettings.from_dsn(redis_url)
    settings.conn_retries = 0
    return settings


def encode_job(job: dict[str, Any]) -> bytes:
    """A job as JSON; what JSON does not know, such as an exception, as its text."""
    return msgspec.json.encode(job, enc_hook=repr)


def decode_job(stored: bytes) -> dict[str, Any]:
    """A job as it was encoded."""
    return msgspec.json.decode(stored, type=dict[str, Any])


async def open_queue(redis_url: str) -> ArqRedis:
    """Connect to the queue. Raises RedisError or OSError when it does not answer."""
    return await create_pool(queue_settings(redis_url), job_serializer=encode_job, job_deserializer=decode_job)


async def enqueue_fold(queue: ArqRedis, event_id: UUID) -> None:
    """Ask for a fold; nothing happens while one is queued or running, which looks again before it is done."""
    await queue.enqueue_job(FOLD, str(event_id), _job_id=f"{FOLD}:{event_id}", _expires=60)


class Nudges:
    """Asks for folds, at most once an event and 50 ms. Never makes anyone wait, never raises."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._due: set[UUID] = set()
        self._wake = asyncio.Event()
        self._queue: ArqRedis | None = None
        self._away = False

    def fold(self, event_id: UUID) -> None:
        """There is something to fold for this event."""
        self._due.add(event_id)
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Nudges]:
        """Send what comes for the length of the block."""
        sending = asyncio.create_task(self._send())
        try:
            yield self
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            await self._disconnect()

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            due, self._due = self._due, set()
            await self._try_sending(due)
            await asyncio.sleep(PAUSE_S)

    async def _try_sending(self, due: set[UUID]) -> None:
        """Enqueue, or drop and say so once an outage."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                self._queue = self._queue or await open_queue(self._redis_url)
                for event_id in due:
                    await enqueue_fold(self._queue, event_id)
            self._away = False
        except (RedisError, OSError, TimeoutError) as error:
            if not self._away:
                log.warning("the queue does not answer, workers will look for themselves: %r", error)
            self._away = True
            await self._disconnect()

    async def _disconnect(self) -> None:
        queue, self._queue = self._queue, None
        if queue is not None:
            with suppress(RedisError, OSError):
                await queue.aclose(close_connection_pool=True)
