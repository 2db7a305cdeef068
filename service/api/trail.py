"""What was done to an event, for its parties."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler

from service import trail
from service.access import READERS, Caller
from service.api.given import Pool
from service.api.problems import refuses
from service.organizations import require
from service.statements import CursorUnknown
from service.trail import Trail

Before = Annotated[str | None, QueryParameter(max_length=300, description="`more` of the entries before.")]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]


@get("/events/{event_id:uuid}/trail", responses=refuses(CursorUnknown))
async def show_trail(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, before: Before = None, limit: Limit = 100
) -> Trail:
    """Everything that anyone did to the event, the newest first."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await trail.of_event(connection, event_id, before, limit)


routes: list[ControllerRouterHandler] = [show_trail]
