"""An event's reduction measures: the catalogue of its rule, and what was planned, done or dropped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from service import event_measures, events, governing_rules
from service.access import Caller, Role
from service.activity_data import FileNotOfEvent
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.db import Connection
from service.event_measures import (
    Measures,
    MeasureUndated,
    MeasureUnknown,
    MeasureUnsaid,
    NewMeasure,
    NotYetDone,
    Taken,
)
from service.organizations import require

REFUSED = (MeasureUnknown, MeasureUnsaid, MeasureUndated, NotYetDone, FileNotOfEvent)


@post("/events/{event_id:uuid}/measures", status_code=201, responses=refuses(*WRITES, *REFUSED))
async def say_measure(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewMeasure], key: Key, pool: Pool
) -> Response[Taken]:
    """Say that a measure is planned, was done, with its day and proof, or was dropped."""
    now = datetime.now(UTC)

    async def say(connection: Connection) -> Taken:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        rule = (await governing_rules.of_event(connection, event, now)).rule
        return await event_measures.say(connection, request.user, event, rule, data, now)

    return await answer_once(request, pool, key, data, say)


@get("/events/{event_id:uuid}/measures", responses=refuses())
async def show_measures(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Measures:
    """The catalogue in the words of the place's text, each with its clause, and what the event took of it."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.VIEWER, Role.AUTHORITY, Role.VERIFIER)
        event = await events.find(connection, event_id)
        rule = (await governing_rules.of_event(connection, event, datetime.now(UTC))).rule
        return await event_measures.read(connection, event_id, rule)


routes = [say_measure, show_measures]
