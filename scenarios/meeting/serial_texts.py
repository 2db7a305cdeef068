"""Blocks of serial numbers as people type them: a series and a run of numbers, such as "CCER-2024-000123–000456"."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

MOST_DIGITS = 18
"""Of a running number: what a 64-bit number surely holds."""
LONGEST_SERIES = 100
DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0x301C, 0xFE58, 0xFE63, 0xFF0D, *map(ord, "~至到")], "-")
"""Whatever stands between two numbers of a run: dashes, waves, and 至."""
SEPARATORS = re.compile(r"[\s\-_/.:,，、#]+")
DIGITS = re.compile("[0-9]+")
NUMBERS = re.compile(rf"(?P<first>[0-9]{{1,{MOST_DIGITS}}}) ?(?:- ?(?P<again>.*?)(?P<last>[0-9]{{1,{MOST_DIGITS}}}))?$")


class Serials(NamedTuple):
    """Numbers `first` to `last`, both included, of a series (what stands before the running number)."""

    series: str
    first: int
    last: int

    @property
    def amount(self) -> int:
        """How many serials."""
        return self.last - self.first + 1

    @property
    def text(self) -> str:
        """The block for people."""
        return f"{self.series} {self.first}–{self.last}".strip()


def series_of(text: str) -> str:
    """A series as it is compared: capitals, and one dash for whatever sets its parts apart."""
    plain = unicodedata.normalize("NFKC", text).translate(DASHES).upper()
    return SEPARATORS.sub("-", plain).strip("-")


def read_serials(text: str) -> Serials | None:
    """The block that a text names; None where it names none. A text with one number is one serial.

    What comes before the first number may be said again before the last. Numbers that run backwards are none.
    """
    plain = unicodedata.normalize("NFKC", text).translate(DASHES).strip()
    starts = [found.start() for found in DIGITS.finditer(plain)]
    for start in starts:
        found = NUMBERS.match(plain, start)
        if found is None or (found["last"] is None and len(starts) > 1):
            continue
        series, again = series_of(plain[:start]), series_of(found["again"] or "")
        if again in {"", series}:
            return run(series, int(found["first"]), int(found["last"] or found["first"]))
    return None


def run(series: str, first: int, last: int) -> Serials | None:
    """The block; None where it runs backwards or its series is too long."""
    if not 0 <= first <= last < 10**MOST_DIGITS or len(series) > LONGEST_SERIES:
        return None
    return Serials(series, first, last)
