"""An estimate before the event: by assumptions that are said to be such, by sourced factors, or refused by name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.factors import FactorBook, default_sets
from scenarios.meeting.estimates import Estimate, Overrides, OwnValue, estimate
from scenarios.policies.estimates import FILE, NUMBERS, estimate_policy, read_estimate_policy
from scenarios.refusals import AssumptionAbsurd, FactorNotInForce, PackUnreadable, UnitContradicts
from service.config import Config
from service.events import KINDS, Event
from tests.browsing import assert_english, assert_sound, sign_in
from tests.paper import see
from tests.people import WANG

BOOK = FactorBook(default_sets("CN"))
DAY = date(2026, 11, 20)
TIBET = "540000"
TENTH = Overrides(factors={"electricity": OwnValue(Decimal("0.1"), "kgCO2/kWh", "场馆")})
KINDS_OF = st.sampled_from(sorted(KINDS))


def estimated(size: int = 500, days: int = 2, kind: str = "forum", place: str = "110000", **more: Any) -> Estimate:
    """An estimate for Beijing."""
    return estimate(size, kind, place, DAY, days, more.pop("area_m2", None), BOOK, Overrides(**more))


def test_parts_add_up_and_every_line_has_its_source() -> None:
    found = estimated()
    assert found.is_estimate
    assert found.emissions_g == sum(each.emissions_g for each in found.lines)
    assert found.emissions_g == sum(each.emissions_g for each in found.by_source)
    assert found.low_g < found.emissions_g < found.high_g
    assert all(each.low_g <= each.emissions_g <= each.high_g for each in found.by_source)
    assert [each.emissions_g for each in found.by_source] == sorted(
        (e.emissions_g for e in found.by_source), reverse=True
    )
    assert all(each.factor.citation and each.factor.pack for each in found.lines)
    assert found.policy.id == "estimates"
    assert 0 < found.co2_only_g < found.emissions_g


def test_a_line_by_hand() -> None:
    """500 people, 5 % staff: 1 050 heads and days, 4 kWh each, by Beijing's own factor."""
    (line,) = [each for each in estimated().lines if each.item == "electricity"]
    assert line.quantity == 4_200
    assert line.emissions_g == 4_200 * line.factor.value * 1_000
    (by_area,) = [each for each in estimated(area_m2=Decimal(1_000)).lines if each.item == "electricity"]
    assert by_area.quantity == 600


@given(KINDS_OF, st.integers(1, 3_000), st.integers(0, 3_000), st.integers(1, 10), st.integers(0, 5))
def test_more_people_and_more_days_never_emit_less(kind: str, size: int, more: int, days: int, longer: int) -> None:
    least = estimated(size, days, kind)
    assert estimated(size + more, days, kind).emissions_g >= least.emissions_g
    assert estimated(size, days + longer, kind).emissions_g >= least.emissions_g


def test_a_factor_that_is_missing_is_refused_by_name_unless_a_value_is_given() -> None:
    with pytest.raises(FactorNotInForce) as refused:
        estimated(place=TIBET)
    assert refused.value.values["key"] == "electricity"
    assert "西藏" in str(refused.value)
    found = estimate(500, "forum", TIBET, DAY, 2, None, BOOK, TENTH)
    (line,) = [each for each in found.lines if each.item == "electricity"]
    assert (line.emissions_g, line.factor.pack, line.factor.citation) == (420_000, "own", "场馆")
    assert found.changed == ("electricity",)
    wrong = Overrides(factors={"electricity": OwnValue(Decimal("0.1"), "kgCO2/kg", "场馆")})
    with pytest.raises(UnitContradicts):
        estimate(500, "forum", TIBET, DAY, 2, None, BOOK, wrong)


def test_assumptions_can_be_changed_and_are_named() -> None:
    base = estimated()
    found = estimated(meals_per_head_day=Decimal(0), far_modes={"plane": Decimal(1)})
    assert found.changed == ("far_modes", "meals_per_head_day")
    assert "catering" in {each.source for each in base.by_source}
    assert not [each for each in found.lines if each.item.startswith("meal_")]
    assert estimated(far_modes={"high_speed_rail": Decimal(1)}).emissions_g < found.emissions_g


