"""Amounts and their units: the only place that converts or rounds.

Amounts are whole numbers of base units: metres, watt-hours, counts, grams. Factors are exact. Emissions round
up to the gram, reductions round down.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from scenarios.labels import THIS_LEG
from scenarios.refusals import DistanceAbsurd, NumberUnreadable

Gas = Literal["CO2", "CO2e"]
BaseUnit = Literal["m", "Wh", "1"]

FARTHEST_M = 40_000_000
"""One way; the way round the Earth. Nobody travels farther to a meeting."""

LARGEST_EXPONENT = 15


class Unit(NamedTuple):
    """What a factor is per: `grams` is how many grams per base unit a factor of 1 means."""

    gas: Gas
    per: Literal["pkm", "vkm", "room-night", "km", "kWh", "order", "time", "step"]
    base: BaseUnit
    grams: Fraction


_KILOGRAMS = {"kg": Fraction(1000), "g": Fraction(1)}
_BASES: dict[str, tuple[BaseUnit, int]] = {
    "pkm": ("m", 1000),
    "vkm": ("m", 1000),
    "km": ("m", 1000),
    "kWh": ("Wh", 1000),
    "room-night": ("1", 1),
    "order": ("1", 1),
    "time": ("1", 1),
    "step": ("1", 1),
}

UNITS: dict[str, Unit] = {
    f"{mass}{gas}/{per}": Unit(gas, per, base, grams / size)  # type: ignore[arg-type]
    for mass, grams in _KILOGRAMS.items()
    for gas in ("CO2e", "CO2")
    for per, (base, size) in _BASES.items()
}
"""By the unit's text, such as kgCO2e/pkm. gCO2 and gCO2e are different units: only the gas tells."""


class Rate(NamedTuple):
    """Grams per base unit, as an exact ratio of whole numbers."""

    grams: int
    per: int

    def emissions_g(self, amount: int, shared_by: int = 1) -> int:
        """Emissions of that amount, rounded up to the gram."""
        return -(-self.grams * amount // (self.per * shared_by))

    def reduction_g(self, amount: int) -> int:
        """What that amount saves, rounded down to the gram."""
        return self.grams * amount // self.per

    def times(self, share: Fraction) -> Rate:
        """The same rate at a share of it."""
        return rate_of(Fraction(self.grams, self.per) * share)


def rate_of(grams_per_unit: Fraction) -> Rate:
    """An exact rate."""
    return Rate(grams_per_unit.numerator, grams_per_unit.denominator)


def rate(value: Decimal, unit: str) -> Rate:
    """A factor's value in its unit, as grams per base unit. Raises KeyError for a unit that is not in the table."""
    return rate_of(exact(value) * UNITS[unit].grams)


def size_of(unit: str) -> int:
    """How many base units one of the unit is: 1000 m a kilometre."""
    return _BASES[UNITS[unit].per][1]


def exact(value: Decimal) -> Fraction:
    """The number without loss. Raises NumberUnreadable for NaN, infinity and exponents beyond 15."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > LARGEST_EXPONENT or value.adjusted() > LARGEST_EXPONENT:
        raise NumberUnreadable(text=str(value)[:40])
    return Fraction(value)


def round_up(amount: Fraction) -> int:
    """Grams emitted or metres travelled, rounded up to the whole."""
    return -(-amount.numerator // amount.denominator)


_PLAIN = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,3})?")
_FULL_WIDTH = {0xFF0E: ".", **{0xFF10 + digit: str(digit) for digit in range(10)}}


def _decimal(text: str) -> Decimal:
    plain = text.strip().translate(_FULL_WIDTH)
    if not _PLAIN.fullmatch(plain):
        raise NumberUnreadable(text=text[:40])
    return Decimal(plain)


def metres_from_km_text(text: str) -> int:
    """Kilometres as a person types them, in metres, exactly.

    Raises NumberUnreadable for anything but plain digits with up to three decimals, DistanceAbsurd beyond 40 000 km.
    """
    metres = int(_decimal(text) * 1000)
    if metres > FARTHEST_M:
        raise DistanceAbsurd(mode="", mode_label=THIS_LEG, distance_km=km_text(metres), limit_km=km_text(FARTHEST_M))
    return metres


def wh_from_kwh_text(text: str) -> int:
    """Kilowatt-hours as a person types them, in watt-hours, exactly. Raises NumberUnreadable."""
    return int(_decimal(text) * 1000)


def count_from_text(text: str) -> int:
    """A whole number as a person types it. Raises NumberUnreadable."""
    number = _decimal(text)
    if number != int(number):
        raise NumberUnreadable(text=text[:40])
    return int(number)


def lengthened_m(distance_m: int, factor: Decimal | None, add_km: int | None) -> int:
    """A great circle with its detour, in metres, rounded up."""
    return round_up(distance_m * exact(factor or Decimal(1))) + (add_km or 0) * 1000


def km_text(metres: int) -> str:
    """Metres as kilometres for people: "12.5", "40000"."""
    return amount_text(metres, 1000)


def amount_text(amount: int, size: int) -> str:
    """Base units as a plain decimal of a unit that holds `size` of them (a power of ten)."""
    text = format(Decimal(amount) / size, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
