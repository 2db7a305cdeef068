"""What a line of activity data names: the items of each emission source, with the units that may be typed.

Sources are those of the national guide's annex and freight, which the annex does not list. The pack in
packs/sources is the only place that says what there is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from scenarios.citations import Citation, Cited, Document, PackUsed, parse_toml, require, resolve
from scenarios.labels import FACTOR_LABELS
from scenarios.quantities import MEASURES, Dimension
from scenarios.refusals import UnknownItem

FOLDER = Path(__file__).parents[1] / "packs" / "sources"

SourceKey = Literal[
    "stationary_combustion",
    "mobile_combustion",
    "purchased_electricity",
    "vehicle_electricity",
    "purchased_heat",
    "travel",
    "lodging",
    "catering",
    "materials",
    "waste",
    "freight",
]
Stage = Literal["prepare", "hold", "close"]


class SourceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An emission source as the file has it."""

    key: SourceKey
    label_zh: str
    label_en: str
    description: str
    in_annex: bool
    category: str = ""
    standard: str = ""
    truncated: bool = False
    citation: Cited | None = None


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that activity data tell of. `units` may be typed; `factor` is the factor's key; `stage` is usual."""

    key: str
    source: SourceKey
    label_zh: str
    label_en: str
    dimension: Dimension
    units: tuple[str, ...]
    factor: str
    stage: Stage
    note: str = ""


class SourceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file of packs/sources."""

    id: str
    version: str
    title_zh: str
    title_en: str
    documents: dict[str, Document]
    sources: tuple[SourceEntry, ...]
    items: tuple[Item, ...]


class Source(msgspec.Struct, frozen=True):
    """An emission source. `category` and `standard` are the annex's; `truncated` says that its row was cut off.

    One that the annex does not list has neither category nor citation.
    """

    key: SourceKey
    label_zh: str
    label_en: str
    description: str
    category: str
    standard: str
    in_annex: bool
    truncated: bool
    citation: Citation | None


class SourcePack(msgspec.Struct, frozen=True):
    """The sources in the annex's order, and the items by key."""

    used: PackUsed
    sources: Mapping[str, Source]
    items: Mapping[str, Item]


def sources() -> Mapping[str, Source]:
    """The emission sources by key, in the annex's order."""
    return source_pack().sources


def items() -> Mapping[str, Item]:
    """The items by key, in the order of their sources."""
    return source_pack().items


def item(key: str) -> Item:
    """The item of that key. Raises UnknownItem."""
    found = items().get(key)
    if found is None:
        raise UnknownItem(item=key[:40])
    return found


def items_of(source: str) -> tuple[Item, ...]:
    """The items of one source."""
    return tuple(each for each in items().values() if each.source == source)


@cache
def source_pack() -> SourcePack:
    """The pack that ships. Raises PackUnreadable."""
    path = FOLDER / "mee-2019-19.toml"
    return read_sources(path.read_bytes(), path.name)


def read_sources(content: bytes, name: str) -> SourcePack:
    """Sources and items from their file's bytes, checked. Raises PackUnreadable."""
    file = parse_toml(content, SourceFile, name)
    found = {str(each.key): _source(each, file.documents, name) for each in file.sources}
    require(len(found) == len(file.sources), name, "a source stands twice")
    for each in file.items:
        _check(each, found, name)
    named = {each.key: each for each in file.items}
    require(len(named) == len(file.items), name, "an item stands twice")
    digest = hashlib.sha256(content).hexdigest()[:16]
    return SourcePack(PackUsed(id=file.id, version=file.version, digest=digest), found, named)


def _check(each: Item, found: Mapping[str, Source], name: str) -> None:
    require(each.source in found, name, f"{each.key} is of no source")
    require(each.factor in FACTOR_LABELS, name, f"{each.key} needs a factor that no text names")
    require(bool(each.units), name, f"{each.key} has no unit")
    for unit in each.units:
        fits = unit in MEASURES and MEASURES[unit].dimension == each.dimension
        require(fits, name, f"{each.key} is no {each.dimension} in {unit}")


def _source(entry: SourceEntry, documents: dict[str, Document], name: str) -> Source:
    require((entry.citation is not None) == entry.in_annex, name, f"{entry.key} needs a citation if in the annex")
    return Source(
        key=entry.key,
        label_zh=entry.label_zh,
        label_en=entry.label_en,
        description=entry.description,
        category=entry.category,
        standard=entry.standard,
        in_annex=entry.in_annex,
        truncated=entry.truncated,
        citation=None if entry.citation is None else resolve(entry.citation, documents, name),
    )
