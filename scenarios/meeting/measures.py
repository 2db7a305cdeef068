"""Reduction measures (减排措施): a catalogue a place, in its text's own words."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from scenarios.citations import parse_toml, require
from scenarios.meeting.rule_terms import Ground, RulePack, Said, Text

FOLDER = Path(__file__).parent.parent / "packs" / "measures"


class MeasureEntry(Said, frozen=True, kw_only=True):
    """A measure as the file has it. The stage is the one in which the text has it taken."""

    key: str
    stage: Literal["prepare", "hold", "close"]
    words: Text


class MeasureFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file of packs/measures, for the rule pack of that id."""

    rule: str
    checked_on: date
    measures: tuple[MeasureEntry, ...]


class ReductionMeasure(msgspec.Struct, frozen=True):
    """A measure that an organizer may choose, with where it stands."""

    key: str
    stage: Literal["prepare", "hold", "close"]
    words: Text
    ground: Ground
    note: Text | None


@cache
def measure_files() -> dict[str, MeasureFile]:
    """The catalogues that ship, checked, by the rule's id. Raises PackUnreadable."""
    found = [read_measures(path.read_bytes(), path.name) for path in sorted(FOLDER.glob("*.toml"))]
    return {each.rule: each for each in found}


def read_measures(content: bytes, name: str) -> MeasureFile:
    """A catalogue from its file's bytes. Raises PackUnreadable."""
    file = parse_toml(content, MeasureFile, name)
    keys = [each.key for each in file.measures]
    require(len(set(keys)) == len(keys) > 0, name, "a measure is there twice, or none is")
    for each in file.measures:
        require(bool(each.clause and each.words.zh and each.words.en), name, f"{each.key} lacks its clause or words")
    return file


def measures_of(rule: RulePack) -> tuple[ReductionMeasure, ...]:
    """What the place's text names, in its order; empty for a rule without a catalogue."""
    file = measure_files().get(rule.id)
    entries = file.measures if file else ()
    return tuple(ReductionMeasure(each.key, each.stage, each.words, rule.ground(each), each.note) for each in entries)


def reduction_ground(rule: RulePack) -> Ground | None:
    """Where the rule asks to reduce, as its catalogue has it."""
    found = measures_of(rule)
    return found[0].ground if found else None
