"""Whose rules a place is under: China's provinces and cities by GB/T 2260 code, others by ISO code.

A place code is a province's or a city's ("110000", "420100") or else a country's ("AT"). Names of countries and
regions are those of GB/T 2659, so that 中国台湾, 中国香港 and 中国澳门 are named so.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from babel import Locale

Language = Literal["zh", "en"]

WORLD = "world"

PROVINCES: dict[str, tuple[str, str]] = {
    "110000": ("北京", "Beijing"),
    "120000": ("天津", "Tianjin"),
    "130000": ("河北", "Hebei"),
    "140000": ("山西", "Shanxi"),
    "150000": ("内蒙古", "Inner Mongolia"),
    "210000": ("辽宁", "Liaoning"),
    "220000": ("吉林", "Jilin"),
    "230000": ("黑龙江", "Heilongjiang"),
    "310000": ("上海", "Shanghai"),
    "320000": ("江苏", "Jiangsu"),
    "330000": ("浙江", "Zhejiang"),
    "340000": ("安徽", "Anhui"),
    "350000": ("福建", "Fujian"),
    "360000": ("江西", "Jiangxi"),
    "370000": ("山东", "Shandong"),
    "410000": ("河南", "Henan"),
    "420000": ("湖北", "Hubei"),
    "430000": ("湖南", "Hunan"),
    "440000": ("广东", "Guangdong"),
    "450000": ("广西", "Guangxi"),
    "460000": ("海南", "Hainan"),
    "500000": ("重庆", "Chongqing"),
    "510000": ("四川", "Sichuan"),
    "520000": ("贵州", "Guizhou"),
    "530000": ("云南", "Yunnan"),
    "540000": ("西藏", "Tibet"),
    "610000": ("陕西", "Shaanxi"),
    "620000": ("甘肃", "Gansu"),
    "630000": ("青海", "Qinghai"),
    "640000": ("宁夏", "Ningxia"),
    "650000": ("新疆", "Xinjiang"),
}
"""GB/T 2260, the provinces whose rules are the mainland's; short names in Chinese and English."""

CITIES: dict[str, tuple[str, str]] = {
    "130100": ("石家庄", "Shijiazhuang"),
    "140100": ("太原", "Taiyuan"),
    "150100": ("呼和浩特", "Hohhot"),
    "210100": ("沈阳", "Shenyang"),
    "210200": ("大连", "Dalian"),
    "220100": ("长春", "Changchun"),
    "230100": ("哈尔滨", "Harbin"),
    "320100": ("南京", "Nanjing"),
    "320500": ("苏州", "Suzhou"),
    "330100": ("杭州", "Hangzhou"),
    "330200": ("宁波", "Ningbo"),
    "340100": ("合肥", "Hefei"),
    "350100": ("福州", "Fuzhou"),
    "350200": ("厦门", "Xiamen"),
    "360100": ("南昌", "Nanchang"),
    "370100": ("济南", "Jinan"),
    "370200": ("青岛", "Qingdao"),
    "370800": ("济宁", "Jining"),
    "410100": ("郑州", "Zhengzhou"),
    "420100": ("武汉", "Wuhan"),
    "430100": ("长沙", "Changsha"),
    "440100": ("广州", "Guangzhou"),
    "440300": ("深圳", "Shenzhen"),
    "450100": ("南宁", "Nanning"),
    "460100": ("海口", "Haikou"),
    "460200": ("三亚", "Sanya"),
    "510100": ("成都", "Chengdu"),
    "520100": ("贵阳", "Guiyang"),
    "530100": ("昆明", "Kunming"),
    "540100": ("拉萨", "Lhasa"),
    "610100": ("西安", "Xi'an"),
    "620100": ("兰州", "Lanzhou"),
    "630100": ("西宁", "Xining"),
    "640100": ("银川", "Yinchuan"),
    "650100": ("乌鲁木齐", "Urumqi"),
}
"""GB/T 2260, cities that have programmes of their own or may: the provinces' capitals and other large ones."""
# Codes and names of provinces and cities were compared, one by one, with 国家统计局
# 《2023年统计用区划代码和城乡划分代码》 (as of 2023-06-30, published 2023-09-11): all are the same.

ELSEWHERE = {"710000": "TW", "810000": "HK", "820000": "MO"}
"""GB/T 2260 codes of the regions that have rules and factors of their own, by GB/T 2659 code."""

GBT_2659 = {
    "zh": {"TW": "中国台湾", "HK": "中国香港", "MO": "中国澳门"},
    "en": {"TW": "Taiwan, China", "HK": "Hong Kong, China", "MO": "Macao, China"},
}


@cache
def wider(place: str) -> tuple[str, ...]:
    """The place itself, then every wider one that it lies in, the world last."""
    if place == WORLD:
        return (WORLD,)
    if place in PROVINCES:
        return (place, "CN", WORLD)
    if place in CITIES:
        return (place, *wider(f"{place[:2]}0000"))
    if place in ELSEWHERE:
        return (place, ELSEWHERE[place], WORLD)
    return (place, WORLD)


@cache
def country_name(code: str, language: Language) -> str:
    """The country's or region's name; the code itself when it is not known."""
    known = GBT_2659[language].get(code) or Locale(language).territories.get(code)
    return str(known or code)


@cache
def jurisdiction_name(code: str, language: Language) -> str:
    """The name of a place code: a province's or city's, a country's, or the world's."""
    if code == WORLD:
        return "全球" if language == "zh" else "the world"
    if named := PROVINCES.get(code) or CITIES.get(code):
        return named[0 if language == "zh" else 1]
    return country_name(ELSEWHERE.get(code, code), language)


@cache
def is_region(code: str) -> bool:
    """Is it a GB/T 2260 code of the mainland, where authorities publish methodologies?"""
    return code in PROVINCES or code in CITIES


@cache
def is_place_code(code: str) -> bool:
    """Is it the world's, a province's or city's, or a country's code?"""
    return code in {WORLD, *PROVINCES, *CITIES, *ELSEWHERE} or (len(code) == 2 and code in Locale("en").territories)
