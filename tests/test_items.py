"""The emission sources of the national guide, and the items that activity data are told of."""

from __future__ import annotations

from typing import get_args

import pytest

from scenarios.labels import FACTOR_LABELS, MEASURE_LABELS, MODE_LABELS
from scenarios.meeting.items import FOLDER, SourceKey, item, items, items_of, read_sources, sources
from scenarios.refusals import PackUnreadable, UnknownItem
from service.i18n import translate

FILE = FOLDER / "mee-2019-19.toml"


def test_sources_are_the_annexs_and_freight_which_it_does_not_list() -> None:
    assert set(sources()) == set(get_args(SourceKey))
    assert [key for key, each in sources().items() if not each.in_annex] == ["freight"]
    assert sources()["freight"].citation is None
    assert all("2019年第19号" in each.citation.text for each in sources().values() if each.citation)


def test_rows_of_the_annex_that_were_cut_off_are_said_to_be_so() -> None:
    cut_off = {key for key, each in sources().items() if each.truncated}
    assert cut_off == {"travel", "lodging", "catering", "materials", "waste"}
    assert all(sources()[key].standard for key in sources() if key not in {*cut_off, "freight"})


def test_every_source_has_items_and_every_mode_is_one() -> None:
    assert all(items_of(key) for key in sources())
    assert [each.key for each in items_of("travel")] == list(MODE_LABELS)


def test_items_are_called_as_their_factors_are_in_both_languages() -> None:
    for each in items().values():
        assert each.label_zh
        assert each.label_en
        if each.key in FACTOR_LABELS:
            assert each.label_zh == FACTOR_LABELS[each.key]
        if each.key in FACTOR_LABELS and each.key not in MODE_LABELS:
            assert each.label_en.lower() == translate("en", each.label_zh).lower()
        assert all(unit in MEASURE_LABELS for unit in each.units)


def test_an_unknown_item_is_refused() -> None:
    assert item("electricity").units == ("kWh", "MWh")
    with pytest.raises(UnknownItem, match="charm"):
        item("charm")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('units = ["kWh", "MWh"]', 'units = ["kWh", "kg"]', "no energy in kg"),
        ('factor = "heat"', 'factor = "charm"', "no text names"),
        ('source = "lodging"', 'source = "leisure"', "leisure"),
        ('key = "petrol"', 'key = "diesel"', "stands twice"),
        ("in_annex = false\n", "in_annex = true\n", "needs a citation"),
        ("truncated = true", "truncated = true\nmood = 1", "unknown field"),
        ('units = ["room-night"]', "units = []", "no unit"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(old: str, new: str, why: str) -> None:
    text = FILE.read_text("utf-8")
    assert old in text
    with pytest.raises(PackUnreadable, match=why):
        read_sources(text.replace(old, new, 1).encode(), "bad.toml")
