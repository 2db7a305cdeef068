"""What an event has done, what it lacks, what is due when and by which clause."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath

from service import events, readiness
from service.access import Caller, Role
from service.api.given import Pool
from service.api.problems import refuses
from service.organizations import require
from service.readiness import Readiness


@get("/events/{event_id:uuid}/readiness", responses=refuses())
async def show_readiness(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Readiness:
    """The checklist of the event's life under the rule that governs it now, each step with its clause."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.VIEWER, Role.AUTHORITY, Role.VERIFIER)
        return await readiness.of_event(connection, await events.find(connection, event_id), datetime.now(UTC))


routes = [show_readiness]
