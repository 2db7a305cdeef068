"""Events, and what their organizers ask of them besides check-ins."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from scenarios.refusals import PlaceAmbiguous, PlaceUnknown, UnknownFactorSet
from service import events, governing_rules, offset_state, personal_codes, refused_scans, schedules
from service.access import Caller, Role
from service.api.given import Config, Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.carbon import CLASSES
from service.db import Connection
from service.errors import BadInput
from service.events import Event, NewEvent, PublicEvent
from service.offset_state import Takes
from service.organizations import require
from service.personal_codes import Batch
from service.refused_scans import RefusedScan

LastEvent = Annotated[UUID | None, QueryParameter(description="The last event of the page before.")]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]
Before = Annotated[datetime | None, QueryParameter(description="Only those refused earlier; with its time zone.")]


class ShownEvent(PublicEvent, frozen=True, kw_only=True):
    """What everyone may know of an event: also whose citizens' credits it takes, to be known before one gives."""

    takes: Takes


class NewPersonalCodes(msgspec.Struct, forbid_unknown_fields=True):
    """How many badges to make codes for."""

    count: Annotated[int, msgspec.Meta(ge=1, le=personal_codes.MOST_AT_ONCE)]


class PersonalCodes(msgspec.Struct, frozen=True):
    """New codes for badges. They are not kept: print them now."""

    codes: list[str]


@post(
    "/events",
    status_code=201,
    responses=refuses(
        *WRITES,
        schedules.HoursReversed,
        schedules.HoursTooLong,
        schedules.HoursOverlap,
        schedules.HoursAbsurd,
        schedules.TimeZoneUnknown,
        events.GateNamesRepeat,
        events.CoordinatesIncomplete,
        events.FactorSetNeeded,
        *(CLASSES[each] for each in (PlaceUnknown, PlaceAmbiguous, UnknownFactorSet)),
    ),
)
async def create_event(
    request: Request[Caller, Any, Any], data: JSONBody[NewEvent], key: Key, pool: Pool
) -> Response[Event]:
    """Make an event with its hours and gates."""
    return await answer_once(request, pool, key, data, lambda c: events.create(c, request.user, data))


@get("/events", responses=refuses())
async def list_mine(
    request: Request[Caller, Any, Any], pool: Pool, before: LastEvent = None, limit: PageSize = 100
) -> list[Event]:
    """Events of the caller's organizations and, for an authority, of its region: the newest first."""
    async with pool.acquire() as connection:
        return await events.of_caller(connection, request.user, before, limit)


@get("/events/{event_id:uuid}", responses=refuses())
async def show_event(event_id: FromPath[UUID], pool: Pool) -> ShownEvent:
    """An event as everyone may see it, and whose credits it takes."""
    now = datetime.now(UTC)
    async with pool.acquire() as connection:
        event = await events.find(connection, event_id)
        takes = offset_state.takes_of(await governing_rules.of_event(connection, event, now))
    return ShownEvent(**msgspec.structs.asdict(events.public(event, now)), takes=takes)


@post("/events/{event_id:uuid}/personal-codes", status_code=201, responses=refuses(*WRITES))
async def issue_personal_codes(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewPersonalCodes],
    key: Key,
    pool: Pool,
    config: Config,
) -> Response[PersonalCodes]:
    """Make codes for badges. They are derived anew for a repeat of this request, and kept nowhere."""

    async def issue(connection: Connection) -> Batch:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        return await personal_codes.issue(connection, config, event_id, data.count)

    answer: Response[Any] = await answer_once(request, pool, key, data, issue)
    if answer.status_code == 201:
        batch = msgspec.json.decode(answer.content, type=Batch)
        answer.content = PersonalCodes(personal_codes.codes_of(config, event_id, batch))
    return answer


@get("/events/{event_id:uuid}/refused-scans", responses=refuses())
async def list_refused_scans(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, before: Before = None
) -> list[RefusedScan]:
    """Scans that were refused, the newest first: up to 500 an hour are kept, and 500 shown."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.VIEWER, Role.AUTHORITY)
        return await refused_scans.newest(connection, event_id, before and instant(before))


def instant(at: datetime) -> datetime:
    """A moment of our time. Raises BadInput without a time zone, or in another century."""
    if at.tzinfo is None or not 2000 <= at.year < 2100:
        raise BadInput(reason="before: Expected `datetime` of this century with a timezone component")
    return at


routes = [create_event, list_mine, show_event, issue_personal_codes, list_refused_scans]
