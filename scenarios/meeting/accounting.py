"""What an event emits in all: lines of activity data, check-ins in cells, and those who did not answer.

Every gram of the total stands once in each division of it: by source, scope, stage, rank, gases and origin.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from scenarios.meeting.boundaries import Boundary, Scope
from scenarios.meeting.cells import Cell
from scenarios.meeting.extrapolation import REFUSED, Extrapolated, Whole, whole
from scenarios.meeting.lines import Line
from scenarios.meeting.modes import LODGING
from scenarios.meeting.travel import FactorUsed
from scenarios.meeting.uncertainty import Part, Uncertainty, combined
from scenarios.quantities import UNITS, exact, round_up

Ambition = Literal["basic", "full"]
WeakKind = Literal["default_value", "placeholder_factor", "unverified_factor", "out_of_scale", "said_twice"]
TRAVEL, LODGING_SOURCE, CATERING = "travel", "lodging", "catering"
HOLD, DECLARED = "hold", "declared"
EXTRAPOLATED: Literal["extrapolated"] = "extrapolated"


class Share(msgspec.Struct, frozen=True):
    """A part of a whole: its grams, and its share in thousandths; shares of one whole add to 1000."""

    key: str
    emissions_g: int
    share_permille: int


class SourceShare(msgspec.Struct, frozen=True):
    """A source's part of the whole, with its scope."""

    source: str
    scope: Scope
    emissions_g: int
    share_permille: int


class PerUnit(msgspec.Struct, frozen=True):
    """Grams per head, per head and day, and per square metre, rounded up; None where nobody counted."""

    head_g: int | None
    head_day_g: int | None
    m2_g: int | None


class Avoided(msgspec.Struct, frozen=True):
    """By how much the plan's baseline is above what was reported (below, when negative). It is never taken off."""

    baseline_g: int
    because: str
    avoided_g: int


class WeakSpot(msgspec.Struct, frozen=True):
    """Where the result rests on little: the grams that hang on a line, or on an item's factor wherever it is used."""

    kind: WeakKind
    source: str
    item: str
    line_id: UUID | None
    emissions_g: int


class Missing(msgspec.Struct, frozen=True):
    """What the accounting lacks: a basic source or a required stage of which nothing is said, the head count, or a
    group of people who cannot be estimated. `key` is the source's, the stage's or the group's."""

    what: Literal["source", "stage", "head_count", "group"]
    key: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the whole is divided by and compared with. `people` came in all, None where nobody counted.

    `absent` has the sources that the event does not have, with the reasons.
    """

    days: int
    people: int | None = None
    ambition: Ambition = "basic"
    area_m2: Decimal | None = None
    baseline_g: int | None = None
    baseline_because: str | None = None
    absent: Mapping[str, str] = {}
    gwp_set: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event's emissions in grams CO2e and how they divide, the largest part first.

    `full_g` is all of it, `basic_g` what is of the basic scope, `reported_g` the one of them that the organizer
    reports: it is what heads and square metres share, and what stands beside the baseline. `co2_only_g` is the part
    whose factors cover CO2 alone and entered with GWP 1. `extrapolated_g` is in the whole, and stands apart.
    """

    full_g: int
    basic_g: int
    extended_g: int
    ambition: Ambition
    reported_g: int
    lines: int
    lines_g: int
    check_ins: int
    checked_in_g: int
    checked_in_travel_g: int
    checked_in_lodging_g: int
    extrapolated_g: int
    by_source: tuple[SourceShare, ...]
    by_scope: tuple[Share, ...]
    by_stage: tuple[Share, ...]
    by_rank: tuple[Share, ...]
    by_gas: tuple[Share, ...]
    by_origin: tuple[Share, ...]
    by_item: tuple[Share, ...]
    co2_only_g: int
    co2_only_permille: int
    gwp_set: str
    boundary_placeholder: bool
    people: int | None
    days: int
    per: PerUnit
    avoided: Avoided | None
    extrapolated: tuple[Extrapolated, ...]
    extrapolation: Whole
    uncertainty: Uncertainty
    weak_spots: tuple[WeakSpot, ...]
    missing: tuple[Missing, ...]
    absent: Mapping[str, str]
    checked_in_catering_g: int = 0


class Amount(NamedTuple):
    """Grams that are alike in every division."""

    origin: Literal["line", "check_in", "extrapolated"]
    source: str
    stage: str
    rank: str
    item: str
    gases: str
    co2_only: bool
    emissions_g: int
    factor: FactorUsed | None = None
    line: Line | None = None


