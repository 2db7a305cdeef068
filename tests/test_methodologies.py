"""What low-carbon acts earn, where and when, and by which rule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from scenarios.actions.groups import NO_FIGURE_HERE, NO_FIGURE_YET, groups_of
from scenarios.actions.methodologies import (
    FOLDER,
    actions_of,
    methodologies,
    methodology_for,
    read_methodology,
)
from scenarios.actions.reductions import Evidence, Reduction, quantify_action
from scenarios.policies.operator import FILE, policy, read_policy
from scenarios.refusals import NoMethodologyInForce, PackUnreadable, QuantityAbsurd, UnknownAction
from scenarios.regions import jurisdiction_name, wider
from scenarios.texts import msgids
from service.i18n import texts

DAY = date(2026, 11, 21)
BEIJING, SHANXI, HUBEI, WUHAN = "110000", "140000", "420000", "420100"
GOOD = (FOLDER / "dbt11-3043.toml").read_text()


def earn(region: str, action: str, quantity: int, evidence: Evidence) -> Reduction:
    return quantify_action(methodology_for(region, action, DAY), action, quantity, evidence, region)


@pytest.mark.parametrize(
    ("region", "action", "quantity", "proven_g", "declared_g"),
    [
        (BEIJING, "metro", 12_500, 900, 450),
        ("120000", "bus", 6_000, 312, 156),
        ("130000", "cycling", 3_000, 285, 142),
        (BEIJING, "walking", 1_500, 156, 78),
        (SHANXI, "shared_bike", 5_000, 1_250, 625),
        (SHANXI, "charging", 20_000, 9_200, 4_600),
        (SHANXI, "no_cutlery", 1, 45, 22),
        (SHANXI, "no_cutlery", 3, 137, 68),
        (BEIJING, "metro", 0, 0, 0),
        (BEIJING, "clean_plate", 1, 449, 224),
        (WUHAN, "bus_ride", 1, 150, 75),
        (WUHAN, "shared_bike", 5_000, 200, 100),
        (WUHAN, "ev_ride", 24_000, 168, 84),
        (HUBEI, "steps", 7_250, 145, 72),
        (HUBEI, "bus_ride", 1, 105, 52),
        (HUBEI, "metro_ride", 1, 274, 137),
    ],
)
def test_an_act_earns_what_its_region_says(
    region: str, action: str, quantity: int, proven_g: int, declared_g: int
) -> None:
    assert earn(region, action, quantity, "proven").reduction_g == proven_g
    declared = earn(region, action, quantity, "self_declared")
    assert (declared.reduction_g, declared.full_reduction_g) == (declared_g, proven_g)


@pytest.mark.parametrize("evidence", ["proven", "self_declared"])
@pytest.mark.parametrize("metres", [1, 7, 999, 12_345, 99_999])
def test_anyone_can_work_a_reduction_out_again_from_its_trace(evidence: Evidence, metres: int) -> None:
    trace = msgspec.json.decode(msgspec.json.encode(earn(BEIJING, "cycling", metres, evidence)), type=Reduction)
    assert trace.baseline is not None
    assert trace.project is not None
    kilometres = Fraction(trace.quantity, 1000)
    saved_kg = (Fraction(trace.baseline) - Fraction(trace.project)) * kilometres * Fraction(trace.share)
    assert trace.reduction_g == int(saved_kg * 1000)
    assert trace.methodology.digest == methodology_for(BEIJING, "cycling", DAY).digest[:16]
    assert "DB11/T 3043—2024" in trace.citation


@pytest.mark.parametrize("metres", [1, 7, 13_333, 99_999])
def test_baseline_project_and_reduction_add_up(metres: int) -> None:
    found = earn(BEIJING, "bus", metres, "proven")
    assert found.baseline_g is not None
    assert found.project_g is not None
    assert found.baseline_g == found.project_g + found.reduction_g
    assert found.project_g >= 0.052 * metres


def test_the_self_declared_share_is_marked_as_policy() -> None:
    assert earn(BEIJING, "metro", 1000, "self_declared").share_is_policy
    assert not earn(BEIJING, "metro", 1000, "proven").share_is_policy
    assert policy().self_declared_share == Decimal("0.5")
    assert "碳碳星球" in policy().self_declared_precedent


@pytest.mark.parametrize(
    ("region", "action"),
    [
        ("310000", "metro"),
        (SHANXI, "metro"),
        (BEIJING, "shared_bike"),
        (BEIJING, "charging"),
        ("AT", "metro"),
        ("CN", "metro"),
        (WUHAN, "steps"),
        (HUBEI, "shared_bike"),
        ("120000", "clean_plate"),
    ],
)
def test_no_place_borrows_anothers_methodology(region: str, action: str) -> None:
    with pytest.raises(NoMethodologyInForce) as refused:
        methodology_for(region, action, DAY)
    assert refused.value.values["region"] == region
    assert refused.value.values["action"] == action
    assert refused.value.values["date"] == "2026-11-21"


def test_a_methodology_begins_on_its_day() -> None:
    assert methodology_for(BEIJING, "metro", date(2024, 10, 1)).id == "dbt11-3043"
    with pytest.raises(NoMethodologyInForce, match="北京在 2024-09-30"):
        methodology_for(BEIJING, "metro", date(2024, 9, 30))


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(UnknownAction):
        methodology_for(BEIJING, "teleport", DAY)
    with pytest.raises(UnknownAction):
        quantify_action(methodology_for(BEIJING, "metro", DAY), "charging", 1, "proven", BEIJING)


@pytest.mark.parametrize(
    ("region", "action", "quantity"),
    [(BEIJING, "walking", 100_001), (BEIJING, "metro", -1), (SHANXI, "charging", 200_001), (SHANXI, "no_cutlery", 11)],
)
def test_an_absurd_quantity_is_refused(region: str, action: str, quantity: int) -> None:
    with pytest.raises(QuantityAbsurd):
        earn(region, action, quantity, "self_declared")


def test_the_refusal_speaks_in_the_units_people_know() -> None:
    with pytest.raises(QuantityAbsurd, match=r"步行出行 5000 公里不合理：每次须在 0 到 100 公里之间"):
        earn(BEIJING, "walking", 5_000_000, "self_declared")


def test_what_a_region_offers() -> None:
    own, common = ["no_disposables", "clean_plate"], ["metro", "bus", "cycling", "walking", "ev_driving"]
    assert [each.key for each in actions_of(BEIJING, DAY)] == own + common
    assert [each.key for each in actions_of("120000", DAY)] == common
    assert [(each.key, each.unit, each.base_unit) for each in actions_of(SHANXI, DAY)] == [
        ("shared_bike", "公里", "m"),
        ("charging", "千瓦时", "Wh"),
        ("no_cutlery", "单", "1"),
    ]
    assert actions_of("310000", DAY) == ()


def test_figures_from_one_secondary_source_are_marked_unverified() -> None:
    marks = {each.id: {action.certainty for action in each.actions.values()} for each in methodologies()}
    assert marks == {
        "beijing-season": {"unverified"},
        "dbt11-3043": {"unverified"},
        "sanjin": {"verbatim"},
        "tantan": {"verbatim"},
        "wutan": {"verbatim", "derived"},
    }


def test_no_source_gives_a_figure_for_the_whole_country() -> None:
    places = {region for each in methodologies() for region in each.regions}
    assert not places & {"100000", "CN", "world"}
    assert all(len(region) == 6 for region in places)


def test_a_derived_figure_says_how() -> None:
    derived = [a for each in methodologies() for a in each.actions.values() if a.certainty == "derived"]
    assert [(each.key, each.saving) for each in derived] == [("ev_ride", 7)]
    assert "168 克 ÷ 24 公里" in derived[0].derivation


def test_a_lower_bound_in_the_source_is_what_is_earned() -> None:
    assert "不低于 449 克" in earn(BEIJING, "clean_plate", 1, "proven").citation


def test_what_a_source_pays_the_self_declared_goes_before_the_operators_share() -> None:
    found = earn(HUBEI, "bus_ride", 1, "self_declared")
    assert (found.tier_saving, found.share, found.share_is_policy) == (52, None, False)
    assert found.tier_rule is not None
    assert "自主打卡" in (found.tier_rule.citation or "")


def test_a_city_has_its_own_name_and_lies_in_its_province() -> None:
    assert [jurisdiction_name(WUHAN, language) for language in ("zh", "en")] == ["武汉", "Wuhan"]
    assert wider(WUHAN) == (WUHAN, HUBEI, "CN", "world")


def test_every_group_offers_acts_or_says_that_no_figure_has_a_source() -> None:
    groups = {each.group: each for each in groups_of(WUHAN, DAY)}
    assert list(groups) == ["衣", "食", "住", "行", "用", "办公", "数字金融"]
    assert [each.key for each in groups["用"].actions] == ["own_bag"]
    assert (groups["食"].note, groups["住"].note) == (NO_FIGURE_HERE, NO_FIGURE_YET)
    assert groups["行"].note is None


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("project = 0.052", "project = 0.2", "more than its baseline"),
        ("project = 0.052", "project = nan", "finite"),
        ("project = 0.052\n", "", "baseline and a project"),
        ("project = 0.052", "project = 0.052\nsaving = 0.1", "baseline and a project"),
        ('modes = ["metro"]', 'modes = ["rocket"]', "unknown mode"),
        ('modes = ["metro"]', 'modes = ["bus"]', "two actions"),
        ('"130000"]', '"139999"]', "unknown place"),
        ('key = "metro"', 'key = "bus"', "stands twice"),
        ('key = "metro"', 'key = "flying"', "no limit"),
        ('unit = "kgCO2/pkm"', 'unit = "kgCO2/room-night"', "no text names"),
        ('group = "行"', 'group = "玩"', "Invalid enum value"),
        ("grams = 312", "grams = 313", "but it comes to 312 g"),
        ('action = "bus"', 'action = "metro"', "metro says 312 g"),
        ("quantity = 6\n", "quantity = 6.0001\n", "too odd"),
        ("quantity = 6\n", "quantity = 6000\n", "too odd"),
        ("quantity = 6\n", "quantity = nan\n", "finite"),
        ('document = "db11", clause = "骑行"', 'document = "db12", clause = "骑行"', "no document"),
    ],
)
def test_a_bad_methodology_is_refused_with_the_reason(old: str, new: str, why: str) -> None:
    assert old in GOOD
    with pytest.raises(PackUnreadable) as refused:
        read_methodology(GOOD.replace(old, new).encode(), "test.toml")
    assert why in refused.value.values["why"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("share = 0.5", "share = 1.5"), ("share = 0.5", "share = nan"), ("people_per_room = 1", "people_per_room = 0")],
)
def test_a_bad_policy_is_refused(old: str, new: str) -> None:
    text = FILE.read_text()
    assert old in text
    with pytest.raises(PackUnreadable):
        read_policy(text.replace(old, new).encode(), "test.toml")


def test_every_text_has_its_english() -> None:
    english = texts("en")
    missing = [text for text in msgids() if english.gettext(text) == text]
    assert missing == []
