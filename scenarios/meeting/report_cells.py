"""Cells of check-ins as a report tells them: in full, or merged so that no few people can be told; and back again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from scenarios.meeting.cells import Cell, CellLeg
from scenarios.meeting.lines import LineFactor
from scenarios.meeting.modes import LODGING
from scenarios.meeting.reports import LEAST_PEOPLE, CellSaid, LegSaid, MergedCell, MergedLeg, Report
from scenarios.meeting.travel import FactorUsed

OTHER = "other"
"""In place of a mode, where none is told."""
UNTOLD = FactorUsed(OTHER, Decimal(0), "gCO2e/pkm", ("CO2e",), "verbatim", "")
"""In place of the factors of what was merged; for CO2 alone with that gas."""
UNTOLD_CO2 = FactorUsed(OTHER, Decimal(0), "gCO2/pkm", ("CO2",), "verbatim", "")


class FactorTable:
    """Each factor once, in the order met."""

    def __init__(self) -> None:
        self._places: dict[FactorUsed, int] = {}
        self._by_object: dict[int, int] = {}

    def place(self, factor: FactorUsed) -> int:
        """Where the factor stands. Asked of one object often, it is hashed once."""
        place = self._by_object.get(id(factor))
        if place is None:
            place = self._by_object[id(factor)] = self._places.setdefault(factor, len(self._places))
        return place

    def factors(self) -> tuple[LineFactor, ...]:
        """All of them; those of check-ins name no pack: theirs is the event's own set."""
        return tuple(as_line_factor(each) for each in self._places)


def as_line_factor(factor: FactorUsed) -> LineFactor:
    """The same with room for its pack."""
    if isinstance(factor, LineFactor):
        return factor
    return LineFactor(**msgspec.structs.asdict(factor))


def as_factor_used(factor: LineFactor) -> FactorUsed:
    """The same as a check-in names it."""
    return FactorUsed(**{name: getattr(factor, name) for name in FactorUsed.__struct_fields__})


def said(cell: Cell, table: FactorTable) -> CellSaid:
    """The cell as it is told in full."""
    legs = [
        LegSaid(leg.mode, leg.distance_m, table.place(leg.factor), leg.emissions_g, leg.cabin, leg.occupants)  # type: ignore[arg-type]
        for leg in cell.legs
    ]
    return CellSaid(
        part=cell.part,
        legs=tuple(legs),
        people=cell.people,
        count=cell.count,
        grams_each=cell.grams_each,
        grams=cell.grams,
        gate=cell.gate,
        round_trip=cell.round_trip,
        nights=cell.nights,
        lodging_factor=None if cell.lodging_factor is None else table.place(cell.lodging_factor),
        lodging_each_g=cell.lodging_each_g,
        meals=cell.meals,
        meal_factor=None if cell.meal_factor is None else table.place(cell.meal_factor),
        meals_each_g=cell.meals_each_g,
    )


class Merging(NamedTuple):
    """Cells told as they are, and cells to merge, a list a merged one; `rest` of any modes."""

    kept: list[Cell]
    alike: list[list[Cell]]
    rest: list[Cell]


def people_in(cells: Iterable[Cell]) -> int:
    """How many people they are of."""
    return sum([cell.count * cell.people for cell in cells])


def merging(cells: Sequence[Cell]) -> Merging:
    """Which cells to merge: those of fewer than five people with others of like modes, else with any."""
    kept, small = [], defaultdict(list)
    for cell in cells:
        if people_in([cell]) >= LEAST_PEOPLE:
            kept.append(cell)
        else:
            modes = tuple(sorted({leg.mode for leg in cell.legs}))
            small[(cell.part, modes, bool(cell.nights), bool(cell.meals))].append(cell)
    groups = [small[key] for key in sorted(small)]
    alike = sorted((each for each in groups if people_in(each) >= LEAST_PEOPLE), key=people_in)
    rest = [cell for each in groups if people_in(each) < LEAST_PEOPLE for cell in each]
    while rest and people_in(rest) < LEAST_PEOPLE and (alike or kept):
        if alike:
            rest += alike.pop(0)
        else:
            kept.sort(key=lambda cell: -people_in([cell]))
            rest.append(kept.pop())
    return Merging(kept, alike, rest)


