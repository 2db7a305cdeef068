"""Stations of partners: set up, closed, put on paper or a screen; and what a scan there logs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import CacheControlHeader
from litestar.params import FromPath, JSONBody

from service import station_scans, stations
from service.access import Caller, Role
from service.action_deciding import CountedAlready
from service.action_rows import Action
from service.api.actions import device_of
from service.api.check_ins import Device, uuid_of
from service.api.given import Config, Pool, means_of
from service.api.posters import Pictures
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.carbon import CLASSES
from service.db import transaction
from service.ledger_refusals import AccountClosed
from service.posters import MEDIA_TYPES, Form, ScreenCode
from service.station_scans import Scan, StationCodeExpired, StationCodeForged, StationForm
from service.stations import (
    NewStation,
    Station,
    StationClosed,
    StationNotApproved,
    StationUnfit,
)

AT_A_STATION = (StationCodeForged, StationCodeExpired, StationClosed, StationNotApproved, *CLASSES.values())


class ScannedCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`code` is the form's ticket, or a scanned or typed code."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


@post(
    "/partners/{partner_id:uuid}/stations",
    responses=refuses(*WRITES, StationUnfit, StationNotApproved, *CLASSES.values()),
)
async def set_up(
    request: Request[Caller, Any, Any], partner_id: FromPath[UUID], data: JSONBody[NewStation], key: Key, pool: Pool
) -> Response[Station]:
    """Set up a station: a place whose code logs an act that the partner may report."""
    caller, now = request.user, datetime.now(UTC)
    return await answer_once(
        request, pool, key, data, lambda connection: stations.set_up(connection, caller, partner_id, data, now)
    )


@get("/partners/{partner_id:uuid}/stations", responses=refuses())
async def list_stations(request: Request[Caller, Any, Any], partner_id: FromPath[UUID], pool: Pool) -> list[Station]:
    """The partner's stations, the open ones first."""
    async with pool.acquire() as connection:
        return await stations.of_partner(connection, request.user, partner_id)


@post("/stations/{station_id:uuid}/closure", responses=refuses(*WRITES), status_code=200)
async def close(request: Request[Caller, Any, Any], station_id: FromPath[UUID], key: Key, pool: Pool) -> Station:
    """Let nobody log anything there from now on. Repeating it changes nothing."""
    async with transaction(pool) as connection:
        return await stations.close(connection, request.user, station_id, datetime.now(UTC))


@get(
    "/stations/{station_id:uuid}/poster/{form:str}",
    operation_class=Pictures,
    responses=refuses(),
    cache_control=CacheControlHeader(private=True, max_age=300),
)
async def show_poster(
    request: Request[Caller, Any, Any], station_id: FromPath[UUID], form: FromPath[Form], pool: Pool, config: Config
) -> Response[bytes]:
    """The station's code for paper: the QR alone as PNG or SVG, or an A4 page to print."""
    async with pool.acquire() as connection:
        station = await stations.find_own(connection, request.user, station_id, Role.VIEWER, Role.GATE)
    return Response(
        await stations.poster(config, station, form),
        media_type=MEDIA_TYPES[form],
        headers={"content-disposition": f'inline; filename="{station.short_code}.{form}"'},
    )


@get("/stations/{station_id:uuid}/screen-code", responses=refuses(), cache_control=CacheControlHeader(no_store=True))
async def show_screen_code(
    request: Request[Caller, Any, Any], station_id: FromPath[UUID], pool: Pool, config: Config
) -> ScreenCode:
    """The station's code for a screen, new every minute: whoever scans it in time stood there."""
    async with pool.acquire() as connection:
        station = await stations.find_own(connection, request.user, station_id, Role.ORGANIZER, Role.GATE)
    return stations.screen(config, station, datetime.now(UTC))


@get("/station-codes/{code:str}", responses=refuses(*AT_A_STATION))
async def serve_form(code: FromPath[str], config: Config, pool: Pool) -> StationForm:
    """What a station's code would log, and what that earns before caps."""
    now = datetime.now(UTC)
    scanned = station_scans.read_code(config, code, now)
    async with pool.acquire() as connection:
        station = await station_scans.station_of(connection, scanned)
    return station_scans.form_of(config, station, scanned, now)


@post(
    "/station-scans",
    responses=refuses(*WRITES, *AT_A_STATION, CountedAlready, AccountClosed),
)
async def log_there(
    request: Request[Caller, Any, Any], data: JSONBody[ScannedCode], key: Key, device: Device = None
) -> Action:
    """Log the act of the station whose code was scanned, once an Idempotency-Key (a UUID; a ticket has its own)."""
    hot = means_of(request)
    scan = Scan(data.code, request.user.member, device_of(hot.config, device), datetime.now(UTC), uuid_of(key))
    async with hot.pool.acquire() as connection:
        act = await station_scans.act_of(connection, hot.config, scan)
    return act if isinstance(act, Action) else await hot.committers.actions.submit(act)


routes = [set_up, list_stations, close, show_poster, show_screen_code, serve_form, log_there]
