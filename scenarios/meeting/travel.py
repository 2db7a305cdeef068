"""What a check-in's trip emits, and what it earns where the place has a methodology for its modes.

Emissions are of the whole group, there and back when the trip says so; what is earned is of the one person who
checks in. A leg without a typed distance takes the great circle from the named place, with its factor's detour.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from scenarios.actions.methodologies import Methodology, earning_of_mode
from scenarios.actions.reductions import Reduction, reduction_of
from scenarios.citations import Certainty, Gas, PackUsed
from scenarios.factors import Factor, FactorBook, FactorSet
from scenarios.geodesy import distance_m as great_circle_m
from scenarios.labels import MODE_LABELS
from scenarios.meeting.modes import LODGING
from scenarios.policies.operator import policy
from scenarios.quantities import UNITS, Rate, km_text, lengthened_m, rate
from scenarios.refusals import (
    CabinAbsurd,
    CarbonRefusal,
    CompanionsAbsurd,
    DistanceAbsurd,
    DistanceMissing,
    LegsAbsurd,
    MealsAbsurd,
    NightsAbsurd,
    OccupantsAbsurd,
    UnknownMode,
)

Part = Literal["journey", "local"]
Cabin = Literal["economy", "premium", "business", "first"]
DistanceSource = Literal["great_circle", "typed"]


class Leg(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A stretch by one mode: metres one way, or None for the way from the named place; people in the vehicle; cabin."""

    mode: str
    distance_m: int | None = None
    occupants: int | None = None
    cabin: Cabin | None = None


class Trip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one attendee came: the journey from home with its nights, or one day's local trip, and with how many.

    `meals` are those that each takes at the event, told with the journey.
    """

    part: Part
    legs: tuple[Leg, ...]
    round_trip: bool = False
    nights: int = 0
    companions: int = 0
    meals: int = 0


class Point(NamedTuple):
    """Degrees north and east."""

    latitude: float
    longitude: float


class FactorUsed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A factor as it was applied: the value for the leg's distance, in its unit. The pack has the rest."""

    key: str
    value: Decimal
    unit: str
    gases: tuple[Gas, ...]
    certainty: Certainty
    citation: str
    placeholder: bool = False
    data_year: int | None = None


class LegQuantified(msgspec.Struct, frozen=True, omit_defaults=True):
    """A leg's emissions, of everybody and in every direction travelled. `distance_m` is one way, detour included.

    `occupants` shared the vehicle, None where the factor is per person.
    """

    mode: str
    distance_m: int
    distance_source: DistanceSource
    person_trips: int
    person_m: int
    emissions_g: int
    factor: FactorUsed
    cabin: Cabin | None = None
    occupants: int | None = None


class Earning(msgspec.Struct, frozen=True):
    """What the one person's trip saves: in full, and the part that a self-declared trip earns.

    `baseline_g` and `project_g` are None where the methodology gives only the saving.
    """

    region: str
    methodology: str
    version: str
    reduction_g: int
    self_declared_g: int
    baseline_g: int | None
    project_g: int | None
    reductions: tuple[Reduction, ...]


class Unearned(msgspec.Struct, frozen=True):
    """A leg that earns nothing: no methodology is in force in that region on that day for its mode."""

    mode: str
    region: str
    date: date
    code: Literal["no_methodology"] = "no_methodology"


class Quantified(msgspec.Struct, frozen=True, omit_defaults=True):
    """A trip's emissions in grams CO2e with every value used. `co2_only_g` counts CO2 alone, other gases left out.

    `meals` are of each person and not in the grams: the event accounts for them.
    """

    part: Part
    people: int
    round_trip: bool
    legs: tuple[LegQuantified, ...]
    travel_emissions_g: int
    lodging_emissions_g: int
    emissions_g: int
    co2_only_g: int
    nights: int
    lodging_factor: FactorUsed | None
    factor_set: PackUsed
    earning: Earning | None
    unearned: tuple[Unearned, ...]
    meals: int = 0


