"""Amounts, units and rounding."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.quantities import (
    FARTHEST_M,
    MEASURES,
    UNITS,
    Dimension,
    count_from_text,
    emitted,
    exact,
    from_base,
    in_base,
    km_text,
    metres_from_km_text,
    rate,
    unit_named,
    units_of,
    wh_from_kwh_text,
)
from scenarios.refusals import DistanceAbsurd, NumberUnreadable, UnitContradicts

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


@given(unit=st.sampled_from(sorted(MEASURES)), quantity=st.decimals(0, 10**9, places=6))
def test_an_amount_comes_back_from_its_base_unit_exactly(unit: str, quantity: Decimal) -> None:
    assert from_base(in_base(quantity, unit, MEASURES[unit].dimension), unit) == Fraction(quantity)


@given(
    dimension=st.sampled_from(get_args(Dimension)),
    quantity=st.decimals(0, 10**6, places=3),
    value=VALUES,
    data=st.data(),
)
def test_an_amount_emits_the_same_in_whatever_unit_it_is_told(
    dimension: Dimension, quantity: Decimal, value: Decimal, data: st.DataObject
) -> None:
    told, other, per = (data.draw(st.sampled_from(units_of(dimension))) for _ in range(3))
    amount = in_base(quantity, told, dimension)
    again = from_base(amount, other) * MEASURES[other].size
    assert emitted(again, value, f"kgCO2e/{per}") == emitted(amount, value, f"kgCO2e/{per}")
    assert emitted(amount, value, f"tCO2/{per}") == 1000 * emitted(amount, value, f"kgCO2/{per}")


@pytest.mark.parametrize(
    ("quantity", "unit", "factor", "grams"),
    [
        ("1", "MWh", ("0.5306", "kgCO2/kWh"), "530600"),
        ("1", "GJ", ("0.11", "tCO2/GJ"), "110000"),
        ("1000", "MJ", ("0.11", "tCO2/GJ"), "110000"),
        ("1000", "kWh", ("0.11", "tCO2/GJ"), "396000"),
        ("2", "t", ("2.925056", "tCO2/t"), "5850112"),
        ("500", "g", ("2.925056", "tCO2/t"), "1462.528"),
        ("1", "m3", ("21.621888", "tCO2/10^4Nm3"), "2162.1888"),
        ("10000", "Nm3", ("21.621888", "tCO2/10^4Nm3"), "21621888"),
        ("3", "L", ("0.1913", "kgCO2e/m3"), "0.5739"),
        ("12", "tkm", ("0.1", "kgCO2e/tkm"), "1200"),
        ("7", "meal", ("0.85", "kgCO2e/meal"), "5950"),
        ("100", "sheet", ("5.8725", "gCO2e/sheet"), "587.25"),
    ],
)
def test_what_an_amount_emits(quantity: str, unit: str, factor: tuple[str, str], grams: str) -> None:
    amount = in_base(Decimal(quantity), unit, MEASURES[unit].dimension)
    assert emitted(amount, Decimal(factor[0]), factor[1]) == Fraction(grams)


@pytest.mark.parametrize(
    ("unit", "dimension", "allowed"),
    [
        ("kg", "energy", "kWh, MWh, GWh, MJ, GJ, TJ"),
        ("kWh", "mass", "g, kg, t"),
        ("sheet", "meal", "meal"),
        ("vkm", "person distance", "pkm"),
        ("L", "mass", "g, kg, t"),
        ("mwh", "energy", "kWh, MWh, GWh, MJ, GJ, TJ"),
        ("", "mass", "g, kg, t"),
        ("斤", "mass", "g, kg, t"),
    ],
)
def test_a_unit_of_another_dimension_is_refused_with_those_allowed(
    unit: str, dimension: Dimension, allowed: str
) -> None:
    with pytest.raises(UnitContradicts) as refused:
        in_base(Decimal(1), unit, dimension)
    assert refused.value.values == {"unit": unit, "units": allowed}


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "1e300000", "1e-300000"])
def test_a_quantity_that_is_no_number_is_refused(quantity: str) -> None:
    with pytest.raises(NumberUnreadable):
        in_base(Decimal(quantity), "kWh", "energy")


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("度", "kWh"),
        (" KWH ", "kWh"),
        ("吨", "t"),
        ("公斤", "kg"),
        ("m³", "m3"),
        ("万Nm³", "10^4Nm3"),
        ("间夜", "room-night"),
    ],
)
def test_units_are_read_as_people_write_them(written: str, unit: str) -> None:
    assert unit_named(written) == unit


def test_what_a_factor_may_be_per_covers_every_unit_of_activity_data() -> None:
    wanted = ["kgCO2/kWh", "kgCO2/kg", "tCO2/t", "kgCO2/m3", "tCO2/10^4Nm3", "tCO2/GJ", "kgCO2e/t", "kgCO2e/m3"]
    assert all(unit in UNITS for unit in [*wanted, "kgCO2e/L", "kgCO2e/tkm", "kgCO2e/meal", "kgCO2e/room-night"])
    assert {each.per for each in UNITS.values()} == set(MEASURES)
