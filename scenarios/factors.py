"""Factor sets: read from TOML, checked, and looked up by key, place and date.

A factor set is a file in packs/factors. `find` gives the factor of the narrowest place that is in force on the
day, or refuses; it never falls back on another key, place or date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from itertools import combinations
from pathlib import Path

import msgspec

from scenarios.citations import (
    Certainty,
    Citation,
    Cited,
    Document,
    Gas,
    PackUsed,
    overlap,
    parse_toml,
    require,
    require_force,
    require_number,
    require_unit,
    resolve,
)
from scenarios.gwp import gwp_set
from scenarios.labels import FACTOR_LABELS, MODE_LABELS
from scenarios.quantities import UNITS
from scenarios.refusals import FactorNotInForce, UnknownFactorSet
from scenarios.regions import is_place_code, wider

FOLDER = Path(__file__).parent / "packs" / "factors"


class DistanceClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A factor for one-way distances below a limit; without a limit, for all beyond the class before."""

    value: Decimal
    below_km: int | None = None


class DetourEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A detour as the file has it."""

    citation: Cited
    factor: Decimal | None = None
    add_km: int | None = None


class FactorEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A factor as the file has it; its citation names one of the file's documents."""

    key: str
    unit: str
    gases: tuple[Gas, ...]
    places: tuple[str, ...]
    valid_from: date
    citation: Cited
    certainty: Certainty
    checked_on: date
    value: Decimal | None = None
    classes: tuple[DistanceClass, ...] = ()
    data_year: int | None = None
    valid_to: date | None = None
    placeholder: bool = False
    derivation: str = ""
    note: str = ""
    detour: DetourEntry | None = None


class FactorFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file of packs/factors."""

    id: str
    version: str
    title_zh: str
    title_en: str
    documents: dict[str, Document]
    factors: tuple[FactorEntry, ...]
    gwp: str = ""
    default_for: tuple[str, ...] = ()


class Detour(msgspec.Struct, frozen=True):
    """How much longer the way is than the great circle: times `factor`, or `add_km` more. Not for typed distances."""

    citation: Citation
    factor: Decimal | None = None
    add_km: int | None = None


class Factor(msgspec.Struct, frozen=True):
    """An emission factor: one `value`, or `classes` by one-way distance, in `unit`. Ends of validity are included.

    `data_year` is the year that the figure describes. `placeholder` says that a local figure should take its place
    once one is known.
    """

    key: str
    classes: tuple[DistanceClass, ...]
    unit: str
    gases: tuple[Gas, ...]
    places: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    citation: Citation
    certainty: Certainty
    checked_on: date
    placeholder: bool
    derivation: str
    note: str
    detour: Detour | None
    data_year: int | None = None

    @property
    def value(self) -> Decimal | None:
        """The one value, or None where it depends on the distance."""
        return self.classes[0].value if len(self.classes) == 1 else None

    @property
    def co2_only(self) -> bool:
        """Does it leave other gases out, so that a CO2e total takes it with GWP 1?"""
        return UNITS[self.unit].gas == "CO2"

    def in_force(self, place: str, on: date) -> bool:
        """Is it for that very place, and in force on that day?"""
        return place in self.places and self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class FactorSet:
    """A named, versioned set of factors. `digest` is the sha256 of its file, `gwp` the GWP set of its CO2e ("AR5").

    `default_for` are the places whose events are accounted by it without being asked.
    """

    __slots__ = ("default_for", "digest", "factors", "gwp", "id", "title_en", "title_zh", "used", "version")

    def __init__(self, file: FactorFile, digest: str, factors: tuple[Factor, ...]) -> None:
        self.id = file.id
        self.version = file.version
        self.title_zh = file.title_zh
        self.title_en = file.title_en
        self.gwp = file.gwp
        self.default_for = file.default_for
        self.digest = digest
        self.factors = factors
        self.used = PackUsed(id=file.id, version=file.version, digest=digest[:16])

    def find(self, key: str, place: str, on: date) -> Factor:
        """The factor in force for the place, else for the narrowest place around it. Raises FactorNotInForce."""
        factor = find_or_none(self, key, place, on)
        if factor is None:
            raise _not_in_force(key, place, on)
        return factor

    def has(self, key: str, place: str, on: date) -> bool:
        """Is there a factor in force for that key, place and day?"""
        return find_or_none(self, key, place, on) is not None


class FactorBook:
    """Several factor sets as one: what an event is accounted by. `used` names them."""

    __slots__ = ("sets", "used")

    def __init__(self, sets: tuple[FactorSet, ...]) -> None:
        """Raises PackUnreadable when two of the sets have a factor for one key, place and day."""
        self.sets = sets
        self.used = tuple(each.used for each in sets)
        for one, other in combinations(sets, 2):
            for a in one.factors:
                clash = next((b for b in other.factors if _clash(a, b)), None)
                require(clash is None, other.id, f"{a.key} has a factor for one place and day in {one.id} too")

    def find(self, key: str, place: str, on: date) -> Factor:
        """The factor in force for the place, else for the narrowest place around it. Raises FactorNotInForce."""
        for around in wider(place):
            for each in self.sets:
                for factor in each.factors:
                    if factor.key == key and factor.in_force(around, on):
                        return factor
        raise _not_in_force(key, place, on)

    def pack_of(self, factor: Factor) -> PackUsed:
        """The set that holds the factor. Raises KeyError."""
        for each in self.sets:
            if factor in each.factors:
                return each.used
        raise KeyError(factor.key)

    def has(self, key: str, place: str, on: date) -> bool:
        """Is there a factor in force for that key, place and day?"""
        return any(each.has(key, place, on) for each in self.sets)


def _not_in_force(key: str, place: str, on: date) -> FactorNotInForce:
    return FactorNotInForce(key=key, key_label=FACTOR_LABELS.get(key, key), place=place, date=on.isoformat())


def _clash(one: Factor, other: Factor) -> bool:
    """Are both for one key, place and day?"""
    same = one.key == other.key and bool(set(one.places) & set(other.places))
    return same and overlap(one.valid_from, one.valid_to, other.valid_from, other.valid_to)


@lru_cache(maxsize=4096)
def find_or_none(factors: FactorSet, key: str, place: str, on: date) -> Factor | None:
    """The factor in force for the narrowest place that has one."""
    for around in wider(place):
        for factor in factors.factors:
            if factor.key == key and factor.in_force(around, on):
                return factor
    return None


@cache
def factor_sets() -> tuple[FactorSet, ...]:
    """Every factor set that ships, checked, in order of id. Raises PackUnreadable."""
    return tuple(read_factor_set(path.read_bytes(), path.name) for path in sorted(FOLDER.glob("*.toml")))


def travel_sets() -> tuple[FactorSet, ...]:
    """The sets that know how people travel: those that an event can be given for its check-ins."""
    return tuple(each for each in factor_sets() if any(factor.key in MODE_LABELS for factor in each.factors))


def default_sets(country: str) -> tuple[FactorSet, ...]:
    """The sets that events of a country are accounted by, in order of id; none holds a key that another has there."""
    around = wider(country)
    return tuple(each for each in factor_sets() if set(each.default_for) & set(around))


@lru_cache(maxsize=64)
def factor_set(set_id: str) -> FactorSet:
    """The factor set of that id. Raises UnknownFactorSet."""
    for each in factor_sets():
        if each.id == set_id:
            return each
    raise UnknownFactorSet(factor_set=set_id[:40])


def read_factor_set(content: bytes, name: str) -> FactorSet:
    """A factor set from its file's bytes, with every check. Raises PackUnreadable."""
    file = parse_toml(content, FactorFile, name)
    factors = tuple(_factor(entry, file.documents, name) for entry in file.factors)
    require(bool(factors), name, "it holds no factor")
    if file.gwp:
        gwp_set(file.gwp)
    for place in file.default_for:
        require(is_place_code(place), name, f"it is the default of the unknown place {place!r}")
    for one, other in combinations(factors, 2):
        require(not _clash(one, other), name, f"{one.key} has two factors for one place and day")
    return FactorSet(file, hashlib.sha256(content).hexdigest(), factors)


