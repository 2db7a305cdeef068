"""What an event will probably emit, before it is held: from its size, kind, place and days.

Amounts are the operator's assumptions, which the organizer can change; factors are those of the event's packs. A
factor that is not there is refused by name, unless the organizer gives a value. An estimate is no accounting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

import msgspec

from scenarios.citations import PackUsed
from scenarios.factors import FactorBook
from scenarios.meeting.items import item
from scenarios.meeting.lines import OWN, EventDays, Given, LineFactor, grams_of, quantify_line
from scenarios.meeting.uncertainty import Part, Uncertainty, combined
from scenarios.policies.estimates import LABELS, Assumptions, absurd, estimate_policy
from scenarios.quantities import UNITS, exact, in_base, round_up
from scenarios.refusals import AssumptionAbsurd, UnitContradicts

NIGHT, BOTTLE, SHEET, WASTE, GRID = (
    "hotel_night",
    "bottled_water_500ml",
    "paper_a4_70",
    "waste_incineration",
    "electricity",
)


class OwnValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A factor that the organizer gives for an item: its value, its unit, and where it is from, in words."""

    value: Decimal
    unit: str
    source: str


class Overrides(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the organizer knows better than the policy: assumptions by name, factors by item."""

    local_share: Decimal | None = None
    province_share: Decimal | None = None
    local_km: Decimal | None = None
    province_km: Decimal | None = None
    far_km: Decimal | None = None
    province_nights_per_day: Decimal | None = None
    far_nights_per_day: Decimal | None = None
    staff_per_100: Decimal | None = None
    meals_per_head_day: Decimal | None = None
    bottles_per_head_day: Decimal | None = None
    sheets_per_head: Decimal | None = None
    waste_kg_per_head_day: Decimal | None = None
    kwh_per_head_day: Decimal | None = None
    kwh_per_m2_day: Decimal | None = None
    local_modes: Mapping[str, Decimal] | None = None
    province_modes: Mapping[str, Decimal] | None = None
    far_modes: Mapping[str, Decimal] | None = None
    meals: Mapping[str, Decimal] | None = None
    factors: Mapping[str, OwnValue] = {}


class EstimatedLine(msgspec.Struct, frozen=True):
    """So much of an item, and what it would emit by that factor. `quantity` is an exact decimal."""

    item: str
    source: str
    quantity: Decimal
    unit: str
    factor: LineFactor
    emissions_g: int


class EstimatedSource(msgspec.Struct, frozen=True):
    """A source's grams with their 95 % interval."""

    source: str
    emissions_g: int
    low_g: int
    high_g: int


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate in grams, the largest source first; intervals at 95 % by the operator's half-widths.

    `assumptions` are those used, `changed` names which of them the organizer gave. `head_g` is per participant,
    rounded up. `co2_only_g` is the part whose factors cover CO2 alone.
    """

    kind: str
    people: int
    place: str
    on: date
    days: int
    area_m2: Decimal | None
    assumptions: Assumptions
    changed: tuple[str, ...]
    lines: tuple[EstimatedLine, ...]
    by_source: tuple[EstimatedSource, ...]
    emissions_g: int
    low_g: int
    high_g: int
    co2_only_g: int
    head_g: int
    uncertainty: Uncertainty
    policy: PackUsed
    is_estimate: bool = True


class Amount(NamedTuple):
    """So much of an item, before its factor: of travel so many people, there and back over `km` each way."""

    item: str
    quantity: Decimal
    unit: str
    km: Decimal | None = None


def estimate(
    size: int,
    kind: str,
    place: str,
    on: date,
    days: int,
    area_m2: Decimal | None,
    book: FactorBook,
    overrides: Overrides | None = None,
) -> Estimate:
    """What an event of `size` participants would emit. Raises AssumptionAbsurd, FactorNotInForce, UnitContradicts."""
    given = overrides or Overrides()
    own = assumed(kind, given)
    amounts = [each for each in amounts_of(own, size, days, area_m2) if each.quantity]
    event = EventDays(place=place, first=on, last=on, days=days, people=max(1, size))
    lines = tuple(_line(amount, book, event, given.factors) for amount in amounts)
    all_of_it = combined([_part(line) for line in lines])
    sources = sorted(_by_source(lines), key=lambda each: (-each.emissions_g, each.source))
    return Estimate(
        kind=kind,
        people=size,
        place=place,
        on=on,
        days=days,
        area_m2=area_m2,
        assumptions=own,
        changed=tuple(sorted([*_changes(given), *given.factors])),
        lines=lines,
        by_source=tuple(sources),
        emissions_g=all_of_it.emissions_g,
        low_g=all_of_it.low_g,
        high_g=all_of_it.high_g,
        co2_only_g=sum(line.emissions_g for line in lines if line.factor.gases == ("CO2",)),
        head_g=round_up(exact(Decimal(all_of_it.emissions_g)) / size) if size else 0,
        uncertainty=all_of_it,
        policy=estimate_policy().used,
    )


def assumed(kind: str, given: Overrides) -> Assumptions:
    """The assumptions for a kind of event, with what the organizer knows better. Raises AssumptionAbsurd."""
    kinds = estimate_policy().kinds
    if kind not in kinds:
        raise AssumptionAbsurd(name="kind", name_label=LABELS["kind"])
    own = msgspec.structs.replace(kinds[kind], **_changes(given))
    if (wrong := absurd(own)) is not None:
        raise AssumptionAbsurd(name=wrong, name_label=LABELS[wrong])
    return own


def _changes(given: Overrides) -> dict[str, object]:
    fields = {name: getattr(given, name) for name in Assumptions.__struct_fields__}
    return {name: value for name, value in fields.items() if value is not None}


def amounts_of(own: Assumptions, size: int, days: int, area_m2: Decimal | None) -> Iterator[Amount]:
    """What would be travelled, slept, eaten and used."""
    staff = size * own.staff_per_100 / 100
    head_days = (size + staff) * days
    yield from _travel(own.local_modes, (size * own.local_share + staff) * days, own.local_km)
    yield from _travel(own.province_modes, size * own.province_share, own.province_km)
    yield from _travel(own.far_modes, size * own.far_share, own.far_km)
    nights = own.province_share * own.province_nights_per_day + own.far_share * own.far_nights_per_day
    yield Amount(NIGHT, size * days * nights, "room-night")
    for meal, share in own.meals.items():
        yield Amount(meal, head_days * own.meals_per_head_day * share, "meal")
    yield Amount(BOTTLE, head_days * own.bottles_per_head_day, "bottle")
    yield Amount(SHEET, size * own.sheets_per_head, "sheet")
    yield Amount(WASTE, head_days * own.waste_kg_per_head_day, "kg")
    by_head = head_days * own.kwh_per_head_day
    yield Amount(GRID, by_head if area_m2 is None else area_m2 * days * own.kwh_per_m2_day, "kWh")


def _travel(modes: Mapping[str, Decimal], people: Decimal, km: Decimal) -> Iterator[Amount]:
    for mode, share in modes.items():
        yield Amount(mode, people * share, "pkm", km)


def _line(amount: Amount, book: FactorBook, event: EventDays, own: Mapping[str, OwnValue]) -> EstimatedLine:
    if amount.item in own:
        return _by_own_value(amount, own[amount.item])
    given = Given(item=amount.item, starts_on=event.first, ends_on=event.last, rank="default")
    if amount.km is None:
        given = msgspec.structs.replace(given, quantity=amount.quantity, unit=amount.unit)
    else:
        metres = int(amount.km * 1000)
        given = msgspec.structs.replace(given, people=amount.quantity, distance_m=metres, round_trip=True)
    done = quantify_line(given, book, event)
    return EstimatedLine(amount.item, done.source, done.quantity, done.unit, done.factor, done.emissions_g)


def _by_own_value(amount: Amount, own: OwnValue) -> EstimatedLine:
    """By the organizer's value, whose unit must be per what is counted. Raises UnitContradicts, NumberUnreadable."""
    thing = item(amount.item)
    known = UNITS.get(own.unit)
    if known is None or known.dimension != thing.dimension or own.value < 0:
        fitting = [unit for unit, each in UNITS.items() if each.dimension == thing.dimension]
        raise UnitContradicts(unit=own.unit[:40], units=", ".join(fitting))
    factor = LineFactor(
        key=amount.item,
        value=own.value,
        unit=own.unit,
        gases=("CO2",) if known.gas == "CO2" else ("CO2e",),
        certainty="unverified",
        citation=own.source,
        pack=OWN,
    )
    quantity = amount.quantity if amount.km is None else amount.quantity * amount.km * 2
    base = in_base(quantity, amount.unit, thing.dimension)
    return EstimatedLine(amount.item, thing.source, quantity, amount.unit, factor, grams_of(base, factor))


def _part(line: EstimatedLine) -> Part:
    factor = line.factor
    return Part(
        name=line.item,
        emissions_g=line.emissions_g,
        factor=f"{factor.pack} {factor.key} {factor.value}",
        rank="default",
        certainty=factor.certainty,
        placeholder=factor.placeholder,
        activity_percent=estimate_policy().spread_percent,
    )


def _by_source(lines: Sequence[EstimatedLine]) -> Iterator[EstimatedSource]:
    ordered = sorted(lines, key=lambda line: line.source)
    for source, some in groupby(ordered, key=lambda line: line.source):
        sure = combined([_part(line) for line in some])
        yield EstimatedSource(source, sure.emissions_g, sure.low_g, sure.high_g)