def quantify_trip(
    trip: Trip,
    factors: FactorSet,
    place: str,
    on: date,
    origin: Point | None = None,
    venue: Point | None = None,
) -> Quantified:
    """What the trip to an event at the place on that day emits and earns.

    `place` is a place code; `origin` is the named place it began at. Raises LegsAbsurd, NightsAbsurd, MealsAbsurd,
    CompanionsAbsurd, OccupantsAbsurd, UnknownMode, CabinAbsurd, DistanceAbsurd, DistanceMissing and FactorNotInForce.
    """
    require_counts(trip)
    people = 1 + trip.companions
    ways = 2 if trip.round_trip else 1
    way_m = _way_m(trip, origin, venue)
    legs = tuple([_leg(leg, people, ways, way_m, factors, place, on) for leg in trip.legs])
    travel_g = sum([leg.emissions_g for leg in legs])
    lodging_g, lodging = _lodging(trip.nights, people, factors, place, on)
    earning, unearned = _earning(legs, ways, place, on)
    return Quantified(
        part=trip.part,
        people=people,
        round_trip=trip.round_trip,
        legs=legs,
        travel_emissions_g=travel_g,
        lodging_emissions_g=lodging_g,
        emissions_g=travel_g + lodging_g,
        co2_only_g=_co2_only_g(legs, lodging_g, lodging),
        nights=trip.nights,
        lodging_factor=lodging,
        factor_set=factors.used,
        earning=earning,
        unearned=unearned,
        meals=trip.meals,
    )


def require_counts(trip: Trip) -> None:
    """Raise the refusal that names it when legs, nights, meals or companions cannot be."""
    limits = policy()
    stays = trip.part == "journey"
    _require_count(len(trip.legs), 1, limits.max_legs, LegsAbsurd)
    _require_count(trip.nights, 0, limits.max_nights if stays else 0, NightsAbsurd)
    _require_count(trip.meals, 0, limits.max_meals if stays else 0, MealsAbsurd)
    _require_count(trip.companions, 0, limits.max_companions, CompanionsAbsurd)
    for leg in trip.legs:
        if leg.occupants is not None:
            _require_count(leg.occupants, 1, limits.max_occupants, OccupantsAbsurd)


def _require_count(count: int, least: int, limit: int, refusal: type[CarbonRefusal]) -> None:
    if not least <= count <= limit:
        raise refusal(count=count, limit=limit)


def _way_m(trip: Trip, origin: Point | None, venue: Point | None) -> int | None:
    """The great circle from the named place, when exactly one leg needs it."""
    untyped = [leg for leg in trip.legs if leg.distance_m is None]
    if not untyped:
        return None
    if len(untyped) > 1 or origin is None or venue is None:
        mode = untyped[-1].mode
        raise DistanceMissing(mode=mode, mode_label=MODE_LABELS.get(mode, mode))
    return great_circle_m(*origin, *venue)


class Applied(NamedTuple):
    """A factor made ready for the hot path: a rate for each distance class, and what the result shows of it."""

    per_vehicle: bool
    limits_m: tuple[int | None, ...]
    rates: tuple[Rate, ...]
    shown: tuple[FactorUsed, ...]
    farthest_m: int
    factor: Factor

    def at(self, distance_m: int) -> int:
        """Which class a one-way distance is in."""
        for index, limit in enumerate(self.limits_m):
            if limit is None or distance_m < limit:
                return index
        raise AssertionError(self.limits_m)


@lru_cache(maxsize=4096)
def applied(factors: FactorSet | FactorBook, key: str, place: str, on: date) -> Applied:
    """The factor for that key, place and day, made ready. Raises FactorNotInForce."""
    factor = factors.find(key, place, on)
    return Applied(
        per_vehicle=UNITS[factor.unit].per == "vkm",
        limits_m=tuple(None if each.below_km is None else each.below_km * 1000 for each in factor.classes),
        rates=tuple(rate(each.value, factor.unit) for each in factor.classes),
        shown=tuple(_shown(factor, each.value) for each in factor.classes),
        farthest_m=policy().farthest_m(key),
        factor=factor,
    )


def _shown(factor: Factor, value: Decimal) -> FactorUsed:
    return FactorUsed(
        key=factor.key,
        value=value,
        unit=factor.unit,
        gases=factor.gases,
        certainty=factor.certainty,
        placeholder=factor.placeholder,
        citation=factor.citation.text,
        data_year=factor.data_year,
    )


