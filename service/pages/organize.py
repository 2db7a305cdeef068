"""What an organizer does: organizations, events, and the people who help at them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, TypeVar, get_args
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from scenarios import factors
from scenarios.labels import THING_LABELS
from scenarios.meeting.meals import Meal
from scenarios.quantities import count_from_text
from scenarios.refusals import CarbonRefusal
from service import event_notices, events, organizations, personal_codes, refused_scans, retirements, schedules, tallies
from service.access import READERS, Caller, Role, roles_as
from service.api.given import Config, Pool
from service.api.requests import name_of
from service.carbon import carbon_refusal
from service.db import Connection, new_id
from service.errors import BadInput, NotAllowed, NotFound, Refusal, every_refusal
from service.events import Event, NewEvent
from service.idempotency import Answer, digest, once
from service.organizations import NewColleague, NewOrganization
from service.pages.act_forms import DateUnreadable
from service.pages.rendering import Typed, id_in, page, see_other, typed_in
from service.pages.saying import FieldUnreadable, Unreadable
from service.pages.trips import choices

T = TypeVar("T")

FIELDS = {
    "place": "origin",
    "organization_id": "",
    "phone_invalid": "phone",
    "place_unknown": "origin",
    "place_ambiguous": "origin",
    "time_zone_unknown": "time_zone",
    "gate_names_repeat": "gates",
    "factor_set_needed": "factor_set",
    "date_unreadable": "first",
    "days_reversed": "last",
    "too_many_days": "last",
    "hours_overlap": "closes",
    "number_unreadable": "expected_people",
}
ZONES = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Tokyo", "Europe/Vienna", "Europe/London", "UTC")


class WantedBadges(msgspec.Struct):
    """How many codes to print."""

    count: Annotated[int, msgspec.Meta(ge=1, le=5_000)]


class TimeUnreadable(BadInput):
    """“{text}”不是时间，请像 09:00 这样填写。"""

    code = "time_unreadable"


async def done_once(
    request: Request[Caller, Any, Any], pool: asyncpg.Pool, typed: Typed, work: Callable[[Connection], Awaitable[str]]
) -> str:
    """Do what a form asks, once however often it is sent; return where to go. A refusal is raised and not kept."""

    async def do(connection: Connection) -> Answer:
        return Answer(303, (await work(connection)).encode(), "text/plain")

    def refused(refusal: Refusal) -> Answer:
        raise refusal

    content = digest(request.url.path, {name: typed[name] for name in sorted(typed) if not name.startswith("_")})
    answer = await once(pool, name_of(request.user), f"{request.url.path} {id_in(typed)}", content, do, refused)
    return answer.body.decode()


async def done_or_again(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    typed: Typed,
    work: Callable[[Connection], Awaitable[str]],
    again: Callable[[Typed, Refusal], Awaitable[Response[Any]]],
) -> Response[Any]:
    """Do what a form asks and go on, or show it again with what is wrong. Raises NotFound and NotAllowed."""
    try:
        return see_other(await done_once(request, pool, typed, work))
    except (NotFound, NotAllowed):
        raise
    except CarbonRefusal as refusal:
        return await again(typed, carbon_refusal(refusal))
    except Refusal as refusal:
        return await again(typed, refusal)


NAMED = re.compile(r"(?:required field `|`\$\.)(\w+)")
"""How msgspec names a field that is missing or cannot be read."""


def decoded(values: dict[str, Any], kind: type[T]) -> T:
    """Fields as the struct that the domain takes. Raises Unreadable."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as wrong:
        named = NAMED.search(str(wrong))
        raise Unreadable({named[1] if named else "": FieldUnreadable()}) from None


