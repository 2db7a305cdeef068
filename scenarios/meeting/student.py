"""Student's t at 97.5 %, for two-sided 95 % limits: tests compute each value again by integrating the density."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction

_FIRST = (
    *(12706, 4303, 3182, 2776, 2571, 2447, 2365, 2306, 2262, 2228, 2201, 2179, 2160, 2145, 2131),
    *(2120, 2110, 2101, 2093, 2086, 2080, 2074, 2069, 2064, 2060, 2056, 2052, 2048, 2045, 2042),
)
THOUSANDTHS = {**dict(enumerate(_FIRST, 1)), 40: 2021, 60: 2000, 120: 1980, 1000: 1962}
"""By degrees of freedom."""

_DEGREES = sorted(THOUSANDTHS)


def t_975(degrees: int) -> Fraction:
    """The quantile; between two of the table that of fewer degrees, which is the wider. Degrees begin at one."""
    assert degrees >= 1
    return Fraction(THOUSANDTHS[_DEGREES[bisect_right(_DEGREES, degrees) - 1]], 1000)
