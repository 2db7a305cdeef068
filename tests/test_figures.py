"""Amounts as people read them, in both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from service import amounts
from service.pages import figures


@pytest.mark.parametrize(
    ("grams", "chinese", "english"),
    [
        (0, "0\u00a0克", "0\u00a0g"),
        (850, "850\u00a0克", "850\u00a0g"),
        (1_000, "1.0\u00a0千克", "1.0\u00a0kg"),
        (12_349, "12.3\u00a0千克", "12.3\u00a0kg"),
        (12_350, "12.4\u00a0千克", "12.4\u00a0kg"),
        (311_700, "312\u00a0千克", "312\u00a0kg"),
        (1_000_000, "1.0\u00a0吨", "1.0\u00a0t"),
        (22_302_100_000, "22\u202f302.1\u00a0吨", "22\u202f302.1\u00a0t"),
    ],
)
def test_a_mass_is_shown_in_the_unit_that_reads_best(grams: int, chinese: str, english: str) -> None:
    assert str(amounts.mass(grams, "zh")) == chinese
    assert str(amounts.mass(grams, "en")) == english


def test_a_share_never_shows_more_than_there_is() -> None:
    assert amounts.share(999, "zh") == "99.9\u00a0%"
    assert amounts.share(None, "zh") == "–"
    assert figures.part(Decimal("0.5"), "en") == "50\u00a0%"


def test_a_bar_is_as_long_as_its_share_however_large_the_figures() -> None:
    assert figures.length_of(22_302_100_000, 22_302_100_000, "zh") == 1000
    assert figures.length_of(1, 3, "zh") == 333
    assert figures.length_of(5, 3, "zh") == 1000
    assert figures.length_of(5, 0, "zh") == 0


def test_times_are_those_of_the_place() -> None:
    at = datetime(2026, 11, 20, 17, 2, 11, tzinfo=UTC)
    assert figures.clock(at, "Asia/Shanghai", "zh") == "01:02"
    assert figures.clock_exact(at, "Europe/Vienna", "en") == "18:02:11"
    assert figures.day_there(at, "Asia/Shanghai", "zh") == "11月21日周六"
    assert figures.day(date(2026, 11, 20), "en") == "Fri 20 Nov"


def test_distances_are_kilometres() -> None:
    assert figures.distance(12_500, "en") == "12.5\u00a0km"
    assert figures.distance(1_162_433, "zh") == "1\u202f162\u00a0公里"
