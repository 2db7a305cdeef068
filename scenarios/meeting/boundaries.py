"""What an event's accounting takes in: which emission sources are of the basic or the extended scope, which stages.

One pack a place. Where the text that defines the scopes is not to hand the pack is a placeholder, and says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Literal, get_args

import msgspec

from scenarios.citations import Citation, Cited, Document, overlap, parse_toml, require, require_force, resolve
from scenarios.meeting.items import SourceKey, Stage
from scenarios.refusals import BoundaryNotInForce
from scenarios.regions import wider

FOLDER = Path(__file__).parents[1] / "packs" / "boundaries"

Scope = Literal["basic", "extended"]


class Stages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stages that have to be accounted for, and those that should."""

    required: tuple[Stage, ...]
    encouraged: tuple[Stage, ...]


class BoundaryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file of packs/boundaries."""

    id: str
    version: str
    title_zh: str
    title_en: str
    region: str
    valid_from: date
    placeholder: bool
    note: str
    citation: Cited
    stage_citation: Cited
    documents: dict[str, Document]
    scopes: dict[SourceKey, Scope]
    stages: Stages
    valid_to: date | None = None


class Boundary(msgspec.Struct, frozen=True):
    """A boundary in force. `digest` is the sha256 of its file; `placeholder` says that the defining text is missing."""

    id: str
    version: str
    digest: str
    title_zh: str
    title_en: str
    region: str
    valid_from: date
    valid_to: date | None
    scopes: Mapping[str, Scope]
    required: tuple[Stage, ...]
    encouraged: tuple[Stage, ...]
    placeholder: bool
    note: str
    citation: Citation
    stage_citation: Citation

    def in_force(self, region: str, on: date) -> bool:
        """Is it that very region's, and in force on that day?"""
        return self.region == region and self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@cache
def boundaries() -> tuple[Boundary, ...]:
    """Every boundary that ships, in order of file. Raises PackUnreadable."""
    found = tuple(read_boundary(path.read_bytes(), path.name) for path in sorted(FOLDER.glob("*.toml")))
    for one, other in combinations(found, 2):
        both = overlap(one.valid_from, one.valid_to, other.valid_from, other.valid_to)
        require(one.region != other.region or not both, other.id, f"{other.region} has two boundaries for one day")
    return found


def boundary_of(region: str, on: date) -> Boundary:
    """The boundary in force there on that day, of the narrowest place that has one. Raises BoundaryNotInForce."""
    for around in wider(region):
        for each in boundaries():
            if each.in_force(around, on):
                return each
    raise BoundaryNotInForce(region=region, date=on.isoformat())


def read_boundary(content: bytes, name: str) -> Boundary:
    """A boundary from its file's bytes, checked. Raises PackUnreadable."""
    file = parse_toml(content, BoundaryFile, name)
    require_force((file.region,), file.valid_from, file.valid_to, name, file.id)
    missing = [key for key in get_args(SourceKey) if key not in file.scopes]
    require(not missing, name, f"no scope for {', '.join(missing)}")
    stages = (*file.stages.required, *file.stages.encouraged)
    require(bool(file.stages.required) and len(set(stages)) == len(stages), name, "a stage twice, or none required")
    return Boundary(
        id=file.id,
        version=file.version,
        digest=hashlib.sha256(content).hexdigest(),
        title_zh=file.title_zh,
        title_en=file.title_en,
        region=file.region,
        valid_from=file.valid_from,
        valid_to=file.valid_to,
        scopes={str(key): scope for key, scope in file.scopes.items()},
        required=file.stages.required,
        encouraged=file.stages.encouraged,
        placeholder=file.placeholder,
        note=file.note,
        citation=resolve(file.citation, file.documents, name),
        stage_citation=resolve(file.stage_citation, file.documents, name),
    )
