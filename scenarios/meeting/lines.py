"""A line of activity data: so much of an item over a period, and what it emits.

Travel is told in person- or vehicle-kilometres, or as people and the way they came; every other item in a unit of
its dimension. A factor comes from the packs in force, or is the organizer's own, with the document that it stands in.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from scenarios.citations import Citation, Gas, PackUsed
from scenarios.factors import Factor
from scenarios.labels import MODE_LABELS
from scenarios.meeting.inventory import MAX_PEOPLE
from scenarios.meeting.items import Item, items
from scenarios.meeting.travel import Cabin, FactorUsed, cabin_key
from scenarios.policies.entering import entering
from scenarios.policies.operator import policy
from scenarios.quantities import UNITS, Dimension, emitted, exact, in_base, km_text, round_up, unit_named, units_of
from scenarios.refusals import (
    AmountMissing,
    CertificateMissing,
    DistanceAbsurd,
    DistanceMissing,
    FactorUnsourced,
    NumberUnreadable,
    OccupantsAbsurd,
    PeopleAbsurd,
    PeriodOutsideEvent,
    UnitContradicts,
    UnknownItem,
)

Stage = Literal["prepare", "hold", "close"]
Rank = Literal["measured", "declared", "default"]

OWN = "own"
"""In place of a pack's id: the organizer's own factor."""

GREEN, GRID = "green_electricity", "electricity"
PKM, VKM = "pkm", "vkm"
BY_PERSON: Dimension = "person distance"
BY_VEHICLE: Dimension = "vehicle distance"


class OwnFactor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A better factor than the packs': its value, and the document that it stands in."""

    value: Decimal
    unit: str
    gases: tuple[Gas, ...]
    citation: Citation
    file_id: UUID | None = None


class LineFactor(FactorUsed, frozen=True, omit_defaults=True):
    """A factor as a line applied it: of which pack (its id, version and the start of its sha256), or `OWN`."""

    pack: str = ""
    version: str = ""
    digest: str = ""


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What somebody says of one line. Travel has either a quantity or people and their way (metres, one way)."""

    item: str
    starts_on: date
    ends_on: date
    quantity: Decimal | None = None
    unit: str = ""
    stage: Stage | None = None
    rank: Rank = "declared"
    people: Decimal | None = None
    distance_m: int | None = None
    round_trip: bool = False
    cabin: Cabin | None = None
    occupants: int | None = None
    certificate: str = ""
    file_id: UUID | None = None
    factor: OwnFactor | None = None


class EventDays(msgspec.Struct, frozen=True):
    """The event of the lines: whose rules hold, its first and last day, days with opening hours, people expected."""

    place: str
    first: date
    last: date
    days: int
    people: int


class OutOfScale(msgspec.Struct, frozen=True):
    """A line that emits more per head and day than is believed of its source: kilograms, and the operator's limit."""

    kg_per_head_day: str
    limit_kg: int


class LineQuantified(msgspec.Struct, frozen=True):
    """A line's emissions in grams, rounded up, and all that went into them.

    `base_amount` is the exact amount in base units, as a fraction's text; `shared_by` how many people share the
    vehicle. `grid_g` is what green electricity would have emitted by the grid's average, None where none is known.
    """

    source: str
    stage: Stage
    quantity: Decimal
    unit: str
    base_amount: str
    shared_by: int
    factor: LineFactor
    emissions_g: int
    co2_only: bool
    grid_g: int | None = None
    out_of_scale: OutOfScale | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of activity data as the accounting reads it. See LineQuantified for the amounts."""

    id: UUID
    item: str
    source: str
    stage: Stage
    label: str
    quantity: Decimal
    unit: str
    base_amount: str
    shared_by: int
    rank: Rank
    starts_on: date
    ends_on: date
    people: Decimal | None
    distance_m: int | None
    round_trip: bool
    cabin: Cabin | None
    occupants: int | None
    factor: LineFactor
    emissions_g: int
    co2_only: bool
    certificate: str
    grid_g: int | None
    out_of_scale: OutOfScale | None
    entered_by: UUID
    entered_at: datetime
    file_id: UUID | None
    factor_file_id: UUID | None
    import_id: UUID | None
    replaces: UUID | None
    ended_at: datetime | None
    ended_by: UUID | None
    ended_because: str | None


class Factors(Protocol):
    """Where factors are looked up."""

    def __hash__(self) -> int:
        """What was found is remembered."""

    def find(self, key: str, place: str, on: date) -> Factor:
        """The factor in force. Raises FactorNotInForce."""

    def pack_of(self, factor: Factor) -> PackUsed:
        """The pack that the factor is of."""


def grams_of(base_amount: Fraction, factor: FactorUsed, shared_by: int = 1) -> int:
    """What an amount in base units emits by that factor, rounded up to the gram."""
    return round_up(emitted(base_amount, factor.value, factor.unit) / shared_by)


def quantify_line(given: Given, factors: Factors, event: EventDays) -> LineQuantified:
    """What a line emits, by the factor in force on its first day.

    Raises UnknownItem, AmountMissing, UnitContradicts, PeriodOutsideEvent, FactorNotInForce, FactorUnsourced,
    CertificateMissing, NumberUnreadable, and for travel what quantify_lines raises.
    """
    require_period(given, event)
    if given.item in MODE_LABELS:
        return _travel(given, factors, event)
    item = items().get(given.item)
    if item is None:
        raise UnknownItem(item=given.item[:40])
    return _thing(given, item, factors, event)


def require_period(given: Given, event: EventDays) -> None:
    """Raise PeriodOutsideEvent unless it lies within preparation, the event's days and their closing."""
    earliest, latest = entering().window(event.first, event.last)
    if not earliest <= given.starts_on <= given.ends_on <= latest:
        raise PeriodOutsideEvent(
            starts_on=given.starts_on.isoformat(),
            ends_on=given.ends_on.isoformat(),
            earliest=earliest.isoformat(),
            latest=latest.isoformat(),
        )


