"""Which units a place takes, in which order it recommends them, and how they cover the need."""

from __future__ import annotations

from time import perf_counter

import pytest

from scenarios.meeting.fill_plans import Holding, departure, fill_plan, follows_order
from scenarios.meeting.offset_classes import CLASS_LABELS, OffsetUnit, admits, admitted_classes
from tests.ruled import GUANGDONG, HAINAN, JINING, SHANGHAI, SHANXI, SHENZHEN, rule, unit

HELD = [
    Holding("vcu", unit("international", "BR"), 50),
    Holding("cea", unit("national_allowance", "CN"), 100),
    Holding("ccer-gd", unit("ccer", "440000"), 70),
    Holding("ccer-hn", unit("ccer", "460100"), 30),
    Holding("puhui", unit("puhui_project", HAINAN, recognized=True), 20),
    Holding("citizens", unit("citizen_credits", HAINAN), 10),
    Holding("given-cea", unit("national_allowance", "CN", donated=True), 5),
]


def rank(place: str, each: OffsetUnit) -> int | None:
    found = admits(rule(place), each)
    assert found.admitted, found.why
    return found.rank


def refused(place: str, each: OffsetUnit) -> str | None:
    found = admits(rule(place), each)
    assert not found.admitted
    assert found.rank is None
    return found.code


def test_the_order_recommended_is_the_plans_order() -> None:
    plan = fill_plan(rule(HAINAN), 60, HELD)
    assert plan.recommended
    assert "三、实施流程（四）" in plan.ground.text
    expected = ["citizens", "given-cea", "puhui", "ccer-hn", "cea", "vcu", "ccer-gd"]
    assert [each.key for each in plan.fills] == expected
    assert [each.rank for each in plan.fills] == [1, 1, 2, 3, 4, 5, None]
    assert [each.covers_g for each in plan.fills] == [10, 5, 20, 25, 0, 0, 0]
    assert [each.left_g for each in plan.fills] == [0, 0, 0, 5, 100, 50, 70]
    assert (plan.uncovered_g, plan.left_g) == (0, 225)
    assert rank(HAINAN, unit("new_forestry", HAINAN)) == 1


def test_each_places_own_ranks() -> None:
    filed = {"recognized": True}
    assert rank(JINING, unit("new_forestry", "370100", **filed)) == 1, "all of Shandong is its own"
    assert rank(JINING, unit("marine_sink", "370200", **filed)) == 1
    assert rank(JINING, unit("puhui_project", "370000", **filed)) == 1
    assert rank(JINING, unit("ccer", "371600")) == 2
    assert rank(JINING, unit("national_allowance", "CN")) == 3
    assert rank(JINING, unit("ccer", "110000")) is None
    assert rank(SHANXI, unit("citizen_credits", "140100")) == 1
    assert rank(SHANXI, unit("other_mechanism", "140000")) == 2
    assert rank(SHANXI, unit("new_forestry", "140400", **filed)) == 3
    assert rank(SHANXI, unit("national_allowance", "CN")) == 4
    assert rank(SHANXI, unit("new_forestry", "140400")) is None, "not certified, so not in the order"


def test_what_is_short_stays_uncovered() -> None:
    plan = fill_plan(rule(HAINAN), 300, HELD)
    assert (plan.uncovered_g, plan.left_g) == (15, 0)
    assert sum(each.covers_g for each in plan.fills) == 285
    assert fill_plan(rule(HAINAN), 7, []).uncovered_g == 7


@pytest.mark.parametrize("place", [SHANGHAI, SHENZHEN, GUANGDONG])
def test_a_place_without_an_order_recommends_none(place: str) -> None:
    held = [Holding("b", unit("ccer", place), 5), Holding("a", unit("local_allowance", place), 5)]
    plan = fill_plan(rule(place), 7, held)
    assert not plan.recommended
    assert [(each.key, each.rank, each.covers_g) for each in plan.fills] == [("b", None, 5), ("a", None, 2)]
    assert follows_order(rule(place), {"a": 5}, held)


def test_leaving_the_order_is_seen_and_named() -> None:
    here = rule(HAINAN)
    assert follows_order(here, {}, HELD)
    assert follows_order(here, {"citizens": 10, "given-cea": 5, "puhui": 3}, HELD)
    left = departure(here, {"citizens": 10, "cea": 50}, HELD)
    assert left
    assert (left.used, left.passed_over, left.grams) == ("cea", "given-cea", 5)
    assert "三、实施流程（四）" in left.ground.text
    assert not follows_order(here, {"ccer-gd": 1}, HELD), "what the order does not name comes last"


