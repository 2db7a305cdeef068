"""Retiring credits for good, and the certificates of it, which everyone may read."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from service import events, retirements
from service.access import Caller, Role
from service.api.check_ins import IdNotUuid, uuid_of
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.certificates import Certificate
from service.db import Connection
from service.errors import IdReused
from service.organizations import require
from service.retirable import (
    NotEnoughToRetire,
    NotForIndividuals,
    NothingToRetire,
    NotTakenByItsRule,
    RetiredForItsOwnEvent,
)
from service.retirements import ClosedToRetirements, NewEventRetirement, NewRetirement
from service.retiring_order import OrderLeft

REFUSALS = (*WRITES, IdNotUuid, IdReused, ClosedToRetirements, NothingToRetire, NotEnoughToRetire)
Before = Annotated[UUID | None, QueryParameter(description="The last retirement of the page before.")]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]


@post("/retirements", status_code=201, responses=refuses(*REFUSALS, RetiredForItsOwnEvent, NotForIndividuals))
async def retire_own(
    request: Request[Caller, Any, Any], data: JSONBody[NewRetirement], key: Key, pool: Pool
) -> Response[Certificate]:
    """Retire one's own credits, for good: the oldest classes first, once an Idempotency-Key (a UUID, the id)."""
    id_, member = uuid_of(key), request.user.member
    return await answer_once(request, pool, key, data, lambda c: retirements.retire_own(c, id_, member, data))


@post(
    "/events/{event_id:uuid}/retirements", status_code=201, responses=refuses(*REFUSALS, NotTakenByItsRule, OrderLeft)
)
async def retire_for_event(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewEventRetirement],
    key: Key,
    pool: Pool,
) -> Response[Certificate]:
    """Retire what was donated to one's event, for good: in its rule's order, the oldest first, once a key (a UUID)."""
    id_, caller = uuid_of(key), request.user

    async def retire(connection: Connection) -> Certificate:
        await require(connection, caller, event_id, Role.ORGANIZER)
        return await retirements.retire_for_event(connection, id_, event_id, data, caller.member)

    return await answer_once(request, pool, key, data, retire)


@get("/retirements/{retirement_id:uuid}", responses=refuses())
async def show_retirement(request: Request[Caller, Any, Any], retirement_id: FromPath[UUID], pool: Pool) -> Certificate:
    """A certificate. It never changes. Only its owner sees a person's name and what the purpose may reveal in full."""
    async with pool.acquire() as connection:
        return await retirements.find(connection, retirement_id, request.user.member_id)


@get("/me/retirements", responses=refuses())
async def list_mine(
    request: Request[Caller, Any, Any], pool: Pool, before: Before = None, limit: PageSize = 100
) -> list[Certificate]:
    """What the caller retired, the newest first."""
    member = request.user.member
    async with pool.acquire() as connection:
        return await retirements.of_account(connection, member, member, before, limit)


@get("/events/{event_id:uuid}/retirements", responses=refuses())
async def list_of_event(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    pool: Pool,
    before: Before = None,
    limit: PageSize = 100,
) -> list[Certificate]:
    """What an event's organizers retired of what was donated to it, the newest first. Raises NotFound."""
    async with pool.acquire() as connection:
        await events.find(connection, event_id)
        return await retirements.of_account(connection, event_id, request.user.member_id, before, limit)


routes = [retire_own, retire_for_event, show_retirement, list_mine, list_of_event]
