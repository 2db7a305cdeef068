"""Who did not answer is estimated from who did: exactly, by intervals that hold what they promise."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.meeting.extrapolation import Group, effective_degrees, extrapolate, whole
from scenarios.meeting.student import THOUSANDTHS, t_975

Answers = Sequence[tuple[int, int]]


def group(answers: Answers, head_count: int | None, name: str = "A") -> Group:
    """A group of answers: (people, grams) each."""
    return Group(
        name=name,
        gate=1,
        head_count=head_count,
        answers=len(answers),
        respondents=sum(x for x, _ in answers),
        sum_g=sum(y for _, y in answers),
        sum_people_squared=sum(x * x for x, _ in answers),
        sum_people_g=sum(x * y for x, y in answers),
        sum_g_squared=sum(y * y for _, y in answers),
        by_source_g={"travel": sum(y for _, y in answers)},
    )


def test_a_small_group_by_hand() -> None:
    """Three of ten answered 10, 20 and 30 g: mean 20, s² = 100, variance 100 × 0.7 × 100 / 3, t of 2 is 4.303."""
    (found,) = extrapolate([group([(1, 10), (1, 20), (1, 30)], 10)])
    assert (found.missing_people, found.mean_g, found.response_rate) == (7, "20", "3/10")
    assert found.emissions_g == 140
    assert found.half_g == math.ceil(4.303 * math.sqrt(7000 / 3))
    assert (found.low_g, found.high_g) == (0, 140 + found.half_g)


def test_one_answer_for_several_people_is_one_observation_of_a_mean_per_person() -> None:
    alike = extrapolate([group([(2, 200), (3, 300), (1, 100)], 60)])[0]
    assert (alike.mean_g, alike.emissions_g, alike.half_g) == ("100", 5400, 0)
    (uneven,) = extrapolate([group([(2, 100), (1, 200)], 6)])
    assert uneven.mean_g == "100"
    residuals = (100 - 200) ** 2 + (200 - 100) ** 2
    variance = Fraction(36) * Fraction(1, 2) * residuals / (2 * Fraction(3, 2) ** 2)
    assert uneven.half_g == math.ceil(12.706 * math.sqrt(variance))


@pytest.mark.parametrize(
    ("answers", "heads", "state"),
    [
        ([], 40, "nobody_answered"),
        ([(1, 500)], 40, "too_few_answers"),
        ([(2, 500), (3, 20)], 4, "fewer_than_answered"),
        ([(2, 500), (3, 20)], None, "not_counted"),
        ([(2, 500), (3, 20)], 5, "complete"),
    ],
)
def test_what_cannot_be_estimated_is_named_and_never_filled(answers: Answers, heads: int | None, state: str) -> None:
    (found,) = extrapolate([group(answers, heads, "东门")])
    assert (found.state, found.emissions_g, found.high_g, found.mean_g) == (state, 0, 0, None)
    together = whole([found])
    assert together.refused == (() if state == "complete" else ("东门",))
    assert together.refused_people == (40 if heads == 40 else 0) - (len(answers) if heads == 40 else 0)


def test_the_quantiles_are_students() -> None:
    for degrees, thousandths in THOUSANDTHS.items():
        scale = math.gamma((degrees + 1) / 2) / math.gamma(degrees / 2) if degrees < 300 else math.sqrt(degrees / 2)
        scale /= math.sqrt(degrees * math.pi)
        steps, top = 4_000, thousandths / 1000
        width = top / steps
        heights = [scale * (1 + (n * width) ** 2 / degrees) ** (-(degrees + 1) / 2) for n in range(steps + 1)]
        area = width / 3 * (heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2]))
        assert area == pytest.approx(0.475, abs=4e-5 if degrees < 300 else 2e-4), degrees
    assert t_975(35) == t_975(30) > t_975(40)


def test_about_95_percent_of_intervals_hold_the_truth() -> None:
    """Two gates, parties of one to four, drawn 1 500 times with the same seed."""
    chance = random.Random(20261121)
    crowds = [[(x := chance.randint(1, 4), x * chance.randint(500, 9_000)) for _ in range(300)] for _ in range(2)]
    held = {"gate": 0, "whole": 0}
    for _ in range(1_500):
        drawn = [chance.sample(crowd, size) for crowd, size in zip(crowds, (60, 40), strict=True)]
        heads = [sum(x for x, _ in crowd) for crowd in crowds]
        parts = extrapolate([group(some, total) for some, total in zip(drawn, heads, strict=True)])
        truth = [sum(y for _, y in c) - sum(y for _, y in d) for c, d in zip(crowds, drawn, strict=True)]
        held["gate"] += parts[0].low_g <= truth[0] <= parts[0].high_g
        together = whole(parts)
        held["whole"] += together.low_g <= sum(truth) <= together.high_g
    for name, times in held.items():
        assert 0.93 <= times / 1_500 <= 0.975, name


ANSWERS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 10**7)), min_size=2, max_size=12)


@given(ANSWERS, st.integers(0, 500), st.integers(0, 500))
def test_more_missing_people_never_emit_less(answers: Answers, some: int, more: int) -> None:
    heads = sum(x for x, _ in answers) + some
    fewer, larger = extrapolate([group(answers, heads), group(answers, heads + more)])
    assert larger.emissions_g >= fewer.emissions_g
    assert larger.half_g >= fewer.half_g
    assert larger.low_g <= larger.emissions_g <= larger.high_g


@given(st.lists(st.tuples(ANSWERS, st.integers(1, 300)), min_size=1, max_size=4))
def test_groups_add_up_and_a_sum_is_surer_than_its_parts(drawn: list[tuple[Answers, int]]) -> None:
    parts = extrapolate([group(a, sum(x for x, _ in a) + missing) for a, missing in drawn])
    together = whole(parts)
    assert together.emissions_g == sum(each.emissions_g for each in parts) == sum(together.by_source_g.values())
    assert together.missing_people == sum(missing for _, missing in drawn)
    if together.half_g:
        assert min(p.degrees for p in parts) <= effective_degrees(parts) <= sum(p.degrees for p in parts)
