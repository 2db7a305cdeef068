"""Stations: places of a partner (a recycling point, a canteen) whose code, scanned there, logs an act.

Its partner sets it up and hangs out its code; what a scan logs is in `station_scans`.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec

from scenarios.actions.methodologies import methodology_for
from scenarios.actions.reductions import quantify_action
from scenarios.quantities import BaseUnit
from scenarios.refusals import NoMethodologyInForce, UnknownAction
from scenarios.regions import jurisdiction_name
from service import codes, posters
from service.access import Caller, Role, roles_as
from service.carbon import carbon_refused
from service.codes import in_groups
from service.config import Config
from service.db import Connection, new_id
from service.errors import NotAllowed, NotFound, NotNow
from service.i18n import LANGUAGES, mark, translate
from service.inputs import LINE
from service.posters import Form, ScreenCode
from service.schedules import CHINA

CAPTIONS = {
    "title": mark("扫码记一次"),
    "promise": mark("不用下载。扫一下，这次低碳行为就记到您的碳账户里。"),
    "gate": mark("低碳行为"),
    "torn": mark("扫不出来？打开下面的网址，输入短码"),
}


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
    await require_standing(connection, caller, partner_id, Role.VIEWER, Role.GATE)
    rows = await connection.fetch("SELECT id FROM stations WHERE partner_id = $1 ORDER BY id", partner_id)
    found = await find_many(connection, [row["id"] for row in rows])
    return sorted(found, key=lambda each: (each.closed_at is not None, each.opened_at, each.id))


async def find_own(connection: Connection, caller: Caller, station_id: UUID, *roles: Role) -> Station:
    """A station of a partner for which the caller acts in one of these roles. Raises NotFound and NotAllowed."""
    station = await find(connection, station_id)
    await require_standing(connection, caller, station.partner_id, *roles)
    return station


async def require_standing(connection: Connection, caller: Caller, partner_id: UUID, *roles: Role) -> frozenset[Role]:
    """Go on only for one who acts for the partner's organization in one of these roles; return all that they are in.

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
    if not roles_as(role) & set(roles):
        raise NotAllowed
    return roles_as(role)


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


async def partners_of(connection: Connection, member_id: UUID) -> list[tuple[UUID, str]]:
    """The partners that a member acts for, by id and name, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT partners.id, name FROM partners JOIN organization_members USING (organization_id)
        WHERE member_id = $1 ORDER BY partners.id
        """,
        member_id,
    )
    return [(row["id"], row["name"]) for row in rows]


def require_usable(station: Station) -> None:
    """Raises StationClosed and StationNotApproved."""
    if station.closed_at is not None:
        raise StationClosed
    if not station.approved:
        raise StationNotApproved


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
