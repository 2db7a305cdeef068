"""An event's inventory: computed when asked for, kept whole when submitted, and then never changed."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from scenarios.meeting.accounting import Facts, Result, account
from scenarios.meeting.cells import Cell
from scenarios.meeting.differences import Contents, Difference, differences
from scenarios.meeting.extrapolation import Extrapolated, Group, extrapolate
from scenarios.meeting.lines import EventDays, Line
from scenarios.meeting.mode_corrections import ModeCorrection, scaled
from service import accountings, donation_needs, events, head_counts, mode_corrections
from service.access import Caller
from service.accountings import Because, Opening, Settings
from service.activity_data import live_lines
from service.db import Connection
from service.errors import Conflict, NotFound, NotNow
from service.events import Event
from service.line_inputs import days_of

State = Literal["submitted", "restated", "verified"]
encode = msgspec.json.Encoder(decimal_format="string", order="deterministic").encode


class RestatementUnexplained(NotNow):
    """已有第 {number} 版，提交新的一版须说明原因。"""

    code = "restatement_unexplained"


class VerifiedAlready(Conflict):
    """这一版已经核查。"""

    code = "verified_already"


class VersionOvertaken(Conflict):
    """已有更新的第 {number} 版，应核查新的一版。"""

    code = "version_overtaken"


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """All that an event's emissions are computed from, and the result: what a version keeps.

    `said` counts check-ins as they were made, `cells` as the accounting counts them, `corrections` applied.
    """

    event_id: UUID
    event_name: str
    days: EventDays
    opening: Opening
    settings: Settings
    lines: tuple[Line, ...]
    cells: tuple[Cell, ...]
    corrections: tuple[ModeCorrection, ...]
    groups: tuple[Group, ...]
    extrapolated: tuple[Extrapolated, ...]
    result: Result


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The inventory of this moment without its lines and check-ins; `number` is of the newest version, 0 before any."""

    event_id: UUID
    event_name: str
    as_of: datetime
    number: int
    opening: Opening
    settings: Settings
    result: Result


class NewVersion(msgspec.Struct, forbid_unknown_fields=True):
    """Submit the inventory as it is now; the reason is needed where a version was submitted before."""

    because: Because | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version that was submitted. `digest` is the sha256 of its content in hexadecimal."""

    number: int
    state: State
    digest: str
    replaces: int | None
    because: str | None
    made_at: datetime
    verified_at: datetime | None
    full_g: int
    basic_g: int
    reported_g: int


class WholeVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version with its content."""

    version: Version
    inventory: Inventory


decode = msgspec.json.Decoder(Inventory).decode


async def compute(connection: Connection, event_id: UUID, now: datetime) -> Inventory:
    """The inventory as it is now. Before its accounting opens, by the packs that ship. Raises NotFound, CarbonRule."""
    event = await events.find(connection, event_id)
    accounting = await accountings.of_event(connection, event)
    settings = (await accountings.settings_of(connection, event_id))[0]
    lines = await live_lines(connection, event_id)
    said, cells, corrections = await mode_corrections.counted(connection, event, accounting.factors)
    counts = await head_counts.of_event(connection, event_id)
    groups = scaled(await head_counts.groups_of(connection, event, counts), said, cells)
    extrapolated = extrapolate(groups)
    absent = await accountings.absent_of(connection, event_id)
    days = days_of(event)
    facts = Facts(
        days=days.days,
        people=counts.total,
        ambition=settings.ambition,
        area_m2=settings.area_m2,
        baseline_g=settings.baseline_g,
        baseline_because=settings.baseline_because,
        absent=absent,
        gwp_set=accounting.gwp_set,
    )
    return Inventory(
        event_id=event_id,
        event_name=event.name,
        days=days,
        opening=accounting.opening,
        settings=settings,
        lines=tuple(lines),
        cells=tuple(cells),
        corrections=tuple(corrections),
        groups=tuple(groups),
        extrapolated=tuple(extrapolated),
        result=account(lines, cells, extrapolated, accounting.boundary, facts),
    )


