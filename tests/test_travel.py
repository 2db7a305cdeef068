"""What a check-in's trip emits and earns."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.factors import factor_set, travel_sets
from scenarios.geodesy import distance_m
from scenarios.meeting.modes import MODES, asks_nights, cabins_of, modes_of, shared_modes
from scenarios.meeting.travel import Cabin, Leg, Point, Quantified, Trip, quantify_trip
from scenarios.quantities import UNITS
from scenarios.refusals import (
    CabinAbsurd,
    CarbonRefusal,
    CompanionsAbsurd,
    DistanceAbsurd,
    DistanceMissing,
    FactorNotInForce,
    LegsAbsurd,
    NightsAbsurd,
    OccupantsAbsurd,
    UnknownMode,
)

DAY = date(2026, 11, 21)
BEIJING, SHANXI = "110000", "140000"
STARTER, KLOWER, RAIL = (factor_set(each) for each in ("travel-cn", "klower-2020", "klower-2020-rail"))
VENUE, TAIYUAN = Point(39.9075, 116.39723), Point(37.86944, 112.56028)


def journey(*legs: Leg, **more: Any) -> Trip:
    return Trip("journey", legs, **more)


def in_beijing(trip: Trip, origin: Point | None = None) -> Quantified:
    return quantify_trip(trip, STARTER, BEIJING, DAY, origin, VENUE)


@pytest.mark.parametrize(
    ("leg", "emissions_g"),
    [
        (Leg("walk", 1_500), 0),
        (Leg("bicycle", 3_000), 27),
        (Leg("metro", 12_500), 540),
        (Leg("bus", 6_000), 318),
        (Leg("coach", 300_000), 8_328),
        (Leg("taxi", 10_000), 2_081),
        (Leg("car", 10_000), 1_957),
        (Leg("car", 10_000, occupants=4), 490),
        (Leg("motorcycle", 1_000), 114),
        (Leg("train", 500_000), 9_000),
        (Leg("high_speed_rail", 1_318_000), 40_173),
        (Leg("plane", 1_200_000), 135_480),
        (Leg("ferry", 100_000), 1_871),
        (Leg("metro", 0), 0),
    ],
)
def test_a_leg_emits_its_factor_times_its_distance(leg: Leg, emissions_g: int) -> None:
    found = in_beijing(journey(leg))
    assert (found.emissions_g, found.legs[0].distance_source) == (emissions_g, "typed")


def test_there_and_back_and_companions_count_in_emissions() -> None:
    found = in_beijing(journey(Leg("metro", 10_000), round_trip=True, companions=2))
    assert (found.people, found.legs[0].person_trips, found.legs[0].person_m) == (3, 6, 60_000)
    assert found.emissions_g == 2_589


def test_a_car_emits_the_same_however_many_of_the_group_are_in_it() -> None:
    alone = in_beijing(journey(Leg("car", 10_000)))
    together = in_beijing(journey(Leg("car", 10_000), companions=3))
    with_strangers = in_beijing(journey(Leg("car", 10_000, occupants=5), companions=3))
    assert alone.emissions_g == together.emissions_g == 1_957
    assert with_strangers.emissions_g == 1_566


def test_lodging_is_a_room_a_person_and_night() -> None:
    found = in_beijing(journey(Leg("walk", 100), nights=2, companions=1))
    assert (found.lodging_emissions_g, found.emissions_g) == (214_000, 214_000)
    assert found.lodging_factor is not None
    assert found.lodging_factor.value == Decimal("53.5")
    assert in_beijing(journey(Leg("walk", 100))).lodging_factor is None


def test_a_named_place_gives_the_great_circle_with_the_factors_detour() -> None:
    circle_m = distance_m(*TAIYUAN, *VENUE)
    found = {
        mode: in_beijing(journey(Leg(mode)), TAIYUAN).legs[0].distance_m
        for mode in ("car", "coach", "high_speed_rail", "plane")
    }
    assert found == {
        "car": circle_m,
        "coach": -(-circle_m * 3 // 2),
        "high_speed_rail": -(-circle_m * 6 // 5),
        "plane": circle_m + 95_000,
    }


def test_a_typed_distance_takes_no_detour() -> None:
    leg = in_beijing(journey(Leg("plane", 500_000)), TAIYUAN).legs[0]
    assert (leg.distance_m, leg.distance_source) == (500_000, "typed")


def test_the_one_leg_without_distance_takes_the_way_from_the_named_place() -> None:
    found = in_beijing(journey(Leg("metro", 20_000), Leg("plane"), Leg("taxi", 30_000)), TAIYUAN)
    assert [leg.distance_source for leg in found.legs] == ["typed", "great_circle", "typed"]
    assert found.travel_emissions_g == sum(leg.emissions_g for leg in found.legs)


@pytest.mark.parametrize(
    ("trip", "origin"),
    [(journey(Leg("plane")), None), (journey(Leg("plane"), Leg("metro")), TAIYUAN)],
)
def test_a_distance_that_nobody_gave_is_refused(trip: Trip, origin: Point | None) -> None:
    with pytest.raises(DistanceMissing):
        in_beijing(trip, origin)


@pytest.mark.parametrize(
    ("trip", "refusal"),
    [
        (journey(), LegsAbsurd),
        (journey(*[Leg("walk", 1)] * 9), LegsAbsurd),
        (journey(Leg("walk", 1), nights=-1), NightsAbsurd),
        (journey(Leg("walk", 1), nights=61), NightsAbsurd),
        (Trip("local", (Leg("walk", 1),), nights=1), NightsAbsurd),
        (journey(Leg("walk", 1), companions=-1), CompanionsAbsurd),
        (journey(Leg("walk", 1), companions=61), CompanionsAbsurd),
        (journey(Leg("car", 1, occupants=0)), OccupantsAbsurd),
        (journey(Leg("car", 1, occupants=101)), OccupantsAbsurd),
        (journey(Leg("plane", -1)), DistanceAbsurd),
        (journey(Leg("plane", 40_000_001)), DistanceAbsurd),
        (journey(Leg("plane", 10**400)), DistanceAbsurd),
        (journey(Leg("walk", 100_001)), DistanceAbsurd),
        (journey(Leg("teleport", 1)), UnknownMode),
        (journey(Leg("hotel_night", 1)), UnknownMode),
        (journey(Leg("", 1)), UnknownMode),
        (journey(Leg("any", 1)), FactorNotInForce),
    ],
)
def test_what_cannot_be_is_refused(trip: Trip, refusal: type[CarbonRefusal]) -> None:
    with pytest.raises(refusal) as refused:
        in_beijing(trip)
    assert str(refused.value)


def test_walking_from_another_city_is_refused_by_how_far_one_walks() -> None:
    with pytest.raises(DistanceAbsurd, match="步行单程须在 0 到 100 公里之间"):
        in_beijing(journey(Leg("walk")), TAIYUAN)


def test_a_factor_not_in_force_names_key_place_and_date() -> None:
    with pytest.raises(FactorNotInForce) as refused:
        quantify_trip(journey(Leg("plane", 1)), STARTER, "AT", DAY)
    assert refused.value.values == {"key": "plane", "key_label": "飞机", "place": "AT", "date": "2026-11-21"}
    with pytest.raises(FactorNotInForce, match="酒店住宿"):
        quantify_trip(journey(Leg("any", 1), nights=1), KLOWER, "AT", DAY)


@pytest.mark.parametrize(
    ("metres", "klower_g", "rail_g"),
    [
        (0, 0, 0),
        (699_999, 21_000, 21_000),
        (700_000, 140_000, 21_000),
        (1_499_999, 300_000, 45_000),
        (1_500_000, 375_000, 375_000),
    ],
)
def test_distance_classes_are_cut_below_their_limit(metres: int, klower_g: int, rail_g: int) -> None:
    trip = journey(Leg("any", metres))
    assert quantify_trip(trip, KLOWER, "AT", date(2019, 4, 8)).emissions_g == klower_g
    assert quantify_trip(trip, RAIL, "AT", date(2019, 4, 8)).emissions_g == rail_g


def test_a_round_trips_class_is_that_of_one_way() -> None:
    found = quantify_trip(journey(Leg("any", 524_100), round_trip=True), KLOWER, "AT", date(2019, 4, 8))
    assert found.legs[0].factor.value == Decimal("0.03")
    assert found.emissions_g == 31_446


def test_a_co2_only_factor_is_counted_with_gwp_1_and_said_so() -> None:
    found = in_beijing(journey(Leg("metro", 10_000), Leg("plane", 1_000_000)))
    assert (found.emissions_g, found.co2_only_g) == (113_332, 112_900)


def test_a_trip_earns_for_the_person_alone_there_and_back() -> None:
    found = in_beijing(journey(Leg("metro", 12_500), round_trip=True, companions=4)).earning
    assert found is not None
    assert (found.region, found.methodology, found.version) == (BEIJING, "dbt11-3043", "2024")
    assert (found.reduction_g, found.self_declared_g) == (1_800, 900)
    assert (found.baseline_g, found.project_g) == (2_600, 800)


def test_legs_without_a_methodology_earn_nothing_and_say_why() -> None:
    found = in_beijing(journey(Leg("bus", 6_000), Leg("plane", 900_000), Leg("shared_bike", 2_000)))
    assert found.earning is not None
    assert [each.action for each in found.earning.reductions] == ["bus", "cycling"]
    assert found.earning.reduction_g == 312 + 190
    assert found.earning.self_declared_g == 156 + 95
    assert [(each.mode, each.region, each.code) for each in found.unearned] == [("plane", BEIJING, "no_methodology")]


@pytest.mark.parametrize(("place", "on"), [("310000", DAY), (BEIJING, date(2024, 9, 30)), ("CN", DAY)])
def test_where_no_methodology_is_in_force_nothing_is_earned(place: str, on: date) -> None:
    found = quantify_trip(journey(Leg("metro", 1_000)), STARTER, place, on)
    assert found.earning is None
    assert [each.mode for each in found.unearned] == ["metro"]


def test_shanxi_earns_by_its_own_rule_which_has_no_baseline() -> None:
    found = quantify_trip(journey(Leg("shared_bike", 5_000), Leg("metro", 5_000)), STARTER, SHANXI, DAY)
    assert found.earning is not None
    assert (found.earning.reduction_g, found.earning.self_declared_g) == (1_250, 625)
    assert (found.earning.baseline_g, found.earning.project_g) == (None, None)
    assert [each.mode for each in found.unearned] == ["metro"]


@given(
    mode=st.sampled_from(
        sorted(set(MODES) - {"any", "walk", "bicycle", "shared_bike", "e_bike", "metro", "bus", "taxi"})
    ),
    metres=st.integers(min_value=0, max_value=40_000_000),
    round_trip=st.booleans(),
    companions=st.integers(min_value=0, max_value=60),
    occupants=st.none() | st.integers(min_value=1, max_value=100),
)
def test_anyone_can_work_a_trip_out_again_from_its_trace(
    mode: str, metres: int, round_trip: bool, companions: int, occupants: int | None
) -> None:
    trip = journey(Leg(mode, metres, occupants), round_trip=round_trip, companions=companions)
    found = in_beijing(trip)
    kept = msgspec.json.decode(msgspec.json.encode(found), type=Quantified)
    assert kept == found
    leg = kept.legs[0]
    shared_by = (occupants or kept.people) if leg.factor.unit.endswith("/vkm") else 1
    truth = Fraction(leg.factor.value) * UNITS[leg.factor.unit].grams * leg.person_m / shared_by
    assert 0 <= leg.emissions_g - truth < 1
    assert kept.factor_set.digest == STARTER.digest[:16]


def test_the_page_offers_the_modes_that_have_a_factor() -> None:
    offered = [mode.key for mode in modes_of(STARTER, BEIJING, DAY)]
    assert offered == [key for key in MODES if key != "any"]
    assert [mode.key for mode in modes_of(KLOWER, "AT", DAY)] == ["any"]
    assert modes_of(STARTER, "AT", DAY) == ()
    assert asks_nights(STARTER, BEIJING, DAY)
    assert not asks_nights(KLOWER, "AT", DAY)
    assert shared_modes(STARTER, BEIJING, DAY) == {"taxi", "car", "motorcycle"}
    assert cabins_of(STARTER, BEIJING, DAY) == get_args(Cabin)
    assert cabins_of(KLOWER, "AT", DAY) == ()


def test_every_set_for_travel_offers_something_somewhere() -> None:
    assert all(modes_of(each, "110000", DAY) for each in travel_sets())
    assert {each.id for each in travel_sets()} == {"travel-cn", "klower-2020", "klower-2020-rail"}


@pytest.mark.parametrize(
    ("cabin", "emissions_g"),
    [(None, 112_900), ("economy", 109_160), ("premium", 174_650), ("business", 316_560), ("first", 436_630)],
)
def test_a_flight_emits_by_its_cabin(cabin: Cabin | None, emissions_g: int) -> None:
    found = in_beijing(journey(Leg("plane", 1_000_000, cabin=cabin)))
    assert (found.emissions_g, found.legs[0].cabin) == (emissions_g, cabin)
    assert found.legs[0].factor.key == ("plane" if cabin is None else f"plane_{cabin}")


def test_a_cabin_is_for_planes_alone() -> None:
    with pytest.raises(CabinAbsurd, match="高铁或动车不分舱位"):
        in_beijing(journey(Leg("high_speed_rail", 1_000, cabin="business")))
    with pytest.raises(FactorNotInForce, match="飞机公务舱"):
        quantify_trip(journey(Leg("plane", 1_000, cabin="business")), KLOWER, "AT", DAY)


def test_a_trip_without_cabin_is_stored_as_it_always_was() -> None:
    trip = journey(Leg("plane", 1_000))
    assert msgspec.json.encode(trip.legs[0]) == b'{"mode":"plane","distance_m":1000}'
    assert "cabin" not in msgspec.to_builtins(in_beijing(trip))["legs"][0]
    assert b"data_year" not in msgspec.json.encode(in_beijing(trip))


@given(
    metres=st.integers(min_value=0, max_value=20_000_000),
    more=st.integers(min_value=0, max_value=20_000_000),
    companions=st.integers(min_value=0, max_value=59),
)
def test_flights_keep_the_order_of_classes_and_more_never_emits_less(metres: int, more: int, companions: int) -> None:
    def grams(cabin: Cabin, metres: int, ways: bool = False, people: int = companions) -> int:
        return in_beijing(journey(Leg("plane", metres, cabin=cabin), round_trip=ways, companions=people)).emissions_g

    each = [grams(cabin, metres) for cabin in get_args(Cabin)]
    assert each == sorted(each)
    assert metres == 0 or each[0] > 0
    assert grams("economy", metres) <= grams("economy", metres + more)
    assert grams("first", metres) <= grams("first", metres, people=companions + 1)
    assert 2 * each[0] - 1 <= grams("economy", metres, ways=True) <= 2 * each[0]
