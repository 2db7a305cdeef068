"""Heads counted at an event, and what is estimated of those who did not answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from service import events, head_counts
from service.access import READERS, Caller, Role
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.db import Connection
from service.head_counts import GatesAboveAll, HeadCounted, HeadCounts, NewHeadCount
from service.organizations import require


@post("/events/{event_id:uuid}/head-counts", status_code=201, responses=refuses(*WRITES, GatesAboveAll))
async def enter_head_count(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewHeadCount],
    key: Key,
    pool: Pool,
) -> Response[HeadCounts]:
    """Put a gate's count, or that of all, in force. The one before stays in the list."""
    now = datetime.now(UTC)

    async def enter(connection: Connection) -> HeadCounts:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        return await head_counts.enter(connection, request.user, event, data, now)

    return await answer_once(request, pool, key, data, enter)


@get("/events/{event_id:uuid}/head-counts", responses=refuses())
async def show_head_counts(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> HeadCounted:
    """Every count, the newest first, and what the people missing are estimated to emit, by group and together."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await head_counts.read(connection, await events.find(connection, event_id))


routes = [enter_head_count, show_head_counts]