@get("/organize")
async def show_organizer(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """My organizations and their events."""
    return await organizer_page(request, pool, Typed())


async def organizer_page(
    request: Request[Caller, Any, Any], pool: asyncpg.Pool, typed: Typed, refusal: Refusal | None = None
) -> Response[Any]:
    """The same, with the form to found an organization."""
    async with pool.acquire() as connection:
        mine = await organizations.of_member(connection, request.user.member)
        held = await events.of_caller(connection, request.user) if mine else []
        notices = await event_notices.still_open(connection, [each.id for each in held], datetime.now(UTC))
    return page(
        request,
        "organize",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        organizations=mine,
        notices=notices,
        names={each.id: each.name for each in held},
        events=[each for each in held if each.organization_id in {own.id for own in mine}],
        id=str(new_id()),
    )


@post("/organize/organizations", status_code=200)
async def found_organization(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """Found an organization."""
    typed = await typed_in(request)

    async def found(connection: Connection) -> str:
        await organizations.found(connection, request.user.member, new)
        return "/organize"

    try:
        new = decoded({"name": typed["name"]}, NewOrganization)
        return see_other(await done_once(request, pool, typed, found))
    except Refusal as refusal:
        return await organizer_page(request, pool, typed, refusal)


@get("/organize/events/new")
async def ask_event(request: Request[Caller, Any, Any], pool: Pool, organization: FromQuery[str] = "") -> Response[Any]:
    """What an event is, where and when."""
    typed = Typed(organization_id=organization, time_zone="Asia/Shanghai", opens="08:00", closes="18:00", gates="A")
    return await event_form(request, pool, typed)


async def event_form(
    request: Request[Caller, Any, Any], pool: asyncpg.Pool, typed: Typed, refusal: Refusal | None = None
) -> Response[Any]:
    """The form, with what was typed and what is wrong with it."""
    async with pool.acquire() as connection:
        mine = await organizations.of_member(connection, request.user.member)
    return page(
        request,
        "new_event",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        organizations=[each for each in mine if Role.ORGANIZER in roles_as(each.role)],
        kinds=events.KINDS,
        zones=ZONES,
        factor_sets=factors.travel_sets(),
        meals={key: THING_LABELS[key] for key in get_args(Meal)},
        places=choices(typed, "CN") if refusal else (),
        id=str(new_id()),
    )


@post("/organize/events/new", status_code=200)
async def create_event(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """Make the event."""
    typed = await typed_in(request)

    async def create(connection: Connection) -> str:
        return f"/organize/events/{(await events.create(connection, request.user, read_event(typed))).id}"

    try:
        return see_other(await done_once(request, pool, typed, create))
    except CarbonRefusal as refusal:
        return await event_form(request, pool, typed, carbon_refusal(refusal))
    except Refusal as refusal:
        return await event_form(request, pool, typed, refusal)


def read_event(typed: Typed) -> NewEvent:
    """The event that the fields tell. Raises Unreadable, what dates and hours raise, and CarbonRefusal."""
    chosen = typed["place"] if typed["place_for"] == typed["origin"] else ""
    hours = schedules.daily(
        read_date(typed["first"]),
        read_date(typed["last"] or typed["first"]),
        read_time(typed["opens"]),
        read_time(typed["closes"]),
        typed["time_zone"],
    )
    values = {
        **{field: typed[field] for field in ("organization_id", "name", "kind", "venue", "time_zone")},
        "place": chosen or typed["origin"],
        "expected_people": count_from_text(typed["expected_people"]),
        "factor_set": typed["factor_set"] or None,
        "meal": typed["meal"] or None,
        "hours": hours,
        "gates": [line.strip() for line in typed["gates"].splitlines() if line.strip()],
    }
    return decoded(values, NewEvent)


def read_date(text: str) -> date:
    """A date as browsers send it. Raises DateUnreadable."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DateUnreadable(text=text[:40]) from None


def read_time(text: str) -> time:
    """A time of day as browsers send it. Raises TimeUnreadable."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone
    except ValueError:
        raise TimeUnreadable(text=text[:40]) from None


@get("/organize/events/{event_id:uuid}")
async def show_event(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """The event as its parties see it: the tally as it climbs; its own people, the doors and the helpers too."""
    return await event_page(request, event_id, pool, Typed())


async def event_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed in one of its forms."""
    async with pool.acquire() as connection:
        standing = await organizations.require(connection, request.user, event_id, *READERS)
        event = await events.find(connection, event_id)
        tally = await tallies.read(connection, event_id)
        own = Role.VIEWER in standing
        refused = await refused_scans.newest(connection, event_id) if own else []
        retired = await retirements.of_account(connection, event_id, request.user.member, limit=20)
        helpers = await organizations.people_of(connection, event.organization_id) if own else []
    return page(
        request,
        "organize_event",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        standing=standing,
        parts_in=organizations.PARTS,
        tally=tally,
        refused=refused,
        retired=retired,
        helpers=helpers,
        reasons={each.code: each.template() for each in every_refusal() if "{" not in each.template()},
        id=str(new_id()),
    )


@post("/organize/events/{event_id:uuid}/helpers", status_code=200)
async def add_helper(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """Let someone stand at the doors, or organize too."""
    typed = await typed_in(request)

    async def add(connection: Connection) -> str:
        event, _ = await seen_event(connection, request.user, event_id)
        await organizations.add_member(connection, config, request.user, event.organization_id, new)
        return f"/organize/events/{event_id}#helpers"

    try:
        new = decoded({"phone": typed["phone"], "role": typed["role"]}, NewColleague)
        return see_other(await done_once(request, pool, typed, add))
    except Refusal as refusal:
        return await event_page(request, event_id, pool, typed, refusal)


async def seen_event(connection: Connection, caller: Caller, event_id: UUID) -> tuple[Event, bool]:
    """An event whose records the caller reads, and whether they may write to it. Raises NotFound and NotAllowed."""
    standing = await organizations.require(connection, caller, event_id, *READERS)
    return await events.find(connection, event_id), Role.ORGANIZER in standing


async def own_event(connection: Connection, caller: Caller, event_id: UUID) -> Event:
    """An event that the caller organizes. Raises NotFound and NotAllowed."""
    await organizations.require(connection, caller, event_id, Role.ORGANIZER)
    return await events.find(connection, event_id)


@post("/organize/events/{event_id:uuid}/badges", status_code=200)
async def issue_badges(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """Codes for badges, to be printed: nowhere shown again, but to the same form sent again."""
    typed = await typed_in(request)

    async def issue(connection: Connection) -> str:
        await own_event(connection, request.user, event_id)
        wanted = decoded({"count": count_from_text(typed["count"])}, WantedBadges).count
        return msgspec.json.encode(await personal_codes.issue(connection, config, event_id, wanted)).decode()

    try:
        batch = msgspec.json.decode(await done_once(request, pool, typed, issue), type=personal_codes.Batch)
    except CarbonRefusal as refusal:
        return await event_page(request, event_id, pool, typed, carbon_refusal(refusal))
    except Refusal as refusal:
        return await event_page(request, event_id, pool, typed, refusal)
    async with pool.acquire() as connection:
        event = await own_event(connection, request.user, event_id)
    return page(request, "badges", event=event, codes=personal_codes.codes_of(config, event_id, batch))


routes = [
    show_organizer,
    found_organization,
    ask_event,
    create_event,
    show_event,
    add_helper,
    issue_badges,
]
