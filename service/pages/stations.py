"""Stations: a citizen scans a code there and logs the act; a partner sets them up and hangs out their codes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from scenarios.refusals import CarbonRefusal
from service import codes, posters, station_scans, stations
from service.access import Caller, Role
from service.action_rows import Action
from service.api.actions import device_of
from service.api.given import Committers, Config, Pool
from service.carbon import carbon_refusal
from service.db import Connection, new_id
from service.errors import Refusal
from service.pages import devices
from service.pages.act_forms import READERS
from service.pages.organize import decoded, done_once
from service.pages.rendering import Typed, page, see_other, storable, typed_in
from service.pages.saying import FieldUnreadable, Unreadable
from service.station_scans import Scan, StationCodeExpired, StationCodeForged, StationForm
from service.stations import NewStation

FIELDS = {
    "number_unreadable": "quantity",
    "distance_absurd": "quantity",
    "quantity_absurd": "quantity",
    "region": "kind",
    "action": "kind",
    "station_unfit": "kind",
    "station_not_approved": "kind",
}


# who scans ------------------------------------------------------------------------------------------------------------


@get("/s")
async def ask_code(request: Request[Caller, Any, Any], code: FromQuery[str] = "") -> Response[Any]:
    """Type the short code of a torn poster."""
    return see_other(f"/s/{quote(code.strip(), safe='')}") if code.strip() else page(request, "station_code")


@get("/s/{code:str}")
async def show_station(
    request: Request[Caller, Any, Any], code: FromPath[str], config: Config, pool: Pool
) -> Response[Any]:
    """What the code stands for, what it earns, and one button."""
    now, refusal = datetime.now(UTC), None
    try:
        try:
            scanned = station_scans.read_code(config, code, now)
        except StationCodeExpired as expired:
            scanned, refusal = expired.scanned, expired
        async with pool.acquire() as connection:
            station = await station_scans.station_of(connection, scanned)
        form = station_scans.form_of(config, station, scanned._replace(fresh=scanned.fresh and refusal is None), now)
    except Refusal as closed:
        return refused(request, code, closed)
    return station_page(request, config, form, refusal)


def refused(request: Request[Caller, Any, Any], code: str, refusal: Refusal) -> Response[Any]:
    """Why nothing can be logged here, and a field for another code."""
    typed = Typed(code=storable(code)[:200]) if isinstance(refusal, StationCodeForged) else Typed()
    return page(request, "station_code", typed=typed, refusal=refusal, fields={"code_forged": "code"})


def station_page(
    request: Request[Caller, Any, Any], config: Config, form: StationForm, refusal: Refusal | None = None
) -> Response[Any]:
    """The one question, with a device's token for a phone that has none."""
    known = devices.device_of(request)
    cookies = [] if known else [devices.device_cookie(config, devices.new_device())]
    ticket_path = f"/s/{form.ticket}"
    return page(request, "station", cookies=cookies, refusal=refusal, form=form, ticket_path=ticket_path)


@post("/s/{code:str}", status_code=200)
async def log_there(
    request: Request[Caller, Any, Any], code: FromPath[str], config: Config, pool: Pool, committers: Committers
) -> Response[Any]:
    """Log the act of the station, once however often the form is sent."""
    typed, now = await typed_in(request), datetime.now(UTC)
    device = device_of(config, devices.device_of(request))
    scan = Scan(typed["ticket"], request.user.member, device, now)
    try:
        async with pool.acquire() as connection:
            act = await station_scans.act_of(connection, config, scan)
        logged = act if isinstance(act, Action) else await committers.actions.submit(act)
    except Refusal as refusal:
        return await ask_again(request, config, pool, scan, refusal)
    return see_other(f"/me/actions/{logged.action_id}")


async def ask_again(
    request: Request[Caller, Any, Any], config: Config, pool: asyncpg.Pool, scan: Scan, refusal: Refusal
) -> Response[Any]:
    """The same once more under the same id, and why; a ticket that got old counts as a poster's."""
    try:
        try:
            scanned = station_scans.read_code(config, scan.code, scan.at)
        except StationCodeExpired as expired:
            scanned = expired.scanned._replace(fresh=False)
        async with pool.acquire() as connection:
            station = await station_scans.station_of(connection, scanned)
        form = station_scans.form_of(config, station, scanned, scan.at)
    except Refusal as closed:
        return refused(request, scan.code, closed)
    return station_page(request, config, form, refusal)


