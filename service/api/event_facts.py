"""What an event is for its rule: kind, host, size, whose rule, and which label and confirmation are wanted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from scenarios.refusals import PeopleAbsurd, PlaceUnknown
from service import donation_needs, event_facts, events
from service.access import Caller, Role
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.carbon import CLASSES
from service.db import Connection
from service.event_facts import Facts, NewFacts, RulePlaceElsewhere
from service.organizations import require

PLACE, MANY = CLASSES[PlaceUnknown], CLASSES[PeopleAbsurd]


@post("/events/{event_id:uuid}/facts", status_code=201, responses=refuses(*WRITES, RulePlaceElsewhere, PLACE, MANY))
async def say_facts(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewFacts], key: Key, pool: Pool
) -> Response[Facts]:
    """Put facts in force; those before are kept. Numbers are expected before the event and counted after it."""
    now = datetime.now(UTC)

    async def say(connection: Connection) -> Facts:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        said = await event_facts.say(connection, request.user, await events.find(connection, event_id), data, now)
        await donation_needs.reckon(connection, event_id, now)
        return said

    return await answer_once(request, pool, key, data, say)


@get("/events/{event_id:uuid}/facts", responses=refuses(PLACE))
async def show_facts(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Facts:
    """The facts in force; while nobody said any, those of the event as it was made."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.VIEWER, Role.AUTHORITY, Role.VERIFIER)
        return await event_facts.of_event(connection, await events.find(connection, event_id))


routes = [say_facts, show_facts]
