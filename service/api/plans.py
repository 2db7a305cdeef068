"""An event's neutrality plan: its versions, and the one that everyone may read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from scenarios.refusals import EventFactsMissing, FactorNotInForce, PlaceUnknown
from service import events, governing_rules, plans, published_plans
from service.access import Caller, Role
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.carbon import CLASSES
from service.db import Connection
from service.errors import NotFound, Refusal
from service.event_measures import MeasureUnknown
from service.organizations import require
from service.plans import NewPlan, NewPublication, Plan
from service.published_plans import PublishedPlan

SAVING: tuple[type[Refusal], ...] = (
    plans.BoundaryTooNarrow,
    plans.PlannedClassNotListed,
    plans.TargetBeforeEnd,
    plans.EstimateTwice,
    MeasureUnknown,
    CLASSES[FactorNotInForce],
    CLASSES[PlaceUnknown],
)
PUBLISHING: tuple[type[Refusal], ...] = (
    plans.PlanIncomplete,
    plans.PlanOvertaken,
    plans.PlanPublishedAlready,
    CLASSES[EventFactsMissing],
)


@post("/events/{event_id:uuid}/plan", status_code=201, responses=refuses(*WRITES, *SAVING))
async def save_plan(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewPlan], key: Key, pool: Pool
) -> Response[Plan]:
    """Keep a version of the plan; it may still lack what must be there to publish it."""
    now = datetime.now(UTC)

    async def save(connection: Connection) -> Plan:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        return await plans.save(connection, request.user, await events.find(connection, event_id), data, now)

    return await answer_once(request, pool, key, data, save)


@get("/events/{event_id:uuid}/plan", responses=refuses())
async def show_plan(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Plan:
    """The newest version, with what it lacks under the rule that governs now."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.VIEWER, Role.AUTHORITY, Role.VERIFIER)
        event = await events.find(connection, event_id)
        governed = await governing_rules.of_event(connection, event, datetime.now(UTC))
        found = await plans.newest(connection, event, governed)
    if found is None:
        raise NotFound
    return found


@post("/events/{event_id:uuid}/plan/publication", status_code=201, responses=refuses(*WRITES, *PUBLISHING))
async def publish_plan(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewPublication],
    key: Key,
    pool: Pool,
) -> Response[Plan]:
    """Publish the newest version for everyone, with what becomes of donations beyond the need."""
    now = datetime.now(UTC)

    async def publish(connection: Connection) -> Plan:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        return await plans.publish(connection, request.user, await events.find(connection, event_id), data, now)

    return await answer_once(request, pool, key, data, publish)


@get("/events/{event_id:uuid}/plan/publication", responses=refuses())
async def show_published_plan(event_id: FromPath[UUID], pool: Pool) -> PublishedPlan:
    """The plan as published, for everyone."""
    async with pool.acquire() as connection:
        return await published_plans.of_event(connection, await events.find(connection, event_id))


routes = [save_plan, show_plan, publish_plan, show_published_plan]
