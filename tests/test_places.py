"""Where people come from: found by name, asked about when in doubt, never guessed."""

from __future__ import annotations

import time

import pytest

from scenarios.gazetteer import ADMIN1, gazetteer
from scenarios.place_names import best_chinese, plain, simplified, stem
from scenarios.places import country_name, distance_m, jurisdiction_name, label, place, search
from scenarios.refusals import PlaceAmbiguous, PlaceUnknown
from scenarios.regions import PROVINCES, wider

VIENNA, BEIJING, TAIYUAN = "geonames:2761369", "geonames:1816670", "geonames:1793511"


@pytest.mark.parametrize(
    ("name", "event_country", "found"),
    [
        ("维也纳", "AT", VIENNA),
        ("维也纳", "CN", VIENNA),
        ("維也納", "CN", VIENNA),
        ("Vienna", "CN", VIENNA),
        ("Wien", "CN", VIENNA),
        ("北京", "CN", BEIJING),
        ("北京市", "AT", BEIJING),
        ("Beijing", "CN", BEIJING),
        (" BEIJING ", "CN", BEIJING),
        ("太原", "CN", TAIYUAN),
        ("太原市", "CN", TAIYUAN),
        ("Taiyuan", "CN", TAIYUAN),
        ("PEK", "CN", "iata:PEK"),
        ("pek", "CN", "iata:PEK"),
        ("朝阳市", "CN", "geonames:2038120"),
        ("朝阳区", "CN", "geonames:8389511"),
        ("臺北", "CN", "geonames:1668341"),
        ("Xi'an", "CN", "geonames:1790630"),
        ("xian", "CN", "geonames:1790630"),
        ("MÜNCHEN", "AT", "geonames:2867714"),
        ("Munchen", "AT", "geonames:2867714"),
        ("Ulm", "DE", "geonames:2820256"),
    ],
)
def test_a_name_finds_the_place_that_is_meant(name: str, event_country: str, found: str) -> None:
    assert search(name, event_country).id == found


def test_an_ambiguous_name_asks_which() -> None:
    with pytest.raises(PlaceAmbiguous) as asked:
        search("朝阳", "CN")
    shown = [each["zh"] for each in asked.value.values["candidates"]]
    assert shown[0] == "朝阳市 · 辽宁 · 中国"
    assert "朝阳区 · 北京 · 中国" in shown
    assert len(shown) == len(asked.value.candidates) > 3
    assert all(
        place(each["id"]) == asked.value.candidates[i] for i, each in enumerate(asked.value.values["candidates"])
    )


def test_a_namesake_in_the_events_country_asks_when_the_famous_one_is_abroad() -> None:
    with pytest.raises(PlaceAmbiguous) as asked:
        search("Vienna", "US")
    assert [each.country for each in asked.value.candidates] == ["US", "AT"]


def test_an_airports_code_that_is_a_towns_name_asks() -> None:
    with pytest.raises(PlaceAmbiguous) as asked:
        search("ULM", "DE")
    assert {each.id for each in asked.value.candidates} == {"iata:ULM", "geonames:2820256"}


@pytest.mark.parametrize(
    ("name", "near"), [("太塬", "太原"), ("Biejing", "北京"), ("Tayuan", "太原"), ("Vienn", "维也纳")]
)
def test_an_unknown_name_suggests_near_ones(name: str, near: str) -> None:
    with pytest.raises(PlaceUnknown) as refused:
        search(name, "CN")
    assert near in [each.name_zh for each in refused.value.suggestions]
    assert refused.value.values["suggestions"][0].keys() == {"id", "zh", "en"}


@pytest.mark.parametrize("name", ["", "  ", "😀", "!!!", "某" * 101, "x" * 5000, "雄安新区", "\x00", "geonames:1"])
def test_what_is_no_place_is_refused_quickly(name: str) -> None:
    gazetteer()
    began = time.perf_counter()
    with pytest.raises(PlaceUnknown):
        search(name, "CN")
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("place_id", ["", "geonames:", "geonames:0", "iata:QQQ", "gb:110000", "PEK"])
def test_an_unknown_id_is_refused(place_id: str) -> None:
    with pytest.raises(PlaceUnknown):
        place(place_id)


