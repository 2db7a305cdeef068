"""People who did not answer, estimated from those of their group who did, against the group's head count.

A group is a stratum: a gate, or everybody. Within it the mean is grams per person (a ratio, since one answer may
stand for several people), expanded to the people missing, with the finite population correction and Student's t;
strata are added with Satterthwaite's degrees of freedom. W. G. Cochran, Sampling Techniques, 3rd ed., Wiley 1977:
chapters 2 (correction, limits), 5 (strata) and 6 (ratio). That who answered is like who did not is the assumption.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isqrt
from typing import Literal

import msgspec

from scenarios.meeting.student import t_975
from scenarios.policies.accounting import accounting_policy
from scenarios.quantities import round_up

State = Literal["estimated", "complete", "nobody_answered", "too_few_answers", "fewer_than_answered", "not_counted"]
"""Estimated; nobody missing; missing for want of answers; more people answered than were counted; no head count."""

REFUSED: tuple[State, ...] = ("nobody_answered", "too_few_answers", "fewer_than_answered", "not_counted")
"""Nothing is estimated: the group is named as missing, never taken for zero."""


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A group's head count and the sums of its answers.

    One answer is one attendee with all of their check-ins: `people` x stand behind it, `grams` y were emitted.
    The sums are of x, y, x², xy and y². `by_source_g` splits sum_g by emission source; `co2_only_g` is the part of it
    whose factors cover CO2 alone. `gate` is None for everybody, or the rest.
    """

    name: str
    gate: int | None
    head_count: int | None
    answers: int
    respondents: int
    sum_g: int
    sum_people_squared: int
    sum_people_g: int
    sum_g_squared: int
    by_source_g: Mapping[str, int] = {}
    co2_only_g: int = 0


class Extrapolated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A group's missing people and, unless refused, what they are estimated to emit with its 95 % interval, in grams.

    `response_rate` and `mean_g` (grams per person) are exact fractions as text. `half_g` is half of the interval's
    width; `low_g` is never below zero. `variance_g2` is the estimate's variance, rounded up.
    """

    name: str
    gate: int | None
    head_count: int | None
    respondents: int
    state: State
    missing_people: int | None = None
    response_rate: str | None = None
    mean_g: str | None = None
    emissions_g: int = 0
    by_source_g: Mapping[str, int] = {}
    co2_only_g: int = 0
    low_g: int = 0
    high_g: int = 0
    half_g: int = 0
    variance_g2: int = 0
    degrees: int = 0

    @property
    def response_permille(self) -> int | None:
        """The response rate in thousandths, rounded down; None without a head count."""
        return permille_of(self.response_rate)


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """All groups together: what is estimated with its 95 % interval, and which groups could not be.

    `response_rate` is of the groups whose heads were counted, None without any.
    """

    emissions_g: int
    co2_only_g: int
    low_g: int
    high_g: int
    half_g: int
    head_count: int
    respondents: int
    missing_people: int
    response_rate: str | None
    by_source_g: Mapping[str, int]
    refused: tuple[str, ...]
    refused_people: int

    @property
    def response_permille(self) -> int | None:
        """The response rate in thousandths, rounded down; None without a head count."""
        return permille_of(self.response_rate)


def permille_of(rate: str | None) -> int | None:
    """A fraction's text in thousandths, rounded down."""
    return None if rate is None else int(Fraction(rate) * 1000)


def extrapolate(groups: Sequence[Group]) -> list[Extrapolated]:
    """What the missing people of each group emit, in their order; never a guess where nobody answered."""
    return [_extrapolated(group) for group in groups]


def _extrapolated(group: Group) -> Extrapolated:
    state = _state(group)
    missing = None if group.head_count is None else max(0, group.head_count - group.respondents)
    known = Extrapolated(
        name=group.name,
        gate=group.gate,
        head_count=group.head_count,
        respondents=group.respondents,
        state=state,
        missing_people=missing,
        response_rate=str(Fraction(group.respondents, group.head_count)) if group.head_count else None,
    )
    return known if state != "estimated" else _estimated(group, known)


