"""A flight by ICAO's own method: the great circle with its correction, the fuel of the distance, the people aboard.

To check the factors by: those of the factor sets are averages over many flights. CO2 of the fuel alone.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import msgspec

from scenarios.citations import Citation, Cited, Document, parse_toml, require, require_number, resolve
from scenarios.labels import MODE_LABELS
from scenarios.quantities import M_PER_NAUTICAL_MILE, exact, km_text, round_up
from scenarios.refusals import DistanceAbsurd

FILE = Path(__file__).parents[1] / "packs" / "flights" / "icao-13.toml"


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kilometres added to great circles up to a limit; without one, to all beyond the limit before."""

    add_km: int
    to_km: int | None = None


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kilograms of fuel for a flight of so many nautical miles."""

    miles: int
    fuel_kg: int

    @property
    def length_m(self) -> int:
        """The same distance in metres."""
        return self.miles * M_PER_NAUTICAL_MILE


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How full the flights of a group of routes are, and the passengers' part of what they carry, in per cent."""

    load: Decimal
    passengers: Decimal


class IcaoFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    id: str
    version: str
    aircraft: str
    kg_co2_per_kg_fuel: Decimal
    seats: int
    citation: Cited
    seats_citation: Cited
    documents: dict[str, Document]
    corrections: tuple[Correction, ...]
    stages: tuple[Stage, ...]
    routes: dict[str, Route]


class Flight(msgspec.Struct, frozen=True):
    """One way: metres flown, correction included; kilograms of fuel; grams of CO2 a passenger, rounded up."""

    distance_m: int
    fuel_kg: Fraction
    emissions_g: int
    citation: Citation


@cache
def method() -> IcaoFile:
    """The method's data, checked. Raises PackUnreadable."""
    return read_method(FILE.read_bytes(), FILE.name)


def read_method(content: bytes, name: str) -> IcaoFile:
    """The method's data from its file's bytes. Raises PackUnreadable."""
    file = parse_toml(content, IcaoFile, name)
    limits = [each.to_km for each in file.corrections]
    require(limits[-1:] == [None] and None not in limits[:-1], name, "the corrections are not for every distance")
    miles = [each.miles for each in file.stages]
    require(bool(miles) and miles == sorted(set(miles)), name, "the stages are out of order")
    for each in file.routes.values():
        require_number(each.load, name, "load")
        require(0 < each.load <= 100 and 0 < each.passengers <= 100, name, "a share is beyond 100 %")
    return file


def icao_flight(great_circle_m: int, route: str) -> Flight:
    """What one passenger's flight emits. Raises KeyError for an unknown route, DistanceAbsurd beyond the table."""
    data = method()
    distance_m = great_circle_m + correction_m(great_circle_m)
    fuel_kg = _fuel_kg(distance_m)
    aboard = data.routes[route]
    share = exact(aboard.passengers) / (data.seats * exact(aboard.load))
    grams = exact(data.kg_co2_per_kg_fuel) * fuel_kg * share * 1000
    return Flight(distance_m, fuel_kg, round_up(grams), resolve(data.citation, data.documents, data.id))


def correction_m(great_circle_m: int) -> int:
    """What is added to a great circle, in metres."""
    found = next(each for each in method().corrections if each.to_km is None or great_circle_m <= each.to_km * 1000)
    return found.add_km * 1000


def _fuel_kg(distance_m: int) -> Fraction:
    """By the consumption a kilometre of the next longer stage of the table."""
    stages = method().stages
    for stage in stages:
        if distance_m <= stage.length_m:
            return Fraction(stage.fuel_kg * distance_m, stage.length_m)
    farthest_km, label = km_text(stages[-1].length_m), MODE_LABELS["plane"]
    raise DistanceAbsurd(mode="plane", mode_label=label, distance_km=km_text(distance_m), limit_km=farthest_km)
