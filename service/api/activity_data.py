"""Travel as the organizer enters it, and the event's inventory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from service import activity_data, events, inventory
from service.access import Caller, Role
from service.activity_data import EnteredActivityData, LinesRefused, NewActivityData
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.db import Connection
from service.inventory import Inventory
from service.organizations import require


@post("/events/{event_id:uuid}/activity-data", status_code=201, responses=refuses(LinesRefused, *WRITES))
async def enter_activity_data(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewActivityData],
    key: Key,
    pool: Pool,
) -> Response[EnteredActivityData]:
    """Enter lines of travel, all or none: a refusal tells of each line that cannot be, and why."""
    now = datetime.now(UTC)

    async def enter(connection: Connection) -> EnteredActivityData:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        return await activity_data.enter(connection, request.user, event, data, now)

    return await answer_once(request, pool, key, data, enter)


@get("/events/{event_id:uuid}/inventory", responses=refuses())
async def show_inventory(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Inventory:
    """Travel by mode: as checked in, as entered, and both together."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.ORGANIZER, Role.AUTHORITY)
        return await inventory.read(connection, event_id)


routes = [enter_activity_data, show_inventory]
