"""碳普惠 methodologies: read from TOML, checked, and chosen by region, action and date.

A methodology says what an act emits against its baseline (`baseline`, `project`), or what it saves (`saving`).
No region borrows another's.
"""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from itertools import combinations
from pathlib import Path

import msgspec

from scenarios.actions.methodology_files import read_methodology
from scenarios.actions.terms import Action, Group, Methodology
from scenarios.citations import overlap, require
from scenarios.quantities import BaseUnit
from scenarios.refusals import NoMethodologyInForce, UnknownAction

__all__ = [
    "FOLDER",
    "Action",
    "ActionOffered",
    "Methodology",
    "actions_of",
    "earning_of_mode",
    "methodologies",
    "methodology_for",
    "read_methodology",
]

FOLDER = Path(__file__).parent.parent / "packs" / "methodologies"


class ActionOffered(msgspec.Struct, frozen=True):
    """What a region's citizens may do: texts are msgids; quantities are entered in `unit`, kept in `base_unit`."""

    key: str
    label: str
    group: Group
    unit: str
    base_unit: BaseUnit
    example: str
    methodology: str
    version: str


@cache
def methodologies() -> tuple[Methodology, ...]:
    """Every methodology that ships, checked, in order of file name. Raises PackUnreadable."""
    found = tuple(read_methodology(path.read_bytes(), path.name) for path in sorted(FOLDER.glob("*.toml")))
    for one, other in combinations(found, 2):
        shared = set(one.regions) & set(other.regions) and set(one.actions) & set(other.actions)
        both = overlap(one.valid_from, one.valid_to, other.valid_from, other.valid_to)
        require(not (shared and both), other.id, f"{one.id} already says so for one region, action and day")
    return found


def methodology_for(region: str, action: str, on: date) -> Methodology:
    """The region's own methodology for the action on that day. Raises UnknownAction, NoMethodologyInForce."""
    known = False
    for each in methodologies():
        if action in each.actions:
            known = True
            if each.in_force(region, on):
                return each
    if not known:
        raise UnknownAction(action=action[:40])
    raise NoMethodologyInForce(region=region, action=action, action_label=_label(action), date=on.isoformat())


@lru_cache(maxsize=4096)
def earning_of_mode(region: str, mode: str, on: date) -> tuple[Methodology, Action] | None:
    """The methodology and action that a trip by that mode counts as in the region on that day, if any."""
    for each in methodologies():
        if each.in_force(region, on):
            for action in each.actions.values():
                if mode in action.modes:
                    return each, action
    return None


def actions_of(region: str, on: date) -> tuple[ActionOffered, ...]:
    """What earns credits in that region on that day; empty where no methodology is in force."""
    return tuple(
        ActionOffered(
            key=action.key,
            label=action.label,
            group=action.group,
            unit=action.unit_label,
            base_unit=action.base_unit,
            example=action.example,
            methodology=each.id,
            version=each.version,
        )
        for each in methodologies()
        if each.in_force(region, on)
        for action in each.actions.values()
    )


def _label(action: str) -> str:
    return next(each.actions[action].label for each in methodologies() if action in each.actions)