# who sets them up -----------------------------------------------------------------------------------------------------


@get("/organize/stations")
async def choose_partner(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """The partners whose stations one may see; straight there where there is one."""
    async with pool.acquire() as connection:
        found = await stations.partners_of(connection, request.user.member)
    if len(found) == 1:
        return see_other(f"/organize/partners/{found[0][0]}/stations")
    return page(request, "station_partners", partners=found)


@get("/organize/partners/{partner_id:uuid}/stations")
async def show_stations(request: Request[Caller, Any, Any], partner_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """A partner's stations, and a form for another."""
    return await stations_page(request, pool, partner_id, Typed(quantity="1"))


async def stations_page(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    partner_id: UUID,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed and what is wrong with it."""
    async with pool.acquire() as connection:
        standing = await stations.require_standing(connection, request.user, partner_id, Role.VIEWER, Role.GATE)
        found = await stations.of_partner(connection, request.user, partner_id)
        name = await stations.name_of_partner(connection, partner_id)
        kinds = await stations.kinds_of(connection, partner_id, datetime.now(UTC))
    return page(
        request,
        "stations",
        standing=standing,
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        partner_id=partner_id,
        partner=name,
        stations=found,
        kinds=kinds,
        id=str(new_id()),
    )


@post("/organize/partners/{partner_id:uuid}/stations", status_code=200)
async def set_up(request: Request[Caller, Any, Any], partner_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Set up a station."""
    typed, now = await typed_in(request), datetime.now(UTC)

    async def make(connection: Connection) -> str:
        new = await read_station(connection, partner_id, typed, now)
        await stations.set_up(connection, request.user, partner_id, new, now)
        return f"/organize/partners/{partner_id}/stations"

    try:
        return see_other(await done_once(request, pool, typed, make))
    except CarbonRefusal as refusal:
        return await stations_page(request, pool, partner_id, typed, carbon_refusal(refusal))
    except Refusal as refusal:
        return await stations_page(request, pool, partner_id, typed, refusal)


async def read_station(connection: Connection, partner_id: UUID, typed: Typed, now: datetime) -> NewStation:
    """What the form says. Raises Unreadable, and CarbonRefusal for a quantity."""
    region, _, action = typed["kind"].partition(" ")
    kinds = await stations.kinds_of(connection, partner_id, now)
    kind = next((each for each in kinds if (each.region, each.action) == (region, action)), None)
    if kind is None:
        raise Unreadable({"kind": FieldUnreadable()})
    quantity = READERS[kind.base_unit](typed["quantity"])
    return decoded({"name": typed["name"], "region": region, "action": action, "quantity": quantity}, NewStation)


@post("/organize/stations/{station_id:uuid}/close", status_code=200)
async def close(request: Request[Caller, Any, Any], station_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Close a station."""
    async with pool.acquire() as connection, connection.transaction():
        station = await stations.close(connection, request.user, station_id, datetime.now(UTC))
    return see_other(f"/organize/partners/{station.partner_id}/stations")


@get("/organize/stations/{station_id:uuid}/screen")
async def show_screen(
    request: Request[Caller, Any, Any], station_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """This minute's code, as large as the screen."""
    async with pool.acquire() as connection:
        station = await stations.find_own(connection, request.user, station_id, Role.ORGANIZER, Role.GATE)
    shown = stations.screen(config, station, datetime.now(UTC))
    address = f"{config.base_url}/s".removeprefix("https://").removeprefix("http://")
    return page(
        request,
        "station_screen",
        station=station,
        label=stations.methodology_label(station),
        screen=shown,
        address=address,
        short_code=codes.in_groups(station.short_code),
    )


@get("/organize/stations/{station_id:uuid}/poster/{form:str}")
async def show_poster(
    request: Request[Caller, Any, Any],
    station_id: FromPath[UUID],
    form: FromPath[Literal["png", "svg", "pdf"]],
    pool: Pool,
    config: Config,
) -> Response[bytes]:
    """The station's poster."""
    async with pool.acquire() as connection:
        station = await stations.find_own(connection, request.user, station_id, Role.VIEWER, Role.GATE)
    content = await stations.poster(config, station, form)
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(content, media_type=posters.MEDIA_TYPES[form], headers=headers)


routes = [ask_code, show_station, log_there, choose_partner, show_stations, set_up, close, show_screen, show_poster]