def account(
    lines: Sequence[Line],
    cells: Sequence[Cell],
    extrapolated: Sequence[Extrapolated],
    boundary: Boundary,
    facts: Facts,
) -> Result:
    """The whole, and its parts. Nothing is rounded but what was rounded before: the parts add to the whole."""
    checked_in = amounts_of_cells(cells)
    amounts = [*amounts_of_lines(lines), *checked_in, *amounts_of_missing(extrapolated)]
    origins = summed(amounts, lambda each: each.origin)
    sources = summed(amounts, lambda each: each.source)
    scopes = summed(amounts, lambda each: boundary.scopes[each.source])
    full_g, basic_g = sum(sources.values()), scopes.get("basic", 0)
    reported_g = full_g if facts.ambition == "full" else basic_g
    co2_only_g = sum(each.emissions_g for each in amounts if each.co2_only)
    of_check_ins = summed(checked_in, lambda each: each.source)
    return Result(
        full_g=full_g,
        basic_g=basic_g,
        extended_g=full_g - basic_g,
        ambition=facts.ambition,
        reported_g=reported_g,
        lines=len(lines),
        lines_g=origins.get("line", 0),
        check_ins=sum([cell.count for cell in cells]),
        checked_in_g=origins.get("check_in", 0),
        checked_in_travel_g=of_check_ins.get(TRAVEL, 0),
        checked_in_lodging_g=of_check_ins.get(LODGING_SOURCE, 0),
        checked_in_catering_g=of_check_ins.get(CATERING, 0),
        extrapolated_g=origins.get(EXTRAPOLATED, 0),
        by_source=tuple(
            SourceShare(each.key, boundary.scopes[each.key], each.emissions_g, each.share_permille)
            for each in shares(sources)
        ),
        by_scope=shares(scopes),
        by_stage=shares(summed(amounts, lambda each: each.stage)),
        by_rank=shares(summed(amounts, lambda each: each.rank)),
        by_gas=shares(summed(amounts, lambda each: each.gases)),
        by_origin=shares(origins),
        by_item=shares(summed(amounts, lambda each: each.item)),
        co2_only_g=co2_only_g,
        co2_only_permille=co2_only_g * 1000 // full_g if full_g else 0,
        gwp_set=facts.gwp_set,
        boundary_placeholder=boundary.placeholder,
        people=facts.people,
        days=facts.days,
        per=per_unit(reported_g, facts),
        avoided=avoided(reported_g, facts),
        extrapolated=tuple(extrapolated),
        extrapolation=whole(extrapolated),
        uncertainty=combined(parts_of(amounts, extrapolated)),
        weak_spots=weak_spots(amounts),
        missing=missing(amounts, extrapolated, boundary, facts),
        absent=dict(facts.absent),
    )


def amounts_of_lines(lines: Iterable[Line]) -> list[Amount]:
    """Each line."""
    return [
        Amount(
            origin="line",
            source=line.source,
            stage=line.stage,
            rank=line.rank,
            item=line.item,
            gases=gases_of(line.factor),
            co2_only=line.co2_only,
            emissions_g=line.emissions_g,
            factor=line.factor,
            line=line,
        )
        for line in lines
    ]


def amounts_of_cells(cells: Iterable[Cell]) -> list[Amount]:
    """Check-ins by mode and factor, their lodging and meals by factor: declared by who came, of the event's days."""
    travel: defaultdict[tuple[str, int], int] = defaultdict(int)
    lodging: defaultdict[int, int] = defaultdict(int)
    meals: defaultdict[int, int] = defaultdict(int)
    factors: dict[int, FactorUsed] = {}
    for cell in cells:
        for leg in cell.legs:
            same = id(leg.factor)
            factors[same] = leg.factor
            travel[leg.mode, same] += cell.count * leg.emissions_g
        if cell.lodging_factor is not None:
            factors[id(cell.lodging_factor)] = cell.lodging_factor
            lodging[id(cell.lodging_factor)] += cell.count * cell.lodging_each_g
        if cell.meal_factor is not None:
            factors[id(cell.meal_factor)] = cell.meal_factor
            meals[id(cell.meal_factor)] += cell.count * cell.meals_each_g
    merged: Counter[tuple[str, str, FactorUsed]] = Counter()
    for (mode, same), grams in travel.items():
        merged[TRAVEL, mode, factors[same]] += grams
    for same, grams in lodging.items():
        merged[LODGING_SOURCE, LODGING, factors[same]] += grams
    for same, grams in meals.items():
        merged[CATERING, factors[same].key, factors[same]] += grams
    return [
        Amount("check_in", source, HOLD, DECLARED, item, gases_of(used), used.gases == ("CO2",), grams, used)
        for (source, item, used), grams in merged.items()
    ]


def amounts_of_missing(extrapolated: Iterable[Extrapolated]) -> list[Amount]:
    """Those who did not answer, by source; what is of CO2 alone apart, taken from the sources in their order."""
    done = []
    for each in extrapolated:
        co2_left = each.co2_only_g
        for source, grams in each.by_source_g.items():
            co2_g = min(co2_left, grams)
            co2_left -= co2_g
            for part_g, co2_only in ((co2_g, True), (grams - co2_g, False)):
                gases = "CO2" if co2_only else "CO2e"
                done.append(Amount(EXTRAPOLATED, source, HOLD, EXTRAPOLATED, EXTRAPOLATED, gases, co2_only, part_g))
    return [each for each in done if each.emissions_g]


def gases_of(factor: FactorUsed) -> str:
    """The gases that a factor covers, as one key: CO2, CO2e, CO2+CH4+N2O."""
    return "+".join(factor.gases)


