"""A small event accounted in memory, with something in every section of its report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from scenarios.citations import Citation
from scenarios.factors import FactorBook, default_sets, factor_set
from scenarios.meeting.accounting import Facts, account
from scenarios.meeting.boundaries import boundary_of
from scenarios.meeting.cells import Cell, CellLeg
from scenarios.meeting.extrapolation import Group, extrapolate
from scenarios.meeting.lines import EventDays, Given, Line, OwnFactor, quantify_line
from scenarios.meeting.report_building import Accounted
from scenarios.meeting.reports import Annex, EventSaid, Measure, PackSaid, VersionSaid
from scenarios.meeting.travel import Leg, Trip, quantify_trip

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
PLACE = "310000"
SET = factor_set("travel-cn")
OWN = OwnFactor(
    Decimal("0.41"), "kgCO2/kWh", ("CO2",), Citation("电力碳足迹证明", "供电公司", "2026-10-01"), UUID(int=9)
)
LINES = (
    Given("electricity", DAY, DAY, Decimal("1234.5"), "kWh", rank="measured", file_id=UUID(int=8)),
    Given("electricity", DAY, DAY, Decimal(7), "MWh", factor=OWN),
    Given("natural_gas", DAY, DAY, Decimal("88.8"), "m3", rank="default"),
    Given("taxi", DAY, DAY, people=Decimal("7.5"), distance_m=12_345, round_trip=True, occupants=2),
    Given("meal_beef", DAY, DAY, Decimal(31), "meal"),
)


def line(number: int, given: Given) -> Line:
    """The line as the accounting reads it."""
    found = quantify_line(given, FactorBook(default_sets("CN")), EventDays(PLACE, DAY, DAY, 1, 100))
    own = {name: getattr(found, name) for name in found.__struct_fields__}
    kept = {"rank", "starts_on", "ends_on", "people", "distance_m", "round_trip", "cabin", "occupants", "certificate"}
    rest = dict.fromkeys(("import_id", "replaces", "ended_at", "ended_by", "ended_because"))
    values: dict[str, Any] = {name: getattr(given, name) for name in kept} | own | rest
    return Line(
        id=UUID(int=number),
        item=given.item,
        label="张三的会场",
        entered_by=UUID(int=77),
        entered_at=NOON,
        file_id=given.file_id,
        factor_file_id=given.factor.file_id if given.factor else None,
        **values,
    )


def cell(count: int, *legs: Leg, nights: int = 0, companions: int = 0, gate: int = 1) -> Cell:
    """So many check-ins that came so, there and back."""
    trip = Trip("journey", legs, round_trip=True, nights=nights, companions=companions)
    found = quantify_trip(trip, SET, PLACE, DAY)
    return Cell(
        part="journey",
        gate=gate,
        legs=tuple(
            CellLeg(leg.mode, leg.distance_m, leg.person_m, leg.emissions_g, leg.factor, leg.cabin, leg.occupants)
            for leg in found.legs
        ),
        round_trip=True,
        nights=nights,
        people=1 + companions,
        lodging_factor=found.lodging_factor,
        lodging_each_g=found.lodging_emissions_g,
        count=count,
    )


CELLS = (
    cell(40, Leg("metro", 12_000)),
    cell(3, Leg("metro", 13_001)),
    cell(3, Leg("metro", 9_001), gate=2),
    cell(2, Leg("taxi", 8_000), companions=1),
    cell(1, Leg("car", 23_000, occupants=3)),
    cell(2, Leg("high_speed_rail", 1_200_000), Leg("taxi", 5_000), nights=2),
    cell(7, Leg("high_speed_rail", 300_000), nights=1),
)
GROUPS = (
    Group(
        name="A 门",
        gate=1,
        head_count=90,
        answers=52,
        respondents=54,
        sum_g=500_000,
        sum_people_squared=60,
        sum_people_g=530_000,
        sum_g_squared=9_000_000_000,
        by_source_g={"travel": 400_000, "lodging": 100_000},
        co2_only_g=1_234,
    ),
    Group(
        name="B 门",
        gate=2,
        head_count=7,
        answers=3,
        respondents=3,
        sum_g=900,
        sum_people_squared=3,
        sum_people_g=900,
        sum_g_squared=300_000,
        by_source_g={"travel": 900},
    ),
)


def accounted(
    cells: Sequence[Cell] = CELLS, lines: Sequence[Given] = LINES, groups: Sequence[Group] = GROUPS
) -> Accounted:
    """The event's accounting."""
    boundary = boundary_of(PLACE, DAY)
    facts = Facts(
        people=97,
        days=2,
        ambition="basic",
        area_m2=Decimal("1200.5"),
        baseline_g=99_000_000,
        baseline_because="李四的估计",
        absent={"freight": "没有货运"},
        gwp_set="AR5",
    )
    told = [line(number, each) for number, each in enumerate(lines, 1)]
    result = account(told, cells, extrapolate(groups), boundary, facts)
    packs = [("factors", each) for each in default_sets("CN")]
    return Accounted(
        event=EventSaid(
            id=UUID(int=1),
            name="零碳会议",
            kind="meeting",
            organizer="会务组",
            place=PLACE,
            venue="会议中心",
            time_zone="Asia/Shanghai",
            first=DAY,
            last=date(2026, 11, 21),
            expected_people=100,
        ),
        version=VersionSaid(number=2, state="restated", made_at=NOON, because="王五改正了电表读数"),
        boundary=boundary,
        packs=(
            *(PackSaid(kind, each.id, each.version, each.digest) for kind, each in packs),
            PackSaid("boundary", boundary.id, boundary.version, boundary.digest),
        ),
        check_in_set=SET.used,
        facts=facts,
        lines=told,
        cells=cells,
        groups=groups,
        result=result,
        annexes=[Annex(UUID(int=8), "invoice", "ab" * 32, "张三的发票.pdf")],
        measures=[Measure(name="自带水杯", said="赵六负责", reduction_g=12_345)],
    )
