"""Figures: what was measured, what is asked, and whether it is met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal

import msgspec

from tests.bench.load import Result

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


def figures_of_writes(name: str, route: str, results: Mapping[str, Sequence[Result]]) -> list[Figure]:
    """Members' writes over HTTP against the same route but for the database (`echo_` and the name): medians, ratios."""
    echo = f"echo_{name}"
    per_s = {each: [result.per_s for result in found] for each, found in results.items()}
    p99_ms = median(each.p99_ms for each in results[name])
    return [
        Figure(
            name=name,
            value=round(median(per_s[name])),
            unit="1/s",
            ratio=round(median_ratio(per_s[name], per_s[echo]), 3),
            of=echo,
            limit=0.4,
            bound="least",
            note="64 connections, members' tokens; worker and load on the same cores",
        ),
        Figure(name=f"{name}_p99_ms", value=round(p99_ms, 1), unit="ms"),
        Figure(name=echo, value=round(median(per_s[echo])), unit="1/s", note=f"the {route} but for the database"),
    ]
