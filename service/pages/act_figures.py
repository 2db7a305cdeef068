"""What acts come to, as people read it. A filter is given the page's language last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scenarios.actions.earnings import Earning, Grams
from scenarios.actions.reductions import Reduction
from scenarios.labels import UNIT_LABELS
from scenarios.quantities import UNITS, amount_text, size_of
from service.amounts import Amount, grouped, mass
from service.i18n import Language, mark, translate
from service.pages.figures import part

EACH = {
    "pkm": mark("每公里"),
    "km": mark("每公里"),
    "kWh": mark("每千瓦时"),
    "order": mark("每单"),
    "time": mark("每次"),
    "step": mark("每步"),
}
"""For each one of a unit, by what a methodology's unit is per."""


def each_unit(earning: Earning, unit: str, language: Language) -> str:
    """For each one of a unit, or so many: per km, per 1000 steps."""
    per = UNITS[unit].per
    if earning.units == 1:
        return translate(language, EACH[per])
    return translate(language, mark("每 {count} {unit}")).format(
        count=grouped(earning.units), unit=translate(language, UNIT_LABELS[per])
    )


def grams(saved: Grams, language: Language) -> Amount:
    """Grams of one unit."""
    return Amount(f"{saved.number:f}", translate(language, mark("克")))


def in_unit(amount: int, unit: str, language: Language) -> str:
    """Base units in the unit that a methodology is per: 18.5 km."""
    label = UNIT_LABELS[UNITS[unit].per]
    return f"{amount_text(amount, size_of(unit))}\u00a0{translate(language, label)}"


def formula(reduction: Reduction, language: Language) -> str:
    """The sum in one line: 18.5 km × 0.0732 kgCO2/pkm × 50 % = 677 g."""
    counted = reduction.quantity if reduction.counted is None else reduction.counted
    saving = reduction.saving if reduction.tier_saving is None else reduction.tier_saving
    factors = [in_unit(counted, reduction.unit, language), f"{saving} {reduction.unit}"]
    if reduction.share is not None and reduction.share != 1:
        factors.append(part(reduction.share, language))
    return f"{' × '.join(factors)} = {mass(reduction.reduction_g, language)}"


FILTERS: dict[str, Callable[..., Any]] = {
    "each_unit": each_unit,
    "grams": grams,
    "in_unit": in_unit,
    "formula": formula,
}
