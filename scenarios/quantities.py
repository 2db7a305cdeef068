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
from scenarios.refusals import DistanceAbsurd, NumberUnreadable, UnitContradicts

Gas = Literal["CO2", "CO2e"]
BaseUnit = Literal["m", "Wh", "g", "mL", "g m", "1"]
Dimension = Literal[
    "person distance",
    "vehicle distance",
    "distance",
    "energy",
    "mass",
    "volume",
    "transport",
    "room-night",
    "meal",
    "sheet",
    "bottle",
    "piece",
    "order",
    "time",
    "step",
]
"""What is measured. Things that are counted are each a dimension of their own: a meal is no sheet."""

FARTHEST_M = 40_000_000
"""One way; the way round the Earth. Nobody travels farther to a meeting."""

M_PER_NAUTICAL_MILE = 1852

LARGEST_EXPONENT = 15


class Measure(NamedTuple):
    """A unit of activity data: how many base units of its dimension it is, exactly."""

    dimension: Dimension
    base: BaseUnit
    size: Fraction


_WH_PER_MJ = Fraction(10**6, 3600)
_SIZES: dict[tuple[Dimension, BaseUnit], dict[str, Fraction | int]] = {
    ("person distance", "m"): {"pkm": 1000},
    ("vehicle distance", "m"): {"vkm": 1000},
    ("distance", "m"): {"km": 1000},
    ("energy", "Wh"): {
        "kWh": 10**3,
        "MWh": 10**6,
        "GWh": 10**9,
        "MJ": _WH_PER_MJ,
        "GJ": _WH_PER_MJ * 10**3,
        "TJ": _WH_PER_MJ * 10**6,
    },
    ("mass", "g"): {"g": 1, "kg": 10**3, "t": 10**6},
    ("volume", "mL"): {"mL": 1, "L": 10**3, "m3": 10**6, "10^4m3": 10**10, "Nm3": 10**6, "10^4Nm3": 10**10},
    ("transport", "g m"): {"tkm": 10**9},
}
_COUNTED: tuple[Dimension, ...] = ("room-night", "meal", "sheet", "bottle", "piece", "order", "time", "step")

MEASURES: dict[str, Measure] = {
    **{
        unit: Measure(dimension, base, Fraction(size))
        for (dimension, base), sizes in _SIZES.items()
        for unit, size in sizes.items()
    },
    **{unit: Measure(unit, "1", Fraction(1)) for unit in _COUNTED},
}
"""By the unit's text. A normal cubic metre (Nm3) is a volume like any other: the factor says at which conditions."""

_WRITTEN = {
    "kWh": "千瓦时 度 kwh KWH Kwh KWh",
    "MWh": "兆瓦时 MWH Mwh",
    "GWh": "吉瓦时",
    "MJ": "兆焦",
    "GJ": "吉焦",
    "TJ": "太焦",
    "g": "克",
    "kg": "千克 公斤 KG Kg",
    "t": "吨",
    "mL": "毫升 ml",
    "L": "升 l",
    "m3": "立方米 m³ m^3",
    "10^4m3": "万立方米 万m³ 万m3",
    "Nm3": "标准立方米 Nm³",
    "10^4Nm3": "万标准立方米 万Nm³ 万Nm3",
    "km": "公里 千米",
    "pkm": "人公里",
    "vkm": "车公里",
    "tkm": "吨公里",
    "room-night": "间夜",
    "meal": "份 餐",
    "sheet": "张",
    "bottle": "瓶",
    "piece": "件 个",
}
_SAME = {text: unit for unit, texts in _WRITTEN.items() for text in texts.split()}
"""What people write for a unit."""


class Unit(NamedTuple):
    """What a factor is per: `grams` is how many grams per base unit a factor of 1 means."""

    gas: Gas
    per: str
    base: BaseUnit
    grams: Fraction
    dimension: Dimension


_MASSES = {"t": Fraction(10**6), "kg": Fraction(1000), "g": Fraction(1)}

UNITS: dict[str, Unit] = {
    f"{mass}{gas}/{per}": Unit(gas, per, measure.base, grams / measure.size, measure.dimension)
    for mass, grams in _MASSES.items()
    for gas in ("CO2e", "CO2")
    for per, measure in MEASURES.items()
}
"""By the unit's text, such as kgCO2e/pkm. gCO2 and gCO2e are different units: only the gas tells."""


def unit_named(text: str) -> str:
    """The unit that somebody wrote: 度 and KWH are kWh. What is not known comes back as it was, to be refused."""
    plain = text.strip()
    return plain if plain in MEASURES else _SAME.get(plain, plain[:40])


def units_of(dimension: Dimension) -> tuple[str, ...]:
    """The units that measure it."""
    return tuple(unit for unit, measure in MEASURES.items() if measure.dimension == dimension)


def in_base(quantity: Decimal, unit: str, dimension: Dimension) -> Fraction:
    """So many base units of the dimension, exactly. Raises UnitContradicts, naming those allowed; NumberUnreadable."""
    measure = MEASURES.get(unit_named(unit))
    if measure is None or measure.dimension != dimension:
        raise UnitContradicts(unit=unit[:40], units=", ".join(units_of(dimension)))
    return exact(quantity) * measure.size


def from_base(amount: Fraction, unit: str) -> Fraction:
    """Base units as that unit, exactly. Raises KeyError for a unit that is not in the table."""
    return amount / MEASURES[unit].size


def emitted(amount: Fraction, value: Decimal, unit: str) -> Fraction:
    """Grams that so many base units emit by a factor of that value and unit, exactly; not yet rounded."""
    return amount * exact(value) * UNITS[unit].grams


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
    """How many whole base units one of the unit is: 1000 m a kilometre."""
    size = MEASURES[UNITS[unit].per].size
    assert size.denominator == 1, unit
    return int(size)


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
_TO_THE_GRAM = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,6})?")
_FULL_WIDTH = {0xFF0E: ".", **{0xFF10 + digit: str(digit) for digit in range(10)}}


def _decimal(text: str, written: re.Pattern[str] = _PLAIN) -> Decimal:
    plain = text.strip().translate(_FULL_WIDTH)
    if not written.fullmatch(plain):
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


def grams_from_tonnes_text(text: str) -> int:
    """Tonnes as a person types them, to the gram, in grams. Raises NumberUnreadable."""
    return int(_decimal(text, _TO_THE_GRAM) * 1_000_000)


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
