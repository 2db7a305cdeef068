"""The whole and its parts: every gram once in each division, what is missing named, nothing netted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from scenarios.meeting.accounting import Facts, Result, account, shares
from scenarios.meeting.boundaries import boundary_of
from scenarios.meeting.cells import Cell, CellLeg
from scenarios.meeting.differences import Contents, differences
from scenarios.meeting.extrapolation import Extrapolated, Group, extrapolate
from scenarios.meeting.items import sources
from scenarios.meeting.lines import Line, LineFactor, OutOfScale
from scenarios.meeting.travel import FactorUsed

DAY = date(2026, 11, 20)
BOUNDARY = boundary_of("110000", DAY)
CO2 = FactorUsed("metro", Decimal("0.0431"), "kgCO2/pkm", ("CO2",), "verbatim", "甲（乙，2024）")
CO2E = FactorUsed("hotel_night", Decimal("12.5"), "kgCO2e/room-night", ("CO2e",), "unverified", "丙", placeholder=True)
OWN = LineFactor("diesel", Decimal("2.6"), "kgCO2e/L", ("CO2", "CH4", "N2O"), "unverified", "丁", pack="own")
FACTORS = st.sampled_from([CO2, CO2E])
GRAMS = st.integers(0, 10**12)


def line(number: int = 1, **values: Any) -> Line:
    """A line that nothing is remarkable about, but for the values."""
    usual: dict[str, Any] = {
        "id": UUID(int=number),
        "item": "diesel",
        "source": "stationary_combustion",
        "stage": "hold",
        "label": "",
        "quantity": Decimal(1),
        "unit": "L",
        "base_amount": "1",
        "shared_by": 1,
        "rank": "measured",
        "starts_on": DAY,
        "ends_on": DAY,
        "factor": OWN,
        "emissions_g": 1_000,
        "co2_only": False,
        "round_trip": False,
        "certificate": "",
        "entered_by": UUID(int=9),
        "entered_at": datetime(2026, 11, 20, tzinfo=UTC),
    }
    rest = {each: None for each in Line.__struct_fields__ if each not in usual}
    return Line(**{**rest, **usual, **values})


def cell(count: int = 1, leg_g: int = 500, lodging_g: int = 0, mode: str = "metro", gate: int = 1) -> Cell:
    """Check-ins that came alike."""
    return Cell(
        part="journey",
        gate=gate,
        legs=(CellLeg(mode, 1_000, 2_000, leg_g, CO2),),
        round_trip=True,
        nights=1 if lodging_g else 0,
        people=1,
        lodging_factor=CO2E if lodging_g else None,
        lodging_each_g=lodging_g,
        count=count,
    )


def group(**values: Any) -> Extrapolated:
    """A gate where some answered."""
    usual: dict[str, Any] = {
        "name": "东门",
        "gate": 1,
        "head_count": 30,
        "answers": 10,
        "respondents": 10,
        "sum_g": 5_300,
        "sum_people_squared": 10,
        "sum_people_g": 5_300,
        "sum_g_squared": 2_900_000,
        "by_source_g": {"travel": 5_000, "lodging": 300},
        "co2_only_g": 4_000,
    }
    return extrapolate([Group(**{**usual, **values})])[0]


LINES = st.builds(
    line,
    number=st.integers(1, 10**9),
    source=st.sampled_from(sorted(sources())),
    stage=st.sampled_from(["prepare", "hold", "close"]),
    rank=st.sampled_from(["measured", "declared", "default"]),
    emissions_g=GRAMS,
    co2_only=st.booleans(),
)
CELLS = st.builds(
    cell,
    count=st.integers(1, 10**5),
    leg_g=st.integers(0, 10**6),
    lodging_g=st.integers(0, 10**5),
    mode=st.sampled_from(["metro", "bus", "plane"]),
)


def unique(lines: list[Line]) -> list[Line]:
    """One line an id."""
    return list({each.id: each for each in lines}.values())


@given(st.lists(LINES, max_size=8), st.lists(CELLS, max_size=8), st.integers(10, 200))
def test_the_parts_add_to_the_whole_in_every_division(lines: list[Line], cells: list[Cell], heads: int) -> None:
    lines = unique(lines)
    result = account(lines, cells, [group(head_count=heads)], BOUNDARY, Facts(days=2, people=heads))
    assert result.full_g == sum(each.emissions_g for each in lines) + sum(each.grams for each in cells) + (
        result.extrapolated_g
    )
    for name in ("by_source", "by_scope", "by_stage", "by_rank", "by_gas", "by_origin", "by_item"):
        parts = getattr(result, name)
        assert sum(each.emissions_g for each in parts) == result.full_g
        assert sum(each.share_permille for each in parts) == (1_000 if result.full_g else 0)
        assert [each.emissions_g for each in parts] == sorted((each.emissions_g for each in parts), reverse=True)
    assert result.basic_g + result.extended_g == result.full_g == result.uncertainty.emissions_g
    assert result.lines_g + result.checked_in_g + result.extrapolated_g == result.full_g
    assert 0 <= result.co2_only_g <= result.full_g


@given(st.lists(LINES, max_size=6), st.lists(LINES, max_size=6), st.lists(CELLS, max_size=4))
def test_differences_add_to_that_of_the_totals(before: list[Line], after: list[Line], cells: list[Cell]) -> None:
    old = Contents(tuple(unique(before)), tuple(cells), ())
    after = [each for each in unique(after) if each.id not in {one.id for one in old.lines}]
    new = Contents((*old.lines[:2], *after), tuple(cells[1:]), (group(),))
    total = [account(each.lines, each.cells, each.extrapolated, BOUNDARY, Facts(days=1)).full_g for each in (old, new)]
    assert sum(each.more_g for each in differences(old, new)) == total[1] - total[0]
    assert differences(old, old) == []


def test_a_line_that_takes_anothers_place_is_one_difference() -> None:
    first, second = line(1, emissions_g=900), line(2, emissions_g=1_400, replaces=UUID(int=1))
    (found,) = differences(Contents((first,), (), ()), Contents((second,), (), ()))
    assert (found.before_g, found.after_g, found.more_g, found.line_id) == (900, 1_400, 500, UUID(int=2))


def result_of(*lines: Line, cells: tuple[Cell, ...] = (), **facts: Any) -> Result:
    """The result of these alone."""
    return account(lines, cells, [], BOUNDARY, Facts(**{"days": 2, **facts}))


def test_scope_stands_in_the_boundary_and_the_ambition_says_what_is_reported() -> None:
    lines = (line(1), line(2, source="freight", item="freight_road", emissions_g=3_000))
    basic, full = result_of(*lines), result_of(*lines, ambition="full")
    assert (basic.basic_g, basic.extended_g, basic.reported_g, full.reported_g) == (1_000, 3_000, 1_000, 4_000)
    assert [(each.source, each.scope) for each in basic.by_source] == [
        ("freight", "extended"),
        ("stationary_combustion", "basic"),
    ]
    assert basic.boundary_placeholder is BOUNDARY.placeholder


def test_heads_days_and_area_share_what_is_reported_rounded_up() -> None:
    found = result_of(line(emissions_g=1_001), people=10, area_m2=Decimal("2.5"))
    assert (found.per.head_g, found.per.head_day_g, found.per.m2_g) == (101, 51, 401)
    assert result_of(line()).per == type(found.per)(None, None, None)


def test_what_was_avoided_stands_beside_and_is_never_netted() -> None:
    less, more = [result_of(line(), baseline_g=each, baseline_because="实施计划") for each in (1_500, 400)]
    assert (less.full_g, more.full_g) == (1_000, 1_000)
    assert [each.avoided and each.avoided.avoided_g for each in (less, more)] == [500, -600]


def test_a_source_of_which_nothing_is_said_is_named_until_it_is() -> None:
    missing = {each.key for each in result_of(line()).missing if each.what == "source"}
    assert missing == {key for key, scope in BOUNDARY.scopes.items() if scope == "basic"} - {"stationary_combustion"}
    told = result_of(line(), people=5, absent=dict.fromkeys(missing, "没有"))
    assert told.missing == ()
    assert ("stage", "hold") in {(each.what, each.key) for each in result_of().missing}
    assert "head_count" in {each.what for each in result_of(line()).missing}


def test_who_did_not_answer_is_counted_apart_and_a_group_without_answers_is_named() -> None:
    asked = [group(), group(name="西门", answers=0, respondents=0, by_source_g={})]
    found = account([], [cell(10)], asked, BOUNDARY, Facts(days=1, people=60))
    assert found.extrapolated_g == asked[0].emissions_g > 0
    assert found.full_g == found.checked_in_g + found.extrapolated_g
    assert {each.key: each.emissions_g for each in found.by_rank} == {
        "declared": found.checked_in_g,
        "extrapolated": found.extrapolated_g,
    }
    assert ("group", "西门") in {(each.what, each.key) for each in found.missing}
    assert (found.extrapolation.response_rate, found.extrapolation.half_g > 0) == ("1/6", True)


def test_co2_alone_and_gases_are_told_apart() -> None:
    found = result_of(line(), line(2, factor=msgspec.structs.replace(OWN, gases=("CO2",)), co2_only=True))
    assert {each.key: each.emissions_g for each in found.by_gas} == {"CO2+CH4+N2O": 1_000, "CO2": 1_000}
    assert (found.co2_only_g, found.co2_only_permille) == (1_000, 500)


def test_weak_spots_come_in_order_of_grams() -> None:
    lines = (
        line(1, rank="default", emissions_g=50),
        line(2, emissions_g=700, out_of_scale=OutOfScale("9", 5)),
        line(3, emissions_g=300),
    )
    found = result_of(*lines, cells=(cell(2, lodging_g=100),)).weak_spots
    assert [(each.kind, each.item, each.line_id and each.line_id.int, each.emissions_g) for each in found] == [
        ("unverified_factor", "diesel", None, 1_050),
        ("out_of_scale", "diesel", 2, 700),
        ("placeholder_factor", "hotel_night", None, 200),
        ("default_value", "diesel", 1, 50),
    ]


@given(st.dictionaries(st.text(min_size=1, max_size=3), GRAMS, max_size=12))
def test_shares_add_to_a_thousand_and_none_is_off_by_one(sums: dict[str, int]) -> None:
    found, total = shares(sums), sum(sums.values())
    assert sum(each.share_permille for each in found) == (1_000 if total else 0)
    assert all(abs(each.share_permille * total - each.emissions_g * 1_000) < total for each in found if total)
