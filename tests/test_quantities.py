"""Amounts, units and rounding."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.quantities import (
    FARTHEST_M,
    UNITS,
    count_from_text,
    exact,
    km_text,
    metres_from_km_text,
    rate,
    wh_from_kwh_text,
)
from scenarios.refusals import DistanceAbsurd, NumberUnreadable

VALUES = st.decimals(min_value=0, max_value=1000, places=5)
AMOUNTS = st.integers(min_value=0, max_value=10**12)


@given(value=VALUES, amount=AMOUNTS, shared_by=st.integers(min_value=1, max_value=60))
def test_emissions_round_up_by_less_than_a_gram(value: Decimal, amount: int, shared_by: int) -> None:
    truth = Fraction(value) * amount / shared_by
    assert 0 <= rate(value, "kgCO2e/pkm").emissions_g(amount, shared_by) - truth < 1


@given(value=VALUES, amount=AMOUNTS)
def test_reductions_round_down_by_less_than_a_gram(value: Decimal, amount: int) -> None:
    truth = Fraction(value) * amount / 1000
    assert 0 <= truth - rate(value, "gCO2/km").reduction_g(amount) < 1


@pytest.mark.parametrize(
    ("unit", "base", "grams"),
    [
        ("kgCO2e/pkm", "m", Fraction(1)),
        ("gCO2/pkm", "m", Fraction(1, 1000)),
        ("kgCO2e/vkm", "m", Fraction(1)),
        ("gCO2e/kWh", "Wh", Fraction(1, 1000)),
        ("gCO2e/order", "1", Fraction(1)),
        ("kgCO2e/room-night", "1", Fraction(1000)),
    ],
)
def test_a_factor_of_one_is_so_many_grams_a_base_unit(unit: str, base: str, grams: Fraction) -> None:
    assert (UNITS[unit].base, UNITS[unit].grams) == (base, grams)


def test_co2_and_co2e_are_different_units() -> None:
    assert UNITS["kgCO2/pkm"].gas == "CO2"
    assert UNITS["kgCO2e/pkm"].gas == "CO2e"
    assert UNITS["kgCO2/pkm"] != UNITS["kgCO2e/pkm"]


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("12.5", 12_500),
        (" 3 ", 3_000),
        ("0", 0),
        ("0.001", 1),
        ("\uff11\uff12\uff0e\uff15", 12_500),
        ("40000", FARTHEST_M),
    ],
)
def test_kilometres_as_typed_are_metres_exactly(text: str, metres: int) -> None:
    assert metres_from_km_text(text) == metres


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "NaN", "inf", "-inf", "1e5", "1E300000", "-3", "+3", "12,5", "1_000", "0x10"),
        *("5²", "①", "٣", "3 km", ".", ".5", "5.", "1.2345", "1" * 400),
    ],
)
def test_whatever_is_not_a_plain_number_is_refused(text: str) -> None:
    with pytest.raises(NumberUnreadable) as refused:
        metres_from_km_text(text)
    assert refused.value.values == {"text": text[:40]}


@pytest.mark.parametrize("text", ["40000.001", "999999999"])
def test_a_distance_beyond_the_earth_is_refused(text: str) -> None:
    with pytest.raises(DistanceAbsurd, match="40000"):
        metres_from_km_text(text)


def test_energy_and_counts_as_typed() -> None:
    assert wh_from_kwh_text("20.125") == 20_125
    assert count_from_text("3") == 3
    with pytest.raises(NumberUnreadable):
        count_from_text("3.5")


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1e300000", "1e16", "1e-16", "12345e13"])
def test_a_number_without_end_is_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(NumberUnreadable):
        exact(Decimal(text))
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize(
    ("metres", "text"), [(12_500, "12.5"), (40_000_000, "40000"), (0, "0"), (1, "0.001"), (-5, "-0.005")]
)
def test_metres_are_shown_as_plain_kilometres(metres: int, text: str) -> None:
    assert km_text(metres) == text