@pytest.mark.parametrize(
    "changes",
    [
        {"local_share": Decimal("1.2")},
        {"local_share": Decimal("0.9")},
        {"far_km": Decimal(50_000)},
        {"sheets_per_head": Decimal("NaN")},
        {"sheets_per_head": Decimal("1e-9")},
        {"far_modes": {"plane": Decimal("0.5")}},
        {"far_modes": {"meal_pork": Decimal(1)}},
        {"meals": {"meal_pork": Decimal(2), "meal_beef": Decimal(-1)}},
    ],
)
def test_assumptions_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(AssumptionAbsurd):
        estimated(**changes)


def test_every_kind_of_event_has_assumptions_and_a_bad_file_is_refused() -> None:
    assert estimate_policy().kinds.keys() == KINDS.keys()
    content = FILE.read_bytes()
    for good, bad in (
        (b"local_share = 0.5", b"local_share = 5"),
        (b"coach = 0.15", b"coach = 0.2"),
        (b"far_km", b"fr_km"),
    ):
        with pytest.raises(PackUnreadable):
            read_estimate_policy(content.replace(good, bad, 1), "policy")


async def test_anyone_may_ask_and_the_organizers_page_takes_changes(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    body = {"people": 500, "kind": "forum", "place": "北京", "starts_on": "2026-11-20", "days": 2}
    answer = await client.post("/v1/estimates", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["emissions_g"] == estimated().emissions_g
    refused = await client.post("/v1/estimates", json=body | {"place": "拉萨"})
    assert (refused.status_code, refused.json()["values"]["key"]) == (422, "electricity")
    own = {"electricity": {"value": "0.1", "unit": "kgCO2/kWh", "source": "场馆"}}
    assert (await client.post("/v1/estimates", json=body | {"place": "拉萨", "factors": own})).status_code == 200
    absurd = await client.post("/v1/estimates", json=body | {"assumptions": {"local_share": "2"}})
    assert absurd.json()["code"] == "assumption_absurd"
    nan = await client.post("/v1/estimates", json=body | {"assumptions": {"far_km": "NaN"}})
    assert nan.json()["code"] == "bad_input"

    await sign_in(client, database, config, WANG)
    url = f"/organize/events/{event.id}/estimate"
    paper = await see(client, url)
    assert_sound(paper, "zh")
    assert "这是估算，不是核算" in paper.text
    changed = await see(client, f"{url}?kwh_per_head_day=0&far_km=2000")
    assert changed.text != paper.text
    assert changed.text.count("已改") == 2
    assert (await see(client, f"{url}?local_km=12")).text == paper.text
    form = paper.form("estimate").fields
    assert (form["far_modes-plane"], form["region"]) == ("40", "110000")
    asked = form | {"far_modes-plane": "30", "far_modes-other": "coach", "far_modes-percent": "10"}
    mixed = await see(client, url, params=asked | {"region": "440000"})
    assert mixed.text.count("已改") == 1
    assert mixed.form("estimate").fields["far_modes-coach"] == "10"
    assert mixed.form("estimate").fields["region"] == "440000"
    assert ("省级 广东" in mixed.text, "省级 广东" in paper.text) == (True, False)
    for broken, said in ({"far_modes-plane": "90"}, "不合理"), ({"meals-meal_pork": "much"}, "请检查这一项"):
        refused_page = await see(client, url, params=form | broken)
        assert (refused_page.answer.status_code, said in refused_page.text) == (422, True)
        assert f"{next(iter(broken)).partition('-')[0]}-error" in {each.get("id") for each in refused_page.all("p")}
        assert_sound(refused_page, "zh")
    wrong = await see(client, f"{url}?far_km=many")
    assert wrong.answer.status_code == 422
    english = await see(client, url, headers={"Accept-Language": "en"})
    assert_english(english)
    assert all(name in {each.get("name") for each in paper.all("input")} for name in NUMBERS)
