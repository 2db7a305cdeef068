"""Factor sets: what ships, what is looked up, and what a bad file meets."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal

import pytest

from scenarios import refusals
from scenarios.citations import PUBLISHERS, is_publisher
from scenarios.factors import FOLDER, FactorSet, factor_set, factor_sets, read_factor_set
from scenarios.refusals import FactorNotInForce, PackUnreadable, UnknownFactorSet

DAY = date(2026, 11, 21)
SHIPPED = [(each, factor) for each in factor_sets() for factor in each.factors]
GOOD = """
id = "test"
version = "1"
title_zh = "试"
title_en = "Test"

[documents.law]
title = "某标准"
number = "DB 1"
publisher = "某局"
published_on = "2024-06-28"
url = "https://www.mee.gov.cn/one.html"

[[factors]]
key = "metro"
value = 0.05
unit = "kgCO2e/pkm"
gases = ["CO2", "CH4", "N2O"]
places = ["CN"]
valid_from = 2024-01-01
valid_to = 2024-12-31
citation = { document = "law", clause = "表 1" }
certainty = "verbatim"
checked_on = 2026-11-21
"""
FACTOR = GOOD[GOOD.index("[[factors]]") :]


def read(text: str) -> FactorSet:
    return read_factor_set(text.encode(), "test.toml")


def test_every_factor_says_where_it_is_from() -> None:
    for pack, factor in SHIPPED:
        said = f"{pack.id}: {factor.key}"
        assert factor.citation.document, said
        assert factor.citation.publisher, said
        assert factor.citation.published_on or factor.citation.edition, said
        assert factor.checked_on >= factor.valid_from, said
        assert factor.certainty in {"verbatim", "agreed", "unverified", "derived"}, said


def test_links_lead_to_publishers_alone() -> None:
    for pack, factor in SHIPPED:
        for each in [factor.citation, *([factor.detour.citation] if factor.detour else [])]:
            assert not each.url or is_publisher(each.url), f"{pack.id}: {factor.key}: {each.url}"


@pytest.mark.parametrize(
    "url",
    [
        "http://www.mee.gov.cn/",
        "https://mee.gov.cn.example.org/",
        "https://example.org/gov.cn",
        "https://notgov.cn/",
        "https://github.com/somebody/else",
        "https://github.com/pledge4future-not/x",
    ],
)
def test_a_host_that_only_looks_official_is_not(url: str) -> None:
    assert not is_publisher(url)
    assert PUBLISHERS


@pytest.mark.parametrize(
    ("key", "value", "unit"),
    [
        ("walk", "0.0", "kgCO2/pkm"),
        ("bicycle", "0.0087", "kgCO2/pkm"),
        ("shared_bike", "0.0087", "kgCO2/pkm"),
        ("e_bike", "0.01095", "kgCO2e/pkm"),
        ("metro", "0.04314", "kgCO2e/pkm"),
        ("bus", "0.05300", "kgCO2e/pkm"),
        ("coach", "0.02776", "kgCO2e/pkm"),
        ("taxi", "0.20806", "kgCO2e/vkm"),
        ("car", "0.19567", "kgCO2e/vkm"),
        ("motorcycle", "0.11367", "kgCO2e/vkm"),
        ("train", "18.0", "gCO2/pkm"),
        ("high_speed_rail", "30.48", "gCO2/pkm"),
        ("plane", "112.9", "gCO2/pkm"),
        ("ferry", "0.01871", "kgCO2e/pkm"),
        ("hotel_night", "53.5", "kgCO2e/room-night"),
    ],
)
def test_the_starter_defaults_are_the_cited_figures(key: str, value: str, unit: str) -> None:
    found = factor_set("travel-cn").find(key, "110000", DAY)
    assert (found.value, found.unit) == (Decimal(value), unit)
    assert found.placeholder


def test_a_figure_from_one_secondary_source_is_marked_unverified() -> None:
    starter = factor_set("travel-cn")
    unverified = {each.key for each in starter.factors if each.certainty == "unverified"}
    assert unverified == {"walk", "bicycle", "shared_bike", "metro", "bus", "car", "train"}


def test_the_digest_is_that_of_the_file() -> None:
    assert factor_set("klower-2020").digest == hashlib.sha256((FOLDER / "klower-2020.toml").read_bytes()).hexdigest()


@pytest.mark.parametrize(("place", "on"), [("AT", DAY), ("HK", DAY), ("710000", DAY), ("110000", date(2022, 12, 31))])
def test_a_factor_not_in_force_is_refused_by_key_place_and_date(place: str, on: date) -> None:
    with pytest.raises(FactorNotInForce) as refused:
        factor_set("travel-cn").find("metro", place, on)
    assert refused.value.values == {"key": "metro", "key_label": "地铁", "place": place, "date": on.isoformat()}


def test_the_refusal_names_the_place_in_words() -> None:
    refusal = FactorNotInForce(key="plane", key_label="飞机", place="710000", date="2026-11-21")
    assert str(refusal) == "中国台湾在 2026-11-21 没有现行的“飞机”排放因子（plane），需要补充一个有出处的。"
    english = refusal.message("en", lambda text: "{place} {key_label}" if "{" in text else "plane")
    assert english == "Taiwan, China plane"


def test_the_ends_of_validity_are_included() -> None:
    pack = read(GOOD)
    assert pack.has("metro", "110000", date(2024, 1, 1))
    assert pack.has("metro", "110000", date(2024, 12, 31))
    assert not pack.has("metro", "110000", date(2023, 12, 31))
    assert not pack.has("metro", "110000", date(2025, 1, 1))


def test_the_narrowest_place_has_the_say() -> None:
    local = FACTOR.replace("0.05", "0.04").replace('["CN"]', '["110000"]')
    everywhere = FACTOR.replace("0.05", "0.06").replace('["CN"]', '["world"]')
    pack = read(GOOD + everywhere + local)
    on = date(2024, 5, 1)
    found = {place: pack.find("metro", place, on).value for place in ("110000", "120000", "CN", "AT", "HK")}
    assert found == {
        "110000": Decimal("0.04"),
        "120000": Decimal("0.05"),
        "CN": Decimal("0.05"),
        "AT": Decimal("0.06"),
        "HK": Decimal("0.06"),
    }


def test_the_days_factor_is_used_when_a_new_one_follows() -> None:
    later = FACTOR.replace("0.05", "0.03").replace("2024-01-01", "2025-01-01").replace("valid_to = 2024-12-31\n", "")
    pack = read(GOOD + later)
    assert pack.find("metro", "CN", date(2024, 12, 31)).value == Decimal("0.05")
    assert pack.find("metro", "CN", date(2025, 1, 1)).value == Decimal("0.03")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("value = 0.05", "value = nan", "finite"),
        ("value = 0.05", "value = inf", "finite"),
        ("value = 0.05", "value = 1e300000", "exponent"),
        ("value = 0.05", "value = 1e-16", "exponent"),
        ("value = 0.05", "value = -0.05", "negative"),
        ("value = 0.05\n", "", "either a value or classes"),
        ("value = 0.05", 'value = "0.05.1"', "Invalid decimal"),
        ("value = 0.05", "value = 0.05\nclasses = [{ value = 0.1 }]", "either a value or classes"),
        ("value = 0.05", "classes = [{ below_km = 700, value = 0.1 }]", "out of order"),
        (
            "value = 0.05",
            "classes = [{ below_km = 9, value = 1.0 }, { below_km = 7, value = 1.0 }, { value = 1.0 }]",
            "order",
        ),
        ("value = 0.05", "classes = [{ value = 0.1 }, { below_km = 7, value = 0.1 }]", "out of order"),
        ("kgCO2e/pkm", "kgCO2e/mile", "unknown unit"),
        ("kgCO2e/pkm", "kgCO2/pkm", "covers CO2, CH4, N2O"),
        ('["CO2", "CH4", "N2O"]', '["CO2"]', "covers CO2"),
        ('["CO2", "CH4", "N2O"]', "[]", "which gases"),
        ('["CN"]', '["119999"]', "unknown place"),
        ('["CN"]', "[]", "no place"),
        ("valid_to = 2024-12-31", "valid_to = 2023-12-31", "ends before"),
        ('citation = { document = "law", clause = "表 1" }\n', "", "citation"),
        ('document = "law"', 'document = "hearsay"', "no document"),
        ('published_on = "2024-06-28"', 'published_on = "lately"', "lacks its date"),
        ('published_on = "2024-06-28"\n', "", "lacks its date"),
        ('publisher = "某局"', 'publisher = ""', "publisher"),
        ("https://www.mee.gov.cn/one.html", "https://example.org/one.html", "no publisher"),
        ('"verbatim"', '"doubtful"', "certainty"),
        ('"verbatim"', '"derived"', "derivation"),
        ("checked_on = 2026-11-21\n", "", "checked_on"),
        ('key = "metro"', 'key = "teleport"', "no text names"),
        ('key = "metro"', 'key = "metro"\nmood = "good"', "unknown field"),
        ("[[factors]]", "[[factors", "toml"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(old: str, new: str, why: str) -> None:
    assert old in GOOD
    with pytest.raises(PackUnreadable) as refused:
        read(GOOD.replace(old, new))
    assert refused.value.values["pack"] == "test.toml"
    if why != "toml":
        assert why in refused.value.values["why"]


def test_two_factors_for_one_place_and_day_are_refused() -> None:
    with pytest.raises(PackUnreadable, match="two factors"):
        read(GOOD + FACTOR.replace("2024-12-31", "2024-06-30"))


def test_a_detour_never_shortens_the_way() -> None:
    detour = 'detour = { factor = 0.9, citation = { document = "law" } }\n'
    with pytest.raises(PackUnreadable, match="shortens"):
        read(GOOD + detour)


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(UnknownFactorSet):
        factor_set("nowhere")


def test_refusals_have_each_a_code_of_its_own() -> None:
    codes = [kind.code for kind in refusals.ALL]
    assert len(codes) == len(set(codes))
    assert all(kind.__doc__ for kind in refusals.ALL)
