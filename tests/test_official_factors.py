"""The figures that ship, against the official ones: electricity, fuels, heat, waste; and the traps seen elsewhere.

tests/data/cn_grid_co2_factors.csv holds the annexes of 生态环境部、国家统计局 公告2024年第12号, 公告2024年第33号 and
公告2025年第47号: a nation, 7 regions and 30 provinces, three data years.
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from scenarios.factors import Factor, FactorBook, default_sets, factor_set, factor_sets, read_factor_set
from scenarios.gwp import gwp_set
from scenarios.meeting.items import items
from scenarios.quantities import UNITS
from scenarios.refusals import FactorNotInForce, PackUnreadable
from scenarios.regions import PROVINCES

ANNEXES = Path(__file__).parent / "data" / "cn_grid_co2_factors.csv"
OFFICIAL = list(csv.DictReader(ANNEXES.read_text("utf-8").splitlines()))
CODES = {name: code for code, (name, _) in PROVINCES.items()}
KEYS = {
    "全国平均": "electricity_national",
    "全国平均(不含市场化交易非化石电量)": "electricity_national_untraded",
    "全国化石能源电力": "electricity_national_fossil",
    "华北": "electricity_north",
    "东北": "electricity_northeast",
    "华东": "electricity_east",
    "华中": "electricity_central",
    "西北": "electricity_northwest",
    "南方": "electricity_south",
    "西南": "electricity_southwest",
}
AFTER = {"2021": date(2024, 4, 12), "2022": date(2024, 12, 20), "2023": date(2025, 12, 31)}
"""The day of the announcement of each data year."""

DAY = date(2026, 11, 21)
BOOK = FactorBook(default_sets("CN"))
GRID = factor_set("electricity-cn")


@pytest.mark.parametrize("row", OFFICIAL, ids=lambda row: f"{row['area']}-{row['data_year']}")
def test_electricity_is_the_official_figure_of_place_and_data_year(row: dict[str, str]) -> None:
    province = row["level"] == "province"
    key, place = ("electricity", CODES[row["area"]]) if province else (KEYS[row["area"]], "CN")
    found = GRID.find(key, place, AFTER[row["data_year"]])
    assert (str(found.value), found.data_year) == (row["kgCO2_per_kWh"], int(row["data_year"]))
    assert (found.unit, found.gases, found.co2_only) == ("kgCO2/kWh", ("CO2",), True)
    assert row["announcement"].split("(")[0].removeprefix("公告") in found.citation.number


def test_all_figures_are_there_and_no_other() -> None:
    assert len(OFFICIAL) == len(GRID.factors) == 120


@pytest.mark.parametrize(
    ("on", "year"),
    [
        (date(2024, 4, 12), 2021),
        (date(2024, 12, 19), 2021),
        (date(2024, 12, 20), 2022),
        (date(2025, 12, 30), 2022),
        (date(2025, 12, 31), 2023),
        (DAY, 2023),
    ],
)
def test_an_events_day_takes_the_newest_series_announced_by_then(on: date, year: int) -> None:
    assert BOOK.find("electricity", "310000", on).data_year == year


def test_the_years_are_not_shifted() -> None:
    found = {each.data_year: each.value for each in GRID.factors if each.key == "electricity_national"}
    assert found == {2021: Decimal("0.5568"), 2022: Decimal("0.5366"), 2023: Decimal("0.5306")}


@pytest.mark.parametrize("place", ["540000", "540100", "810000", "820000", "710000", "HK", "MO", "TW", "CN"])
def test_where_there_is_no_official_figure_none_is_borrowed(place: str) -> None:
    for on in AFTER.values():
        with pytest.raises(FactorNotInForce, match="需要补充一个有出处的"):
            BOOK.find("electricity", place, on)


def test_before_the_first_announcement_there_is_none() -> None:
    with pytest.raises(FactorNotInForce):
        BOOK.find("electricity", "310000", date(2024, 4, 11))


def test_neither_the_old_market_factor_nor_the_footprint_passes_for_it() -> None:
    values = {each.value for each in GRID.factors}
    assert values.isdisjoint({Decimal("0.5703"), Decimal("0.5810"), Decimal("0.5777"), Decimal("0.6205")})
    assert all(UNITS[each.unit].gas == "CO2" for each in GRID.factors)


@pytest.mark.parametrize(
    ("key", "heat_value", "carbon", "oxidation", "per"),
    [
        ("petrol", "43.070", "18.9", "0.98", 1000),
        ("diesel", "42.652", "20.2", "0.98", 1000),
        ("lpg", "50.179", "17.2", "0.98", 1000),
        ("lng", "51.498", "15.3", "0.98", 1000),
        ("natural_gas", "389.31", "15.3", "0.99", 1000),
    ],
)
def test_a_fuels_factor_is_its_heating_value_carbon_and_oxidation(
    key: str, heat_value: str, carbon: str, oxidation: str, per: int
) -> None:
    found = BOOK.find(key, "110000", DAY)
    exactly = Fraction(heat_value) * Fraction(carbon) * Fraction(oxidation) * Fraction(44, 12) / per
    assert found.value is not None
    assert abs(Fraction(found.value) - exactly) <= Fraction(1, 2_000_000)
    assert all(text in found.derivation for text in (heat_value, carbon, oxidation, "44/12"))


def test_heat_and_incineration_are_the_official_defaults() -> None:
    heat, waste = BOOK.find("heat", "110000", DAY), BOOK.find("waste_incineration", "110000", DAY)
    assert (heat.value, heat.unit, heat.certainty) == (Decimal("0.11"), "tCO2/GJ", "verbatim")
    exactly = Fraction("0.40") * Fraction("0.40") * Fraction("0.95") * Fraction(44, 12)
    assert waste.value is not None
    assert abs(Fraction(waste.value) - exactly) < Fraction(1, 2_000_000)


def test_no_fuel_has_the_figure_of_another() -> None:
    fuels = ("petrol", "diesel", "lpg", "lng", "natural_gas")
    values = {BOOK.find(each, "CN", DAY).value for each in fuels}
    assert len(values) == len(fuels)
    assert values.isdisjoint({Decimal("2.9848"), Decimal("0.304")})


@pytest.mark.parametrize(("key", "weight"), [("paper_a4_70", 70), ("paper_a4_80", 80)])
def test_a_sheet_of_paper_is_its_weight_of_paper(key: str, weight: int) -> None:
    sheet, paper = BOOK.find(key, "CN", DAY), BOOK.find("paper", "CN", DAY)
    assert sheet.value is not None
    assert paper.value is not None
    grams = Fraction("0.210") * Fraction("0.297") * weight * Fraction(paper.value) / 1000
    assert abs(Fraction(sheet.value) - grams) <= Fraction(1, 20_000)


def test_a_bottle_of_half_a_litre_is_half_a_litre() -> None:
    litre, bottle = BOOK.find("bottled_water", "CN", DAY).value, BOOK.find("bottled_water_500ml", "CN", DAY).value
    assert litre is not None
    assert bottle == litre / 2


@pytest.mark.parametrize(("place", "value"), [("CN", "53.5"), ("HK", "51.5"), ("810000", "51.5"), ("GB", "10.4")])
def test_hotels_are_those_of_the_country(place: str, value: str) -> None:
    assert FactorBook(default_sets(place)).find("hotel_night", place, DAY).value == Decimal(value)


@pytest.mark.parametrize("place", ["MO", "TW", "820000", "710000"])
def test_hotels_without_a_figure_are_refused(place: str) -> None:
    with pytest.raises(FactorNotInForce):
        FactorBook(default_sets(place)).find("hotel_night", place, DAY)


STANDING_IN = [each for pack in factor_sets() for each in pack.factors if "暂代" in each.note]


def test_what_stands_in_for_a_chinese_figure_says_so() -> None:
    assert STANDING_IN
    assert all(each.placeholder for each in STANDING_IN)
    foreign = [each for each in BOOK.sets[1].factors if each.citation.publisher.startswith("UK")]
    assert foreign
    assert all(each.placeholder for each in foreign)


def test_the_gwp_set_is_named_and_known() -> None:
    assert {each.gwp for each in default_sets("CN")} == {"", "AR5"}
    assert gwp_set("AR5").gases == {
        "CO2": 1,
        "CH4": 28,
        "N2O": 265,
        "SF6": 23500,
        "HFC-134a": 1300,
        "HFC-32": 677,
        "NF3": 16100,
    }
    with pytest.raises(PackUnreadable):
        gwp_set("AR99")


def test_every_item_has_a_factor_in_china_but_those_that_no_source_gives() -> None:
    without = {each.key for each in items().values() if not BOOK.has(each.factor, "310000", DAY)}
    assert without == {"any", "green_electricity", "freight_road", "freight_rail", "freight_water", "freight_air"}


def test_every_items_factor_is_per_a_unit_of_its_dimension() -> None:
    for each in items().values():
        for pack in default_sets("CN"):
            for factor in pack.factors:
                if factor.key == each.factor:
                    assert UNITS[factor.unit].dimension == each.dimension, each.key


def pack_of_one(name: str, factor: Factor) -> bytes:
    """A file with one factor like that one."""
    return f"""
