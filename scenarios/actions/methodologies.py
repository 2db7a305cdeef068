"""碳普惠 methodologies: read from TOML, checked, and chosen by region, action and date.

A methodology says what an act emits against its baseline (`baseline`, `project`), or what it saves (`saving`).
No region borrows another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import msgspec

from scenarios.actions.catalogue import FOLDER, Catalogue, combined, shipped
from scenarios.actions.methodology_files import read_methodology
from scenarios.actions.terms import Action, Group, Methodology
from scenarios.quantities import BaseUnit
from scenarios.refusals import MethodologiesNotRead, NoMethodologyInForce, UnknownAction
from scenarios.regions import is_region

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
    "regions_offering",
    "use_published",
    "use_shipped",
]


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


class InUse:
    """The catalogue by which this process decides. Nothing here reads it anew: whoever keeps what is published does."""

    def __init__(self) -> None:
        self.catalogue: Catalogue | None = None

    def get(self) -> Catalogue:
        """The catalogue put here, or what ships."""
        if self.catalogue is None:
            self.catalogue = Catalogue(combined(shipped()))
        return self.catalogue

    def put(self, catalogue: Catalogue | None) -> None:
        """Decide by this one from now on."""
        before, self.catalogue = self.catalogue, catalogue
        if before is None or catalogue is None or before.methodologies != catalogue.methodologies:
            in_force.cache_clear()
            earning_of_mode.cache_clear()


IN_USE = InUse()


def use_published(published: Sequence[Methodology], known_through: date | None) -> None:
    """Decide from now on by these beside those that ship. Raises PackUnreadable where they contradict each other.

    Acts of days after `known_through` are refused with MethodologiesNotRead until it is put off again.
    """
    IN_USE.put(Catalogue(combined((*shipped(), *published)), known_through))


def use_shipped() -> None:
    """Decide from now on by those that ship alone."""
    IN_USE.put(None)


def methodologies() -> tuple[Methodology, ...]:
    """Every methodology, checked: those that ship, in order of file name, then those published."""
    return IN_USE.get().methodologies


def require_known(on: date) -> None:
    """Raise MethodologiesNotRead where rules may have been published for that day that have not been read."""
    known_through = IN_USE.get().known_through
    if known_through is not None and on > known_through:
        raise MethodologiesNotRead(date=on.isoformat())


def methodology_for(region: str, action: str, on: date) -> Methodology:
    """The region's own methodology for the action on that day.

    Raises UnknownAction, NoMethodologyInForce, and MethodologiesNotRead as `require_known`.
    """
    found = in_force(region, action, on)
    if found is not None:
        return found
    label = label_of(action)
    if label is None:
        raise UnknownAction(action=action[:40])
    raise NoMethodologyInForce(region=region, action=action, action_label=label, date=on.isoformat())


@lru_cache(maxsize=4096)
def in_force(region: str, action: str, on: date) -> Methodology | None:
    """The same, or None. What was found stays so: no rule begins on a day whose rules are known."""
    require_known(on)
    return next((each for each in methodologies() if action in each.actions and each.in_force(region, on)), None)


@lru_cache(maxsize=4096)
def earning_of_mode(region: str, mode: str, on: date) -> tuple[Methodology, Action] | None:
    """The methodology and action that a trip by that mode counts as in the region on that day, if any.

    Raises MethodologiesNotRead as `require_known`, for regions that may have methodologies of their own.
    """
    if is_region(region):
        require_known(on)
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


def regions_offering(on: date) -> tuple[str, ...]:
    """The codes of the regions where something earns credits on that day, in their order."""
    return tuple(sorted({region for each in methodologies() for region in each.regions if each.in_force(region, on)}))


def label_of(action: str) -> str | None:
    """What the action is called, as a msgid; None where no methodology knows it."""
    return next((each.actions[action].label for each in methodologies() if action in each.actions), None)
