"""Amounts as people read them, in pages and in documents."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from service.i18n import Language, mark, translate

KILOGRAM = 1_000
WHOLE_KILOGRAMS = 100_000
TONNE = 1_000_000
NARROW_SPACE = "\u202f"


class Amount(NamedTuple):
    """A number and its unit, to be set in different sizes."""

    number: str
    unit: str

    def __str__(self) -> str:
        return f"{self.number}\u00a0{self.unit}"


def mass(grams: int, language: Language) -> Amount:
    """Grams in the unit that reads best: 850 g, 12.3 kg, 312 kg, 22 302.1 t."""
    size = abs(grams)
    if size < KILOGRAM:
        return Amount(str(grams), translate(language, mark("克")))
    if size < TONNE:
        step = "0.1" if size < WHOLE_KILOGRAMS else "1"
        return Amount(rounded(Decimal(grams).scaleb(-3), step), translate(language, mark("千克")))
    return Amount(rounded(Decimal(grams).scaleb(-6), "0.1"), translate(language, mark("吨")))


def rounded(number: Decimal, step: str) -> str:
    """Rounded to the step, in groups of three digits."""
    return grouped(number.quantize(Decimal(step), ROUND_HALF_UP))


def grouped(number: int | Decimal) -> str:
    """Digits in groups of three, with narrow spaces."""
    return format(number, ",").replace(",", NARROW_SPACE)


def share(permille: int | None, _: Language) -> str:
    """Thousandths as a percentage with one decimal; a dash where there is nothing to compare with."""
    return "–" if permille is None else f"{Decimal(permille).scaleb(-1)}\u00a0%"
