"""Stations: places of a partner (a recycling point, a canteen) whose code, scanned there, logs an act.

A poster's code earns as what one says oneself, a screen's code of that minute as proven: as at an event's gates.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec

from scenarios.actions.methodologies import methodology_for
from scenarios.actions.reductions import Evidence, quantify_action
from scenarios.quantities import BaseUnit
from scenarios.refusals import NoMethodologyInForce, UnknownAction
from scenarios.regions import jurisdiction_name
from service import actions, codes, posters
from service.access import Caller, Role
from service.action_rows import Action, ActionRequest
from service.carbon import carbon_refused
from service.codes import CodeExpired, CodeForged, Scanned, in_groups
from service.config import Config
from service.db import Connection, new_id
from service.errors import IdReused, NotAllowed, NotFound, NotNow
from service.i18n import LANGUAGES, mark, translate
from service.idempotency import digest
from service.inputs import LINE
from service.posters import Form, ScreenCode
from service.schedules import CHINA

CAPTIONS = {
    "title": mark("扫码记一次"),
    "promise": mark("不用下载。扫一下，这次低碳行为就记到您的碳账户里。"),
    "gate": mark("低碳行为"),
    "torn": mark("扫不出来？打开下面的网址，输入短码"),
}


class StationCodeForged(CodeForged):
    """这不是有效的站点码，请重新扫码，或核对输入的短码。"""


class StationCodeExpired(CodeExpired):
    """站点码已过期，请重新扫屏幕上的码；现在记下，按自己申报的计。"""


class StationClosed(NotNow):
    """这个站点已经停用。"""

    code = "station_closed"


class StationNotApproved(NotNow):
    """主管部门没有批准这家合作方在当地记录这种行为，站点不能使用。"""

    code = "station_not_approved"


class StationUnfit(NotNow):
    """这种行为要说明起止时间，不能靠扫一次码记录。"""

    code = "station_unfit"


class NewStation(msgspec.Struct, forbid_unknown_fields=True):
    """What a partner says of a station. `quantity`, in the methodology's base unit, is what one scan stands for."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=LINE)]
    region: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$", max_length=6)]
    action: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """A station. `partner` is the name of who runs it; `approved` that the region's authority lets them."""

    id: UUID
    partner_id: UUID
    partner: str
    name: str
    region: str
    action: str
    quantity: int
    short_code: str
    opened_at: datetime
    closed_at: datetime | None
    approved: bool


class StationKind(NamedTuple):
    """What a partner may set up a station for. `label` and `unit_label` are msgids."""

    region: str
    action: str
    label: str
    unit_label: str
    base_unit: BaseUnit


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


# for who runs them ----------------------------------------------------------------------------------------------------


