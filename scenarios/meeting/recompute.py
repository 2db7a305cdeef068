"""A report computed again from itself alone, by anyone, offline: what does not come out the same is named by its path.

Grams of lines and of single check-ins from amounts and factors; those estimated from their groups' sums; every sum
and share from these. What was merged in a public report can only be added up; digests show that it was not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import Any

import msgspec
from msgspec.structs import replace

from scenarios.meeting.extrapolation import extrapolate
from scenarios.meeting.lines import PKM, VKM, grams_of
from scenarios.meeting.report_building import resulting
from scenarios.meeting.reports import (
    CellSaid,
    LineSaid,
    MergedCell,
    OffsetNeeded,
    Report,
    ReportUnreadable,
    digests_of,
    plain_of,
    sections,
    whole_digest,
)
from scenarios.quantities import MEASURES, UNITS, Rate, exact, rate
from scenarios.refusals import CarbonRefusal

NOTHING = "-"
Advance = Callable[[int, int], object]


class Difference(msgspec.Struct, frozen=True):
    """A number that is not what the report says: where, what it says, and what comes out; "-" for nothing."""

    path: str
    told: str
    computed: str


def recompute(report: Report, advance: Advance = lambda done, total: None) -> list[Difference]:
    """Every difference; none when the report is right. `advance` is told how many cells are done, and of how many.

    Raises ReportUnreadable for a report that cannot be computed at all.
    """
    try:
        return [
            *_digests(report),
            *(each for index, line in enumerate(report.lines) for each in _line(f"lines[{index}]", line, report)),
            *_cells(report, advance),
            *(each for index, cell in enumerate(report.merged) for each in _merged(f"merged[{index}]", cell)),
            *_extrapolated(report),
            *_result(report),
        ]
    except (LookupError, ArithmeticError, ValueError, AssertionError, CarbonRefusal) as wrong:
        raise ReportUnreadable(f"{type(wrong).__name__}: {wrong}") from wrong


def _differ(path: str, told: Any, computed: Any) -> Iterator[Difference]:
    if told != computed:
        yield Difference(path, _text(told), _text(computed))


def _text(value: Any) -> str:
    return NOTHING if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _digests(report: Report) -> Iterator[Difference]:
    """Is every section what it was when the report was made?"""
    told = sections(report)
    computed = dict(digests_of(told))
    for path in sorted({*computed, *report.digests}):
        yield from _differ(f"digests[{path}]", report.digests.get(path), computed.get(path))
    yield from _differ("sha256", report.sha256, whole_digest(told))


def _line(path: str, line: LineSaid, report: Report) -> Iterator[Difference]:
    """Its amount in base units and its grams, rounded up."""
    factor = report.factors[line.factor]
    known, measure = UNITS[factor.unit], MEASURES[line.unit]
    amount = exact(line.quantity) * measure.size
    if line.people is not None and line.distance_m is not None:
        way_m = exact(line.people) * line.distance_m * (2 if line.round_trip else 1)
        yield from _differ(f"{path}.quantity", str(exact(line.quantity)), str(way_m / 1000))
    shared_by = (line.occupants or 1) if known.per == VKM and line.unit == PKM else 1
    yield from _differ(f"{path}.unit", measure.base, known.base)
    yield from _differ(f"{path}.base_amount", str(Fraction(line.base_amount)), str(amount))
    yield from _differ(f"{path}.shared_by", line.shared_by, shared_by)
    yield from _differ(f"{path}.emissions_g", line.emissions_g, grams_of(amount, factor, shared_by))
    yield from _differ(f"{path}.co2_only", line.co2_only, known.gas == "CO2")


def _cells(report: Report, advance: Advance) -> Iterator[Difference]:
    rates = [rate(each.value, each.unit) for each in report.factors]
    shared = [UNITS[each.unit].per == VKM for each in report.factors]
    for index, cell in enumerate(report.cells):
        if index % 1_000 == 0:
            advance(index, len(report.cells))
        grams = [_leg_g(cell, place, rates, shared) for place in range(len(cell.legs))]
        lodging_g, meals_g = _lodging_g(cell, rates, report.rooms_for), _meals_g(cell, rates)
        each_g = sum(grams) + lodging_g + meals_g
        told = [leg.emissions_g for leg in cell.legs]
        stay = (cell.lodging_each_g, cell.meals_each_g)
        if (told, stay, cell.grams_each, cell.grams) == (grams, (lodging_g, meals_g), each_g, cell.count * each_g):
            continue
        for place, (one, computed) in enumerate(zip(told, grams, strict=True)):
            yield from _differ(f"cells[{index}].legs[{place}].emissions_g", one, computed)
        yield from _differ(f"cells[{index}].lodging_each_g", cell.lodging_each_g, lodging_g)
        yield from _differ(f"cells[{index}].meals_each_g", cell.meals_each_g, meals_g)
        yield from _differ(f"cells[{index}].grams_each", cell.grams_each, each_g)
        yield from _differ(f"cells[{index}].grams", cell.grams, cell.count * each_g)
    advance(len(report.cells), len(report.cells))


def _leg_g(cell: CellSaid, place: int, rates: Sequence[Rate], shared: Sequence[bool]) -> int:
    """Grams of one check-in's leg: of everybody, there and back, shared by those in the vehicle; rounded up."""
    leg = cell.legs[place]
    person_m = cell.people * (2 if cell.round_trip else 1) * leg.distance_m
    return rates[leg.factor].emissions_g(person_m, (leg.occupants or cell.people) if shared[leg.factor] else 1)


