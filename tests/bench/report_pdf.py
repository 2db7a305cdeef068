"""The PDF of a large event's report: 100 000 check-ins that came their own ways and 500 lines, accounted already."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from scenarios.meeting.accounting import account
from scenarios.meeting.cells import Cell, CellLeg
from scenarios.meeting.extrapolation import extrapolate
from scenarios.meeting.recompute import recompute
from scenarios.meeting.report_building import Accounted, build
from scenarios.meeting.travel import Leg, Trip, quantify_trip
from service import report_pdf, reports
from service.reports import Wanted
from tests.bench.figures import Figure
from tests.bench.visits import trip_of
from tests.reporting import DAY, GROUPS, LINES, PLACE, SET, accounted

CHECK_INS = 100_000
LINES_COUNT = 500
RUNS = 3
LIMIT_S = 2.0
RAIL_M = 1_200_000


def measure(_: Path) -> list[Figure]:
    """Seconds from the accounting to the pages; and, for comparison, to compute the same report again."""
    found = large()
    wanted = Wanted(found.event.id, None, "full", "pdf", "zh")
    drawn = [seconds(lambda: reports.make(found, wanted)) for _ in range(RUNS)]
    report = build(found)
    again_s = seconds(lambda: recompute(report))
    note = f"{len(found.cells):,} cells, {LINES_COUNT} lines, {len(report_pdf.draw(report, 'zh')) // 1000} kB"
    return [
        Figure(name="report_pdf", value=round(median(drawn), 2), unit="s", limit=LIMIT_S, bound="most", note=note),
        Figure(name="report_recompute", value=round(again_s, 2), unit="s", note="the same, computed again"),
    ]


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def large() -> Accounted:
    """The small example's event with as many check-ins and lines."""
    counts = Counter((trip_of(number), number // 8 % 4) for number in range(CHECK_INS))
    cells = [cell_of(trip, gate, count) for (trip, gate), count in counts.items()]
    small = accounted(lines=[LINES[number % len(LINES)] for number in range(LINES_COUNT)])
    return small._replace(
        cells=cells, result=account(small.lines, cells, extrapolate(GROUPS), small.boundary, small.facts)
    )


def cell_of(trip: Trip, gate: int, count: int) -> Cell:
    """So many who came so."""
    told = tuple(leg if leg.distance_m is not None else Leg(leg.mode, RAIL_M) for leg in trip.legs)
    found = quantify_trip(replace(trip, legs=told), SET, PLACE, DAY)
    return Cell(
        part=found.part,
        gate=gate,
        legs=tuple(
            CellLeg(leg.mode, leg.distance_m, leg.person_m, leg.emissions_g, leg.factor, leg.cabin, leg.occupants)
            for leg in found.legs
        ),
        round_trip=trip.round_trip,
        nights=trip.nights,
        people=found.people,
        lodging_factor=found.lodging_factor,
        lodging_each_g=found.lodging_emissions_g,
        count=count,
    )
