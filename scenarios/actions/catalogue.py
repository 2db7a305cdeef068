"""Which methodologies there are: those that ship, and those that authorities published beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from scenarios.actions.methodology_files import read_methodology
from scenarios.actions.terms import Methodology
from scenarios.citations import overlap, require

FOLDER = Path(__file__).parent.parent / "packs" / "methodologies"


class Catalogue(NamedTuple):
    """Methodologies side by side. Of days after `known_through`, rules may have been published that are not here."""

    methodologies: tuple[Methodology, ...]
    known_through: date | None = None


@cache
def shipped_files() -> dict[str, bytes]:
    """The files that ship, by name, in order."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.toml"))}


@cache
def shipped() -> tuple[Methodology, ...]:
    """Every methodology that ships, checked, as its file has it. Raises PackUnreadable."""
    return tuple(read_methodology(content, name) for name, content in shipped_files().items())


def combined(found: Sequence[Methodology]) -> tuple[Methodology, ...]:
    """Versions in succession, checked against each other.

    Raises PackUnreadable where two say what an action or a mode earns in one region on one day.
    """
    ended = tuple(part for each in found for part in _ended(each, found))
    for one, other in combinations(ended, 2):
        regions = set(one.regions) & set(other.regions)
        same = set(one.actions) & set(other.actions) or set(_modes(one)) & set(_modes(other))
        both = overlap(one.valid_from, one.valid_to, other.valid_from, other.valid_to)
        twice = regions and same and both
        require(not twice, other.id, f"{one.id} {one.version} already says so for one region, action and day")
    return ended


def _modes(methodology: Methodology) -> Iterator[str]:
    return (mode for action in methodology.actions.values() for mode in action.modes)


def _ended(each: Methodology, found: Iterable[Methodology]) -> Iterator[Methodology]:
    """The version, which ends in each region the day before the next version of the same id begins there."""
    later = [next_ for next_ in found if next_.id == each.id and next_.valid_from > each.valid_from]
    regions_by_end: dict[date | None, list[str]] = {}
    for region in each.regions:
        begins = [next_.valid_from - timedelta(days=1) for next_ in later if region in next_.regions]
        ends = [*begins, *([each.valid_to] if each.valid_to else [])]
        regions_by_end.setdefault(min(ends, default=None), []).append(region)
    if set(regions_by_end) == {each.valid_to}:
        yield each
        return
    for end, regions in regions_by_end.items():
        yield replace(each, regions=tuple(regions), valid_to=end)