def _thing(given: Given, item: Item, factors: Factors, event: EventDays) -> LineQuantified:
    if given.quantity is None or given.people is not None or given.distance_m is not None:
        raise AmountMissing(item_label=item.label_zh)
    unit = unit_named(given.unit)
    if unit not in item.units:
        raise UnitContradicts(unit=unit, units=", ".join(item.units))
    amount = in_base(_not_negative(given.quantity), unit, item.dimension)
    if given.item == GREEN:
        return _green(given, item, unit, amount, factors, event)
    if given.factor is None:
        factor = _from_pack(item.factor, factors, event.place, given.starts_on)
    else:
        factor = _own(given.factor, given.item, (item.dimension,))
    return _quantified(given, item.source, item.stage, given.quantity, unit, amount, 1, factor, event)


def _green(given: Given, item: Item, unit: str, amount: Fraction, factors: Factors, event: EventDays) -> LineQuantified:
    """Nothing, by the operator's policy, where a certificate is named and attached; and what the grid would emit."""
    if not given.certificate.strip() or given.file_id is None:
        raise CertificateMissing
    assert given.quantity is not None
    grid = _from_pack(items()[GRID].factor, factors, event.place, given.starts_on)
    own = entering()
    none = msgspec.structs.replace(
        grid, key=GREEN, value=Decimal(0), citation=own.green_power, pack=own.id, version=own.version, digest=own.digest
    )
    found = _quantified(given, item.source, item.stage, given.quantity, unit, amount, 1, none, event)
    grid_g = grams_of(amount, grid)
    return msgspec.structs.replace(found, grid_g=grid_g, out_of_scale=out_of_scale(item.source, grid_g, event))


def _travel(given: Given, factors: Factors, event: EventDays) -> LineQuantified:
    key = given.item if given.cabin is None else cabin_key(given.item, given.cabin)
    quantity, unit = _way(given, MODE_LABELS[given.item])
    if given.factor is None:
        factor = _from_pack(key, factors, event.place, given.starts_on, given.distance_m)
    else:
        factor = _own(given.factor, key, (BY_PERSON, BY_VEHICLE))
    per_vehicle = UNITS[factor.unit].dimension == BY_VEHICLE
    if unit == VKM and per_vehicle:
        amount, shared_by = in_base(quantity, VKM, BY_VEHICLE), 1
    elif unit == VKM:
        raise UnitContradicts(unit=VKM, units=", ".join(units_of(BY_PERSON)))
    else:
        amount, shared_by = in_base(quantity, unit, BY_PERSON), (given.occupants or 1) if per_vehicle else 1
    return _quantified(given, "travel", "hold", quantity, unit, amount, shared_by, factor, event)


