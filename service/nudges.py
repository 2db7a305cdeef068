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
from arq.connections import ArqRedis
from redis.exceptions import RedisError

PAUSE_S = 0.1
PATIENCE_S = 2.0
LIFE_S = 60
FOLD = "fold_event"

log = logging.getLogger(__name__)


def encode_job(job: dict[str, Any]) -> bytes:
    """A job as JSON; what JSON does not know, such as an exception, as its text."""
    return msgspec.json.encode(job, enc_hook=repr)


def decode_job(stored: bytes) -> dict[str, Any]:
    """A job as it was encoded."""
    return msgspec.json.decode(stored, type=dict[str, Any])


def open_queue(redis_url: str) -> ArqRedis:
    """The queue at a `unix://` or `redis://` address. Connects when first used, and anew after each failure.

    Its methods raise RedisError or OSError. They have no time limit of their own: set to have one, the client loses
    cancellations on Python 3.11 (its `asyncio.wait_for` around writes).
    """
    queue: ArqRedis = ArqRedis.from_url(redis_url, socket_connect_timeout=PATIENCE_S)
    queue.job_serializer, queue.job_deserializer = encode_job, decode_job
    return queue


def job_id(event_id: UUID) -> str:
    """Under which an event's fold is queued: once, however often it is asked for."""
    return f"{FOLD}:{event_id}"


async def enqueue_fold(queue: ArqRedis, event_id: UUID) -> None:
    """Ask for a fold; nothing happens while one is queued or running, since that one looks again when it is done."""
    await queue.enqueue_job(FOLD, str(event_id), _job_id=job_id(event_id), _expires=LIFE_S)


class Nudges:
    """Asks for folds, at most once an event and 100 ms. Never makes anyone wait, never raises."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._due: set[UUID] = set()
        self._wake = asyncio.Event()
        self._away = False
        self._stopping = asyncio.Event()

    def fold(self, event_id: UUID) -> None:
        """There is something to fold for this event."""
        self._due.add(event_id)
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Nudges]:
        """Send what comes for the length of the block.

        At its end the sender is asked to stop, not cancelled: the client may lose a cancellation while it connects.
        """
        queue = open_queue(self._redis_url)
        sending = asyncio.create_task(self._send(queue))
        try:
            yield self
        finally:
            self._stopping.set()
            self._wake.set()
            await sending
            with suppress(RedisError, OSError):
                await queue.aclose(close_connection_pool=True)

    async def _send(self, queue: ArqRedis) -> None:
        while not self._stopping.is_set():
            await self._wake.wait()
            self._wake.clear()
            due, self._due = self._due, set()
            await self._try_sending(queue, due)
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_S):
                    await self._stopping.wait()

    async def _try_sending(self, queue: ArqRedis, due: set[UUID]) -> None:
        """Enqueue, or drop and say so once an outage."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                for event_id in due:
                    await enqueue_fold(queue, event_id)
            self._away = False
        except (RedisError, OSError) as error:
            if not self._away:
                log.warning("the queue does not answer, workers will look for themselves: %r", error)
            self._away = True