def test_what_the_rule_does_not_take_is_in_no_plan() -> None:
    held = [Holding("cea", unit("national_allowance", "CN"), 9), Holding("ccer", unit("ccer", "CN"), 4)]
    plan = fill_plan(rule(SHENZHEN), 9, held)
    assert [each.key for each in plan.fills] == ["ccer"]
    assert [(each.key, each.admission.code) for each in plan.not_taken] == [("cea", "class_not_admitted")]
    assert plan.uncovered_g == 5


def test_each_place_takes_only_what_it_lists() -> None:
    assert refused(SHENZHEN, unit("national_allowance", "CN")) == "class_not_admitted"
    assert refused(SHENZHEN, unit("local_allowance", "310000")) == "own_place"
    assert refused(SHENZHEN, unit("international", "BR")) == "china"
    assert rank(SHENZHEN, unit("international", "530000")) is None
    assert refused(SHENZHEN, unit("puhui_project", SHENZHEN)) == "recognized"
    assert refused(SHENZHEN, unit("puhui_project", "440100", recognized=True)) == "own_place"
    assert rank(SHENZHEN, unit("new_forestry", "530000")) is None
    assert rank(SHENZHEN, unit("local_allowance", SHENZHEN)) is None
    assert refused(SHANGHAI, unit("ccer", "440300")) in {"own_place", "recognized"}
    assert rank(SHANGHAI, unit("ccer", "310115")) is None, "a district of Shanghai"
    assert refused(SHANGHAI, unit("citizen_credits", SHANGHAI)) == "recognized"
    assert rank(SHANGHAI, unit("local_voluntary", SHANGHAI)) is None
    assert rank(SHANGHAI, unit("local_allowance", SHANGHAI)) is None
    assert rank(SHANGHAI, unit("international", "BR", recognized=True)) is None
    assert refused(HAINAN, unit("citizen_credits", "440300")) == "own_place"
    assert refused(HAINAN, unit("marine_sink", HAINAN)) == "class_not_admitted"
    assert rank(HAINAN, unit("ccer", "440300")) is None
    assert refused(JINING, unit("international", "BR")) == "china"
    assert rank(JINING, unit("local_allowance", "310000")) is None
    assert rank(SHANXI, unit("puhui_project", "140000")) is None
    assert rank(SHANXI, unit("local_allowance", "310000")) is None
    assert refused(SHANXI, unit("international", "AT")) == "china"
    assert refused(GUANGDONG, unit("marine_sink", GUANGDONG)) == "class_not_admitted"


def test_a_refusal_names_the_clause_and_what_is_lacking() -> None:
    found = admits(rule(JINING), unit("marine_sink", "330100"))
    assert found.lacking == ("own_place", "recognized")
    assert found.ground
    assert "四、实施流程（四）1（1）" in found.ground.text
    assert found.why
    assert found.why.en.startswith("It must be made in the place")
    none = admits(rule(SHENZHEN), unit("national_allowance", "CN"))
    assert none.listed[0].zh == "深圳市碳普惠核证减排量"


def test_new_forest_in_jining_serves_once() -> None:
    assert refused(JINING, unit("new_forestry", "370800", recognized=True, used_before=True)) == "used_once"
    assert rank(JINING, unit("new_forestry", "370800", recognized=True)) == 1


def test_donors_are_told_the_classes_beforehand() -> None:
    assert admitted_classes(rule(SHENZHEN)) == (
        "citizen_credits",
        "puhui_project",
        "new_forestry",
        "ccer",
        "local_voluntary",
        "local_allowance",
        "other_mechanism",
        "international",
    )
    assert set(admitted_classes(rule(SHANGHAI))) == set(CLASS_LABELS)


def test_two_hundred_classes_fill_fast() -> None:
    held = [Holding(str(n), unit("citizen_credits", HAINAN if n % 2 else "440300"), 5_000) for n in range(200)]
    begun = perf_counter()
    plan = fill_plan(rule(HAINAN), 300_000, held)
    assert perf_counter() - begun < 0.1
    assert (len(plan.fills), len(plan.not_taken), plan.uncovered_g) == (100, 100, 0)
