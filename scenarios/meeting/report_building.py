"""Putting a report together, for the parties in full, for everyone with nobody in it who could be told."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from msgspec.structs import replace

from scenarios.citations import PackUsed
from scenarios.meeting.accounting import Facts, Result, account
from scenarios.meeting.boundaries import Boundary
from scenarios.meeting.cells import Cell
from scenarios.meeting.extrapolation import Extrapolated, Group, effective_degrees, half_width
from scenarios.meeting.lines import Line
from scenarios.meeting.report_cells import FactorTable, cells_of, merge, said
from scenarios.meeting.report_lines import line_said, lines_of
from scenarios.meeting.reports import (
    LEAST_PEOPLE,
    Annex,
    EventSaid,
    Form,
    Measure,
    OffsetNeeded,
    PackSaid,
    Report,
    VersionSaid,
    sealed,
)
from scenarios.policies.operator import policy


class Accounted(NamedTuple):
    """An accounting and what it was made from."""

    event: EventSaid
    version: VersionSaid
    boundary: Boundary
    packs: tuple[PackSaid, ...]
    check_in_set: PackUsed
    facts: Facts
    lines: Sequence[Line]
    cells: Sequence[Cell]
    groups: Sequence[Group]
    result: Result
    annexes: Sequence[Annex] = ()
    measures: Sequence[Measure] = ()


def build(accounted: Accounted, form: Form = "full") -> Report:
    """The report, sealed. Its public form tells nothing of few people and nothing typed, and has the same totals."""
    table = FactorTable()
    cells, merged = (
        merge(accounted.cells, table) if form == "public" else ([said(c, table) for c in accounted.cells], [])
    )
    report = Report(
        form=form,
        event=accounted.event,
        version=accounted.version,
        measures=tuple(accounted.measures),
        boundary=accounted.boundary,
        packs=accounted.packs,
        check_in_set=accounted.check_in_set,
        rooms_for=policy().people_per_room,
        lines=tuple(line_said(each, table) for each in accounted.lines),
        cells=tuple(cells),
        merged=tuple(merged),
        factors=table.factors(),
        facts=accounted.facts,
        groups=tuple(accounted.groups),
        result=accounted.result,
        offset_needed=OffsetNeeded(accounted.result.basic_g, accounted.result.full_g),
        annexes=tuple(accounted.annexes),
    )
    return sealed(report if form == "full" else public(report))


def public(report: Report) -> Report:
    """The same without what people typed and without groups of few; its result as what is left gives it."""
    told = replace(
        report,
        version=replace(report.version, because=""),
        measures=tuple(replace(each, said="", files=()) for each in report.measures),
        facts=replace(
            report.facts,
            absent=dict.fromkeys(report.facts.absent, ""),
            baseline_because="" if report.facts.baseline_because else None,
        ),
        lines=tuple(replace(each, label="", certificate="", entered_by=None) for each in report.lines),
        groups=tuple(each for each in report.groups if each.respondents >= LEAST_PEOPLE),
        annexes=tuple(replace(each, name="") for each in report.annexes),
        result=replace(report.result, extrapolated=few_apart(report.result.extrapolated)),
    )
    own = report.result.uncertainty
    return replace(told, result=replace(resulting(told), uncertainty=own and replace(own, parts=())))


def resulting(report: Report) -> Result:
    """The result of what a report tells, computed anew."""
    found = account(lines_of(report), cells_of(report), report.result.extrapolated, report.boundary, report.facts)
    stand_ins = len(cells_of(replace(report, cells=())))
    return replace(found, check_ins=found.check_ins - stand_ins + sum(each.check_ins for each in report.merged))


def few_apart(parts: Sequence[Extrapolated]) -> tuple[Extrapolated, ...]:
    """Groups of which fewer than five people answered, without their names and as one; with the next when too few."""
    small = [each for each in parts if each.respondents < LEAST_PEOPLE]
    large = sorted((each for each in parts if each.respondents >= LEAST_PEOPLE), key=lambda each: -each.respondents)
    estimated = any(each.emissions_g for each in small)
    while estimated and large and sum(each.respondents for each in small) < LEAST_PEOPLE:
        small.append(large.pop())
    if not small:
        return tuple(parts)
    left = [each for each in parts if any(each is one for one in large)]
    return (*left, together(small))


def together(parts: Sequence[Extrapolated]) -> Extrapolated:
    """Several groups as one that has no name."""
    done = [each for each in parts if each.state == "estimated"]
    heads = [each.head_count for each in parts if each.head_count is not None]
    respondents = sum(each.respondents for each in parts)
    emissions_g, variance = sum(each.emissions_g for each in done), sum(each.variance_g2 for each in done)
    degrees = effective_degrees(done) if done else 0
    half_g = half_width(Fraction(variance), degrees) if done else 0
    sources = sorted({source for each in done for source in each.by_source_g})
    return Extrapolated(
        name="",
        gate=None,
        head_count=sum(heads) if heads else None,
        respondents=respondents,
        state="estimated" if done else parts[0].state,
        missing_people=sum(each.missing_people or 0 for each in parts),
        emissions_g=emissions_g,
        by_source_g={source: sum(each.by_source_g.get(source, 0) for each in done) for source in sources},
        co2_only_g=sum(each.co2_only_g for each in done),
        low_g=max(0, emissions_g - half_g),
        high_g=emissions_g + half_g,
        half_g=half_g,
        variance_g2=variance,
        degrees=degrees,
    )
