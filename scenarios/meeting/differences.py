"""What lies between two versions of an event's inventory, line by line; the differences add to that of the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from scenarios.meeting.cells import Cell
from scenarios.meeting.extrapolation import Extrapolated
from scenarios.meeting.lines import Line
from scenarios.meeting.modes import LODGING

Kind = Literal["line", "check_ins", "extrapolated"]


class Contents(msgspec.Struct, frozen=True):
    """What a version's emissions are made of."""

    lines: tuple[Line, ...]
    cells: tuple[Cell, ...]
    extrapolated: tuple[Extrapolated, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that emits otherwise, or is in one version alone: grams are None where it is not.

    `item` is a line's item, a mode of check-ins, or a group that was estimated; `line_id` that of the later version.
    """

    kind: Kind
    item: str
    label: str = ""
    line_id: UUID | None = None
    before_g: int | None
    after_g: int | None

    @property
    def more_g(self) -> int:
        """By how much the later version emits more."""
        return (self.after_g or 0) - (self.before_g or 0)


def differences(before: Contents, after: Contents) -> list[Difference]:
    """All that changed, the largest change first."""
    found = [
        *of_lines(before.lines, after.lines),
        *of_sums("check_ins", sums_of(before.cells), sums_of(after.cells)),
        *of_sums("extrapolated", missing_of(before.extrapolated), missing_of(after.extrapolated)),
    ]
    return sorted(found, key=lambda each: (-abs(each.more_g), each.kind, each.item, str(each.line_id)))


def of_lines(before: Sequence[Line], after: Sequence[Line]) -> list[Difference]:
    """Lines that came, went, or took another's place."""
    old = {line.id: line for line in before}
    new = {line.id: line for line in after}
    came = [line for line in after if line.id not in old]
    found = []
    for line in came:
        was = old.pop(line.replaces, None) if line.replaces and line.replaces not in new else None
        found.append(
            Difference(
                kind="line",
                item=line.item,
                label=line.label,
                line_id=line.id,
                before_g=None if was is None else was.emissions_g,
                after_g=line.emissions_g,
            )
        )
    gone = [line for line in old.values() if line.id not in new]
    return found + [
        Difference(
            kind="line", item=line.item, label=line.label, line_id=line.id, before_g=line.emissions_g, after_g=None
        )
        for line in gone
    ]


def of_sums(kind: Kind, before: Mapping[str, int], after: Mapping[str, int]) -> list[Difference]:
    """Sums that differ."""
    return [
        Difference(kind=kind, item=key, before_g=before.get(key), after_g=after.get(key))
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def sums_of(cells: Iterable[Cell]) -> dict[str, int]:
    """Grams of check-ins by mode, and of their lodging and meals."""
    sums: Counter[str] = Counter()
    for cell in cells:
        for leg in cell.legs:
            sums[leg.mode] += cell.count * leg.emissions_g
        if cell.lodging_factor is not None:
            sums[LODGING] += cell.count * cell.lodging_each_g
        if cell.meal_factor is not None:
            sums[cell.meal_factor.key] += cell.count * cell.meals_each_g
    return dict(sums)


def missing_of(extrapolated: Iterable[Extrapolated]) -> dict[str, int]:
    """Grams of groups that were estimated."""
    return {each.name: each.emissions_g for each in extrapolated}
