"""Readiness: what is done, missing, due or overdue, by which clause, in an organizer's words."""

from __future__ import annotations

from datetime import date
from time import perf_counter
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from scenarios.meeting.readiness import EventRecord, readiness
from scenarios.meeting.readiness_terms import earned_label, is_neutral
from scenarios.meeting.rule_files import FOLDER, read_rule
from scenarios.meeting.rule_terms import FieldKey, RulePack
from scenarios.meeting.rules import rules
from tests.ruled import FIVE, HAINAN, JINING, SHANGHAI, SHANXI, SHENZHEN, TODAY, T, at, record, rule

EVERY = frozenset(get_args(FieldKey))
ACCOUNTED: dict[str, Any] = {"inventory_submitted_on": date(2026, 5, 20), "basic_g": 6 * T, "full_g": 10 * T}


def whole(pack: RulePack, people: int) -> EventRecord:
    """An event for which everything has been done, offset with CCER, by the first confirmation open to it."""
    ways = {"shenzhen": "third_party", "hainan": "certificate_applied", "jining": "self_declaration"}
    return record(
        people,
        plan_fields=EVERY,
        plan_published_on=date(2026, 4, 1),
        target_date=date(2026, 9, 1),
        measures_done=3,
        **ACCOUNTED,
        planned_g={"ccer": 10 * T},
        retired_g={"ccer": 10 * T},
        reported=frozenset({"ccer"}),
        retirements_published_on=date(2026, 7, 1),
        confirmation=ways.get(pack.id, "self_declaration"),
        declaration_fields=EVERY,
        declared_on=date(2026, 7, 2),
        certificate_applied_on=date(2026, 7, 2),
        certificate_granted_on=date(2026, 7, 3),
        disclosed_fields=EVERY,
        disclosed_on=date(2026, 7, 4),
        duties_done=frozenset(each.key for each in pack.duties),
    )


def with_(begun: EventRecord, **more: Any) -> EventRecord:
    return replace(begun, **more)


@pytest.mark.parametrize("pack", rules(), ids=lambda pack: pack.id)
def test_a_whole_life_leaves_nothing_to_do(pack: RulePack) -> None:
    begun = perf_counter()
    steps = readiness(pack, whole(pack, 450), TODAY)
    assert perf_counter() - begun < 0.05
    assert {each.state for each in steps} <= {"done", "not_needed"}, [each for each in steps if each.state == "missing"]
    assert len({each.key for each in steps}) == len(steps)
    before = readiness(pack, record(450), date(2026, 4, 1))
    for each in before:
        assert each.todo.zh, each.key
        assert each.todo.en, each.key
        assert "{" not in each.todo.zh + each.todo.en + each.title.zh
        assert each.ground, each.key
        assert each.ground.citation or each.ground.policy, each.key
    assert {each.state for each in before} == {"done", "due", "missing", "not_needed"}, "nothing is overdue yet"
    for key in ("jining.reduce_as_planned", "hainan.file_accounting", "shanghai.keep_records", "shanxi.announce"):
        place, duty = key.split(".")
        assert (f"duty_{duty}" in {each.key for each in steps}) == (pack.id == place)


def test_the_plan_is_due_before_the_event_and_measures_by_its_end() -> None:
    for place in FIVE.values():
        steps = readiness(rule(place), record(plan_fields=frozenset({"boundary"})), date(2026, 4, 30))
        assert (at(steps, "plan").state, at(steps, "plan").due_on) == ("due", date(2026, 4, 30))
        assert at(steps, "publish_plan").state == "due"
        assert at(steps, "measures").due_on == date(2026, 5, 3)
        late = readiness(rule(place), record(), date(2026, 5, 1))
        assert at(late, "plan").state == at(late, "publish_plan").state == "overdue"
        assert at(late, "measures").state == "due"
    missing = at(readiness(rule(JINING), record(plan_fields=frozenset({"boundary"})), TODAY), "plan").missing
    assert [each.zh for each in missing] == ["预估温室气体排放量", "减排措施", "碳中和的抵消方式"]
    jining = at(readiness(rule(JINING), record(), TODAY), "publish_plan").ground
    assert jining
    assert "四、实施流程（一）" in jining.text, "its own text has the plan published"


def test_steps_are_overdue_after_their_last_day() -> None:
    begun = record(**ACCOUNTED, planned_g={"ccer": 10 * T}, retired_g={"ccer": 4 * T})
    on_the_day = at(readiness(rule(JINING), begun, date(2026, 11, 3)), "offset_neutral")
    assert (on_the_day.state, on_the_day.due_on) == ("due", date(2026, 11, 3))
    assert on_the_day.todo.zh == "还差 6 吨 CO2e，请抵消并注销。实现碳中和：原则上不晚于大型活动结束后6个月内。"
    assert at(readiness(rule(JINING), begun, date(2026, 11, 4)), "offset_neutral").state == "overdue"
    assert at(readiness(rule(JINING), begun, date(2026, 11, 4)), "account").state == "done"
    assert at(readiness(rule(JINING), record(), date(2026, 11, 4)), "account").state == "overdue"


