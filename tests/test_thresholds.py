"""Which events a place's rule reaches, at the very numbers of its text."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from scenarios.refusals import EventFactsMissing, PeopleAbsurd
from tests.ruled import GUANGDONG, HAINAN, JINING, SHANGHAI, SHANXI, SHENZHEN, confirmations, standing


@dataclass(frozen=True)
class At:
    people: int
    standing: str
    open_to: list[str]


@pytest.mark.parametrize(
    "at",
    [
        At(199, "voluntary", ["self_declaration"]),
        At(200, "covered", ["self_declaration"]),
        At(499, "covered", ["self_declaration"]),
        At(500, "large", ["third_party"]),
    ],
)
def test_jining_at_its_boundaries(at: At) -> None:
    found = standing(JINING, at.people)
    assert (found.standing, confirmations(found)) == (at.standing, at.open_to)
    assert found.voluntary == (at.people < 200)
    assert found.ground.policy == (at.people < 200), "below 200 the text is silent"


def test_shanghai_counts_those_on_site_and_sub_venues_and_not_online() -> None:
    assert not standing(SHANGHAI, 399).covered
    assert standing(SHANGHAI, 400).large
    assert not standing(SHANGHAI, 399, people_online=9_000).large
    together = standing(SHANGHAI, 300, people_at_sub_venues=100, people_online=1)
    assert together.large
    assert together.counted == 400
    assert standing(SHANGHAI, 400, "forum").size == "large_meeting"
    assert standing(SHANGHAI, 400, "official_meeting").large
    smaller = standing(SHANGHAI, 399)
    assert smaller.voluntary
    assert "上海市大型活动碳中和工作指引" in smaller.ground.text
    assert "第一条" in smaller.ground.text
    assert confirmations(smaller) == ["self_declaration", "third_party"]


@pytest.mark.parametrize("kind", ["performance", "sports"])
def test_shanghai_performances_and_sports_are_large_from_five_thousand(kind: str) -> None:
    assert standing(SHANGHAI, 4_999, kind).voluntary  # type: ignore[arg-type]
    assert standing(SHANGHAI, 5_000, kind).large  # type: ignore[arg-type]
    assert "第二条" in standing(SHANGHAI, 5_000, kind).ground.text  # type: ignore[arg-type]


def test_shanghai_exhibitions_are_large_by_visits_or_by_area() -> None:
    assert standing(SHANGHAI, 100, "exhibition", visits=10_000, area_m2=1).large
    assert standing(SHANGHAI, 100, "exhibition", visits=1, area_m2=5_000).large
    assert standing(SHANGHAI, 9_999, "exhibition", visits=9_999, area_m2=4_999).voluntary
    assert standing(SHANGHAI, 100, "exhibition", area_m2=5_000).large, "one suffices, the other need not be known"


def test_what_would_decide_and_is_not_known_is_asked_for() -> None:
    with pytest.raises(EventFactsMissing, match="上海的规则要看参加人次"):
        standing(SHANGHAI, 100, "exhibition", area_m2=4_999)
    with pytest.raises(EventFactsMissing, match="展览面积"):
        standing(SHANGHAI, 100, "exhibition", visits=9_999)
    with pytest.raises(PeopleAbsurd):
        standing(SHANGHAI, -1)


def test_shanghai_takes_other_events_without_a_number() -> None:
    found = standing(SHANGHAI, 10, "festival")
    assert (found.size, found.covered, found.large) == ("other_large", True, False)
    assert found.unknown
    assert "没有写数字" in found.unknown.zh


def test_hainan_asks_who_hosts() -> None:
    assert standing(HAINAN, 500, host="government").large
    smaller = standing(HAINAN, 499, host="government")
    assert smaller.voluntary
    assert smaller.unknown, "the text does not say how it is confirmed"
    for host in ("institution", "soe", "other"):
        for people in (10, 500, 50_000):
            found = standing(HAINAN, people, host=host)  # type: ignore[arg-type]
            assert (found.size, found.covered, found.large) == ("not_government", True, False)
            assert found.open_to("self_declaration")
    assert confirmations(standing(HAINAN, 500, host="government")) == ["certificate_applied"]


def test_shenzhen_is_large_from_a_thousand() -> None:
    smaller = standing(SHENZHEN, 999)
    assert smaller.voluntary
    assert smaller.label.zh == "中小型活动（参照执行）"
    assert standing(SHENZHEN, 1_000).large
    preferred = standing(SHENZHEN, 1_000, host="soe")
    assert [each.key for each in preferred.confirmations if each.preferred] == ["third_party"]
    assert not any(each.preferred for each in standing(SHENZHEN, 1_000).confirmations)


def test_shanxi_covers_official_meetings_and_names_no_number() -> None:
    found = standing(SHANXI, 12, "official_meeting", "government")
    assert (found.size, found.covered) == ("official_meeting", True)
    assert standing(SHANXI, 12, "sports").covered
    assert standing(SHANXI, 12, "sports").unknown


def test_guangdong_stands_by_its_pack_alone() -> None:
    found = standing(GUANGDONG, 10_000)
    assert confirmations(found) == ["self_declaration", "third_party"]
    assert found.unknown
    assert "DB44/T 2639-2025" in found.unknown.zh
    assert standing("440100", 10_000).size == "any", "Guangzhou has no rule of its own"
    assert standing(SHENZHEN, 10_000).size == "other_1000", "Shenzhen has"
