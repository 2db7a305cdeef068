"""What was retired for an event, with every serial: credits of this ledger, and units of other registries.

Only what the rule takes is there, as in `offsets.retired_under`; that sums, this names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from scenarios.meeting.citizens_credits import credits_unit
from scenarios.meeting.offset_classes import CLASS_LABELS
from scenarios.meeting.rule_terms import OffsetClass, RulePack
from service import certificates, unit_holdings
from service.db import Connection
from service.neutrality_records import BlockSaid, OffsetSaid, UnitsSaid
from service.unit_holdings import Held, is_taken


async def of_event(connection: Connection, event_id: UUID, rule: RulePack | None) -> tuple[OffsetSaid, ...]:
    """By class, in the order in which people name them; classes of which nothing is retired are left out."""
    blocks = await blocks_of(connection, event_id, rule)
    units = await units_of(connection, event_id, rule)
    found = [
        as_said(each, blocks if each == "citizen_credits" else (), units.get(each, ()))
        for each in CLASS_LABELS
        if each in units or (each == "citizen_credits" and blocks)
    ]
    return tuple(found)


def as_said(unit: OffsetClass, blocks: Sequence[BlockSaid], units: Sequence[UnitsSaid]) -> OffsetSaid:
    """A class with its sum."""
    grams = sum(each.grams for each in blocks) + sum(each.grams for each in units)
    return OffsetSaid(unit=unit, name=CLASS_LABELS[unit], grams=grams, blocks=tuple(blocks), units=tuple(units))


async def blocks_of(connection: Connection, event_id: UUID, rule: RulePack | None) -> list[BlockSaid]:
    """The serials of what was donated to the event and retired, in the order of retirement."""
    rows = await connection.fetch(
        """
        SELECT retirements.id, retired_on, recognized, class_id, region, methodology, version, vintage, first_serial,
            next_serial
        FROM retirements
        JOIN serial_blocks ON transfer_id = retirements.id
        JOIN class_origins USING (class_id)
        WHERE account_id = $1
        ORDER BY retired_at, retirements.id, ordinal
        """,
        event_id,
    )
    return [
        BlockSaid(
            retirement_id=row["id"],
            retired_on=row["retired_on"],
            class_id=row["class_id"],
            first_serial=row["first_serial"],
            last_serial=row["next_serial"] - 1,
            serials=certificates.block(*list(row.values())[3:]).serials,
        )
        for row in rows
        if is_taken(rule, credits_held(row["region"], recognized=row["recognized"]))
    ]


def credits_held(region: str, *, recognized: bool) -> Held:
    """Credits as the rule looks at them."""
    return Held(key="", unit=credits_unit(region, recognized), vouched=recognized)


async def units_of(connection: Connection, event_id: UUID, rule: RulePack | None) -> dict[OffsetClass, list[UnitsSaid]]:
    """The units of other registries that are retired, by class, in the order of retirement."""
    taken = {each.unit_id for each in await unit_holdings.units_of(connection, event_id) if is_taken(rule, each)}
    rows = await connection.fetch(
        """
        SELECT id, class, registry, project, project_place, vintage, series, lower(serials) AS first,
            upper(serials) - 1 AS last, grams, retired_on, retired_reference AS reference
        FROM offset_units WHERE event_id = $1 AND state = 'retired'
        ORDER BY retired_at, id
        """,
        event_id,
    )
    found: dict[OffsetClass, list[UnitsSaid]] = {}
    for row in rows:
        values = dict(row)
        if values.pop("id") in taken:
            found.setdefault(values.pop("class"), []).append(UnitsSaid(**values))
    return found


def neutral_on(offsets: Sequence[OffsetSaid], need_g: int) -> date | None:
    """The day on which as much as is needed was retired; None where it is not, or nothing was."""
    sum_g = 0
    for on, grams in sorted(part for each in offsets for part in each.retirements):
        sum_g += grams
        if sum_g >= need_g:
            return on
    return None
