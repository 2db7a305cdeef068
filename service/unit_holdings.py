"""All that could offset an event, as holdings of units alike: donated credits, and units held, offered or retired."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec

from scenarios.meeting.citizens_credits import credits_unit, vouches
from scenarios.meeting.fill_plans import Holding
from scenarios.meeting.offset_classes import OffsetUnit, admits
from scenarios.meeting.rule_terms import RulePack
from service.db import Connection


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Units alike. `held_g` is not yet retired, `offered_g` not yet accepted.

    `key` is a unit's id, or credits:region:methodology:version. `vouched`: credits whose methodology an authority
    published here; whether that is recognition depends on the rule.
    """

    key: str
    unit: OffsetUnit
    held_g: int = 0
    retired_g: int = 0
    offered_g: int = 0
    methodology: str = ""
    unit_id: UUID | None = None
    vouched: bool = False


def under(rule: RulePack | None, held: Held) -> OffsetUnit:
    """The unit as a rule sees it: credits are recognized where the rule's own authority vouches for them."""
    if rule is None or held.unit_id is not None:
        return held.unit
    region = held.unit.project_place
    return credits_unit(region, held.vouched and vouches(rule, region))


def is_taken(rule: RulePack | None, held: Held) -> bool:
    """Does the rule admit it? Without one everything is taken."""
    return rule is None or admits(rule, under(rule, held)).admitted


def as_holding(rule: RulePack | None, held: Held, grams: int) -> Holding:
    """So many grams of it, for the fill plan."""
    return Holding(held.key, under(rule, held), grams)


def key_of(region: str, methodology: str, version: str) -> str:
    """The key of a region's credits by a methodology."""
    return f"credits:{region}:{methodology}:{version}"


def credits_held(
    region: str, methodology: str, version: str, recognized: bool, given_g: int = 0, retired_g: int = 0
) -> Held:
    """Donated credits as a holding."""
    return Held(
        key=key_of(region, methodology, version),
        unit=credits_unit(region, recognized),
        held_g=max(given_g - retired_g, 0),
        retired_g=retired_g,
        methodology=f"{methodology} {version}",
        vouched=recognized,
    )


async def of_event(connection: Connection, event_id: UUID) -> list[Held]:
    """All of it: credits by region and methodology, the largest first, then units in the order of their entry.

    Credits are as last folded.
    """
    return [*await credits_of(connection, event_id), *await units_of(connection, event_id)]


async def credits_of(connection: Connection, event_id: UUID) -> list[Held]:
    """Donated credits as last folded, by region and methodology."""
    rows = await connection.fetch(
        """
        WITH retired AS (
            SELECT class_id, sum(next_serial - first_serial) AS grams
            FROM retirements JOIN serial_blocks ON transfer_id = retirements.id
            WHERE account_id = $1 GROUP BY class_id
        )
        SELECT region, methodology, version, recognized, sum(event_holdings.grams)::bigint AS given_g,
            coalesce(sum(retired.grams), 0)::bigint AS retired_g
        FROM event_holdings JOIN class_origins USING (class_id) LEFT JOIN retired USING (class_id)
        WHERE event_holdings.event_id = $1
        GROUP BY region, methodology, version, recognized
        ORDER BY given_g DESC, region, methodology, version
        """,
        event_id,
    )
    return [credits_held(**row) for row in rows]


async def units_of(connection: Connection, event_id: UUID) -> list[Held]:
    """Units that are held, offered or retired."""
    rows = await connection.fetch(
        """
        SELECT id, class, project_place, registry, vintage, recognition IS NOT NULL AS recognized, donated, grams, state
        FROM offset_units WHERE event_id = $1 AND state IN ('offered', 'held', 'retired') ORDER BY id
        """,
        event_id,
    )
    return [
        Held(
            key=str(row["id"]),
            unit=OffsetUnit(
                unit=row["class"],
                project_place=row["project_place"],
                registry=row["registry"],
                vintage=row["vintage"],
                recognized=row["recognized"],
                donated=row["donated"],
            ),
            unit_id=row["id"],
            **{f"{row['state']}_g": row["grams"]},
        )
        for row in rows
    ]


def taken_only(rule: RulePack | None, all_held: Iterable[Held]) -> list[Held]:
    """Those that the rule takes."""
    return [each for each in all_held if is_taken(rule, each)]