async def set_up(connection: Connection, caller: Caller, partner_id: UUID, new: NewStation, now: datetime) -> Station:
    """Set up a station of the caller's partner.

    Raises NotFound and NotAllowed as `require_standing`, what the scenarios refuse, StationUnfit for an action that a
    scan cannot tell, and StationNotApproved where the partner may not report it.
    """
    await require_standing(connection, caller, partner_id, Role.ORGANIZER)
    with carbon_refused():
        methodology = methodology_for(new.region, new.action, now.astimezone(CHINA).date())
        quantify_action(methodology, new.action, new.quantity, "proven", new.region)
    if methodology.action(new.action).times == "span":
        raise StationUnfit
    station_id = new_id()
    await connection.execute(
        """
        INSERT INTO stations (id, partner_id, name, region, action, quantity, short_code, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        station_id,
        partner_id,
        new.name.strip(),
        new.region,
        new.action,
        new.quantity,
        codes.new_short_code(),
        now,
    )
    station = await find(connection, station_id)
    if not station.approved:
        raise StationNotApproved
    return station


async def close(connection: Connection, caller: Caller, station_id: UUID, now: datetime) -> Station:
    """Let nobody log anything at a station from now on. Closing it again changes nothing. Raises as `find_own`."""
    await find_own(connection, caller, station_id, Role.ORGANIZER)
    await connection.execute("UPDATE stations SET closed_at = coalesce(closed_at, $2) WHERE id = $1", station_id, now)
    return await find(connection, station_id)


async def of_partner(connection: Connection, caller: Caller, partner_id: UUID) -> list[Station]:
    """The stations of the caller's partner, the open ones first. Raises as `require_standing`."""
    await require_standing(connection, caller, partner_id, Role.ORGANIZER, Role.GATE)
    rows = await connection.fetch("SELECT id FROM stations WHERE partner_id = $1 ORDER BY id", partner_id)
    found = await find_many(connection, [row["id"] for row in rows])
    return sorted(found, key=lambda each: (each.closed_at is not None, each.opened_at, each.id))


async def find_own(connection: Connection, caller: Caller, station_id: UUID, *roles: Role) -> Station:
    """A station of a partner for which the caller acts in one of these roles. Raises NotFound and NotAllowed."""
    station = await find(connection, station_id)
    await require_standing(connection, caller, station.partner_id, *roles)
    return station


async def require_standing(connection: Connection, caller: Caller, partner_id: UUID, *roles: Role) -> None:
    """Go on only for one who acts for the partner's organization in one of these roles.

    Raises NotFound for one who does not act for it, so that nothing is revealed, and NotAllowed for another role.
    """
    role = await connection.fetchval(
        """
        SELECT role FROM partners JOIN organization_members USING (organization_id)
        WHERE partners.id = $1 AND member_id = $2
        """,
        partner_id,
        caller.member_id,
    )
    if role is None:
        raise NotFound
    if Role(role) not in roles:
        raise NotAllowed


async def kinds_of(connection: Connection, partner_id: UUID, now: datetime) -> list[StationKind]:
    """What the partner's approved scopes let it set up stations for, today. Raises what the scenarios refuse."""
    rows = await connection.fetch(
        """
        SELECT region, action FROM partner_scopes
        WHERE partner_id = $1 AND approved_at IS NOT NULL AND withdrawn_at IS NULL ORDER BY region, action
        """,
        partner_id,
    )
    today, found = now.astimezone(CHINA).date(), []
    for row in rows:
        try:
            kind = methodology_for(row["region"], row["action"], today).action(row["action"])
        except (NoMethodologyInForce, UnknownAction):  # approved once, and not in force today
            continue
        if kind.times != "span":
            found.append(StationKind(row["region"], kind.key, kind.label, kind.unit_label, kind.base_unit))
    return found


async def name_of_partner(connection: Connection, partner_id: UUID) -> str:
    """A partner's name. Raises NotFound."""
    name: str | None = await connection.fetchval("SELECT name FROM partners WHERE id = $1", partner_id)
    if name is None:
        raise NotFound
    return name


async def find(connection: Connection, station_id: UUID) -> Station:
    """A station. Raises NotFound."""
    found = await find_many(connection, [station_id])
    if not found:
        raise NotFound
    return found[0]


async def find_many(connection: Connection, station_ids: list[UUID]) -> list[Station]:
    """Stations by their ids."""
    rows = await connection.fetch(
        """
        SELECT stations.id, stations.partner_id, partners.name AS partner, stations.name, stations.region,
            stations.action, quantity, short_code, opened_at, closed_at,
            coalesce(approved_at IS NOT NULL AND withdrawn_at IS NULL, false) AS approved
        FROM stations JOIN partners ON partners.id = stations.partner_id
            LEFT JOIN partner_scopes AS scope ON scope.partner_id = stations.partner_id
                AND scope.region = stations.region AND scope.action = stations.action
        WHERE stations.id = ANY ($1::uuid[])
        """,
        station_ids,
    )
    return [Station(**row) for row in rows]


def screen(config: Config, station: Station, now: datetime) -> ScreenCode:
    """What a screen at the station shows now."""
    code = codes.screen_code(config, station.short_code, now, "station")
    return posters.shown(code, codes.url(config, code, "station"), now)


async def poster(config: Config, station: Station, form: Form) -> bytes:
    """The station's code for paper, alone ('png', 'svg') or on an A4 page ('pdf'). Drawn in a thread."""
    leads_to = codes.url(config, codes.poster_code(config, station.short_code, "station"), "station")
    return await asyncio.to_thread(posters.as_form, leads_to, words(config, station), form)


def words(config: Config, station: Station) -> dict[str, object]:
    """What the poster says."""
    label = methodology_label(station)
    return {
        "event": station.name,
        "place": jurisdiction_name(station.region, "zh"),
        "days": station.partner,
        "gate": "\n".join(translate(language, label) for language in LANGUAGES),
        "short_code": in_groups(station.short_code),
        "address": f"{config.base_url}/s".removeprefix("https://"),
        "captions": posters.in_both(CAPTIONS),
    }


def methodology_label(station: Station) -> str:
    """What the station's action is called: a msgid. Raises what the scenarios refuse."""
    with carbon_refused():
        found = methodology_for(station.region, station.action, station.opened_at.astimezone(CHINA).date())
    return found.action(station.action).label


# for who scans --------------------------------------------------------------------------------------------------------


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


def require_usable(station: Station) -> None:
    """Raises StationClosed and StationNotApproved."""
    if station.closed_at is not None:
        raise StationClosed
    if not station.approved:
        raise StationNotApproved


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
