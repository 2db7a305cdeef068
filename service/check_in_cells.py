"""An event's check-ins in cells, as stored at the door; nothing is quantified again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

import msgspec

from scenarios.meeting.cells import Cell, CellLeg
from scenarios.meeting.travel import FactorUsed
from scenarios.policies.operator import policy
from scenarios.quantities import rate
from service.db import Connection


class StoredLeg(msgspec.Struct, frozen=True):
    """What a cell takes of a stored leg. Its factor is read once for all that have the same."""

    mode: str
    distance_m: int
    person_m: int
    emissions_g: int
    factor: msgspec.Raw
    cabin: str | None = None
    occupants: int | None = None


decode_legs = msgspec.json.Decoder(tuple[StoredLeg, ...]).decode
decode_factor = msgspec.json.Decoder(FactorUsed | None).decode


async def of_event(connection: Connection, event_id: UUID, days: Collection[date] = ()) -> list[Cell]:
    """The check-ins that count, alike ones together, the largest cells first; those of each of `days` apart.

    They are alike when their grams, people, part, gate and nights are, and the hashes of their legs and factors: to
    compare those themselves takes four times as long. Grams add up exactly in any case. Where days are set apart, the
    parts of what would be one cell stand where it would, so that a day named later moves nothing.
    """
    rows = await connection.fetch(
        """
        WITH alike AS MATERIALIZED (
            SELECT any_value(id) AS one, count(*) AS count, CASE WHEN day = ANY ($2::date[]) THEN day END AS apart
            FROM check_ins WHERE event_id = $1 AND ended_at IS NULL
            GROUP BY part, gate_id, people, travel_emissions_g, lodging_emissions_g, trip -> 'nights', trip -> 'meals',
                jsonb_hash_extended(trip -> 'legs', 0), jsonb_hash_extended(trip -> 'lodging_factor', 0), apart
        )
        SELECT gate_id, alike.count, part, people, lodging_emissions_g, (trip -> 'round_trip')::boolean AS round_trip,
            (trip -> 'nights')::integer AS nights, coalesce((trip -> 'meals')::integer, 0) AS meals, apart,
            trip -> 'legs' AS legs, trip -> 'lodging_factor' AS lodging_factor
        FROM alike JOIN check_ins ON check_ins.id = alike.one
        """,
        event_id,
        list(days),
    )
    factors: dict[bytes, FactorUsed | None] = {}
    return [as_cell(row, factors) for row in (days_in_order(rows) if days else sorted(rows, key=order_of))]


def order_of(row: Any) -> tuple[Any, ...]:
    """Where a cell stands, by nothing but what is in it: an inventory computed again is the same to the byte."""
    return (-row["count"], *told_in(row))


def days_in_order(rows: Iterable[Any]) -> list[Any]:
    """The parts of what is one cell but for its days where that cell would stand, by day."""
    keyed = [(told_in(row), row) for row in rows]
    together: Counter[tuple[Any, ...]] = Counter()
    for told, row in keyed:
        together[told] += row["count"]
    keyed.sort(key=lambda each: (-together[each[0]], each[0], each[1]["apart"] or date.max))
    return [row for _, row in keyed]


def told_in(row: Any) -> tuple[Any, ...]:
    """What a cell tells of one check-in, but its day."""
    legs, lodging = row["legs"], row["lodging_factor"]
    return (row["gate_id"], row["part"], row["people"], row["nights"], legs, lodging, row["meals"])


def as_cell(row: Any, factors: dict[bytes, FactorUsed | None]) -> Cell:
    """A row of the query above as a cell; `factors` are those read before."""
    people = row["people"]
    return Cell(
        part=row["part"],
        gate=row["gate_id"],
        legs=tuple([as_leg(each, people, factors) for each in decode_legs(row["legs"])]),
        round_trip=row["round_trip"],
        nights=row["nights"],
        people=people,
        lodging_factor=factor_of(row["lodging_factor"], factors),
        lodging_each_g=row["lodging_emissions_g"],
        count=row["count"],
        meals=row["meals"],
        day=row["apart"],
    )


def as_leg(leg: StoredLeg, people: int, factors: dict[bytes, FactorUsed | None]) -> CellLeg:
    """A stored leg with its factor."""
    factor = factor_of(leg.factor, factors)
    assert factor is not None
    occupants = leg.occupants
    if occupants is None and factor.unit.endswith("/vkm"):
        occupants = occupants_of(leg, people, factor)
    return CellLeg(leg.mode, leg.distance_m, leg.person_m, leg.emissions_g, factor, leg.cabin, occupants)


def factor_of(text: msgspec.Raw | bytes, factors: dict[bytes, FactorUsed | None]) -> FactorUsed | None:
    """A stored factor."""
    key = bytes(text)
    if key not in factors:
        factors[key] = decode_factor(key)
    return factors[key]


def occupants_of(leg: StoredLeg, people: int, factor: FactorUsed) -> int:
    """How many shared the vehicle, for a leg stored before that was: the group, or else the fewest with its grams."""
    ready = rate(factor.value, factor.unit)
    candidates: list[int] = [people, *range(1, policy().max_occupants + 1)]
    for shared_by in candidates:
        if ready.emissions_g(leg.person_m, shared_by) == leg.emissions_g:
            return shared_by
    raise LookupError(f"no number of occupants makes {leg.emissions_g} g of {Fraction(leg.person_m, 1000)} km")
