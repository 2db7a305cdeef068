"""Named places, for "from where"."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import QueryParameter

from scenarios import places
from scenarios.refusals import PlaceAmbiguous, PlaceUnknown
from service.api.problems import Texts, refuses
from service.carbon import CLASSES, carbon_refused

PlaceName = Annotated[
    str, QueryParameter(min_length=1, max_length=100, description="A name in Chinese or English, or an airport's code.")
]
Country = Annotated[
    str,
    QueryParameter(pattern=r"^[A-Z]{2}$(?!\n)", description="The event's country (ISO 3166): its places come first."),
]


class FoundPlace(msgspec.Struct, frozen=True):
    """A place: its id is what check-ins and events name it by."""

    id: str
    label: Texts
    country: str
    region: str | None
    latitude: float
    longitude: float


@get("/places", responses=refuses(CLASSES[PlaceUnknown]))
async def find_places(q: PlaceName, country: Country = "CN") -> list[FoundPlace]:
    """The place meant, or those that may be when the name alone does not say."""
    with carbon_refused():
        return [described(each) for each in await asyncio.to_thread(candidates, q, country)]


def candidates(name: str, country: str) -> tuple[places.Place, ...]:
    """The one place, or the several. Raises PlaceUnknown."""
    try:
        return (places.search(name, country),)
    except PlaceAmbiguous as several:
        return several.candidates


def described(place: places.Place) -> FoundPlace:
    """A place for people and programs."""
    return FoundPlace(
        id=place.id,
        label=Texts(zh=places.label(place, "zh"), en=places.label(place, "en")),
        country=place.country,
        region=place.region,
        latitude=place.latitude,
        longitude=place.longitude,
    )


routes = [find_places]