def _leg(
    leg: Leg, people: int, ways: int, way_m: int | None, factors: FactorSet, place: str, on: date
) -> LegQuantified:
    if leg.mode not in MODE_LABELS:
        raise UnknownMode(mode=leg.mode[:40])
    ready = applied(factors, leg.mode if leg.cabin is None else cabin_key(leg.mode, leg.cabin), place, on)
    distance_m, source = _distance(leg, way_m, ready)
    if not 0 <= distance_m <= ready.farthest_m:
        raise DistanceAbsurd(
            mode=leg.mode,
            mode_label=MODE_LABELS[leg.mode],
            distance_km=km_text(distance_m),
            limit_km=km_text(ready.farthest_m),
        )
    index = ready.at(distance_m)
    person_trips = people * ways
    person_m = person_trips * distance_m
    shared_by = (leg.occupants or people) if ready.per_vehicle else 1
    return LegQuantified(
        mode=leg.mode,
        distance_m=distance_m,
        distance_source=source,
        person_trips=person_trips,
        person_m=person_m,
        emissions_g=ready.rates[index].emissions_g(person_m, shared_by),
        factor=ready.shown[index],
        cabin=leg.cabin,
        occupants=shared_by if ready.per_vehicle else None,
    )


def cabin_key(mode: str, cabin: Cabin) -> str:
    """The key of the factor for that class of a flight. Raises CabinAbsurd for a mode without classes."""
    if mode != "plane":
        raise CabinAbsurd(mode_label=MODE_LABELS.get(mode, mode))
    return f"{mode}_{cabin}"


def _distance(leg: Leg, way_m: int | None, ready: Applied) -> tuple[int, DistanceSource]:
    """One way. The stated detour lengthens only a great circle."""
    if leg.distance_m is not None:
        return leg.distance_m, "typed"
    assert way_m is not None
    detour = ready.factor.detour
    return (way_m if detour is None else lengthened_m(way_m, detour.factor, detour.add_km)), "great_circle"


def _lodging(nights: int, people: int, factors: FactorSet, place: str, on: date) -> tuple[int, FactorUsed | None]:
    if nights == 0:
        return 0, None
    ready = applied(factors, LODGING, place, on)
    rooms = -(-people // policy().people_per_room)
    return ready.rates[0].emissions_g(nights * rooms), ready.shown[0]


def _co2_only_g(legs: tuple[LegQuantified, ...], lodging_g: int, lodging: FactorUsed | None) -> int:
    travel_g = sum([leg.emissions_g for leg in legs if leg.factor.gases == ("CO2",)])
    return travel_g + (lodging_g if lodging is not None and lodging.gases == ("CO2",) else 0)


def _earning(
    legs: tuple[LegQuantified, ...], ways: int, place: str, on: date
) -> tuple[Earning | None, tuple[Unearned, ...]]:
    """What one person's legs save by the place's own methodology, and the legs that it does not know."""
    unearned = []
    reductions = []
    methodology: Methodology | None = None
    declared_g = 0
    for leg in legs:
        found = earning_of_mode(place, leg.mode, on)
        if found is None:
            unearned.append(Unearned(leg.mode, place, on))
            continue
        methodology, action = found
        quantity = leg.distance_m * ways
        reductions.append(reduction_of(methodology, action, quantity, "proven", place))
        declared_g += action.rates.self_declared.rate.reduction_g(quantity)
    if methodology is None:
        return None, tuple(unearned)
    return _sum(tuple(reductions), methodology, place, declared_g), tuple(unearned)


def _sum(reductions: tuple[Reduction, ...], methodology: Methodology, region: str, declared_g: int) -> Earning:
    baselines = [each.baseline_g for each in reductions]
    projects = [each.project_g for each in reductions]
    return Earning(
        region=region,
        methodology=methodology.id,
        version=methodology.version,
        reduction_g=sum([each.reduction_g for each in reductions]),
        self_declared_g=declared_g,
        baseline_g=None if None in baselines else sum(filter(None, baselines)),
        project_g=None if None in projects else sum(filter(None, projects)),
        reductions=reductions,
    )
