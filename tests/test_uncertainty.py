"""How uncertain a sum is: the IPCC's equations, with what shares a factor erring together."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.meeting.uncertainty import RULE, Part, combined
from scenarios.policies.accounting import FILE, accounting_policy, read_accounting_policy
from scenarios.refusals import PackUnreadable

GIVEN = {"activity_percent": Decimal(3), "factor_percent": Decimal(4)}


def test_an_amount_and_its_factor_combine_by_equation_3_1() -> None:
    found = combined([Part(name="a", emissions_g=1_000, factor="f", **GIVEN)])
    assert (found.half_g, found.percent) == (50, Decimal(5))
    assert (found.low_g, found.high_g) == (950, 1_050)
    assert found.rule == RULE
    assert found.policy.id == "accounting"


def test_parts_with_factors_of_their_own_combine_by_equation_3_2() -> None:
    found = combined([Part(name=n, emissions_g=1_000, factor=n, **GIVEN) for n in "ab"])
    assert found.half_g == math.ceil(50 * math.sqrt(2))


def test_parts_that_share_a_factor_err_together() -> None:
    found = combined([Part(name=n, emissions_g=1_000, factor="same", **GIVEN) for n in "ab"])
    assert found.half_g == math.ceil(math.sqrt(2 * 30**2 + 80**2))
    one = Part(name="c", emissions_g=2_000, factor="same", activity_percent=Decimal(0), factor_percent=Decimal(4))
    halves = [
        Part(name=n, emissions_g=1_000, factor="same", activity_percent=Decimal(0), factor_percent=Decimal(4))
        for n in "ab"
    ]
    assert combined(halves).half_g == combined([one]).half_g == 80


def test_an_extrapolation_enters_with_its_own_interval() -> None:
    found = combined([Part(name="a", emissions_g=500, half_g=300), Part(name="b", emissions_g=500, half_g=400)])
    assert (found.half_g, found.low_g, found.high_g) == (500, 500, 1_500)
    assert combined([Part(name="a", emissions_g=10, half_g=300)]).low_g == 0
    assert combined([]).percent == 0


def test_ranks_and_certainties_make_it_surer_or_less_sure() -> None:
    ranks = [
        combined([Part(name="a", emissions_g=10**6, factor="f", rank=r)]).half_g
        for r in ("measured", "declared", "default")
    ]
    assert ranks == sorted(set(ranks))
    verbatim, placeholder = (
        combined([Part(name="a", emissions_g=10**6, factor="f", certainty="verbatim", placeholder=p)]).half_g
        for p in (False, True)
    )
    assert verbatim < placeholder


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.sampled_from("fg"), st.sampled_from(["measured", "default"])), max_size=8
    )
)
def test_more_parts_never_make_it_surer_in_grams_and_all_add_up(drawn: list[tuple[int, str, str]]) -> None:
    parts = [Part(name=str(n), emissions_g=g, factor=f, rank=r) for n, (g, f, r) in enumerate(drawn)]
    found, fewer = combined(parts), combined(parts[:-1])
    assert found.emissions_g == sum(each.emissions_g for each in found.parts)
    assert found.half_g >= fewer.half_g
    assert found.half_g <= sum(each.half_g for each in found.parts) + 1


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"measured = 5", b"measured = -5"),
        (b"measured = 5", b"guessed = 5"),
        (b"verbatim = 20", b"verbatim = 2000"),
        (b"least_answers = 2", b"least_answers = 1"),
        (b"verbatim = 20", b"verbatim = nan"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(good: bytes, bad: bytes) -> None:
    content = FILE.read_bytes()
    assert read_accounting_policy(content, "policy") == accounting_policy()
    with pytest.raises(PackUnreadable):
        read_accounting_policy(content.replace(good, bad, 1), "policy")
