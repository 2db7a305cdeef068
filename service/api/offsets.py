"""What offsets an event: units of other registries, the fill plan, and where the event stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from scenarios.meeting.rule_terms import OffsetClass, Text
from scenarios.policies.registries import registries
from service import fill_plans, offset_state, offset_units, unit_admission, units
from service.access import READERS, Caller
from service.activity_data import FileNotOfEvent
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.db import Connection
from service.donations import ClosedToDonations, EventCovered
from service.event_measures import NotYetDone
from service.fill_plans import Plan
from service.offset_state import OffsetState
from service.offset_units import (
    CitizensCreditsHere,
    Decision,
    NewOffer,
    NewRetirement,
    NewUnits,
    ProjectPlaceUnknown,
    ProofMissing,
    RetiredTooEarly,
    SerialsUsed,
    UnitsDecided,
    VintageAhead,
)
from service.organizations import require
from service.retiring_order import OrderLeft
from service.unit_texts import RegistryNotOfClass, RegistryUnknown, SerialsTooMany, SerialsUnreadable
from service.units import Units

REFUSED = (*WRITES, ClosedToDonations, *unit_admission.REFUSALS.values())
ENTERED = (
    *REFUSED,
    CitizensCreditsHere,
    VintageAhead,
    ProjectPlaceUnknown,
    RegistryUnknown,
    RegistryNotOfClass,
    SerialsUnreadable,
    SerialsTooMany,
    SerialsUsed,
    FileNotOfEvent,
)
DECIDED = (*WRITES, ClosedToDonations, UnitsDecided)
Before = Annotated[UUID | None, QueryParameter(description="The last units of the page before.")]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]
Organizing = Request[Caller, Any, Any]
Decide = Callable[[Connection, Caller, UUID, UUID, str | None, datetime], Awaitable[Units]]


class RegistrySaid(msgspec.Struct, frozen=True):
    """A registry that is known: by the operator's policy, or named by the rule of a place."""

    key: str
    name: Text
    classes: tuple[OffsetClass, ...]
    unit_g: int
    named_in: str


@get("/registries", responses=refuses())
async def list_registries() -> list[RegistrySaid]:
    """The registries of units that are known, and what each registers."""
    return [RegistrySaid(**msgspec.structs.asdict(each)) for each in registries().registries]


@get("/events/{event_id:uuid}/offset-state", responses=refuses())
async def show_state(event_id: FromPath[UUID], pool: Pool) -> OffsetState:
    """What an event needs, holds and has retired, whose credits it takes, and whether it is neutral: for everyone."""
    async with pool.acquire() as connection:
        return await offset_state.of_event(connection, event_id, datetime.now(UTC))


@get("/events/{event_id:uuid}/fill-plan", responses=refuses())
async def show_plan(request: Organizing, event_id: FromPath[UUID], pool: Pool) -> Plan:
    """What the event holds and is offered in the order that its rule recommends, and what each covers."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await fill_plans.of_event(connection, event_id, datetime.now(UTC))


@get("/events/{event_id:uuid}/units", responses=refuses())
async def list_units(request: Organizing, event_id: FromPath[UUID], pool: Pool) -> list[Units]:
    """An event's units of other registries, also those declined, withdrawn and returned: the newest first."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await units.of_event(connection, event_id)


@get("/organizations/{organization_id:uuid}/offers", responses=refuses())
async def list_offers(
    request: Organizing, organization_id: FromPath[UUID], pool: Pool, before: Before = None, limit: PageSize = 100
) -> list[Units]:
    """What an organization of the caller's offered to events: the newest first."""
    async with pool.acquire() as connection:
        return list(await units.of_donor(connection, request.user, organization_id, before, limit))


@post("/events/{event_id:uuid}/units", status_code=201, responses=refuses(*ENTERED))
async def enter_units(
    request: Organizing, event_id: FromPath[UUID], data: JSONBody[NewUnits], key: Key, pool: Pool
) -> Response[Units]:
    """Enter units that the organizers have: a block of serials, which nobody else may have used."""
    now = datetime.now(UTC)
    return await answer_once(
        request, pool, key, data, lambda c: offset_units.enter(c, request.user, event_id, data, now)
    )