def test_sinks_have_their_own_time_and_the_rest_is_due_without_them() -> None:
    planned = {"new_forestry": 4 * T, "ccer": 6 * T}
    begun = record(**ACCOUNTED, planned_g=planned, retired_g={"ccer": 6 * T})
    steps = readiness(rule(JINING), begun, TODAY)
    assert at(steps, "offset_neutral").state == "done"
    assert (at(steps, "offset_sink_filed").state, at(steps, "offset_sink_filed").due_on) == ("due", date(2027, 5, 3))
    assert at(steps, "offset_sink_settled").due_on == date(2028, 5, 3)
    assert not is_neutral(rule(JINING), begun)
    assert at(steps, "confirm").state == "missing"
    filed = readiness(rule(JINING), with_(begun, milestones={"sink_filed": date(2027, 2, 1)}), date(2027, 6, 1))
    assert at(filed, "offset_sink_filed").state == "done"
    assert at(filed, "offset_sink_settled").state == "due"
    shanxi = readiness(rule(SHANXI), begun, date(2032, 5, 4))
    assert at(shanxi, "offset_forestry").state == "overdue"
    hainan = at(readiness(rule(HAINAN), begun, TODAY), "offset_neutral")
    assert "还差 4 吨" in hainan.todo.zh, "Hainan gives trees no longer time"


def test_shenzhen_is_asked_and_the_plans_own_day_is_kept() -> None:
    step = at(readiness(rule(SHENZHEN), record(**ACCOUNTED), TODAY), "offset_neutral")
    assert (step.state, step.due_on) == ("missing", None)
    assert "请向深圳市生态环境局询问完成时限" in step.todo.zh
    assert step.ground
    assert step.ground.policy
    planned = record(**ACCOUNTED, target_date=date(2026, 10, 1))
    step = at(readiness(rule(SHENZHEN), planned, TODAY), "offset_neutral")
    assert (step.state, step.due_on) == ("overdue", date(2026, 10, 1))


def test_neutral_is_at_least_as_much_retired_as_emitted() -> None:
    for pack in rules():
        full = {"label": "full"} if pack.id == "shanghai" else {}
        for retired, neutral in ((10 * T - 1, False), (10 * T, True), (10 * T + 1, True)):
            begun = record(**ACCOUNTED, retired_g={"ccer": retired}, **full)
            assert is_neutral(pack, begun) == neutral
        assert not is_neutral(pack, record(retired_g={"ccer": 10 * T})), "nothing accounted for"
    assert "大于等于" in rule(SHANGHAI).neutrality.words.zh
    assert not rule(SHANGHAI).neutrality.policy


def test_basic_and_full_ask_for_their_scope() -> None:
    here = rule(SHANGHAI)
    begun = record(**ACCOUNTED, planned_g={"ccer": 6 * T}, retired_g={"ccer": 6 * T})
    assert is_neutral(here, with_(begun, label="basic"))
    assert not is_neutral(here, with_(begun, label="full"))
    earned = earned_label(here, begun)
    assert earned
    assert earned.name.zh == "基本碳中和"
    more = earned_label(here, with_(begun, retired_g={"ccer": 10 * T}))
    assert more
    assert more.name.zh == "全口径碳中和"
    assert earned_label(here, with_(begun, retired_g={"ccer": 6 * T - 1})) is None
    assert earned_label(rule(JINING), begun) is None, "elsewhere all that was emitted counts"
    assert at(readiness(here, with_(begun, label="full"), TODAY), "offset_neutral").todo.zh.startswith("还差 4 吨")


def test_retirements_are_proven_reported_and_published_as_the_text_says() -> None:
    def states(place: str, unit: str) -> dict[str, str]:
        held = {unit: 10 * T}
        begun = record(**ACCOUNTED, planned_g=held, retired_g=held, unproven=frozenset(held))
        steps = readiness(rule(place), begun, TODAY)
        asked = ("proof", "report", "publish_retirements")
        return {each.key: each.state for each in steps if each.key in asked}

    everything = {"proof": "missing", "report": "missing", "publish_retirements": "missing"}
    assert states(HAINAN, "ccer") == states(JINING, "ccer") == everything
    assert states(HAINAN, "citizen_credits") == {}
    assert states(JINING, "marine_sink") == {"publish_retirements": "missing"}
    assert states(SHANGHAI, "ccer") == states(SHENZHEN, "ccer") == {"proof": "missing"}
    assert states(SHANXI, "ccer") == {"proof": "missing", "publish_retirements": "missing"}
    assert states(SHANXI, "citizen_credits") == {"publish_retirements": "missing"}
    begun = record(**ACCOUNTED, retired_g={"ccer": 10 * T}, unproven=frozenset({"ccer"}))
    step = at(readiness(rule(JINING), begun, TODAY), "proof")
    assert [each.zh for each in step.missing] == ["国家核证自愿减排量（CCER）"]


