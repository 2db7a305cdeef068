"""Units of other registries as they stand: an event's, or those that an organization offered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from scenarios.meeting.rule_terms import OffsetClass, Text
from scenarios.meeting.serial_texts import Serials
from service.access import Caller, Role
from service.db import Connection
from service.errors import NotFound
from service.organizations import require_in

State = Literal["offered", "held", "declined", "withdrawn", "returned", "retired"]


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """Units as they stand. Serials `first` to `last`, both included; `donor` is the organization that offered them."""

    id: UUID
    event_id: UUID
    event_name: str
    unit: OffsetClass
    registry: str
    project: str
    project_place: str
    vintage: int
    series: str
    first: int
    last: int
    grams: int
    recognition: str | None
    donated: bool
    file_id: UUID | None
    donor_id: UUID | None
    donor: str | None
    state: State
    entered_at: datetime
    decided_at: datetime | None
    because: str | None
    retired_on: date | None
    reference: str | None
    retired_file_id: UUID | None

    @property
    def serials(self) -> str:
        """The block for people."""
        return Serials(self.series, self.first, self.last).text


STATE_WORDS: dict[State, Text] = {
    "offered": Text("待接受", "Offered"),
    "held": Text("已接受", "Accepted"),
    "declined": Text("未接受", "Declined"),
    "withdrawn": Text("已撤回", "Withdrawn"),
    "returned": Text("已退回", "Returned"),
    "retired": Text("已注销", "Retired"),
}


async def find(connection: Connection, event_id: UUID, units_id: UUID) -> Units:
    """Units of an event. Raises NotFound."""
    found = [each for each in await of_event(connection, event_id) if each.id == units_id]
    if not found:
        raise NotFound
    return found[0]


async def of_event(connection: Connection, event_id: UUID) -> list[Units]:
    """An event's units, the newest first."""
    rows = await connection.fetch(
        """
        SELECT offset_units.id, event_id, events.name AS event_name, class AS unit, registry, project, project_place,
            vintage, series, lower(serials) AS first, upper(serials) - 1 AS last, grams, recognition, donated, file_id,
            donor_id, organizations.name AS donor, state, entered_at,
            coalesce(returned_at, decided_at) AS decided_at, because, retired_on,
            retired_reference AS reference, retired_file_id
        FROM offset_units JOIN events ON events.id = event_id
        LEFT JOIN organizations ON organizations.id = donor_id
        WHERE event_id = $1 ORDER BY offset_units.id DESC
        """,
        event_id,
    )
    return [Units(**row) for row in rows]


async def of_donor(
    connection: Connection, caller: Caller, organization_id: UUID, before: UUID | None = None, limit: int = 100
) -> Sequence[Units]:
    """What an organization of the caller's offered, the newest first. Raises NotFound and NotAllowed."""
    await require_in(connection, caller, organization_id, Role.VIEWER)
    rows = await connection.fetch(
        """
        SELECT offset_units.id, event_id, events.name AS event_name, class AS unit, registry, project, project_place,
            vintage, series, lower(serials) AS first, upper(serials) - 1 AS last, grams, recognition, donated, file_id,
            donor_id, organizations.name AS donor, state, entered_at,
            coalesce(returned_at, decided_at) AS decided_at, because, retired_on,
            retired_reference AS reference, retired_file_id
        FROM offset_units JOIN events ON events.id = event_id
        JOIN organizations ON organizations.id = donor_id
        WHERE donor_id = $1 AND ($2::uuid IS NULL OR offset_units.id < $2) ORDER BY offset_units.id DESC LIMIT $3
        """,
        organization_id,
        before,
        limit,
    )
    return [Units(**row) for row in rows]
