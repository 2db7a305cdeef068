"""Modes that the organizer corrects in bulk: the accounting alone changes, never a check-in or a balance.

A correction takes check-ins with a leg of one mode, by gate and day if it names them, all or so many of them, and
counts that leg by another mode over the same distance. Corrections apply one after another, as they were entered; which
of the check-ins so many are is settled by the cells' own order, since those of a cell are alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from uuid import UUID

import msgspec

from scenarios.factors import FactorBook
from scenarios.labels import MODE_LABELS
from scenarios.meeting.cells import Cell, CellLeg
from scenarios.meeting.extrapolation import Group
from scenarios.meeting.travel import Cabin, applied, cabin_key
from scenarios.quantities import km_text, round_up
from scenarios.refusals import DistanceAbsurd, UnknownMode


class ModeCorrection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of the check-ins that came by `from_mode`, through that gate or any, all or so many count as `to_mode`.

    `day` is the event's own, None for any: cells of such days stand apart until all is corrected. `cabin` is a
    flight's; `occupants` shared the vehicle, None where it carried the group alone.
    """

    from_mode: str
    to_mode: str
    gate: int | None = None
    check_ins: int | None = None
    cabin: Cabin | None = None
    occupants: int | None = None
    id: UUID | None = None
    day: date | None = None


class Change(msgspec.Struct, frozen=True):
    """What corrections do: how many check-ins count otherwise, and their grams as said and as corrected."""

    check_ins: int
    said_g: int
    corrected_g: int


def corrected(
    cells: Sequence[Cell], corrections: Iterable[ModeCorrection], factors: FactorBook, place: str, on: date
) -> list[Cell]:
    """The cells as the accounting counts them. Raises UnknownMode, CabinAbsurd, FactorNotInForce, DistanceAbsurd."""
    done = list(cells)
    for correction in corrections:
        require_modes(correction)
        done = _applied(done, correction, factors, place, on)
    return done


def change_of(cells: Sequence[Cell], correction: ModeCorrection, factors: FactorBook, place: str, on: date) -> Change:
    """What one correction does to cells. Raises like `corrected`."""
    after = corrected(cells, [correction], factors, place, on)
    return Change(
        check_ins=_count_of(cells, correction),
        said_g=sum(cell.grams for cell in cells),
        corrected_g=sum(cell.grams for cell in after),
    )


def require_modes(correction: ModeCorrection) -> None:
    """Raise UnknownMode unless both modes are known and differ."""
    for mode in (correction.from_mode, correction.to_mode):
        if mode not in MODE_LABELS:
            raise UnknownMode(mode=mode[:40])


def fits(cell: Cell, correction: ModeCorrection) -> bool:
    """Does a correction take check-ins of that cell?"""
    at_gate = correction.gate is None or cell.gate == correction.gate
    that_day = correction.day is None or cell.day == correction.day
    return at_gate and that_day and any(leg.mode == correction.from_mode for leg in cell.legs)


def _count_of(cells: Sequence[Cell], correction: ModeCorrection) -> int:
    fitting = sum(cell.count for cell in cells if fits(cell, correction))
    return fitting if correction.check_ins is None else min(fitting, correction.check_ins)


def _applied(cells: list[Cell], correction: ModeCorrection, factors: FactorBook, place: str, on: date) -> list[Cell]:
    left = _count_of(cells, correction)
    done = []
    for cell in cells:
        taken = min(left, cell.count) if fits(cell, correction) else 0
        if cell.count > taken or not taken:
            done.append(msgspec.structs.replace(cell, count=cell.count - taken))
        if taken:
            legs = tuple(_leg(leg, cell, correction, factors, place, on) for leg in cell.legs)
            done.append(msgspec.structs.replace(cell, count=taken, legs=legs))
            left -= taken
    return done


def _leg(leg: CellLeg, cell: Cell, correction: ModeCorrection, factors: FactorBook, place: str, on: date) -> CellLeg:
    """The leg by the other mode, quantified as at the door: rounded up for one check-in."""
    if leg.mode != correction.from_mode:
        return leg
    mode, cabin = correction.to_mode, correction.cabin
    ready = applied(factors, mode if cabin is None else cabin_key(mode, cabin), place, on)
    if leg.distance_m > ready.farthest_m:
        raise DistanceAbsurd(
            mode=mode,
            mode_label=MODE_LABELS[mode],
            distance_km=km_text(leg.distance_m),
            limit_km=km_text(ready.farthest_m),
        )
    index = ready.at(leg.distance_m)
    shared_by = (correction.occupants or cell.people) if ready.per_vehicle else 1
    return CellLeg(
        mode=mode,
        distance_m=leg.distance_m,
        person_m=leg.person_m,
        emissions_g=ready.rates[index].emissions_g(leg.person_m, shared_by),
        factor=ready.shown[index],
        cabin=cabin,
        occupants=shared_by if ready.per_vehicle else None,
    )


def scaled(groups: Sequence[Group], said: Sequence[Cell], counted: Sequence[Cell]) -> list[Group]:
    """Groups of answers as corrections change them: by the ratio of grams at each group's own gates.

    Which answers a correction takes is not known one by one, so that their spread is scaled by the same ratio.
    """
    named = {group.gate for group in groups if group.gate is not None}
    return [_scaled(group, _at(said, group, named), _at(counted, group, named)) for group in groups]


def _at(cells: Sequence[Cell], group: Group, named: set[int]) -> list[Cell]:
    return [cell for cell in cells if (cell.gate == group.gate if group.gate is not None else cell.gate not in named)]


def _scaled(group: Group, said: Sequence[Cell], counted: Sequence[Cell]) -> Group:
    before, after = sum(cell.grams for cell in said), sum(cell.grams for cell in counted)
    if before == after or not before or not group.sum_g:
        return group
    travel = dict(group.by_source_g)
    travel["travel"] = max(0, travel.get("travel", 0) + round_up(Fraction(group.sum_g * (after - before), before)))
    sum_g = sum(travel.values())
    ratio = Fraction(sum_g, group.sum_g)
    return msgspec.structs.replace(
        group,
        sum_g=sum_g,
        sum_people_g=round_up(group.sum_people_g * ratio),
        sum_g_squared=round_up(group.sum_g_squared * ratio**2),
        by_source_g=travel,
        co2_only_g=round_up(Fraction(sum_g * _co2_only_g(counted), after)) if after else 0,
    )


def _co2_only_g(cells: Sequence[Cell]) -> int:
    return sum(
        cell.count * sum(leg.emissions_g for leg in cell.legs if leg.factor.gases == ("CO2",))
        + cell.count * (cell.lodging_each_g if cell.lodging_factor and cell.lodging_factor.gases == ("CO2",) else 0)
        + cell.count * (cell.meals_each_g if cell.meal_factor and cell.meal_factor.gases == ("CO2",) else 0)
        for cell in cells
    )