@post("/events/{event_id:uuid}/offers", status_code=201, responses=refuses(*ENTERED, EventCovered))
async def offer_units(
    request: Organizing, event_id: FromPath[UUID], data: JSONBody[NewOffer], key: Key, pool: Pool
) -> Response[Units]:
    """Offer units of one's own organization to an event."""
    now = datetime.now(UTC)
    return await answer_once(
        request, pool, key, data, lambda c: offset_units.offer(c, request.user, event_id, data, now)
    )


@post(
    "/events/{event_id:uuid}/units/{units_id:uuid}/acceptance",
    status_code=201,
    responses=refuses(*REFUSED, UnitsDecided),
)
async def accept_units(
    request: Organizing, event_id: FromPath[UUID], units_id: FromPath[UUID], key: Key, pool: Pool
) -> Response[Units]:
    """Take units that were offered to one's event."""
    now = datetime.now(UTC)
    return await answer_once(
        request, pool, key, None, lambda c: offset_units.accept(c, request.user, event_id, units_id, now)
    )


async def decided(
    request: Organizing, pool: Pool, key: Key, data: Decision, event_id: UUID, units_id: UUID, decide: Decide
) -> Response[Units]:
    """What becomes of units short of their retirement, once."""
    caller, now = request.user, datetime.now(UTC)
    return await answer_once(
        request, pool, key, data, lambda c: decide(c, caller, event_id, units_id, data.because, now)
    )


@post("/events/{event_id:uuid}/units/{units_id:uuid}/declination", status_code=201, responses=refuses(*DECIDED))
async def decline_units(
    request: Organizing,
    event_id: FromPath[UUID],
    units_id: FromPath[UUID],
    data: JSONBody[Decision],
    key: Key,
    pool: Pool,
) -> Response[Units]:
    """Do not take units that were offered."""
    return await decided(request, pool, key, data, event_id, units_id, offset_units.decline)


@post("/events/{event_id:uuid}/units/{units_id:uuid}/withdrawal", status_code=201, responses=refuses(*DECIDED))
async def withdraw_units(
    request: Organizing,
    event_id: FromPath[UUID],
    units_id: FromPath[UUID],
    data: JSONBody[Decision],
    key: Key,
    pool: Pool,
) -> Response[Units]:
    """Take back what one's organization offered, while it is not accepted."""
    return await decided(request, pool, key, data, event_id, units_id, offset_units.withdraw)


@post("/events/{event_id:uuid}/units/{units_id:uuid}/return", status_code=201, responses=refuses(*DECIDED))
async def return_units(
    request: Organizing,
    event_id: FromPath[UUID],
    units_id: FromPath[UUID],
    data: JSONBody[Decision],
    key: Key,
    pool: Pool,
) -> Response[Units]:
    """Return units that are held and not retired: their serials can be used again."""
    return await decided(request, pool, key, data, event_id, units_id, offset_units.give_back)


@post(
    "/events/{event_id:uuid}/units/{units_id:uuid}/retirement",
    status_code=201,
    responses=refuses(*REFUSED, UnitsDecided, NotYetDone, RetiredTooEarly, ProofMissing, FileNotOfEvent, OrderLeft),
)
async def retire_units(
    request: Organizing,
    event_id: FromPath[UUID],
    units_id: FromPath[UUID],
    data: JSONBody[NewRetirement],
    key: Key,
    pool: Pool,
) -> Response[Units]:
    """Note that units were retired in their registry, with its reference and a proof."""
    caller, now = request.user, datetime.now(UTC)
    return await answer_once(
        request, pool, key, data, lambda c: offset_units.retire(c, caller, event_id, units_id, data, now)
    )


routes = [
    list_registries,
    show_state,
    show_plan,
    list_units,
    list_offers,
    enter_units,
    offer_units,
    accept_units,
    decline_units,
    withdraw_units,
    return_units,
    retire_units,
]