def _factor(entry: FactorEntry, documents: dict[str, Document], pack: str) -> Factor:
    _check(entry, pack)
    return Factor(
        key=entry.key,
        classes=entry.classes or tuple(DistanceClass(value) for value in _values(entry)),
        unit=entry.unit,
        gases=entry.gases,
        places=entry.places,
        valid_from=entry.valid_from,
        valid_to=entry.valid_to,
        citation=resolve(entry.citation, documents, pack),
        certainty=entry.certainty,
        checked_on=entry.checked_on,
        placeholder=entry.placeholder,
        derivation=entry.derivation,
        note=entry.note,
        detour=_detour(entry.detour, documents, pack),
        data_year=entry.data_year,
    )


def _check(entry: FactorEntry, pack: str) -> None:
    for value in _values(entry):
        require_number(value, pack, entry.key)
    require(entry.key in FACTOR_LABELS, pack, f"{entry.key} is a key that no text names")
    require_unit(entry.unit, entry.gases, pack, entry.key)
    require_force(entry.places, entry.valid_from, entry.valid_to, pack, entry.key)
    require((entry.value is None) == bool(entry.classes), pack, f"{entry.key} needs either a value or classes")
    require(entry.certainty != "derived" or bool(entry.derivation), pack, f"{entry.key} lacks its derivation")
    limits = [each.below_km for each in entry.classes]
    known = [limit for limit in limits if limit is not None]
    in_order = known == sorted(set(known)) and limits[len(known) :] in ([], [None])
    require(in_order and limits[-1:] in ([], [None]), pack, f"{entry.key} has distance classes out of order")


def _values(entry: FactorEntry) -> Iterator[Decimal]:
    if entry.value is not None:
        yield entry.value
    yield from (each.value for each in entry.classes)


def _detour(entry: DetourEntry | None, documents: dict[str, Document], pack: str) -> Detour | None:
    if entry is None:
        return None
    require((entry.factor is None) != (entry.add_km is None), pack, "a detour is a factor or kilometres")
    require_number(entry.factor, pack, "a detour")
    require(entry.factor is None or entry.factor >= 1, pack, "a detour shortens the way")
    require(entry.add_km is None or entry.add_km >= 0, pack, "a detour shortens the way")
    return Detour(resolve(entry.citation, documents, pack), entry.factor, entry.add_km)
