"""How uncertain a result is, by error propagation.

2006 IPCC Guidelines for National Greenhouse Gas Inventories, volume 1, chapter 3, approach 1: equation 3.1 combines
an amount's and a factor's half-widths, equation 3.2 those of parts that are added. Parts that share a factor err
together: what the factor makes of them is added linearly, everything else in quadrature. Half-widths of amounts by
rank and of factors by certainty are the operator's policy; the interval of an extrapolation enters as a part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import isqrt

import msgspec

from scenarios.citations import Certainty, PackUsed
from scenarios.policies.accounting import accounting_policy
from scenarios.quantities import exact, round_up

RULE = (
    "活动数据与排放因子的半宽按 IPCC 2006 指南第 1 卷第 3 章方法 1（公式 3.1、3.2）合成；共用一个因子的各项线性相加，"
    "其余按平方和开方；半宽是运营方的政策；推算的抽样区间另作一项。"
)
"""The rule in words: a msgid."""


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Grams that one factor makes of one kind of amounts; or grams that were extrapolated, with their own `half_g`.

    `factor` tells factors apart (its key, pack and place); empty for what was extrapolated. `activity_percent` and
    `factor_percent` are half-widths at 95 % where a document gives them; else those of the policy hold.
    """

    name: str
    emissions_g: int
    factor: str = ""
    rank: str = "declared"
    certainty: Certainty = "unverified"
    placeholder: bool = False
    half_g: int | None = None
    activity_percent: Decimal | None = None
    factor_percent: Decimal | None = None


class PartUncertainty(msgspec.Struct, frozen=True):
    """A part's half-width, in grams and in percent of it (one decimal, rounded up)."""

    name: str
    emissions_g: int
    half_g: int
    percent: Decimal


class Uncertainty(msgspec.Struct, frozen=True):
    """The 95 % interval of the sum of all parts; `rule` is a msgid. Low is never below zero."""

    emissions_g: int
    low_g: int
    high_g: int
    half_g: int
    percent: Decimal
    rule: str
    policy: PackUsed
    parts: tuple[PartUncertainty, ...]


def combined(parts: Sequence[Part]) -> Uncertainty:
    """The uncertainty of the parts' sum. More parts never make it smaller in grams."""
    total_g = sum(part.emissions_g for part in parts)
    by_factor: defaultdict[str, Fraction] = defaultdict(Fraction)
    squares = Fraction(0)
    for part in parts:
        own, shared = half_widths(part)
        squares += own**2
        if part.factor:
            by_factor[part.factor] += shared
        else:
            squares += shared**2
    half_g = root_up(squares + sum((each**2 for each in by_factor.values()), Fraction(0)))
    return Uncertainty(
        emissions_g=total_g,
        low_g=max(0, total_g - half_g),
        high_g=total_g + half_g,
        half_g=half_g,
        percent=percent_of(half_g, total_g),
        rule=RULE,
        policy=accounting_policy().used,
        parts=tuple(_shown(part) for part in parts),
    )


def half_widths(part: Part) -> tuple[Fraction, Fraction]:
    """Grams that the amount, and that the factor, may be off; an extrapolation's interval counts with the amount."""
    if part.half_g is not None:
        return Fraction(part.half_g), Fraction(0)
    own = accounting_policy().uncertainty
    activity = own.activity_percent[part.rank] if part.activity_percent is None else part.activity_percent
    sure = "placeholder" if part.placeholder else part.certainty
    factor = own.factor_percent[sure] if part.factor_percent is None else part.factor_percent
    return part.emissions_g * exact(activity) / 100, part.emissions_g * exact(factor) / 100


def _shown(part: Part) -> PartUncertainty:
    own, shared = half_widths(part)
    half_g = root_up(own**2 + shared**2)
    return PartUncertainty(part.name, part.emissions_g, half_g, percent_of(half_g, part.emissions_g))


def root_up(square: Fraction) -> int:
    """The square root in whole grams, rounded up."""
    whole = round_up(square)
    root = isqrt(whole)
    return root if root * root == whole else root + 1


def percent_of(part_g: int, whole_g: int) -> Decimal:
    """A share in percent with one decimal, rounded up; 0 of nothing."""
    return Decimal(round_up(Fraction(part_g * 1000, whole_g))) / 10 if whole_g else Decimal(0)
