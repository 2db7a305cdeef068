"""Figures: what was measured, what is asked, and whether it is met."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec

RUNS = 5


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `bench.json`. `value` is absolute, in `unit`; `ratio` holds it against `of`, within the same run.

    `limit` is what is asked of the ratio, or of the value where there is no ratio: `bound` says whether as the least
    or the most. Lines without a limit are facts.
    """

    name: str
    value: float | int | str
    unit: str = ""
    limit: float | int | None = None
    ratio: float | None = None
    bound: Literal["least", "most"] | None = None
    of: str | None = None
    note: str | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is as asked; None where nothing is asked."""
        measured = self.value if self.ratio is None else self.ratio
        if self.limit is None or isinstance(measured, str):
            return None
        return measured >= self.limit if self.bound == "least" else measured <= self.limit


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios of runs that alternated."""
    return median(a / b for a, b in zip(above, below, strict=True))
