"""Estimates before an event: for anyone by size, kind and place, and for an event by what is known of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from scenarios.factors import default_sets
from scenarios.meeting.estimates import Estimate, Overrides, OwnValue, estimate
from scenarios.policies.estimates import MIXES, NUMBERS, estimate_policy
from service import accountings
from service.carbon import carbon_refused
from service.db import Connection
from service.events import Event, Kind, day_of, find_place
from service.inputs import LINE, Name

Number = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$(?!\n)",
        max_length=16,
        description="A decimal number that is not negative.",
    ),
]
Key = Annotated[str, Meta(min_length=1, max_length=40)]
Mix = Annotated[dict[Key, Number], Meta(min_length=1, max_length=20)]


Percent = Annotated[str, Meta(pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$(?!\n)", max_length=8)]


class Mixes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mixes as a page takes them: each part's share in percent."""

    local_modes: dict[Key, Percent] | None = None
    province_modes: dict[Key, Percent] | None = None
    far_modes: dict[Key, Percent] | None = None
    meals: dict[Key, Percent] | None = None

    @property
    def shares(self) -> dict[str, dict[str, str]]:
        """The mixes that were given, as Changes take them."""
        given = {name: getattr(self, name) for name in MIXES}
        return {
            name: {key: f"{Decimal(text).scaleb(-2):f}" for key, text in mix.items()}
            for name, mix in given.items()
            if mix is not None
        }


class OwnFactorText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A factor of the organizer's own for an item: value, unit, and where it is from."""

    value: Number
    unit: Annotated[str, Meta(min_length=1, max_length=40)]
    source: Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)]


class Changes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Assumptions that are known better: shares of people, one-way kilometres, amounts; mixes add to 1."""

    local_share: Number | None = None
    province_share: Number | None = None
    local_km: Number | None = None
    province_km: Number | None = None
    far_km: Number | None = None
    province_nights_per_day: Number | None = None
    far_nights_per_day: Number | None = None
    staff_per_100: Number | None = None
    meals_per_head_day: Number | None = None
    bottles_per_head_day: Number | None = None
    sheets_per_head: Number | None = None
    waste_kg_per_head_day: Number | None = None
    kwh_per_head_day: Number | None = None
    kwh_per_m2_day: Number | None = None
    local_modes: Mix | None = None
    province_modes: Mix | None = None
    far_modes: Mix | None = None
    meals: Mix | None = None

    @property
    def numbers(self) -> dict[str, Decimal]:
        """The numbers that were given."""
        given = {name: getattr(self, name) for name in NUMBERS}
        return {name: Decimal(text) for name, text in given.items() if text is not None}

    @property
    def mixes(self) -> dict[str, dict[str, Decimal]]:
        """The mixes that were given."""
        given = {name: getattr(self, name) for name in MIXES}
        return {
            name: {key: Decimal(text) for key, text in mix.items()} for name, mix in given.items() if mix is not None
        }


class NewEstimate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How large an event will be, of which kind, where (a place's id or name), from which day and for how many."""

    people: Annotated[int, Meta(ge=1, le=10_000_000)]
    kind: Kind
    place: Name
    starts_on: date
    days: Annotated[int, Meta(ge=1, le=60)] = 1
    area_m2: Number | None = None
    assumptions: Changes | None = None
    factors: Annotated[dict[Key, OwnFactorText], Meta(max_length=50)] = {}


async def for_anyone(new: NewEstimate) -> Estimate:
    """An estimate by the factors of the place's country. Raises CarbonRule: for a place that is not known too."""
    with carbon_refused():
        place = await asyncio.to_thread(find_place, new.place)
        book = accountings.book(default_sets(place.country))
        return estimate(
            new.people,
            new.kind,
            place.region or place.country,
            new.starts_on,
            new.days,
            None if new.area_m2 is None else Decimal(new.area_m2),
            book,
            overrides_of(new.assumptions or Changes(), new.factors),
        )


async def for_event(
    connection: Connection,
    event: Event,
    changes: Changes | None = None,
    own: Mapping[str, OwnFactorText] | None = None,
    region: str | None = None,
) -> Estimate:
    """An estimate for an event from its expected people, kind, place (or another region), days and area.

    Raises CarbonRule.
    """
    settings = (await accountings.settings_of(connection, event.id))[0]
    book = (await accountings.of_event(connection, event)).factors
    with carbon_refused():
        return estimate(
            event.expected_people,
            event.kind,
            region or event.jurisdiction,
            day_of(event, event.hours[0].opens_at),
            len({day_of(event, each.opens_at) for each in event.hours}),
            settings.area_m2,
            book,
            overrides_of(changes or Changes(), own or {}),
        )


def overrides_of(changes: Changes, own: Mapping[str, OwnFactorText]) -> Overrides:
    """What was typed, as the scenarios take it."""
    factors = {key: OwnValue(Decimal(each.value), each.unit, each.source) for key, each in own.items()}
    return msgspec.structs.replace(Overrides(factors=factors), **changes.numbers, **changes.mixes)


def usual_percents(kind: Kind) -> dict[str, dict[str, str]]:
    """The operator's mixes for a kind of event, in percent."""
    own = estimate_policy().kinds[kind]
    return {
        name: {key: f"{share.scaleb(2).normalize():f}" for key, share in getattr(own, name).items()} for name in MIXES
    }