def test_declarations_lack_the_texts_own_fields() -> None:
    for place, confirmed in ((JINING, 9), (HAINAN, 5), (SHANGHAI, 6)):
        ready = with_(whole(rule(place), 450), confirmation="self_declaration", declaration_fields=frozenset())
        step = at(readiness(rule(place), ready, TODAY), "confirm")
        assert (step.state, len(step.missing)) == ("missing", confirmed)
    ready = with_(whole(rule(JINING), 450), declaration_fields=EVERY - {"neutral_on", "organizer"})
    step = at(readiness(rule(JINING), ready, TODAY), "confirm")
    assert step.todo.zh == "自我承诺里还缺：组织者名单、实现碳中和日期。"
    assert step.ground
    assert "三、实施范围（二）" in step.ground.text


def test_a_confirmation_closed_to_the_size_is_said() -> None:
    large = with_(whole(rule(JINING), 500), confirmation="self_declaration")
    step = at(readiness(rule(JINING), large, TODAY), "confirm")
    assert step.state == "missing"
    assert step.todo.zh == "“自我承诺”不适用于这种规模；可以选：第三方评价。"
    certified = with_(large, confirmation="third_party")
    assert at(readiness(rule(JINING), certified, TODAY), "confirm").state == "done"
    waiting = with_(certified, certificate_granted_on=None)
    assert "等待经认证的第三方机构颁发" in at(readiness(rule(JINING), waiting, TODAY), "confirm").todo.zh


def test_shanghai_confirms_only_after_measures() -> None:
    ready = whole(rule(SHANGHAI), 450)
    assert at(readiness(rule(SHANGHAI), ready, TODAY), "confirm").state == "done"
    for confirmation in ("self_declaration", "third_party"):
        idle = with_(ready, measures_done=0, confirmation=confirmation)
        step = at(readiness(rule(SHANGHAI), idle, TODAY), "confirm")
        assert (step.state, step.todo.zh) == ("missing", "先记下做过的减排措施，才能确认。")
    assert (
        at(readiness(rule(JINING), with_(whole(rule(JINING), 450), measures_done=0), TODAY), "confirm").state == "done"
    )


def test_a_withdrawn_confirmation_takes_the_label() -> None:
    for place in (HAINAN, SHANGHAI):
        gone = with_(whole(rule(place), 450), withdrawn_on=date(2026, 8, 1))
        step = at(readiness(rule(place), gone, TODAY), "confirm")
        assert step.state == "missing"
        assert "已被撤销" in step.todo.zh


def test_what_the_rule_does_not_reach_is_labelled_voluntary() -> None:
    step = at(readiness(rule(JINING), record(199), TODAY), "size")
    assert "自愿" in step.todo.zh
    assert "voluntary" in step.todo.en
    assert "自愿" not in at(readiness(rule(JINING), record(200), TODAY), "size").todo.zh


def test_leaving_the_order_asks_for_a_reason() -> None:
    assert at(readiness(rule(HAINAN), record(), TODAY), "order").state == "not_needed"
    assert at(readiness(rule(HAINAN), record(left_order=True), TODAY), "order").state == "missing"
    told = record(left_order=True, order_reason="省内 CCER 已售完")
    assert at(readiness(rule(HAINAN), told, TODAY), "order").state == "done"
    assert at(readiness(rule(SHANGHAI), record(left_order=True), TODAY), "order").state == "not_needed"


def test_a_new_version_says_what_it_newly_asks() -> None:
    text = (FOLDER / "jining.toml").read_text("utf-8")
    less = text.replace('    { key = "measures", label = { zh = "减排措施", en = "Reduction measures" } },\n', "")
    before = read_rule(less.encode(), "before.toml")
    step = at(readiness(rule(JINING), record(), TODAY, before), "rule_changed")
    assert [each.zh for each in step.missing] == ["减排措施"]
    assert step.todo.zh == "新版本与计划时不同的要求：减排措施。"
    assert not [each for each in readiness(rule(JINING), record(), TODAY) if each.key == "rule_changed"]
