"""What an act earns for each unit, in figures for people."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import NamedTuple

from scenarios.actions.terms import Action, Cap
from scenarios.quantities import Rate, amount_text, size_of

TENTHS_BELOW = 10
MANY = 1_000
"""So many units are spoken of together, where one earns less than a gram."""


class Grams(NamedTuple):
    """Grams to be read: rounded to the whole, small ones to the tenth. `exact` says that nothing was rounded."""

    number: Decimal
    exact: bool


class Earning(NamedTuple):
    """Of `units` of them, one or many: what they save, and what a self-declared act gets of it.

    That is a `share` of it, or else grams of its own.
    """

    full: Grams
    share: Decimal | None
    own: Grams
    units: int

    @property
    def is_halved(self) -> bool:
        """Whether a self-declared act gets just half."""
        return self.share == Decimal("0.5")


class MostCounted(NamedTuple):
    """How much counts, in the act's unit as text; None where nothing limits it. `is_policy`: no source says so."""

    per_act: str | None
    per_day: str | None
    per_month: str | None
    is_policy: bool


def earning_of(action: Action) -> Earning:
    """What one unit of it earns, or a thousand where one is next to nothing."""
    rate, own, size = action.rates.saving, action.rates.tier("self_declared"), size_of(action.unit)
    units = MANY if rate.grams * size < rate.per else 1
    return Earning(grams_of(rate, size * units), own.share, grams_of(own.rate, size * units), units)


def grams_of(rate: Rate, size: int) -> Grams:
    """Grams of so many base units."""
    exact = Fraction(rate.grams * size, rate.per)
    step = Decimal("0.1") if exact < TENTHS_BELOW else Decimal(1)
    number = (Decimal(exact.numerator) / exact.denominator).quantize(step, ROUND_HALF_UP)
    return Grams(number.to_integral_value() if number == int(number) else number, Fraction(number) == exact)


def most_counted(action: Action) -> MostCounted:
    """How much of it counts."""
    size, caps = size_of(action.unit), action.caps
    act, day, month = (text_of(cap, size) for cap in caps)
    return MostCounted(act, day, month, any(cap.rule.is_policy for cap in caps if cap))


def text_of(cap: Cap | None, size: int) -> str | None:
    """A cap in units of that size."""
    return None if cap is None else amount_text(cap.quantity, size)
