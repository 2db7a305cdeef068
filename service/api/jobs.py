"""Long work: how far it is, once or as it moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import ServerSentEvent, ServerSentEventMessage

from service import jobs
from service.access import Caller
from service.api.given import Pool
from service.api.problems import refuses
from service.api.tallies import RETRY_MS
from service.jobs import Job


@get("/jobs/{job_id:uuid}", responses=refuses())
async def show_job(request: Request[Caller, Any, Any], job_id: FromPath[UUID], pool: Pool) -> Job:
    """How far it is, and what it ended with: for who began it, and the event's organizers."""
    async with pool.acquire() as connection:
        return await jobs.find(connection, request.user, job_id)


@get(
    "/jobs/{job_id:uuid}/stream",
    media_type="text/event-stream",
    responses={**refuses(), 200: ResponseSpec(str, media_type="text/event-stream", generate_examples=False)},
)
async def stream_job(request: Request[Caller, Any, Any], job_id: FromPath[UUID], pool: Pool) -> ServerSentEvent:
    """Server-sent events: `progress` with the job at once and whenever it has moved, `over` when it has ended.

    After `over` there is nothing to come back for. Streams end after fifteen minutes in any case.
    """
    async with pool.acquire() as connection:
        await jobs.find(connection, request.user, job_id)
    return ServerSentEvent(messages(pool, job_id), retry_duration=RETRY_MS)


async def messages(pool: asyncpg.Pool, job_id: UUID) -> AsyncIterator[ServerSentEventMessage]:
    """What a viewer is sent."""
    async with aclosing(jobs.watch(pool, job_id)) as moving:
        async for job in moving:
            yield ServerSentEventMessage(data=msgspec.json.encode(job), event="over" if job.is_over else "progress")


routes = [show_job, stream_job]
