"""Facts, plan, measures and marks through HTTP, and the checklist that follows of them, with its clauses."""

from __future__ import annotations

import asyncpg
import httpx

from service.config import Config
from tests.neutral import FACTS, PLAN, days_from_now, held, plan, ready, refused, say, step
from tests.people import LI, WANG, ZHAO, appoint, found_organization, key


async def test_jining_at_its_boundaries_by_what_is_said_of_the_event(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm, "济宁", days_from_now(40))
    standing = {}
    for people in (199, 200, 499, 500):
        await say(client, wang, f"/v1/events/{event}/facts", FACTS | {"people_on_site": people})
        found = (await ready(client, wang, event))["standing"]
        standing[people] = (found["standing"], [each["key"] for each in found["confirmations"]])
    assert standing == {
        199: ("voluntary", ["self_declaration"]),
        200: ("covered", ["self_declaration"]),
        499: ("covered", ["self_declaration"]),
        500: ("large", ["third_party"]),
    }
    found = await ready(client, wang, event)
    assert found["rule"]["title"]["zh"] == "关于推动开展济宁市大型活动碳中和工作的实施方案（试行）"
    assert found["standing"]["ground"]["clause"] == "三、实施范围（一）"
    assert found["place"] == "370800"


async def test_a_county_says_whose_it_is_and_a_city_is_its_own(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    county = await held(client, wang, firm, "曲阜", days_from_now(40))
    found = await ready(client, wang, county)
    assert (found["rule"], found["voluntary"], found["place"]) == (None, True, "370000")
    assert "山东没有大型活动碳中和的规则" in step(found, "size")["title"]["zh"]
    await say(client, wang, f"/v1/events/{county}/facts", FACTS | {"rule_place": "370800"})
    assert (await ready(client, wang, county))["rule"]["id"] == "jining"
    wrong = FACTS | {"rule_place": "310000"}
    problem = await refused(client, wang, f"/v1/events/{county}/facts", wrong, "rule_place_elsewhere")
    assert problem["values"] == {"rule_place": "310000", "choices": "370000、370800"}
    city = await held(client, wang, firm, "济南", days_from_now(40))
    await refused(client, wang, f"/v1/events/{city}/facts", FACTS | {"rule_place": "370800"}, "rule_place_elsewhere")


async def test_a_plan_is_published_once_it_holds_what_the_text_names(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm, "上海", days_from_now(40))
    url = f"/v1/events/{event}"
    await say(client, wang, f"{url}/facts", FACTS | {"label": "full", "people_online": 9_000})
    catalogue = (await client.get(f"{url}/measures", headers=wang)).json()["catalogue"]
    assert {each["ground"]["clause"] for each in catalogue} == {"第十条"}
    draft = {"about": "年会", "measures": [catalogue[0]["key"]], "offsets": {"ccer": 1}}
    made = await say(client, wang, f"{url}/plan", draft)
    assert [each["zh"] for each in made["missing"]] == ["预估排放量", "预期实现碳中和时间"]
    assert made["ground"]["clause"] == "第九条"
    problem = await refused(
        client, wang, f"{url}/plan/publication", {"number": 1, "surplus": "keep"}, "plan_incomplete"
    )
    assert "预估排放量、预期实现碳中和时间" in problem["detail"]
    assert problem["clause"] == "第九条"
    assert "《上海市大型活动碳中和工作指引》" in problem["document"]
    narrow = {"boundary": {"scope": "basic", "stages": ["prepare"]}}
    problem = await refused(client, wang, f"{url}/plan", narrow, "boundary_too_narrow")
    assert (problem["clause"], problem["texts"]["zh"]) == ("第十一条", "核算边界还须包括：举办。")
    ended = {"target_date": days_from_now(39).isoformat()}
    await refused(client, wang, f"{url}/plan", ended, "target_before_end")
    await refused(client, wang, f"{url}/plan", PLAN | {"estimate_by_assumptions": True}, "estimate_twice")
    assert (await client.get(f"{url}/plan/publication")).status_code == 404
    whole = draft | {"estimate_by_assumptions": True, "target_date": days_from_now(200).isoformat()}
    made = await say(client, wang, f"{url}/plan", whole)
    assert made["content"]["estimate_g"] > 0
    assert (made["number"], made["missing"]) == (2, [])
    await refused(client, wang, f"{url}/plan/publication", {"number": 1, "surplus": "keep"}, "plan_overtaken")
    published = await say(client, wang, f"{url}/plan/publication", {"number": 2, "surplus": "return"})
    assert published["publication"]["rule"]["digest"] == published["rule"]["digest"]
    await refused(client, wang, f"{url}/plan/publication", {"number": 2, "surplus": "keep"}, "plan_published_already")
    everyone = (await client.get(f"{url}/plan/publication")).json()
    assert (everyone["surplus"], everyone["standing"]["zh"], everyone["voluntary"]) == ("return", "大型会议", False)
    assert "made_by" not in everyone
    kept = await database.fetchrow("SELECT kind, id FROM pinned_packs JOIN plan_publications ON rule = digest")
    assert tuple(kept) == ("rule", "shanghai")
    need = await database.fetchrow("SELECT need_g, settled FROM donation_needs WHERE event_id = $1::text::uuid", event)
    assert tuple(need) == (made["content"]["estimate_g"], False)
    found = await ready(client, wang, event)
    assert [step(found, name)["state"] for name in ("facts", "plan", "publish_plan", "measures")] == [
        "done",
        "done",
        "done",
        "due",
    ]
    assert found["next"] == "measures"
    assert step(found, "measures")["due_on"] == days_from_now(40).isoformat()


async def test_what_the_rule_does_not_list_is_refused_with_its_clause(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm, "海口", days_from_now(-3))
    url = f"/v1/events/{event}"
    problem = await refused(
        client, wang, f"{url}/plan", {"offsets": {"local_voluntary": 1}}, "planned_class_not_listed"
    )
    assert problem["clause"].startswith("三、实施流程（四）")
    assert "地方温室气体自愿减排量" in problem["texts"]["zh"]
    assert "A place's own voluntary reductions" in problem["texts"]["en"]
    problem = await refused(client, wang, f"{url}/measures", {"key": "windmill", "state": "planned"}, "measure_unknown")
    assert problem["clause"]
    await refused(client, wang, f"{url}/measures", {"key": "other", "state": "planned"}, "measure_unsaid")
    undated = {"key": "other", "state": "done", "what": "无纸"}
    await refused(client, wang, f"{url}/measures", undated, "measure_undated")
    tomorrow = undated | {"done_on": days_from_now(2).isoformat()}
    await refused(client, wang, f"{url}/measures", tomorrow, "not_yet_done")
    await say(client, wang, f"{url}/measures", undated | {"done_on": days_from_now(-3).isoformat()})
    mark = {"key": "duty_file_accounting", "note": "已交省生态环境厅", "done_on": days_from_now(-1).isoformat()}
    assert step(await ready(client, wang, event), "duty_file_accounting")["state"] == "missing"
    await say(client, wang, f"{url}/marks", mark)
    disclosed = {"key": "disclose", "note": "海易办", "done_on": days_from_now(-1).isoformat()}
    await say(client, wang, f"{url}/marks", disclosed | {"fields": ["name", "organizer"]})
    found = await ready(client, wang, event)
    assert step(found, "duty_file_accounting")["state"] == "done"
    assert step(found, "measures")["state"] == "done"
    assert [each["zh"] for each in step(found, "disclose")["missing"]] == ["举办时间", "核算温室气体排放量", "抵消方式"]
    await refused(client, wang, f"{url}/marks", mark | {"key": "duty_dance"}, "mark_unknown")
    wrong = disclosed | {"fields": ["to_offset_g"]}
    assert (await refused(client, wang, f"{url}/marks", wrong, "field_not_asked"))["clause"] == "二、实施范围"
    back = {"key": "duty_file_accounting", "note": "退回补正"}
    await say(client, wang, f"{url}/marks", back)
    assert step(await ready(client, wang, event), "duty_file_accounting")["state"] == "missing"


async def test_a_report_names_the_measures_taken_and_in_public_not_what_was_typed(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm, "上海", days_from_now(-3))
    url, day = f"/v1/events/{event}", days_from_now(-3).isoformat()
    line = {"item": "electricity", "quantity": "100", "unit": "kWh"}
    await say(client, wang, f"{url}/activity-data", {"lines": [line]})
    done = {"state": "done", "done_on": day}
    await say(client, wang, f"{url}/measures", done | {"key": "shuttle", "what": "三条接驳线"})
    await say(client, wang, f"{url}/measures", done | {"key": "other", "what": "张三的主意"})
    await say(client, wang, f"{url}/measures", {"key": "waste", "state": "planned"})
    await say(client, wang, f"{url}/inventories", {})
    await say(client, wang, f"{url}/measures", {"key": "shuttle", "state": "dropped", "what": "没有成"})
    full = (await client.get(f"{url}/reports/1.json", headers=wang)).json()
    said = [(each["name"], each["said"]) for each in full["measures"]]
    assert said == [
        ("提供机场车站接驳服务", f"{day} 三条接驳线"),
        ("自行采取的措施", f"{day} 张三的主意"),
    ], "as they stood when the version was submitted"
    public = (await client.get(f"{url}/reports/1.json", params={"form": "public"})).json()
    assert [each["name"] for each in public["measures"]] == ["提供机场车站接驳服务", "自行采取的措施"]
    assert "张三" not in str(public["measures"])


async def test_an_exhibition_in_shanghai_is_asked_for_its_visits_or_area(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm, "上海", days_from_now(40), kind="exhibition")
    url = f"/v1/events/{event}"
    found = await ready(client, wang, event)
    assert [(each["key"], each["state"]) for each in found["steps"]] == [("facts", "missing")]
    assert "参加人次" in step(found, "facts")["todo"]["zh"]
    target = days_from_now(90).isoformat()
    await say(client, wang, f"{url}/measures", {"key": "other", "state": "planned", "what": "无纸"})
    await say(client, wang, f"{url}/plan", PLAN | {"target_date": target})
    problem = await refused(
        client, wang, f"{url}/plan/publication", {"number": 1, "surplus": "keep"}, "event_facts_missing"
    )
    assert problem["clause"] == "第二条"
    await say(client, wang, f"{url}/facts", FACTS | {"kind": "exhibition", "visits": 9_999, "area_m2": 5_000})
    assert (await ready(client, wang, event))["standing"]["size"] == "large_exhibition"
    await say(client, wang, f"{url}/plan/publication", {"number": 1, "surplus": "keep"})


async def test_without_a_rule_a_plan_is_voluntary_and_by_the_national_guide(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    wang, firm = await found_organization(client, WANG)
    li, _ = await found_organization(client, LI, "别家")
    event = await held(client, wang, firm, "北京", days_from_now(40))
    url = f"/v1/events/{event}"
    made = await say(client, wang, f"{url}/plan", {"about": "年会"})
    assert (made["rule"], made["voluntary"], made["ground"]["clause"]) == (None, True, "第九条")
    assert [each["zh"] for each in made["missing"]] == ["核算边界", "预估排放量", "减排措施", "抵消方式"]
    assert (await client.get(f"{url}/plan", headers=li)).status_code == 404, "nobody sees another's draft"
    problem = await refused(
        client, wang, f"{url}/plan/publication", {"number": 1, "surplus": "keep"}, "plan_incomplete"
    )
    assert "生态环境部公告2019年第19号" in problem["document"]
    published = await plan(client, wang, event)
    assert (published["voluntary"], published["publication"]["rule"]) == (True, None)
    officer = await appoint(client, database, config, ZHAO, "110000")
    found = await ready(client, officer, event)
    assert [(each["key"], each["state"]) for each in found["steps"]] == [
        ("facts", "missing"),
        ("size", "done"),
        ("plan", "done"),
        ("measures", "due"),
        ("account", "missing"),
    ]
    answer = await client.post(f"{url}/facts", json=FACTS, headers=officer | key())
    assert answer.status_code == 403


async def test_strangers_see_nothing(client: httpx.AsyncClient) -> None:
    for url in ("facts", "plan", "measures", "marks", "readiness"):
        assert (await client.get(f"/v1/events/01a1fef4-32d2-756c-88f6-c1db2f0e672e/{url}")).status_code == 401
