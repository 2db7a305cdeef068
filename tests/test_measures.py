"""Reduction measures: each place's own, in its own words."""

from __future__ import annotations

import pytest

from scenarios.meeting.measures import FOLDER, measures_of, read_measures, reduction_ground
from scenarios.meeting.rules import rules
from scenarios.refusals import PackUnreadable
from tests.ruled import GUANGDONG, HAINAN, JINING, SHANGHAI, SHANXI, SHENZHEN, rule


def test_each_places_measures_are_its_texts_own() -> None:
    said = {pack.id: [each.words.zh for each in measures_of(pack)] for pack in rules()}
    assert said["jining"] == ["乘坐清洁能源交通工具", "使用绿色电力", "减少一次性用品消耗", "节约用水用电", "光盘行动"]
    assert "增加场地清洁能源和绿色电力使用比例" in said["shenzhen"]
    assert "拒绝一次性不可降解塑料制品" in said["hainan"]
    assert "垃圾无害化" in said["hainan"]
    assert "少使用一次性生活用品" in said["shanxi"]
    assert "提供机场车站接驳服务" in said["shanghai"]
    assert "采用全生命周期碳足迹更低的耗材或活动组织方式" in said["shanghai"]


@pytest.mark.parametrize(
    ("place", "clause"),
    [
        (SHENZHEN, "三、"),
        (HAINAN, "三、实施流程（二）"),
        (JINING, "四、实施流程（二）"),
        (SHANGHAI, "第十条"),
        (SHANXI, "三、"),
    ],
)
def test_every_measure_carries_its_clause(place: str, clause: str) -> None:
    for each in measures_of(rule(place)):
        assert each.ground.citation
        assert each.ground.citation.clause.startswith(clause)
        assert not each.ground.policy


def test_shanghai_has_measures_for_each_stage() -> None:
    assert {each.stage for each in measures_of(rule(SHANGHAI))} == {"prepare", "hold", "close"}


def test_without_a_catalogue_the_organizer_names_its_own() -> None:
    (own,) = measures_of(rule(GUANGDONG))
    assert own.ground.policy
    assert reduction_ground(rule(GUANGDONG)) == own.ground


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('key = "green_electricity"', 'key = "clean_plate"'),
        ('stage = "hold"', 'stage = "later"'),
        ('clause = "四、实施流程（二）"', 'clause = ""'),
        ('en = "Use green electricity"', 'en = ""'),
        ('rule = "jining"', 'rule = "jining"\nsurprise = 1'),
    ],
)
def test_a_catalogue_that_cannot_be_right_is_refused(old: str, new: str) -> None:
    good = (FOLDER / "jining.toml").read_text("utf-8")
    assert old in good
    with pytest.raises(PackUnreadable):
        read_measures(good.replace(old, new, 1).encode(), "test.toml")