def merged_alike(cells: Sequence[Cell], table: FactorTable) -> MergedCell:
    """Cells of like modes as one: what each mode and factor come to."""
    legs: dict[tuple[str, str | None, int], list[int]] = {}
    lodging: Counter[int] = Counter()
    meals: Counter[int] = Counter()
    for cell in cells:
        for leg in cell.legs:
            sums = legs.setdefault((leg.mode, leg.cabin, table.place(leg.factor)), [0, 0])
            sums[0] += leg.person_m * cell.count
            sums[1] += leg.emissions_g * cell.count
        if cell.lodging_factor is not None:
            lodging[table.place(cell.lodging_factor)] += cell.lodging_each_g * cell.count
        if cell.meal_factor is not None:
            meals[table.place(cell.meal_factor)] += cell.meals_each_g * cell.count
    return MergedCell(
        check_ins=sum(cell.count for cell in cells),
        people=people_in(cells),
        grams=sum(cell.grams for cell in cells),
        legs=tuple(MergedLeg(mode, *(sums[0], place, sums[1], cabin)) for (mode, cabin, place), sums in legs.items()),  # type: ignore[arg-type]
        lodging=tuple(lodging.items()),
        meals=tuple(meals.items()),
    )


def merged_rest(cells: Sequence[Cell]) -> MergedCell:
    """Cells of any modes as one: grams alone."""
    lodging_co2_g, meals_co2_g = sum(map(_lodging_co2_g, cells)), sum(map(_meals_co2_g, cells))
    travel_co2_g = sum(
        leg.emissions_g * cell.count for cell in cells for leg in cell.legs if leg.factor.gases == ("CO2",)
    )
    return MergedCell(
        check_ins=sum(cell.count for cell in cells),
        people=people_in(cells),
        grams=sum(cell.grams for cell in cells),
        other_g=sum(cell.grams for cell in cells),
        other_lodging_g=sum(cell.lodging_each_g * cell.count for cell in cells),
        other_co2_only_g=travel_co2_g + lodging_co2_g + meals_co2_g,
        other_lodging_co2_only_g=lodging_co2_g,
        other_meals_g=sum(cell.meals_each_g * cell.count for cell in cells),
        other_meals_co2_only_g=meals_co2_g,
    )


def _lodging_co2_g(cell: Cell) -> int:
    used = cell.lodging_factor
    return cell.lodging_each_g * cell.count if used and used.gases == ("CO2",) else 0


def _meals_co2_g(cell: Cell) -> int:
    used = cell.meal_factor
    return cell.meals_each_g * cell.count if used and used.gases == ("CO2",) else 0


def merge(cells: Sequence[Cell], table: FactorTable) -> tuple[list[CellSaid], list[MergedCell]]:
    """The cells of a public report."""
    found = merging(cells)
    kept = [said(cell, table) for cell in found.kept]
    merged = [merged_alike(each, table) for each in found.alike]
    return kept, merged + ([merged_rest(found.rest)] if found.rest else [])


def cells_of(report: Report) -> list[Cell]:
    """The cells that a report tells, as the accounting reads them; a merged one stands as one check-in."""
    used = [as_factor_used(each) for each in report.factors]
    return [
        *(_cell(each, used) for each in report.cells),
        *(cell for each in report.merged for cell in _merged_cells(each, used)),
    ]


def _cell(cell: CellSaid, used: Sequence[FactorUsed]) -> Cell:
    ways = cell.people * (2 if cell.round_trip else 1)
    legs = [
        CellLeg(
            leg.mode,
            leg.distance_m,
            leg.distance_m * ways,
            leg.emissions_g,
            used[leg.factor],
            leg.cabin,
            leg.occupants,
        )
        for leg in cell.legs
    ]
    return Cell(
        part=cell.part,
        gate=cell.gate or 0,
        legs=tuple(legs),
        round_trip=cell.round_trip,
        nights=cell.nights,
        people=cell.people,
        lodging_factor=None if cell.lodging_factor is None else used[cell.lodging_factor],
        lodging_each_g=cell.lodging_each_g,
        count=cell.count,
        meals=cell.meals,
        meal_factor=None if cell.meal_factor is None else used[cell.meal_factor],
        meals_each_g=cell.meals_each_g,
    )


