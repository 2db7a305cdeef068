"""Global warming potentials: how many grams of CO2 one gram of a gas counts for over a hundred years."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from scenarios.citations import Certainty, Citation, Cited, Document, PackUsed, parse_toml, require, resolve
from scenarios.refusals import PackUnreadable

FOLDER = Path(__file__).parent / "packs" / "gwp"


class GwpFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file of packs/gwp."""

    id: str
    version: str
    title_zh: str
    title_en: str
    citation: Cited
    certainty: Certainty
    documents: dict[str, Document]
    gases: dict[str, int]


class GwpSet(msgspec.Struct, frozen=True):
    """The potentials of one assessment report, by gas."""

    used: PackUsed
    title_zh: str
    title_en: str
    citation: Citation
    certainty: Certainty
    gases: Mapping[str, int]


@cache
def gwp_set(set_id: str) -> GwpSet:
    """The set of that name, such as "AR5". Raises PackUnreadable when no file has it."""
    for path in sorted(FOLDER.glob("*.toml")):
        found = read_gwp(path.read_bytes(), path.name)
        if found.used.id == set_id:
            return found
    raise PackUnreadable(pack=set_id[:40], why="no such GWP set")


def read_gwp(content: bytes, name: str) -> GwpSet:
    """A GWP set from its file's bytes, checked. Raises PackUnreadable."""
    file = parse_toml(content, GwpFile, name)
    require(file.gases.get("CO2") == 1, name, "CO2 does not count for itself")
    require(all(each >= 1 for each in file.gases.values()), name, "a gas counts for less than CO2")
    digest = hashlib.sha256(content).hexdigest()[:16]
    used = PackUsed(id=file.id, version=file.version, digest=digest)
    citation = resolve(file.citation, file.documents, name)
    return GwpSet(used, file.title_zh, file.title_en, citation, file.certainty, file.gases)
