"""Where the places' texts draw a line, over HTTP: sizes, hosts, days; and what nobody may do to a confirmed event."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from service.config import Config
from service.neutrality_records import check
from tests.confirming import officer, register, report, verifier
from tests.neutral import FACTS, PLAN, days_from_now, held, plan, ready, say, step
from tests.people import WANG, Headers, found_organization, key
from tests.stories import Story

T = 1_000_000
CEA: dict[str, Any] = {"unit": "national_allowance", "registry": "CN-ETS", "project": "配额", "vintage": 2025}


@pytest.fixture
def story(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> Story:
    return Story(client, database, config)


async def refusal(story: Story, path: str, body: Any, who: UUID | None = None) -> str:
    """The code with which it is refused; below 500, and no success."""
    headers = await story.headers(who or story.organizer)
    answer = await story.client.post(story.at(path), json=body, headers=headers | key())
    assert 400 <= answer.status_code < 500, answer.text
    return str(answer.json()["code"])


# Sizes ----------------------------------------------------------------------------------------------------------------


async def standings(client: httpx.AsyncClient, wang: Headers, event: str, *facts: dict[str, Any]) -> list[list[str]]:
    """How the rule takes the event with each of the facts: the standing, then the confirmations that are open."""
    found = []
    for each in facts:
        await say(client, wang, f"/v1/events/{event}/facts", FACTS | each)
        standing = (await ready(client, wang, event))["standing"]
        found.append([standing["standing"], *(way["key"] for way in standing["confirmations"])])
    return found


async def test_each_place_draws_its_line_where_its_text_does(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    day = days_from_now(40)
    hainan = await held(client, wang, firm, "海口", day)
    assert await standings(
        client,
        wang,
        hainan,
        {"host": "government", "people_on_site": 500},
        {"host": "government", "people_on_site": 499},
        {"host": "soe", "people_on_site": 500},
    ) == [
        ["large", "certificate_applied"],
        ["voluntary", "certificate_applied", "self_declaration"],
        ["covered", "self_declaration", "certificate_applied"],
    ]
    ways = ["self_declaration", "third_party"]
    shanghai = await held(client, wang, firm, "上海", day)
    assert await standings(
        client,
        wang,
        shanghai,
        {"people_on_site": 399, "people_online": 5_000},
        {"people_on_site": 399, "people_at_sub_venues": 1},
        {"kind": "exhibition", "people_on_site": 9_000, "visits": 10_000},
        {"kind": "exhibition", "people_on_site": 10, "visits": 9_999, "area_m2": 5_000},
        {"kind": "exhibition", "people_on_site": 10_000, "visits": 9_999, "area_m2": 4_999},
        {"kind": "sports", "people_on_site": 4_999},
        {"kind": "performance", "people_on_site": 5_000},
    ) == [[each, *ways] for each in ("voluntary", "large", "large", "large", "voluntary", "voluntary", "large")]
    shenzhen = await held(client, wang, firm, "深圳", day)
    assert await standings(client, wang, shenzhen, {"people_on_site": 999}, {"people_on_site": 1000}) == [
        ["voluntary", "third_party", "self_declaration"],
        ["large", "third_party", "self_declaration"],
    ]


async def test_what_is_said_of_an_event_is_possible_and_no_fewer_than_came(story: Story) -> None:
    said: dict[str, Any] = {"kind": "meeting", "host": "other", "confirmation": "self_declaration"}
    await story.begin("济宁", 499, **said)
    too_many = said | {"people_on_site": 10_000_000, "people_at_sub_venues": 1}
    assert await refusal(story, "facts", too_many) == "people_absurd"
    assert await refusal(story, "plan", {"about": "\0"}) == "bad_input"
    await story.plan(["clean_transport"], {"ccer": T})
    await story.meet(kwh="1")
    await story.post("head-counts", {"people": 500, "how": "门口计数"})
    with story.end():
        await story.account()
        units = await story.enter("ccer", "SD-2024 000001-000009", project_place="370000")
        await story.retire(units)
        headers = await story.headers(story.organizer)
        answer = await story.client.post(story.at("declaration"), json={"truthful": True}, headers=headers | key())
        found = answer.json()
        assert (found["code"], found["clause"]) == ("people_understated", "三、实施范围（一）")
        await story.post("facts", said | {"people_on_site": 500})
        assert await refusal(story, "declaration", {"truthful": True}) == "way_not_open"


# Days -----------------------------------------------------------------------------------------------------------------


async def test_months_end_on_their_last_day_and_sinks_have_their_own(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    forest = {"new_forestry": 50_000_000}
    leap = await held(client, wang, firm, "太原", date(2028, 2, 29))
    await plan(client, wang, leap, offsets=forest | {"ccer": 1})
    found = await ready(client, wang, leap)
    assert step(found, "offset_neutral")["due_on"] == "2029-02-28"
    six = step(found, "offset_forestry")
    assert (six["due_on"], six["ground"]["clause"]) == ("2034-02-28", "三、碳中和的实施要求（三）")
    last = await held(client, wang, firm, "济宁", date(2027, 8, 31))
    await plan(client, wang, last, offsets={"marine_sink": 50_000_000, "ccer": 1})
    found = await ready(client, wang, last)
    due = {key: step(found, f"offset_{key}")["due_on"] for key in ("neutral", "sink_filed", "sink_settled")}
    assert due == {"neutral": "2028-02-29", "sink_filed": "2028-08-31", "sink_settled": "2029-08-31"}
    for name, day, due_on in (("海口", date(2027, 8, 31), "2028-02-29"), ("上海", date(2028, 2, 29), "2029-02-28")):
        found = await ready(client, wang, await held(client, wang, firm, name, day))
        assert step(found, "offset_neutral")["due_on"] == due_on
    undated = await ready(client, wang, await held(client, wang, firm, "深圳", days_from_now(40)))
    asked = step(undated, "offset_neutral")
    assert asked["due_on"] is None
    assert "深圳市生态环境局" in asked["todo"]["zh"], "no deadline is made up"


# Units ----------------------------------------------------------------------------------------------------------------

REGISTRY = {
    "puhui_project": "OTHER-PUHUI",
    "new_forestry": "FORESTRY",
    "marine_sink": "FORESTRY",
    "ccer": "CCER",
    "local_voluntary": "LOCAL-VOLUNTARY",
    "national_allowance": "CN-ETS",
    "local_allowance": "OTHER-ETS",
    "other_mechanism": "OTHER",
    "international": "VERRA",
}
"""In this order below: units made in the place itself and recognized by nobody; the international ones in the US."""
TAKEN, UNLISTED = "held", "class_not_admitted"
TAKES = {
    ("深圳", "440300"): ["recognized", TAKEN, UNLISTED, TAKEN, TAKEN, UNLISTED, TAKEN, TAKEN, "china"],
    ("海口", "460000"): ["recognized", TAKEN, UNLISTED, TAKEN, UNLISTED, TAKEN, UNLISTED, UNLISTED, TAKEN],
    ("济宁", "370000"): ["recognized", TAKEN, "recognized", TAKEN, TAKEN, TAKEN, TAKEN, TAKEN, "china"],
    ("上海", "310000"): ["recognized"] * 3 + [TAKEN] * 4 + ["recognized"] * 2,
    ("太原", "140000"): [TAKEN, TAKEN, UNLISTED, TAKEN, TAKEN, TAKEN, TAKEN, TAKEN, "china"],
}


async def test_each_place_takes_the_units_that_its_text_lists_and_no_others(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    for number, ((name, place), expected) in enumerate(TAKES.items()):
        event = await held(client, wang, firm, name, days_from_now(40))
        found = []
        for unit, registry in REGISTRY.items():
            made_in = "US" if unit == "international" else place
            body = CEA | {"unit": unit, "registry": registry, "project_place": made_in, "serials": f"{unit} {number}"}
            answer = await client.post(f"/v1/events/{event}/units", json=body, headers=wang | key())
            told = answer.json()
            found.append(told["state"] if answer.status_code == 201 else told["code"])
            assert answer.status_code == 201 or told["clause"], told
        assert found == expected, name


# Two at once, twice, and in no order ----------------------------------------------------------------------------------


async def test_a_plan_is_published_once_and_what_was_announced_of_surplus_stands(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    event = f"/v1/events/{await held(client, wang, firm, '海口', days_from_now(40))}"
    early = await client.post(f"{event}/plan/publication", json={"number": 1, "surplus": "keep"}, headers=wang | key())
    assert early.status_code == 404
    same = key()
    body = PLAN | {"measures": []}
    first, again = [await client.post(f"{event}/plan", json=body, headers=wang | same) for _ in range(2)]
    assert first.content == again.content, "sent twice, kept once"
    await say(client, wang, f"{event}/measures", {"key": "other", "state": "planned", "what": "电子材料"})
    number = (await say(client, wang, f"{event}/plan", PLAN))["number"]
    assert number == 2
    answers = await asyncio.gather(
        *(
            client.post(f"{event}/plan/publication", json={"number": number, "surplus": each}, headers=wang | key())
            for each in ("keep", "return")
        )
    )
    assert sorted(each.status_code for each in answers) == [201, 409]
    assert {each.json().get("code") for each in answers} == {None, "plan_published_already"}


async def test_units_are_taken_as_they_can_be_and_each_serial_once(story: Story) -> None:
    await story.begin("上海", 400, kind="meeting", host="other")
    unreadable = "unit_serials_unreadable"
    for said, code in (
        ({"serials": "CEA"}, unreadable),
        ({"serials": "CEA 5-4"}, unreadable),
        ({"serials": f"CEA {10**18}"}, unreadable),
        ({"series": "CEA", "first": 10**18}, "bad_input"),
        ({"series": "CEA", "first": -1}, "bad_input"),
        ({"serials": f"CEA 1-{10**18 - 1}"}, "serials_too_many"),
        ({"serials": "CEA 1", "vintage": 1989}, "bad_input"),
        ({"serials": "CEA 1", "registry": "?"}, "registry_unknown"),
        ({"serials": "CEA 1", "vintage": 2099}, "vintage_ahead"),
        ({"serials": "CEA 1", "project_place": "999999"}, "project_place_unknown"),
    ):
        assert await refusal(story, "units", CEA | {"project_place": "310000"} | said) == code, said
    units = await story.enter("national_allowance", "CEA-2025 000100-000199", registry="CN-ETS")
    for same in ("cea－2025 199－199", "CEA 2025 00150～00300", "CEA-2025 0100至0100"):
        assert await refusal(story, "units", CEA | {"project_place": "310000", "serials": same}) == "serials_used", same
    for odd, code in (
        ({"retired_on": "2099-01-01"}, "not_yet_done"),
        ({"retired_on": "2026-02-30"}, "bad_input"),
        ({"retired_on": "0001-01-01"}, "retired_too_early"),
        ({"reference": ""}, "bad_input"),
        ({}, "proof_missing"),
    ):
        body = {"retired_on": "2026-01-01", "reference": "单 1"} | odd
        assert await refusal(story, f"units/{units['id']}/retirement", body) == code, odd
    await story.retire(units)
    again: tuple[tuple[str, dict[str, str] | None], ...] = (
        ("retirement", {"retired_on": "2026-01-01", "reference": "单 1"}),
        ("return", {"because": "不用了"}),
        ("acceptance", None),
        ("declination", {"because": "不用了"}),
    )
    for path, sent in again:
        assert await refusal(story, f"units/{units['id']}/{path}", sent) == "units_decided", path
    assert await refusal(story, f"units/{units['id']}/withdrawal", {}) == "not_found", "nobody offered it"


# Whose it is ----------------------------------------------------------------------------------------------------------


async def test_shenzhens_officer_is_nobody_elsewhere_in_guangdong(
    story: Story, database: asyncpg.Pool, config: Config
) -> None:
    await story.begin("广州", 500, kind="meeting", host="other")
    every = ("publishes", "issues", "inspects", "revokes", "supervises")
    city, _ = await officer(database, config, "440300", *every)
    province, _ = await officer(database, config, "440000", *every)
    here = Story(story.client, story.pool, story.config)
    await here.begin("深圳", 500, kind="meeting", host="other")
    for path in ("readiness", "units", "trail", "facts", "inventories", "certificate-applications", "plan"):
        elsewhere = await story.client.get(story.at(path), headers=await story.headers(city))
        assert elsewhere.status_code == 404, path
    for whose, who in ((story, province), (here, city), (here, province)):
        await whose.get("readiness", who)
        assert await refusal(whose, "facts", FACTS, who) == "not_allowed", "an office reads and does not act for them"
    assert await refusal(story, "plan", {}, here.organizer) == "not_found"


async def test_who_is_no_longer_independent_or_registered_certifies_nothing(
    story: Story, database: asyncpg.Pool, config: Config
) -> None:
    await story.begin("深圳", 1000, kind="meeting", host="soe", confirmation="third_party")
    await story.plan(["clean_transport"], {"ccer": T})
    await story.meet()
    firm, verifying, _ = await verifier(database, config)
    await story.post("engagements", {"verifier_id": str(firm)})
    with story.end():
        await story.account()
        await story.retire(await story.enter("ccer", "SX-2024 000001-000001"))
        await story.post("verification-reports", report(), verifying)
        joined = "INSERT INTO organization_members (organization_id, member_id, role) VALUES ($1, $2, 'viewer')"
        await database.execute(joined, firm, story.organizer)
        city = "INSERT INTO authority_members (member_id, region, offices) VALUES ($1, '440300', '{supervises}')"
        await database.execute(city, story.organizer)
        assert await refusal(story, "inventories/1/verification", None) == "own_event", "also not as an officer"
        certificate = "third-party-certificate"
        assert await refusal(story, certificate, {}, verifying) == "verifier_not_independent"
        assert await refusal(story, certificate, {}) == "not_allowed"
        await database.execute("DELETE FROM organization_members WHERE member_id = $1", story.organizer)
        await register(database, firm, verifying, None, registered=False)
        assert await refusal(story, certificate, {}, verifying) == "verifier_not_registered"


# After it is confirmed ------------------------------------------------------------------------------------------------


async def test_what_is_confirmed_is_not_cancelled_and_what_is_withdrawn_says_so_although_its_signature_holds(
    story: Story,
) -> None:
    await story.begin("上海", 400, kind="meeting", host="other", label="full", confirmation="self_declaration")
    await story.plan(["green_venue"], {"national_allowance": T}, about="年会")
    await story.meet()
    await story.take("green_venue")
    assert await refusal(story, "declaration", {"truthful": True}) == "event_not_over"
    with story.end():
        assert await refusal(story, "declaration", {"truthful": True}) == "no_inventory"
        await story.account()
        await story.retire(await story.enter("national_allowance", "CEA-2025 7-7", registry="CN-ETS"))
        assert await refusal(story, "declaration", {"truthful": False}) == "not_affirmed"
        own_figure = {"truthful": True, "fields": {"emissions_g": "0"}}
        assert await refusal(story, "declaration", own_figure) == "bad_input", "figures come from the books"
        made = await story.post("declaration", {"truthful": True})
        page, label = f"/n/{made['id']}", f"/events/{story.event['id']}"
        assert await refusal(story, "cancellation", {"because": "台风"}) == "event_confirmed"
        wanted = {"kind": "meeting", "host": "other", "people_on_site": 400, "label": "full"}
        await story.post("facts", wanted | {"confirmation": "third_party"})
        assert (await story.states())["confirm"] == "done", "confirmed is confirmed, whatever else is wanted since"
        line = {"item": "electricity", "quantity": "5000", "unit": "kWh", "rank": "measured"}
        await story.post("activity-data", {"lines": [line]})
        assert await refusal(story, "inventories", {}) == "restatement_unexplained"
        await story.post("inventories", {"because": "漏记一块电表"})
        for each in (page, label):
            assert "第 2 版清单" in await story.get(each), "what was restated after it is said"
        assert not (await story.get("offset-state"))["neutral"]
        withdrawal = f"/v1/confirmations/{made['id']}/withdrawal"
        stranger = await story.citizen()
        assert await refusal(story, withdrawal, {"because": "假的"}, stranger) == "not_allowed"
        await story.post(withdrawal, {"because": "漏记，请打 13800138000"})
        told = await story.get(page)
        assert "碳中和的确认已撤销" in told
        assert "13800138000" not in told
        assert page not in await story.get(label)
        bundle = (await story.client.get(f"/v1/confirmations/{made['id']}/record")).content
        keys = await story.get("/v1/keys")
        assert str(check(bundle, keys["confirmations"]).id) == made["id"], "what was signed stays signed"
        (kept,) = await story.get("units", story.organizer)
        assert kept["state"] == "retired"
        assert await refusal(story, "declaration", {"truthful": True}) == "not_neutral_yet"
        assert (await story.states())["confirm"] == "missing"
        await story.post("cancellation", {"because": "台风"})
        assert await refusal(story, "declaration", {"truthful": True}) == "confirm_cancelled"
        acts = {each["act"] for each in (await story.get("trail", story.organizer))["entries"]}
        assert acts >= {"neutrality_confirmed", "confirmation_withdrawn", "units_retired", "plan_published"}
