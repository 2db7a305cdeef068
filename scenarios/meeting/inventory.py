"""An event's emissions from activity data: so many people by such a mode over such a distance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec

from scenarios.citations import PackUsed
from scenarios.factors import FactorSet
from scenarios.labels import MODE_LABELS
from scenarios.meeting.travel import FactorUsed, applied
from scenarios.quantities import exact, km_text, round_up
from scenarios.refusals import DistanceAbsurd, OccupantsAbsurd, PeopleAbsurd, UnknownMode

MAX_PEOPLE = 10_000_000
"""In one line."""


class TravelLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """People who came by one mode from one place. `people` may be a fraction, `distance_m` is one way."""

    mode: str
    people: Decimal
    distance_m: int
    round_trip: bool = True
    occupants: int = 1


class LineQuantified(msgspec.Struct, frozen=True):
    """A line's emissions, rounded up to the gram, with the factor applied."""

    mode: str
    people: Decimal
    distance_m: int
    round_trip: bool
    emissions_g: int
    factor: FactorUsed


class TravelInventory(msgspec.Struct, frozen=True):
    """All lines and their totals. `co2_only_g` counts CO2 alone, other gases left out; `person_m` is rounded up."""

    lines: tuple[LineQuantified, ...]
    people: Decimal
    person_m: int
    emissions_g: int
    co2_only_g: int
    factor_set: PackUsed


def quantify_lines(lines: Sequence[TravelLine], factors: FactorSet, place: str, on: date) -> TravelInventory:
    """What the lines emit, in their order. Raises UnknownMode, DistanceAbsurd, PeopleAbsurd, FactorNotInForce."""
    done = tuple([quantify_line(line, factors, place, on) for line in lines])
    return TravelInventory(
        lines=done,
        people=sum((line.people for line in lines), Decimal(0)),
        person_m=round_up(sum((_person_m(line) for line in lines), Fraction(0))),
        emissions_g=sum(line.emissions_g for line in done),
        co2_only_g=sum(line.emissions_g for line in done if line.factor.gases == ("CO2",)),
        factor_set=factors.used,
    )


def quantify_line(line: TravelLine, factors: FactorSet, place: str, on: date) -> LineQuantified:
    """What one line emits. Raises like quantify_lines."""
    if line.mode not in MODE_LABELS:
        raise UnknownMode(mode=line.mode[:40])
    ready = applied(factors, line.mode, place, on)
    _require_sane(line, ready.farthest_m)
    index = ready.at(line.distance_m)
    grams, per = ready.rates[index]
    shared_by = line.occupants if ready.per_vehicle else 1
    return LineQuantified(
        mode=line.mode,
        people=line.people,
        distance_m=line.distance_m,
        round_trip=line.round_trip,
        emissions_g=round_up(_person_m(line) * Fraction(grams, per * shared_by)),
        factor=ready.shown[index],
    )


def _person_m(line: TravelLine) -> Fraction:
    return exact(line.people) * line.distance_m * (2 if line.round_trip else 1)


def _require_sane(line: TravelLine, farthest_m: int) -> None:
    if not line.people.is_finite() or not 0 <= line.people <= MAX_PEOPLE:
        raise PeopleAbsurd(people=str(line.people)[:40], limit=MAX_PEOPLE)
    if line.occupants < 1:
        raise OccupantsAbsurd(count=line.occupants, limit=MAX_PEOPLE)
    if not 0 <= line.distance_m <= farthest_m:
        raise DistanceAbsurd(
            mode=line.mode,
            mode_label=MODE_LABELS[line.mode],
            distance_km=km_text(line.distance_m),
            limit_km=km_text(farthest_m),
        )


def whole_people(rows: Sequence[tuple[str, Decimal]]) -> list[int]:
    """Whole people for rows of (group, people), in their order: by largest remainder within each group.

    A group keeps its total, rounded to the nearest person; of equal remainders the earlier row gets the person.
    """
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for index, (group, _) in enumerate(rows):
        groups[group].append(index)
    whole = [int(people) for _, people in rows]
    for indexes in groups.values():
        total = round(sum((exact(rows[index][1]) for index in indexes), Fraction(0)))
        missing = total - sum(whole[index] for index in indexes)
        by_remainder = sorted(indexes, key=lambda index: whole[index] - exact(rows[index][1]))
        for index in by_remainder[:missing]:
            whole[index] += 1
    return whole
