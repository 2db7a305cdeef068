"""Scanning at a station: what it would log and earn, and the act, once.

A poster's code earns as what one says oneself, a screen's code of that minute as proven: as at an event's gates.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from scenarios.actions.methodologies import methodology_for
from scenarios.actions.reductions import Evidence, quantify_action
from scenarios.quantities import BaseUnit
from service import actions, codes
from service.action_rows import Action, ActionRequest
from service.carbon import carbon_refused
from service.codes import CodeExpired, CodeForged, Scanned
from service.config import Config
from service.db import Connection, new_id
from service.errors import IdReused
from service.idempotency import digest
from service.schedules import CHINA
from service.stations import Station, find, require_usable


class StationCodeForged(CodeForged):
    """这不是有效的站点码，请重新扫码，或核对输入的短码。"""


class StationCodeExpired(CodeExpired):
    """站点码已过期，请重新扫屏幕上的码；现在记下，按自己申报的计。"""


class StationForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan would log. Send `ticket` as the code, with `action_id` as Idempotency-Key.

    `earns_g` before caps; a fresh code earns `full_g`. `label` is a msgid.
    """

    station_id: UUID
    station: str
    partner: str
    region: str
    action: str
    label: str
    quantity: int
    base_unit: BaseUnit
    unit: str
    fresh: bool
    earns_g: int
    full_g: int
    action_id: UUID
    ticket: str


class Scan(NamedTuple):
    """What a member scanned, typed or sent with a form, and when. `device` is the keyed digest of a device's token.

    `action_id` is the id that the act shall have, where it is not the ticket's own.
    """

    code: str
    member_id: UUID
    device: bytes | None
    at: datetime
    action_id: UUID | None = None


def read_code(config: Config, text: str, now: datetime) -> Scanned:
    """What a station's code says, however it came. Raises StationCodeForged, StationCodeExpired."""
    try:
        return codes.read_code(config, text, now, "station")
    except CodeForged:
        raise StationCodeForged from None
    except CodeExpired as expired:
        raise StationCodeExpired(expired.scanned) from None


async def station_of(connection: Connection, scanned: Scanned) -> Station:
    """The station of a scanned code. Raises StationCodeForged where none has it."""
    station_id = await connection.fetchval("SELECT id FROM stations WHERE short_code = $1", scanned.short_code)
    if station_id is None:
        raise StationCodeForged
    return await find(connection, station_id)


async def act_of(connection: Connection, config: Config, scan: Scan) -> Action | ActionRequest:
    """The act that a scan logs, to be committed; the one logged before, whatever became of code and station since.

    Raises StationCodeForged, also for a ticket of another act, StationCodeExpired, StationClosed, StationNotApproved,
    and IdReused where something else was logged under that id.
    """
    expired = None
    try:
        scanned = read_code(config, scan.code, scan.at)
    except StationCodeExpired as refusal:
        scanned, expired = refusal.scanned, refusal
    action_id = scan.action_id or scanned.check_in_id
    if action_id is None or scanned.check_in_id not in {None, action_id}:
        raise StationCodeForged
    station = await station_of(connection, scanned)
    request = request_of(station, scanned, scan, action_id)
    row = await connection.fetchrow("SELECT member_id, request_digest FROM actions WHERE id = $1", action_id)
    if row is not None:
        if tuple(row) != (request.member_id, request.request_digest):
            raise IdReused
        return await actions.find_own(connection, scan.member_id, action_id)
    if expired is not None:
        raise expired
    require_usable(station)
    return request


def form_of(config: Config, station: Station, scanned: Scanned, now: datetime) -> StationForm:
    """What a scan would log, and earn before caps. Raises as `require_usable`, and what the scenarios refuse."""
    require_usable(station)
    evidence = evidence_of(scanned)
    with carbon_refused():
        methodology = methodology_for(station.region, station.action, now.astimezone(CHINA).date())
        said = quantify_action(methodology, station.action, station.quantity, evidence, station.region)
        full = quantify_action(methodology, station.action, station.quantity, "proven", station.region)
    action_id = scanned.check_in_id or new_id()
    return StationForm(
        station_id=station.id,
        station=station.name,
        partner=station.partner,
        region=station.region,
        action=station.action,
        label=methodology.action(station.action).label,
        quantity=station.quantity,
        base_unit=said.base_unit,
        unit=said.unit,
        fresh=scanned.fresh,
        earns_g=said.reduction_g,
        full_g=full.reduction_g,
        action_id=action_id,
        ticket=codes.ticket(config, station.short_code, action_id, scanned.fresh, now, "station"),
    )


def evidence_of(scanned: Scanned) -> Evidence:
    """A screen's code of that minute proves that one was there; a poster's may be a picture of it."""
    return "proven" if scanned.fresh else "self_declared"


def request_of(station: Station, scanned: Scanned, scan: Scan, action_id: UUID) -> ActionRequest:
    """One act of the station's kind, at this moment."""
    today = scan.at.astimezone(CHINA).date()
    return ActionRequest(
        id=action_id,
        member_id=scan.member_id,
        region=station.region,
        action=station.action,
        quantity=station.quantity,
        occurred_on=today,
        request_digest=digest(station.id, action_id),
        today=today,
        started_at=scan.at,
        source="code",
        evidence=evidence_of(scanned),
        partner_id=station.partner_id,
        station_id=station.id,
        device=scan.device,
    )
