"""What an organizer notes as done outside: duties, reports, milestones, publications."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from service import event_marks, events, governing_rules
from service.access import Caller, Role
from service.activity_data import FileNotOfEvent
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.db import Connection
from service.event_marks import FieldNotAsked, Mark, MarkUnknown, NewMark
from service.event_measures import NotYetDone
from service.organizations import require

REFUSED = (MarkUnknown, FieldNotAsked, NotYetDone, FileNotOfEvent)


@post("/events/{event_id:uuid}/marks", status_code=201, responses=refuses(*WRITES, *REFUSED))
async def say_mark(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewMark], key: Key, pool: Pool
) -> Response[Mark]:
    """Note that something was done on a day, with a note; without a day it is not, or no more."""
    now = datetime.now(UTC)

    async def say(connection: Connection) -> Mark:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        rule = (await governing_rules.of_event(connection, event, now)).rule
        return await event_marks.say(connection, request.user, event, rule, data, now)

    return await answer_once(request, pool, key, data, say)


@get("/events/{event_id:uuid}/marks", responses=refuses())
async def show_marks(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> list[Mark]:
    """What is noted, by key."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.VIEWER, Role.AUTHORITY, Role.VERIFIER)
        return list((await event_marks.of_event(connection, event_id)).values())


routes = [say_mark, show_marks]
