"""What an event's accounting takes in, by place and day."""

from __future__ import annotations

from datetime import date

import pytest

from scenarios.meeting.boundaries import FOLDER, boundaries, boundary_of, read_boundary
from scenarios.meeting.items import sources
from scenarios.refusals import BoundaryNotInForce, PackUnreadable

DAY = date(2026, 11, 21)
SHANGHAI = (FOLDER / "shanghai.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("place", "on", "found"),
    [
        ("310000", DAY, "boundary-shanghai"),
        ("310000", date(2025, 7, 9), "boundary-shanghai"),
        ("310000", date(2025, 7, 8), "boundary-cn"),
        ("440300", DAY, "boundary-shenzhen"),
        ("440100", DAY, "boundary-cn"),
        ("460000", DAY, "boundary-hainan"),
        ("460100", DAY, "boundary-hainan"),
        ("370800", DAY, "boundary-jining"),
        ("370000", DAY, "boundary-cn"),
        ("140100", date(2022, 11, 15), "boundary-shanxi"),
        ("140100", date(2022, 11, 14), "boundary-cn"),
        ("110000", date(2019, 5, 28), "boundary-world"),
        ("810000", DAY, "boundary-world"),
        ("AT", date(2019, 4, 8), "boundary-world"),
    ],
)
def test_the_narrowest_places_boundary_in_force_counts(place: str, on: date, found: str) -> None:
    assert boundary_of(place, on).id == found


def test_every_boundary_places_every_source_and_cites_its_text() -> None:
    for each in boundaries():
        assert set(each.scopes) == set(sources())
        assert each.citation.text
        assert each.stage_citation.text
        assert len(each.digest) == 64


def test_where_the_defining_text_is_not_to_hand_it_is_a_placeholder_and_says_why() -> None:
    assert all(each.placeholder and each.note for each in boundaries())
    shenzhen = boundary_of("440300", DAY)
    assert "DB4403/T 369—2023" in shenzhen.note


def test_until_a_text_says_otherwise_nothing_of_the_annex_is_left_out_of_the_basic_scope() -> None:
    for each in boundaries():
        assert {key for key, scope in each.scopes.items() if scope == "extended"} == {"freight"}


def test_shanghai_asks_for_the_holding_and_encourages_the_other_stages() -> None:
    shanghai = boundary_of("310000", DAY)
    assert (shanghai.required, shanghai.encouraged) == (("hold",), ("prepare", "close"))
    assert shanghai.stage_citation.clause == "第十一条"
    assert shanghai.stage_citation.document == "上海市大型活动碳中和工作指引"


def test_before_every_boundary_there_is_none() -> None:
    with pytest.raises(BoundaryNotInForce, match="上海"):
        boundary_of("310000", date(1999, 12, 31))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('freight = "extended"\n', "", "no scope for freight"),
        ('freight = "extended"', 'freight = "wide"', "wide"),
        ('region = "310000"', 'region = "319999"', "unknown place"),
        ('required = ["hold"]', "required = []", "none required"),
        ('required = ["hold"]', 'required = ["hold", "close"]', "a stage twice"),
        ('document = "rule", clause', 'document = "hearsay", clause', "no document"),
        ("placeholder = true", "", "placeholder"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(old: str, new: str, why: str) -> None:
    assert old in SHANGHAI
    with pytest.raises(PackUnreadable, match=why):
        read_boundary(SHANGHAI.replace(old, new, 1).encode(), "bad.toml")