async def draft(connection: Connection, event_id: UUID, now: datetime) -> Draft:
    """The result of this moment. Raises like `compute`."""
    found = await compute(connection, event_id, now)
    versions = await of_event(connection, event_id)
    return Draft(
        event_id=event_id,
        event_name=found.event_name,
        as_of=now,
        number=versions[0].number if versions else 0,
        opening=found.opening,
        settings=found.settings,
        result=found.result,
    )


async def submit(connection: Connection, caller: Caller, event: Event, because: str | None, now: datetime) -> Version:
    """Keep the inventory as it is now as the next version; where nothing changed since the last, that one.

    Raises RestatementUnexplained where there is an earlier version and no reason, and what `compute` raises.
    """
    await accountings.opened(connection, event, caller, now)
    await connection.execute("SELECT event_id FROM accountings WHERE event_id = $1 FOR NO KEY UPDATE", event.id)
    earlier = await of_event(connection, event.id)
    found = await compute(connection, event.id, now)
    content = encode(found)
    digest = hashlib.sha256(content).digest()
    if earlier and earlier[0].digest == digest.hex():
        return earlier[0]
    if earlier and because is None:
        raise RestatementUnexplained(number=earlier[0].number)
    await connection.execute(
        """
        INSERT INTO inventories (
            event_id, number, content, digest, full_g, basic_g, reported_g, replaces, because, made_by, made_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        event.id,
        earlier[0].number + 1 if earlier else 1,
        content,
        digest,
        found.result.full_g,
        found.result.basic_g,
        found.result.reported_g,
        earlier[0].number if earlier else None,
        because if earlier else None,
        caller.member,
        now,
    )
    await donation_needs.reckon(connection, event.id, now)
    return (await of_event(connection, event.id))[0]


async def of_event(connection: Connection, event_id: UUID) -> list[Version]:
    """The versions that were submitted, the newest first."""
    rows = await connection.fetch(
        """
        SELECT number, state, encode(digest, 'hex') AS digest, replaces, because, made_at, verified_at, full_g, basic_g,
            reported_g
        FROM inventory_states WHERE event_id = $1 ORDER BY number DESC
        """,
        event_id,
    )
    return [Version(**row) for row in rows]


async def find(connection: Connection, event_id: UUID, number: int) -> WholeVersion:
    """A version, whole. Raises NotFound."""
    for version in await of_event(connection, event_id):
        if version.number == number:
            content = await connection.fetchval(
                "SELECT content FROM inventories WHERE event_id = $1 AND number = $2", event_id, number
            )
            return WholeVersion(version=version, inventory=decode(content))
    raise NotFound


def digest_of(inventory: Inventory) -> str:
    """The sha256 that a version with this content has, in hexadecimal."""
    return hashlib.sha256(encode(inventory)).hexdigest()


async def between(connection: Connection, event_id: UUID, before: int, after: int) -> list[Difference]:
    """What lies between two versions, the largest change first. Raises NotFound."""
    found = [(await find(connection, event_id, number)).inventory for number in (before, after)]
    return differences(*[Contents(each.lines, each.cells, each.extrapolated) for each in found])


async def verify(connection: Connection, caller: Caller, event_id: UUID, number: int, now: datetime) -> Version:
    """Say that the newest version was verified. Raises NotFound, VersionOvertaken and VerifiedAlready."""
    await connection.execute("SELECT event_id FROM accountings WHERE event_id = $1 FOR NO KEY UPDATE", event_id)
    versions = await of_event(connection, event_id)
    wanted = next((each for each in versions if each.number == number), None)
    if wanted is None:
        raise NotFound
    if wanted is not versions[0]:
        raise VersionOvertaken(number=versions[0].number)
    if wanted.verified_at is not None:
        raise VerifiedAlready
    await connection.execute(
        "INSERT INTO inventory_verifications (event_id, number, verified_by, verified_at) VALUES ($1, $2, $3, $4)",
        event_id,
        number,
        caller.member,
        now,
    )
    return (await of_event(connection, event_id))[0]