def _lodging_g(cell: CellSaid, rates: Sequence[Rate], rooms_for: int) -> int:
    """Grams of one check-in's nights, in as many rooms as its people need."""
    if cell.lodging_factor is None:
        return 0
    return rates[cell.lodging_factor].emissions_g(cell.nights * -(-cell.people // rooms_for))


def _meals_g(cell: CellSaid, rates: Sequence[Rate]) -> int:
    """Grams of the meals of one check-in's people."""
    return 0 if cell.meal_factor is None else rates[cell.meal_factor].emissions_g(cell.meals * cell.people)


def _merged(path: str, cell: MergedCell) -> Iterator[Difference]:
    """Its parts add up."""
    stay_g = sum(grams for _, grams in (*cell.lodging, *cell.meals))
    parts_g = sum(leg.emissions_g for leg in cell.legs) + stay_g + cell.other_g
    yield from _differ(f"{path}.grams", cell.grams, parts_g)


def _extrapolated(report: Report) -> Iterator[Difference]:
    """Each group's estimate, from its sums; groups that a public report has put together are not told."""
    places = {(each.name, each.gate): index for index, each in enumerate(report.result.extrapolated)}
    for group, computed in zip(report.groups, extrapolate(report.groups), strict=True):
        place = places.get((group.name, group.gate))
        if place is not None or report.form == "full":
            told = None if place is None else report.result.extrapolated[place]
            yield from _inside(f"result.extrapolated[{place}]", plain_of(told), plain_of(computed))


def _result(report: Report) -> Iterator[Difference]:
    """Every sum, share and interval. The interval of a public report is that of the full one."""
    computed = resulting(report)
    if report.form == "public":
        computed = replace(computed, uncertainty=report.result.uncertainty)
    yield from _inside("result", plain_of(report.result), plain_of(computed))
    needed = OffsetNeeded(computed.basic_g, computed.full_g)
    yield from _inside("offset_needed", plain_of(report.offset_needed), plain_of(needed))


def _inside(path: str, told: Any, computed: Any) -> Iterator[Difference]:
    """What differs within two pieces of JSON, as deep as can be named."""
    if isinstance(told, dict) and isinstance(computed, dict):
        for name in sorted({*told, *computed}):
            yield from _inside(f"{path}.{name}", told.get(name), computed.get(name))
    elif isinstance(told, list) and isinstance(computed, list):
        for index, (one, other) in enumerate(zip_longest(told, computed)):
            yield from _inside(f"{path}[{index}]", one, other)
    else:
        yield from _differ(path, told, computed)