id = "{name}"
version = "1"
title_zh = "试"
title_en = "Test"
[documents.one]
title = "某文"
publisher = "某局"
published_on = "2024"
[[factors]]
key = "{factor.key}"
value = 1.0
unit = "{factor.unit}"
gases = ["CO2"]
places = ["310000"]
valid_from = 2026-01-01
citation = {{ document = "one" }}
certainty = "verbatim"
checked_on = 2026-11-21
""".encode()


def test_two_sets_with_a_factor_for_one_key_place_and_day_are_refused() -> None:
    other = read_factor_set(pack_of_one("other", BOOK.find("electricity", "310000", DAY)), "other.toml")
    with pytest.raises(PackUnreadable, match="electricity has a factor"):
        FactorBook((GRID, other))


def test_among_several_sets_the_narrowest_place_counts_whatever_the_order() -> None:
    heat = read_factor_set(pack_of_one("local", BOOK.find("heat", "CN", DAY)), "local.toml")
    for sets in ((heat, *BOOK.sets), (*BOOK.sets, heat)):
        book = FactorBook(sets)
        assert book.find("heat", "310000", DAY).value == 1
        assert book.find("heat", "320000", DAY).value == Decimal("0.11")
        assert book.pack_of(book.find("heat", "310000", DAY)).id == "local"
    assert [each.id for each in BOOK.used] == [each.id for each in default_sets("CN")]


def test_pinned_content_reads_back_as_the_same_set() -> None:
    with pytest.raises(PackUnreadable, match="no such GWP set"):
        read_factor_set(b'gwp = "AR99"\n' + pack_of_one("x", BOOK.find("heat", "CN", DAY)), "x.toml")
    with pytest.raises(PackUnreadable, match="unknown place"):
        read_factor_set(b'default_for = ["119999"]\n' + pack_of_one("x", BOOK.find("heat", "CN", DAY)), "x.toml")
