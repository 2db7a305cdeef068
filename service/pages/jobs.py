"""Long work as it goes on: live with the script, by reloading without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import ServerSentEvent, ServerSentEventMessage

from service import events, jobs
from service.access import Caller
from service.api.given import Pool
from service.api.problems import language_of
from service.api.tallies import RETRY_MS
from service.i18n import Language, mark
from service.pages.rendering import fragment, page

TITLES = {"import_activity_data": mark("导入活动数据"), "report": mark("生成实施报告")}
ONWARD = {
    "import_activity_data": "/organize/events/{event_id}/activity-data",
    "report": "/organize/events/{event_id}/reports",
}
"""Where to look when it is done, by kind; else the event's own page."""


@get("/organize/jobs/{job_id:uuid}")
async def show_job(request: Request[Caller, Any, Any], job_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """How far it is, and where to go on."""
    async with pool.acquire() as connection:
        job = await jobs.find(connection, request.user, job_id)
        event = await events.find(connection, job.event_id)
    onward = ONWARD.get(job.kind, "/organize/events/{event_id}").format(event_id=job.event_id)
    return page(request, "job", job=job, event=event, title=TITLES.get(job.kind, mark("正在处理")), onward=onward)


@get("/organize/jobs/{job_id:uuid}/stream", media_type="text/event-stream")
async def stream_job(request: Request[Caller, Any, Any], job_id: FromPath[UUID], pool: Pool) -> ServerSentEvent:
    """The same as pieces of the page; `over` says that it is time to load the page anew."""
    async with pool.acquire() as connection:
        await jobs.find(connection, request.user, job_id)
    return ServerSentEvent(pieces(pool, job_id, language_of(request)), retry_duration=RETRY_MS)


async def pieces(pool: asyncpg.Pool, job_id: UUID, language: Language) -> AsyncIterator[ServerSentEventMessage]:
    """What a page is sent."""
    async with aclosing(jobs.watch(pool, job_id)) as moving:
        async for job in moving:
            said = fragment("job_progress", language, job=job)
            yield ServerSentEventMessage(data=said, event="over" if job.is_over else "progress")


routes = [show_job, stream_job]
