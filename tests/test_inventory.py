"""An event's emissions from activity data, against a published footprint."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from scenarios.factors import factor_set
from scenarios.meeting.inventory import TravelInventory, TravelLine, quantify_lines, whole_people
from scenarios.refusals import CarbonRefusal, DistanceAbsurd, FactorNotInForce, PeopleAbsurd, UnknownMode

OPENING = date(2019, 4, 7)
DAY = date(2026, 11, 21)

with (Path(__file__).parent / "data" / "egu2019.csv").open(encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file))
ATTENDEES = [(row["country"], Decimal(row["country_attendees"]) * Decimal(row["city_share"])) for row in ROWS]
DISTANCES_M = [int(Decimal(row["one_way_km"]) * 1000) for row in ROWS]


def footprint(people: list[Decimal], rule: str) -> TravelInventory:
    lines = [TravelLine("any", each, far) for each, far in zip(people, DISTANCES_M, strict=True)]
    return quantify_lines(lines, factor_set(rule), "AT", OPENING)


def tonnes(found: TravelInventory) -> float:
    return found.emissions_g / 1e6


@pytest.mark.parametrize(("rule", "published_t"), [("klower-2020", 22_302.1), ("klower-2020-rail", 19_750.2)])
def test_the_congress_comes_to_its_published_footprint(rule: str, published_t: float) -> None:
    found = footprint([people for _, people in ATTENDEES], rule)
    assert len(found.lines) == 119
    assert tonnes(found) == pytest.approx(published_t, abs=0.1)


def test_each_citys_footprint_is_the_published_one() -> None:
    found = footprint([people for _, people in ATTENDEES], "klower-2020")
    ours = [line.emissions_g / 1e6 for line in found.lines]
    assert ours == pytest.approx([float(row["published_tCO2e"]) for row in ROWS], abs=0.06)


def test_as_whole_people_the_congress_comes_to_22_301_8_t() -> None:
    whole = whole_people(ATTENDEES)
    assert sum(whole) == 16_227
    assert tonnes(footprint([Decimal(each) for each in whole], "klower-2020")) == pytest.approx(22_301.8, abs=0.05)


def test_a_city_in_two_rows_counts_twice() -> None:
    names = Counter(row["city"] for row in ROWS)
    assert max(names.values()) > 1
    assert len(whole_people(ATTENDEES)) == len(ROWS)


def test_whole_people_go_to_the_largest_remainders_within_their_group() -> None:
    rows = [
        ("a", Decimal("1.4")),
        ("b", Decimal("0.6")),
        ("a", Decimal("2.6")),
        ("b", Decimal("0.4")),
        ("a", Decimal(1)),
    ]
    assert whole_people(rows) == [1, 1, 3, 0, 1]
    assert whole_people([("a", Decimal("0.5")), ("a", Decimal("0.5"))]) == [1, 0]
    assert whole_people([]) == []


def test_lines_sum_with_what_counts_co2_alone() -> None:
    lines = [
        TravelLine("metro", Decimal(100), 12_500),
        TravelLine("plane", Decimal("2.5"), 1_000_000, round_trip=False),
        TravelLine("car", Decimal(4), 10_000, occupants=2),
    ]
    found = quantify_lines(lines, factor_set("travel-cn"), "110000", DAY)
    assert [line.emissions_g for line in found.lines] == [107_850, 282_250, 7_827]
    assert (found.emissions_g, found.co2_only_g) == (397_927, 282_250)
    assert found.people == Decimal("106.5")
    assert found.person_m == 2_500_000 + 2_500_000 + 80_000


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        (TravelLine("teleport", Decimal(1), 1), UnknownMode),
        (TravelLine("hotel_night", Decimal(1), 1), UnknownMode),
        (TravelLine("metro", Decimal("NaN"), 1), PeopleAbsurd),
        (TravelLine("metro", Decimal("Infinity"), 1), PeopleAbsurd),
        (TravelLine("metro", Decimal("1e300000"), 1), PeopleAbsurd),
        (TravelLine("metro", Decimal("1e-300000"), 1), CarbonRefusal),
        (TravelLine("metro", Decimal(-1), 1), PeopleAbsurd),
        (TravelLine("metro", Decimal(1), -1), DistanceAbsurd),
        (TravelLine("plane", Decimal(1), 40_000_001), DistanceAbsurd),
        (TravelLine("any", Decimal(1), 1), FactorNotInForce),
        (TravelLine("car", Decimal(1), 1, occupants=0), CarbonRefusal),
    ],
)
def test_a_line_that_cannot_be_is_refused(line: TravelLine, refusal: type[CarbonRefusal]) -> None:
    with pytest.raises(refusal):
        quantify_lines([line], factor_set("travel-cn"), "110000", DAY)
