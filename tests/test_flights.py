"""Flights by ICAO's method, beside the package carbonize, and the factors of the sets beside both.

carbonize holds its own figures against ICAO's calculator (Brussels to Barcelona: 1185 km, 5412 kg of fuel, 116 kg a
passenger) within 10 km, 150 kg and 5 kg: those are the tolerances here, in proportion on longer flights. Its great
circles are on a sphere, and its load factors those of an earlier edition.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from carbonize.calculators.flights import Flight
from carbonize.utils import great_circle

from scenarios.factors import factor_set
from scenarios.geodesy import distance_m
from scenarios.meeting.flights import Stage, correction_m, icao_flight, method
from scenarios.meeting.travel import Leg, Point, Trip, quantify_trip
from scenarios.refusals import DistanceAbsurd

WITHIN_KM, WITHIN_FUEL_KG, WITHIN_KG = 10, 150, 5
PAIRS = [
    ("BRU", "BCN"),
    ("BRU", "BIO"),
    ("PEK", "SHA"),
    ("PEK", "CAN"),
    ("PEK", "XIY"),
    ("PEK", "URC"),
    ("SHA", "SZX"),
    ("SZX", "HAK"),
    ("SHA", "HRB"),
    ("CTU", "PVG"),
    ("PEK", "HND"),
    ("PVG", "SIN"),
]


def ends(a: str, b: str) -> tuple[Flight, int]:
    """Their flight, and our great circle between its airports."""
    theirs = Flight(a=a, b=b)
    return theirs, distance_m(*theirs.a.point, *theirs.b.point)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_flights_by_icaos_method_agree_with_carbonize_within_its_own_tolerance(a: str, b: str) -> None:
    theirs, circle_m = ends(a, b)
    ours = icao_flight(circle_m, "Intra Europe")
    longer = max(1.0, theirs.distance / 1185)
    assert abs(ours.distance_m / 1000 - theirs.distance) <= WITHIN_KM * longer
    assert abs(float(ours.fuel_kg) - theirs.fuel_consumption) <= WITHIN_FUEL_KG
    assert abs(ours.emissions_g / 1000 - theirs.co2e_pax) <= WITHIN_KG * longer


def test_icaos_own_result_is_met_within_that_tolerance() -> None:
    _, circle_m = ends("BRU", "BCN")
    ours = icao_flight(circle_m, "Intra Europe")
    assert abs(ours.distance_m - 1_185_000) <= WITHIN_KM * 1000
    assert abs(ours.fuel_kg - 5412) <= WITHIN_FUEL_KG
    assert abs(ours.emissions_g - 116_000) <= WITHIN_KG * 1000


@pytest.mark.parametrize(("a", "b"), [*PAIRS, ("PEK", "LHR"), ("PEK", "JFK"), ("PVG", "GRU")])
def test_great_circles_agree_as_sphere_and_ellipsoid_do(a: str, b: str) -> None:
    """Theirs is on a sphere, ours on the ellipsoid."""
    theirs, circle_m = ends(a, b)
    assert abs(circle_m / 1000 / great_circle(theirs.a.point, theirs.b.point) - 1) < 0.006


@pytest.mark.parametrize(
    ("circle_m", "added_m"),
    [(0, 50_000), (550_000, 50_000), (550_001, 100_000), (5_500_000, 100_000), (5_500_001, 125_000)],
)
def test_the_great_circle_is_corrected_by_its_length(circle_m: int, added_m: int) -> None:
    assert correction_m(circle_m) == added_m


@pytest.mark.parametrize("stage", method().stages, ids=lambda stage: str(stage.miles))
def test_at_a_stage_of_the_table_the_fuel_is_the_tables(stage: Stage) -> None:
    circle_m = stage.length_m - (50_000 if stage.length_m <= 600_000 else 100_000)
    assert icao_flight(circle_m, "Intra North Asia").fuel_kg == stage.fuel_kg


def test_beyond_the_table_nothing_is_guessed() -> None:
    with pytest.raises(DistanceAbsurd, match="4630"):
        icao_flight(8_000_000, "Europe - North Asia")


@pytest.mark.parametrize(("a", "b"), [pair for pair in PAIRS if pair[0] != "SZX"])
def test_the_factors_of_the_sets_lie_about_icaos_figure(a: str, b: str) -> None:
    """Economy without radiative forcing is below it (fuller and larger aircraft), the Chinese full process above."""
    theirs, _ = ends(a, b)
    found = quantify_trip(
        Trip("journey", (Leg("plane"),)),
        factor_set("travel-cn"),
        "110000",
        date(2026, 11, 21),
        Point(*theirs.a.point),
        Point(*theirs.b.point),
    )
    without_forcing = Decimal("0.06449") * found.legs[0].distance_m
    icao_g = theirs.co2e_pax * 1000
    assert float(without_forcing) < icao_g < found.emissions_g * 1.05