def test_a_place_found_is_found_again_by_its_id() -> None:
    for name in ("北京", "PEK", "维也纳"):
        found = search(name, "CN")
        assert place(found.id) == found


@pytest.mark.parametrize(
    ("name", "region", "jurisdiction"),
    [
        ("北京", "110000", "110000"),
        ("太原", "140000", "140000"),
        ("西安", "610000", "610000"),
        ("呼和浩特", "150000", "150000"),
        ("TYN", "140000", "140000"),
        ("HET", "150000", "150000"),
        ("香港", None, "HK"),
        ("澳门", None, "MO"),
        ("台北", None, "TW"),
        ("维也纳", None, "AT"),
    ],
)
def test_a_chinese_place_is_under_its_provinces_rules(name: str, region: str | None, jurisdiction: str) -> None:
    found = search(name, "CN")
    assert (found.region, found.jurisdiction) == (region, jurisdiction)


def test_all_provinces_are_mapped_once() -> None:
    assert sorted(ADMIN1.values()) == sorted(PROVINCES)


def test_each_provinces_capital_lies_in_it() -> None:
    capitals = (
        "北京 天津 石家庄 太原 呼和浩特 沈阳 长春 哈尔滨 上海 南京 杭州 合肥 福州 南昌 济南 郑州 武汉 长沙 广州 南宁 "
        "海口 重庆 成都 贵阳 昆明 拉萨 西安 兰州 西宁 银川 乌鲁木齐"
    )
    assert [search(each, "CN").region for each in capitals.split()] == list(PROVINCES)


@pytest.mark.parametrize(
    ("name", "chinese", "english"),
    [
        ("太原", "太原 · 山西 · 中国", "Taiyuan · Shanxi · China"),
        ("深圳", "深圳 · 广东 · 中国", "Shenzhen · Guangdong · China"),
        ("乌鲁木齐", "乌鲁木齐 · 新疆 · 中国", "Ürümqi · Xinjiang · China"),
        ("北京", "北京 · 中国", "Beijing · China"),
        ("香港", "中国香港", "Hong Kong, China"),
        ("台北", "台北 · 中国台湾", "Taipei · Taiwan, China"),
        ("维也纳", "维也纳 · 奥地利", "Vienna · Austria"),
        ("新加坡", "新加坡", "Singapore"),
    ],
)
def test_places_are_shown_as_people_write_them(name: str, chinese: str, english: str) -> None:
    found = search(name, "CN")
    assert (label(found, "zh"), label(found, "en")) == (chinese, english)


@pytest.mark.parametrize(
    ("code", "name"), [("TW", "中国台湾"), ("HK", "中国香港"), ("MO", "中国澳门"), ("AT", "奥地利")]
)
def test_countries_and_regions_are_named_by_the_standard(code: str, name: str) -> None:
    assert country_name(code, "zh") == name
    assert jurisdiction_name(code, "zh") == name


def test_a_regions_wider_places() -> None:
    assert wider("110000") == ("110000", "CN", "world")
    assert wider("AT") == ("AT", "world")
    assert wider("810000") == ("810000", "HK", "world")


def test_distances_are_those_of_the_ellipsoid() -> None:
    assert distance_m(39.9075, 116.39723, 39.9075, 116.39723) == 0
    assert distance_m(0.0, 0.0, 0.0, 1.0) == 111_320
    assert distance_m(0.0, 0.0, 0.0, 180.0) == 20_003_932
    there = distance_m(39.9075, 116.39723, 37.86944, 112.56028)
    assert there == distance_m(37.86944, 112.56028, 39.9075, 116.39723)
    assert 400_000 < there < 405_000


def test_names_are_compared_without_what_differs_in_writing() -> None:
    assert plain("Zürich") == plain("ZURICH") == "zurich"
    assert simplified("臺灣維也納") == "台湾维也纳"
    assert [stem(each) for each in ("太原市", "沙市", "浦东新区", "市", "海淀区")] == [
        "太原",
        "沙市",
        "浦东新",
        "市",
        "海淀",
    ]
    assert best_chinese(["宝安", "寶安", "深圳", "深圳市"]) == "深圳"
    assert best_chinese(["朝阳市", "朝陽市"]) == "朝阳市"
    assert best_chinese(["Vienna"]) is None
