"""An event's accounting: opened, set, shown as it is now, submitted, and its versions held against each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from scenarios.meeting.differences import Difference
from service import accountings, engagements, events, inventories
from service.access import READERS, Caller, Role
from service.accountings import NewAbsence, NewSettings, Opening, Settings
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.db import Connection
from service.inventories import Draft, NewVersion, Version, WholeVersion
from service.organizations import require


class OpenAccounting(msgspec.Struct, frozen=True):
    """An open accounting: its packs, its settings (those in force first), and the sources said to be absent."""

    opening: Opening
    settings: list[Settings]
    absent: dict[str, str]


@post(
    "/events/{event_id:uuid}/accounting",
    status_code=201,
    responses=refuses(accountings.AreaImpossible, accountings.BaselineUnexplained, *WRITES),
)
async def open_accounting(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewSettings], key: Key, pool: Pool
) -> Response[OpenAccounting]:
    """Open the accounting where it is not, and put settings in force. Those before are kept."""
    now = datetime.now(UTC)

    async def settle(connection: Connection) -> OpenAccounting:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        await accountings.settle(connection, request.user, event, data, now)
        return await shown(connection, event_id)

    return await answer_once(request, pool, key, data, settle)


@get("/events/{event_id:uuid}/accounting", responses=refuses())
async def show_accounting(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> OpenAccounting:
    """By which packs the event is accounted, with which settings. 404 while it is not open."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await shown(connection, event_id)


async def shown(connection: Connection, event_id: UUID) -> OpenAccounting:
    """An open accounting. Raises NotFound."""
    return OpenAccounting(
        opening=(await accountings.require(connection, event_id)).opening,
        settings=await accountings.settings_of(connection, event_id),
        absent=await accountings.absent_of(connection, event_id),
    )


@post(
    "/events/{event_id:uuid}/absent-sources",
    status_code=201,
    responses=refuses(accountings.SourceUnknown, *WRITES),
)
async def declare_absent(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewAbsence], key: Key, pool: Pool
) -> Response[OpenAccounting]:
    """Say that the event has nothing of a source, and why; or take that back."""
    now = datetime.now(UTC)

    async def declare(connection: Connection) -> OpenAccounting:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        await accountings.declare(connection, request.user, await events.find(connection, event_id), data, now)
        return await shown(connection, event_id)

    return await answer_once(request, pool, key, data, declare)


@get("/events/{event_id:uuid}/inventory", responses=refuses())
async def show_inventory(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Draft:
    """The result as it is now: from all lines, check-ins and head counts of this moment."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await require(connection, request.user, event_id, *READERS)
        return await inventories.draft(connection, event_id, datetime.now(UTC))


@post(
    "/events/{event_id:uuid}/inventories",
    status_code=201,
    responses=refuses(inventories.RestatementUnexplained, *WRITES),
)
async def submit_inventory(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewVersion], key: Key, pool: Pool
) -> Response[Version]:
    """Keep the inventory as it is now, for good, as the next version. A later one restates it, and says why."""
    now = datetime.now(UTC)

    async def submit(connection: Connection) -> Version:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        event = await events.find(connection, event_id)
        return await inventories.submit(connection, request.user, event, data.because, now)

    return await answer_once(request, pool, key, data, submit)


@get("/events/{event_id:uuid}/inventories", responses=refuses())
async def list_inventories(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> list[Version]:
    """The versions that were submitted, the newest first."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await inventories.of_event(connection, event_id)


@get("/events/{event_id:uuid}/inventories/{number:int}", responses=refuses())
async def show_version(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], number: FromPath[int], pool: Pool
) -> WholeVersion:
    """A version with all that it was computed from."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await inventories.find(connection, event_id, number)


@get("/events/{event_id:uuid}/inventories/{before:int}/differences/{after:int}", responses=refuses())
async def show_differences(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    before: FromPath[int],
    after: FromPath[int],
    pool: Pool,
) -> list[Difference]:
    """What lies between two versions, line by line, the largest change first."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await inventories.between(connection, event_id, before, after)


@post(
    "/events/{event_id:uuid}/inventories/{number:int}/verification",
    status_code=201,
    responses=refuses(inventories.VerifiedAlready, inventories.VersionOvertaken, engagements.OwnEvent, *WRITES),
)
async def verify_inventory(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], number: FromPath[int], key: Key, pool: Pool
) -> Response[Version]:
    """Say that the newest version was verified; of another's event."""
    now = datetime.now(UTC)

    async def verify(connection: Connection) -> Version:
        await require(connection, request.user, event_id, Role.AUTHORITY)
        await engagements.require_other_hands(connection, request.user, event_id)
        return await inventories.verify(connection, request.user, event_id, number, now)

    return await answer_once(request, pool, key, None, verify)


routes = [
    open_accounting,
    show_accounting,
    declare_absent,
    show_inventory,
    submit_inventory,
    list_inventories,
    show_version,
    show_differences,
    verify_inventory,
]
