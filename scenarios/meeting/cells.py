"""Check-ins in cells: those that came alike emit alike, so a cell is one of them and their count."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

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


class Cell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """So many check-ins that came alike, each of `people` people. Grams of one are rounded up, and then counted.

    `gate` is the gate's id. `nights` and `meals` are of each person; their factors are None without any. `day` is told
    only where a correction asks for it.
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
    meals: int = 0
    meal_factor: FactorUsed | None = None
    meals_each_g: int = 0
    day: date | None = None

    @property
    def travel_each_g(self) -> int:
        """Grams of one check-in's legs."""
        return sum([leg.emissions_g for leg in self.legs])

    @property
    def grams_each(self) -> int:
        """Grams of one check-in: travel and lodging as stored at the door, and its meals."""
        return self.travel_each_g + self.lodging_each_g + self.meals_each_g

    @property
    def grams(self) -> int:
        """Grams of all of them."""
        return self.count * self.grams_each


def days_together(cells: Iterable[Cell]) -> list[Cell]:
    """The cells without their days, those that are alike as one, where the first of them stood."""
    done: dict[tuple[Any, ...], Cell] = {}
    for cell in cells:
        legs = tuple([(e.mode, e.distance_m, e.emissions_g, id(e.factor), e.cabin, e.occupants) for e in cell.legs])
        stay = (cell.nights, cell.meals, cell.lodging_each_g, cell.meals_each_g, id(cell.lodging_factor))
        alike = (cell.part, cell.gate, cell.people, cell.round_trip, legs, stay)
        before = done.get(alike)
        done[alike] = msgspec.structs.replace(cell, day=None, count=cell.count + (before.count if before else 0))
    return list(done.values())