def _merged_cells(cell: MergedCell, used: Sequence[FactorUsed]) -> list[Cell]:
    """One stand-in for its travel, and one for each factor of its lodging and of its meals."""
    legs = [CellLeg(leg.mode, 0, leg.person_m, leg.emissions_g, used[leg.factor], leg.cabin) for leg in cell.legs]
    travel_g = cell.other_g - cell.other_lodging_g - cell.other_meals_g
    travel_co2_g = cell.other_co2_only_g - cell.other_lodging_co2_only_g - cell.other_meals_co2_only_g
    legs += [CellLeg(OTHER, 0, 0, grams, factor) for factor, grams in _untold(travel_g, travel_co2_g)]
    lodging = [(used[place], grams) for place, grams in cell.lodging]
    meals = [(used[place], grams) for place, grams in cell.meals]
    lodging += _untold(cell.other_lodging_g, cell.other_lodging_co2_only_g)
    meals += _untold(cell.other_meals_g, cell.other_meals_co2_only_g)
    return [
        _stand_in(legs=tuple(legs)),
        *(_stand_in(lodging=each) for each in lodging if each[1]),
        *(_stand_in(meals=each) for each in meals if each[1]),
    ]


def _untold(grams: int, co2_only_g: int) -> list[tuple[FactorUsed, int]]:
    """Grams of no told factor, those of CO2 alone apart."""
    parts = ((UNTOLD_CO2, co2_only_g), (UNTOLD, grams - co2_only_g))
    return [(factor, part_g) for factor, part_g in parts if part_g]


def _stand_in(
    legs: tuple[CellLeg, ...] = (),
    lodging: tuple[FactorUsed | None, int] = (None, 0),
    meals: tuple[FactorUsed | None, int] = (None, 0),
) -> Cell:
    return Cell(
        part="journey",
        gate=0,
        legs=legs,
        round_trip=False,
        nights=1 if lodging[1] else 0,
        people=1,
        lodging_factor=lodging[0],
        lodging_each_g=lodging[1],
        count=1,
        meals=1 if meals[1] else 0,
        meal_factor=meals[0],
        meals_each_g=meals[1],
    )


def ways_of(report: Report) -> list[tuple[tuple[str, str, int], list[int]]]:
    """Person-metres and grams by mode, cabin and factor's place, the most grams first; no metres of lodging and meals.

    What was merged of any modes stands as OTHER, at the place -1.
    """
    sums: defaultdict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for cell in report.cells:
        trips = cell.people * (2 if cell.round_trip else 1) * cell.count
        for leg in cell.legs:
            way = (leg.mode, leg.cabin or "", leg.factor)
            _add(sums[way], leg.distance_m * trips, leg.emissions_g * cell.count)
        if cell.lodging_factor is not None:
            _add(sums[LODGING, "", cell.lodging_factor], 0, cell.lodging_each_g * cell.count)
        if cell.meal_factor is not None:
            _add(sums[report.factors[cell.meal_factor].key, "", cell.meal_factor], 0, cell.meals_each_g * cell.count)
    for merged in report.merged:
        for part in merged.legs:
            _add(sums[part.mode, part.cabin or "", part.factor], part.person_m, part.emissions_g)
        for place, lodged_g in merged.lodging:
            _add(sums[LODGING, "", place], 0, lodged_g)
        for place, eaten_g in merged.meals:
            _add(sums[report.factors[place].key, "", place], 0, eaten_g)
        if merged.other_g:
            _add(sums[OTHER, "", -1], 0, merged.other_g)
    return sorted(sums.items(), key=lambda each: -each[1][1])


def _add(sums: list[int], metres: int, grams: int) -> None:
    sums[0] += metres
    sums[1] += grams
