"""碳普惠 methodologies: read from TOML, checked, and chosen by region, action and date.

A methodology says what an act emits against its baseline (`baseline`, `project`), or what it saves (`saving`).
No region borrows another's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

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
from scenarios.labels import MODE_LABELS, UNIT_LABELS
from scenarios.policies.operator import policy
from scenarios.quantities import UNITS, BaseUnit, Rate, rate, size_of
from scenarios.refusals import NoMethodologyInForce, UnknownAction

FOLDER = Path(__file__).parent.parent / "packs" / "methodologies"


class ActionEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action as the file has it: `baseline` and `project`, or `saving`; `modes` are the trips that count as it."""

    key: str
    label: str
    example: str
    unit: str
    gases: tuple[Gas, ...]
    citation: Cited
    certainty: Certainty
    checked_on: date
    modes: tuple[str, ...] = ()
    baseline: Decimal | None = None
    project: Decimal | None = None
    saving: Decimal | None = None
    derivation: str = ""


class MethodologyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file of packs/methodologies."""

    id: str
    version: str
    title_zh: str
    title_en: str
    regions: tuple[str, ...]
    valid_from: date
    documents: dict[str, Document]
    actions: tuple[ActionEntry, ...]
    valid_to: date | None = None


class ActionRates(NamedTuple):
    """Grams a base unit: what is saved, what a self-declared act earns of that, what the act itself emits."""

    saving: Rate
    self_declared: Rate
    project: Rate | None


class Action(msgspec.Struct, frozen=True):
    """A low-carbon act and what it saves: values in `unit`; `saving` is baseline less project.

    `max_quantity`, in base units, is what is believed of one act.
    """

    key: str
    label: str
    example: str
    unit: str
    unit_label: str
    base_unit: BaseUnit
    gases: tuple[Gas, ...]
    modes: tuple[str, ...]
    baseline: Decimal | None
    project: Decimal | None
    saving: Decimal
    citation: Citation
    certainty: Certainty
    checked_on: date
    max_quantity: int
    rates: ActionRates


class Methodology:
    """A methodology in force in its regions for a period; ends are included. `digest` is the sha256 of its file."""

    __slots__ = (
        "actions",
        "digest",
        "id",
        "regions",
        "title_en",
        "title_zh",
        "used",
        "valid_from",
        "valid_to",
        "version",
    )

    def __init__(self, file: MethodologyFile, digest: str, actions: dict[str, Action]) -> None:
        self.id = file.id
        self.version = file.version
        self.title_zh = file.title_zh
        self.title_en = file.title_en
        self.regions = file.regions
        self.valid_from = file.valid_from
        self.valid_to = file.valid_to
        self.digest = digest
        self.actions = actions
        self.used = PackUsed(id=file.id, version=file.version, digest=digest[:16])

    def in_force(self, region: str, on: date) -> bool:
        """Is it that region's own, and in force on that day?"""
        return region in self.regions and self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def action(self, key: str) -> Action:
        """Its action of that key. Raises UnknownAction."""
        found = self.actions.get(key)
        if found is None:
            raise UnknownAction(action=key[:40])
        return found


class ActionOffered(msgspec.Struct, frozen=True):
    """What a region's citizens may do: texts are msgids; quantities are entered in `unit`, kept in `base_unit`."""

    key: str
    label: str
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


def read_methodology(content: bytes, name: str) -> Methodology:
    """A methodology from its file's bytes, with every check. Raises PackUnreadable."""
    file = parse_toml(content, MethodologyFile, name)
    require_force(file.regions, file.valid_from, file.valid_to, name, file.id)
    actions = {entry.key: _action(entry, file.documents, name) for entry in file.actions}
    require(len(actions) == len(file.actions) > 0, name, "an action stands twice, or there is none")
    modes = [mode for action in actions.values() for mode in action.modes]
    require(len(modes) == len(set(modes)), name, "a mode counts as two actions")
    return Methodology(file, hashlib.sha256(content).hexdigest(), actions)


def _action(entry: ActionEntry, documents: dict[str, Document], pack: str) -> Action:
    _check(entry, pack)
    unit = UNITS[entry.unit]
    saving = entry.saving if entry.saving is not None else _less(entry)
    require(saving >= 0, pack, f"{entry.key} emits more than its baseline")
    limit = policy().max_per_act.get(entry.key)
    require(limit is not None, pack, f"the policy has no limit for {entry.key}")
    return Action(
        key=entry.key,
        label=entry.label,
        example=entry.example,
        unit=entry.unit,
        unit_label=UNIT_LABELS[unit.per],
        base_unit=unit.base,
        gases=entry.gases,
        modes=entry.modes,
        baseline=entry.baseline,
        project=entry.project,
        saving=saving,
        citation=resolve(entry.citation, documents, pack),
        certainty=entry.certainty,
        checked_on=entry.checked_on,
        max_quantity=(limit or 0) * size_of(entry.unit),
        rates=_rates(saving, entry.project, entry.unit),
    )


def _rates(saving: Decimal, project: Decimal | None, unit: str) -> ActionRates:
    in_full = rate(saving, unit)
    emitted = None if project is None else rate(project, unit)
    return ActionRates(in_full, in_full.times(policy().self_declared), emitted)


def _less(entry: ActionEntry) -> Decimal:
    assert entry.baseline is not None
    assert entry.project is not None
    return entry.baseline - entry.project


def _check(entry: ActionEntry, pack: str) -> None:
    for value in _values(entry):
        require_number(value, pack, entry.key)
    require_unit(entry.unit, entry.gases, pack, entry.key)
    require(UNITS[entry.unit].per in UNIT_LABELS, pack, f"{entry.key} is in {entry.unit}, which no text names")
    known = tuple(value is not None for value in (entry.baseline, entry.project, entry.saving))
    whole = known in ((True, True, False), (False, False, True))
    require(whole, pack, f"{entry.key} needs a baseline and a project value, or a saving")
    require(set(entry.modes) <= set(MODE_LABELS), pack, f"{entry.key} counts an unknown mode")


def _values(entry: ActionEntry) -> Iterator[Decimal]:
    yield from (value for value in (entry.baseline, entry.project, entry.saving) if value is not None)
