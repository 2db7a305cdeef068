"""Check-ins in cells: those that came alike emit alike, so a cell is one of them and their count."""

from __future__ import annotations

import msgspec

from scenarios.meeting.travel import FactorUsed, Part


class CellLeg(msgspec.Struct, frozen=True, omit_defaults=True):
    """A leg of one check-in: metres one way, detour included; grams of its whole group in every direction.

    `occupants` shared the vehicle, None where the factor is per person.
    """

    mode: str
    distance_m: int
    person_m: int
    emissions_g: int
    factor: FactorUsed
    cabin: str | None = None
    occupants: int | None = None


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """So many check-ins that came alike, each of `people` people. Grams of one are rounded up, and then counted.

    `gate` is the gate's id. `nights` are of each person; `lodging_factor` is None without any.
    """

    part: Part
    gate: int
    legs: tuple[CellLeg, ...]
    round_trip: bool
    nights: int
    people: int
    lodging_factor: FactorUsed | None
    lodging_each_g: int
    count: int

    @property
    def travel_each_g(self) -> int:
        """Grams of one check-in's legs."""
        return sum([leg.emissions_g for leg in self.legs])

    @property
    def grams_each(self) -> int:
        """Grams of one check-in, as stored at the door."""
        return self.travel_each_g + self.lodging_each_g

    @property
    def grams(self) -> int:
        """Grams of all of them."""
        return self.count * self.grams_each