def _way(given: Given, label: str) -> tuple[Decimal, str]:
    """How far in all, and its unit. Raises AmountMissing, PeopleAbsurd, OccupantsAbsurd and DistanceAbsurd."""
    if given.occupants is not None and not 1 <= given.occupants <= MAX_PEOPLE:
        raise OccupantsAbsurd(count=given.occupants, limit=MAX_PEOPLE)
    told = (given.quantity is not None, given.people is not None, given.distance_m is not None)
    if told == (True, False, False) and given.quantity is not None:
        return _not_negative(given.quantity), unit_named(given.unit)
    if told != (False, True, True) or given.people is None or given.distance_m is None:
        raise AmountMissing(item_label=label)
    if not given.people.is_finite() or not 0 < given.people <= MAX_PEOPLE:
        raise PeopleAbsurd(people=str(given.people)[:40], limit=MAX_PEOPLE)
    farthest_m = policy().farthest_m(given.item)
    if not 0 <= given.distance_m <= farthest_m:
        raise DistanceAbsurd(
            mode=given.item, mode_label=label, distance_km=km_text(given.distance_m), limit_km=km_text(farthest_m)
        )
    return given.people * given.distance_m * (2 if given.round_trip else 1) / 1000, PKM


def _not_negative(quantity: Decimal) -> Decimal:
    if exact(quantity) < 0:
        raise NumberUnreadable(text=str(quantity)[:40])
    return quantity


def _from_pack(key: str, factors: Factors, place: str, on: date, distance_m: int | None = None) -> LineFactor:
    """The factor in force, of the distance's class where it has classes. Raises FactorNotInForce, DistanceMissing."""
    classes = _classes(factors, key, place, on)
    for below_m, factor in classes:
        if len(classes) == 1 or (distance_m is not None and (below_m is None or distance_m < below_m)):
            return factor
    raise DistanceMissing(mode=key, mode_label=MODE_LABELS.get(key, key))


@lru_cache(maxsize=4096)
def _classes(factors: Factors, key: str, place: str, on: date) -> tuple[tuple[int | None, LineFactor], ...]:
    """The factor in force as lines apply it: one-way metres below which, and what. Raises FactorNotInForce."""
    factor = factors.find(key, place, on)
    pack = factors.pack_of(factor)
    shown = LineFactor(
        key=factor.key,
        value=Decimal(0),
        unit=factor.unit,
        gases=factor.gases,
        certainty=factor.certainty,
        citation=factor.citation.text,
        placeholder=factor.placeholder,
        data_year=factor.data_year,
        pack=pack.id,
        version=pack.version,
        digest=pack.digest,
    )
    return tuple(
        (None if each.below_km is None else each.below_km * 1000, msgspec.structs.replace(shown, value=each.value))
        for each in factor.classes
    )


def _own(own: OwnFactor, key: str, dimensions: tuple[str, ...]) -> LineFactor:
    """A factor of the organizer's own. Raises FactorUnsourced, UnitContradicts and NumberUnreadable."""
    cited = own.citation
    if not (cited.document.strip() and cited.publisher.strip() and cited.published_on.strip() and own.file_id):
        raise FactorUnsourced
    known = UNITS.get(own.unit)
    if known is None or known.dimension not in dimensions or (known.gas == "CO2") != (own.gases == ("CO2",)):
        fitting = [unit for unit, each in UNITS.items() if each.dimension in dimensions]
        raise UnitContradicts(unit=own.unit[:40], units=", ".join(fitting))
    return LineFactor(
        key=key,
        value=_not_negative(own.value),
        unit=own.unit,
        gases=own.gases,
        certainty="unverified",
        citation=cited.text,
        pack=OWN,
    )


def _quantified(
    given: Given,
    source: str,
    stage: Stage,
    quantity: Decimal,
    unit: str,
    amount: Fraction,
    shared_by: int,
    factor: LineFactor,
    event: EventDays,
) -> LineQuantified:
    emissions_g = grams_of(amount, factor, shared_by)
    return LineQuantified(
        source=source,
        stage=given.stage or stage,
        quantity=quantity,
        unit=unit,
        base_amount=str(amount),
        shared_by=shared_by,
        factor=factor,
        emissions_g=emissions_g,
        co2_only=UNITS[factor.unit].gas == "CO2",
        out_of_scale=out_of_scale(source, emissions_g, event),
    )


def out_of_scale(source: str, emissions_g: int, event: EventDays) -> OutOfScale | None:
    """A warning when a line emits more per head and day than the operator believes of its source."""
    limit_kg = entering().most_kg_per_head_day.get(source)
    kg = Fraction(emissions_g, 1000 * event.people * event.days)
    return None if limit_kg is None or kg <= limit_kg else OutOfScale(str(round_up(kg)), limit_kg)