def summed(amounts: Iterable[Amount], key: Callable[[Amount], str]) -> dict[str, int]:
    """Grams by a key."""
    sums: Counter[str] = Counter()
    for each in amounts:
        sums[key(each)] += each.emissions_g
    return dict(sums)


def shares(sums: Mapping[str, int]) -> tuple[Share, ...]:
    """Parts with their shares in thousandths, by largest remainder, so that they add to 1000; the largest first."""
    total = sum(sums.values())
    ordered = sorted(sums.items(), key=lambda each: (-each[1], each[0]))
    if not total:
        return tuple(Share(key, 0, 0) for key, _ in ordered)
    down = {key: grams * 1000 // total for key, grams in ordered}
    by_remainder = sorted(ordered, key=lambda each: (-(each[1] * 1000 % total), each[0]))
    for key, _ in by_remainder[: 1000 - sum(down.values())]:
        down[key] += 1
    return tuple(Share(key, grams, down[key]) for key, grams in ordered)


def per_unit(grams: int, facts: Facts) -> PerUnit:
    """What each head, head and day, and square metre shares."""
    heads = facts.people or None
    return PerUnit(
        head_g=heads and round_up(Fraction(grams, heads)),
        head_day_g=heads and round_up(Fraction(grams, heads * facts.days)),
        m2_g=None if facts.area_m2 is None else round_up(grams / exact(facts.area_m2)),
    )


def avoided(grams: int, facts: Facts) -> Avoided | None:
    """What stands beside the plan's baseline, where there is one."""
    if facts.baseline_g is None:
        return None
    return Avoided(facts.baseline_g, facts.baseline_because or "", facts.baseline_g - grams)


def parts_of(amounts: Iterable[Amount], extrapolated: Iterable[Extrapolated]) -> list[Part]:
    """What uncertainty is combined from: amounts by factor and rank, and each group that was estimated."""
    sums: Counter[tuple[str, str, FactorUsed]] = Counter()
    for each in amounts:
        if each.factor is not None:
            sums[each.item, each.rank, each.factor] += each.emissions_g
    known = [
        Part(
            name=item,
            emissions_g=grams,
            factor=f"{factor.key} {factor.citation}",
            rank=rank,
            certainty=factor.certainty,
            placeholder=factor.placeholder,
        )
        for (item, rank, factor), grams in sums.items()
    ]
    estimated = [each for each in extrapolated if each.emissions_g]
    return known + [Part(name=each.name, emissions_g=each.emissions_g, half_g=each.half_g) for each in estimated]


def weak_spots(amounts: Iterable[Amount]) -> tuple[WeakSpot, ...]:
    """Lines with a default value, out of scale or of what check-ins say too; factors standing in or unverified."""
    sums: Counter[tuple[WeakKind, str, str, UUID | None]] = Counter()
    amounts = list(amounts)
    at_the_door = {counted_in(each) for each in amounts if each.origin == "check_in"} & {"room-night", "meal"}
    for each in amounts:
        if each.line is not None and counted_in(each) in at_the_door:
            sums["said_twice", each.source, each.item, each.line.id] += each.emissions_g
        for kind, line_id in weaknesses(each):
            sums[kind, each.source, each.item, line_id] += each.emissions_g
    spots = [WeakSpot(*key, grams) for key, grams in sums.items()]
    return tuple(sorted(spots, key=lambda each: (-each.emissions_g, each.kind, each.item, str(each.line_id))))


def counted_in(amount: Amount) -> str | None:
    """What its factor is per: room-night, meal, km …"""
    return None if amount.factor is None else UNITS[amount.factor.unit].per


def weaknesses(amount: Amount) -> list[tuple[WeakKind, UUID | None]]:
    """What an amount is weak in; a line's own weakness comes with its id."""
    found: list[tuple[WeakKind, UUID | None]] = []
    if amount.line is not None and amount.line.rank == "default":
        found.append(("default_value", amount.line.id))
    if amount.line is not None and amount.line.out_of_scale is not None:
        found.append(("out_of_scale", amount.line.id))
    if amount.factor is not None and amount.factor.placeholder:
        found.append(("placeholder_factor", None))
    elif amount.factor is not None and amount.factor.certainty == "unverified":
        found.append(("unverified_factor", None))
    return found


def missing(
    amounts: Iterable[Amount], extrapolated: Iterable[Extrapolated], boundary: Boundary, facts: Facts
) -> tuple[Missing, ...]:
    """Basic sources and required stages with nothing at all, the head count, and groups that cannot be estimated."""
    amounts = list(amounts)
    told = {each.source for each in amounts} | set(facts.absent)
    stages = {each.stage for each in amounts}
    return (
        *[Missing("source", key) for key, scope in boundary.scopes.items() if scope == "basic" and key not in told],
        *[Missing("stage", stage) for stage in boundary.required if stage not in stages],
        *([Missing("head_count")] if facts.people is None else []),
        *[Missing("group", each.name) for each in extrapolated if each.state in REFUSED],
    )
