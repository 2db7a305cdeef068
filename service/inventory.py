"""An event's inventory: what its travel emitted, as checked in and as entered by the organizer, apart and together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from scenarios.labels import MODE_LABELS
from service import tallies
from service.db import Connection
from service.tallies import Tally


class ModeEmissions(msgspec.Struct, frozen=True):
    """Travel by one mode: person-metres and emissions. `label` is Chinese."""

    mode: str
    label: str
    person_m: int
    emissions_g: int


class EnteredTravel(msgspec.Struct, frozen=True):
    """Travel from activity data. `co2_only_g` is the part of the emissions whose factors cover CO2 alone."""

    lines: int
    travel_emissions_g: int
    co2_only_g: int
    modes: list[ModeEmissions]


class CheckedInTravel(msgspec.Struct, frozen=True):
    """Travel from check-ins, as of the tally's `sequence`; `behind_s` is the age of what is not yet in it."""

    sequence: int
    behind_s: int
    check_ins: int
    travel_emissions_g: int
    lodging_emissions_g: int
    modes: list[ModeEmissions]


class Inventory(msgspec.Struct, frozen=True):
    """Both sources, and their sum. Whoever checked in should stand in no line of activity data: nobody can tell."""

    event_id: UUID
    event_name: str
    checked_in: CheckedInTravel
    entered: EnteredTravel
    travel_emissions_g: int
    lodging_emissions_g: int
    emissions_g: int
    modes: list[ModeEmissions]


async def read(connection: Connection, event_id: UUID) -> Inventory:
    """An event's inventory. Raises NotFound."""
    tally = await tallies.read(connection, event_id)
    checked_in, entered = from_tally(tally), await read_entered(connection, event_id)
    travel_emissions_g = checked_in.travel_emissions_g + entered.travel_emissions_g
    return Inventory(
        event_id=event_id,
        event_name=tally.event_name,
        checked_in=checked_in,
        entered=entered,
        travel_emissions_g=travel_emissions_g,
        lodging_emissions_g=checked_in.lodging_emissions_g,
        emissions_g=travel_emissions_g + checked_in.lodging_emissions_g,
        modes=together([*checked_in.modes, *entered.modes]),
    )


def from_tally(tally: Tally) -> CheckedInTravel:
    """The tally's travel, journeys and local trips together."""
    return CheckedInTravel(
        sequence=tally.sequence,
        behind_s=tally.behind_s,
        check_ins=tally.check_ins,
        travel_emissions_g=tally.journey_emissions_g + tally.local_emissions_g,
        lodging_emissions_g=tally.lodging_emissions_g,
        modes=together([*tally.journey_modes, *tally.local_modes]),
    )


async def read_entered(connection: Connection, event_id: UUID) -> EnteredTravel:
    """The sums of an event's activity data."""
    rows = await connection.fetch(
        """
        SELECT item AS mode, count(*) AS lines,
            ceil(sum(quantity * 1000 * CASE WHEN unit = 'vkm' THEN coalesce(occupants, 1) ELSE 1 END))::bigint
                AS person_m,
            sum(emissions_g)::bigint AS emissions_g,
            coalesce(sum(emissions_g) FILTER (WHERE co2_only), 0)::bigint AS co2_only_g
        FROM activity_data WHERE event_id = $1 AND source = 'travel' AND ended_at IS NULL
        GROUP BY item
        """,
        event_id,
    )
    return EnteredTravel(
        lines=sum(row["lines"] for row in rows),
        travel_emissions_g=sum(row["emissions_g"] for row in rows),
        co2_only_g=sum(row["co2_only_g"] for row in rows),
        modes=together([ModeEmissions(r["mode"], "", r["person_m"], r["emissions_g"]) for r in rows]),
    )


def together(parts: Iterable[Any]) -> list[ModeEmissions]:
    """Sums by mode of whatever has a mode, person-metres and emissions: in the order in which pages name modes."""
    parts = list(parts)
    return [
        ModeEmissions(
            mode=mode,
            label=label,
            person_m=sum(each.person_m for each in of_mode),
            emissions_g=sum(each.emissions_g for each in of_mode),
        )
        for mode, label in MODE_LABELS.items()
        if (of_mode := [each for each in parts if each.mode == mode])
    ]
