"""Estimates before an event, which nothing keeps."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, JSONBody

from scenarios.meeting.estimates import Estimate
from scenarios.refusals import (
    AssumptionAbsurd,
    DistanceAbsurd,
    FactorNotInForce,
    NumberUnreadable,
    PeopleAbsurd,
    PlaceAmbiguous,
    PlaceUnknown,
    UnitContradicts,
)
from service import estimates, events
from service.access import READERS, Caller
from service.api.given import Limits, Pool
from service.api.problems import refuses
from service.carbon import CLASSES
from service.errors import BadInput, TooMany
from service.estimates import NewEstimate
from service.organizations import require

KINDS = (AssumptionAbsurd, DistanceAbsurd, FactorNotInForce, NumberUnreadable, PeopleAbsurd, UnitContradicts)
REFUSED = tuple(CLASSES[each] for each in KINDS)
PLACES = (CLASSES[PlaceUnknown], CLASSES[PlaceAmbiguous])


@post("/estimates", status_code=200, responses=refuses(BadInput, TooMany, *REFUSED, *PLACES))
async def estimate(request: Request[Caller, Any, Any], data: JSONBody[NewEstimate], limits: Limits) -> Estimate:
    """What an event would probably emit. Nothing is kept, so that it needs no key and may be asked again."""
    limits.estimate(request.user.address)
    return await estimates.for_anyone(data)


@get("/events/{event_id:uuid}/estimate", responses=refuses(*REFUSED))
async def show_estimate(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Estimate:
    """What the event will probably emit, by the operator's assumptions for its kind."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await estimates.for_event(connection, await events.find(connection, event_id))


routes = [estimate, show_estimate]