def _state(group: Group) -> State:
    if group.head_count is None:
        return "not_counted"
    if group.head_count < group.respondents:
        return "fewer_than_answered"
    if group.head_count == group.respondents:
        return "complete"
    if not group.answers:
        return "nobody_answered"
    return "estimated" if group.answers >= accounting_policy().extrapolation.least_answers else "too_few_answers"


def _estimated(group: Group, known: Extrapolated) -> Extrapolated:
    missing = known.missing_people
    assert missing is not None
    per_person = Fraction(missing, group.respondents)
    sources = {source: round_up(grams * per_person) for source, grams in sorted(group.by_source_g.items())}
    emissions_g = sum(sources.values()) if sources else round_up(group.sum_g * per_person)
    variance = variance_of(group)
    degrees = group.answers - 1
    half_g = half_width(variance, degrees)
    return msgspec.structs.replace(
        known,
        mean_g=str(Fraction(group.sum_g, group.respondents)),
        emissions_g=emissions_g,
        by_source_g=sources,
        co2_only_g=min(emissions_g, round_up(group.co2_only_g * per_person)),
        low_g=max(0, emissions_g - half_g),
        high_g=emissions_g + half_g,
        half_g=half_g,
        variance_g2=round_up(variance),
        degrees=degrees,
    )


def variance_of(group: Group) -> Fraction:
    """The variance of the group's estimated total, in grams²: X² (1-f) s² / (n x̄²), s² of the residuals y - Rx.

    That of the missing people's total is the same: what answered is known.
    """
    assert group.head_count
    ratio = Fraction(group.sum_g, group.respondents)
    residual = group.sum_g_squared - 2 * ratio * group.sum_people_g + ratio**2 * group.sum_people_squared
    spread = max(Fraction(0), residual) / (group.answers - 1)
    left_out = 1 - Fraction(group.respondents, group.head_count)
    mean_people = Fraction(group.respondents, group.answers)
    return group.head_count**2 * left_out * spread / (group.answers * mean_people**2)


def half_width(variance: Fraction, degrees: int) -> int:
    """Half of the 95 % interval in whole grams, rounded up."""
    squared = round_up(t_975(degrees) ** 2 * variance)
    root = isqrt(squared)
    return root if root * root == squared else root + 1


def whole(parts: Sequence[Extrapolated]) -> Whole:
    """All groups together, as strata that are independent of each other."""
    counted = [each for each in parts if each.head_count is not None]
    done = [each for each in parts if each.state == "estimated"]
    refused = [each for each in parts if each.state in REFUSED]
    heads, answered = sum(each.head_count or 0 for each in counted), sum(each.respondents for each in counted)
    emissions_g = sum(each.emissions_g for each in done)
    half_g = half_width(Fraction(sum(each.variance_g2 for each in done)), effective_degrees(done))
    sources = sorted({source for each in done for source in each.by_source_g})
    return Whole(
        emissions_g=emissions_g,
        co2_only_g=sum(each.co2_only_g for each in done),
        low_g=max(0, emissions_g - half_g),
        high_g=emissions_g + half_g,
        half_g=half_g,
        head_count=heads,
        respondents=answered,
        missing_people=sum(each.missing_people or 0 for each in counted),
        response_rate=str(Fraction(answered, heads)) if heads else None,
        by_source_g={source: sum(each.by_source_g.get(source, 0) for each in done) for source in sources},
        refused=tuple(each.name for each in refused),
        refused_people=sum(each.missing_people or 0 for each in refused),
    )


def effective_degrees(parts: Sequence[Extrapolated]) -> int:
    """Satterthwaite's degrees of freedom of a sum of strata, rounded down; one stratum has its own."""
    squares = sum(Fraction(each.variance_g2**2, each.degrees) for each in parts)
    return int(Fraction(sum(each.variance_g2 for each in parts)) ** 2 / squares) if squares else 1
