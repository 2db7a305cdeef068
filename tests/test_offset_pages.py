"""Pages of offsets: organizers see what is needed and what covers it, firms offer, and donors are told before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import httpx

from service import donation_needs, organizations
from service.access import Caller
from service.config import Config
from service.db import new_id, transaction
from service.events import Event
from service.members import member_by_phone
from tests.browsing import assert_english, assert_sound, open_event, other_phone, sign_in
from tests.offsetting import TONNE_G, publish
from tests.paper import see, send
from tests.people import LI, WANG, found_organization, key

TYPED: dict[str, Any] = {
    "unit": "ccer",
    "registry": "CCER",
    "project": "红树林营造",
    "project_place": "460000",
    "vintage": "2025",
    "serials": "CCER 000123–000124",
}
PROOF = {"file": ("注销.pdf", b"%PDF-1.7\n", "application/pdf")}


async def of_hainan(pool: asyncpg.Pool, config: Config, need_g: int = 5 * TONNE_G) -> Event:
    """An event of 王芳's under Hainan's rule, whose plan is published."""
    event = await open_event(pool, config)
    async with transaction(pool) as connection:
        member = await member_by_phone(connection, config, WANG)
        await connection.execute(
            """
            INSERT INTO event_facts (
                id, event_id, kind, host, rule_place, people_on_site, people_at_sub_venues, people_online, said_by,
                said_at
            )
            VALUES ($1, $2, 'forum', 'other', '460000', 10, 0, 0, $3, now())
            """,
            new_id(),
            event.id,
            member,
        )
        await donation_needs.reckon(connection, event.id)
    await publish(pool, (event, Caller(member, frozenset())), need_g, "return")
    return event


async def test_organizers_enter_units_and_retire_them_in_order(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event = await of_hainan(database, config)
    await sign_in(client, database, config, WANG)
    page = f"/organize/events/{event.id}/offsets"
    form = (await see(client, f"{page}/new")).form()
    wrong = await send(client, form, **TYPED | {"serials": "9–3"})
    assert "看不懂这段序列号" in wrong.text
    assert_sound(wrong, "zh")
    entered = await send(client, form, files=PROOF, **TYPED | {"project": "<script>alert(1)</script>"})
    assert "还差 3.0 吨" in entered.text
    assert "CCER 123–124" in entered.text
    assert_sound(entered, "zh")
    again = await send(client, (await see(client, f"{page}/new")).form(), **TYPED)
    assert "已经用过" in again.text
    said = {"unit": "international", "registry": "VERRA", "serials": "VCU 1"}
    entered = await send(client, (await see(client, f"{page}/new")).form(), **TYPED | said)
    retiring = next(each for each in entered.forms() if each.action.endswith("/retire"))
    day = str(await database.fetchval("SELECT (now() AT TIME ZONE 'Asia/Shanghai' - interval '4 hours')::date"))
    left = await send(client, retiring, retired_on=day, reference="注销单 7")
    assert "本地规则推荐先用" in left.text
    noted = await send(client, left.form("/order"), note="前者在途")
    assert "前者在途" in noted.text
    retiring = next(each for each in noted.forms() if each.action.endswith("/retire"))
    bare = await send(client, retiring, retired_on=day, reference="注销单 7")
    assert "注销“国际自愿减排碳信用额”须提供证明" in bare.text
    retired = await send(
        client,
        next(each for each in bare.forms() if each.action.endswith("/retire")),
        files=PROOF,
        retired_on=day,
        reference="注销单 7",
    )
    assert "已注销" in retired.text
    client.cookies.set("tanhui_language", "en")
    assert_english(await see(client, f"{page}/new"))
    assert_sound(await see(client, page), "en")


async def test_a_firm_offers_and_sees_what_became_of_it(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event = await of_hainan(database, config)
    async with other_phone(client) as firm:
        await sign_in(firm, database, config, LI)
        bare = await see(firm, f"/events/{event.id}/offer")
        assert "先成立组织" in bare.text
        async with transaction(database) as connection:
            member = await member_by_phone(connection, config, LI)
            await organizations.found(connection, member, organizations.NewOrganization(name="电力公司"))
        form = (await see(firm, f"/events/{event.id}/offer")).form()
        allowance = {"unit": "national_allowance", "registry": "CN-ETS", "serials": "E 1–5"}
        offered = await send(firm, form, files=PROOF, **TYPED | allowance)
        assert "待接受" in offered.text
        assert_sound(offered, "zh")
        await sign_in(client, database, config, WANG)
        seen = await see(client, f"/organize/events/{event.id}/offsets")
        assert "电力公司" in seen.text
        taken = await send(client, next(each for each in seen.forms() if each.action.endswith("/accept")))
        assert "已接受" in taken.text
        assert "不再接受捐赠" in (await see(firm, f"/events/{event.id}/offer")).text
        assert "已接受" in (await see(firm, offered.answer.url.path)).text


async def test_a_donor_is_told_what_the_event_takes_before_giving(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event = await of_hainan(database, config, 0)
    await sign_in(client, database, config, LI)
    covered = await see(client, f"/events/{event.id}/donate")
    assert "只接受海南的减排量" in covered.text
    assert "三、实施流程（四）1" in covered.text
    assert "多出的退回捐赠者" in covered.text
    assert "已经够了" in covered.text
    assert_sound(covered, "zh")
    state = (await client.get(f"/v1/events/{event.id}/offset-state")).json()
    assert (state["covered"], state["need_g"], state["takes"]["regions"][0]) == (True, 0, "460000")
    shown = (await client.get(f"/v1/events/{event.id}")).json()
    assert shown["takes"]["names"] == {"zh": "海南", "en": "Hainan"}


async def test_units_through_http_are_refused_with_code_and_clause(client: httpx.AsyncClient) -> None:
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm)
    body = {**TYPED, "vintage": 2025, "unit": "local_allowance", "registry": "OTHER-ETS"}
    refused = await client.post(f"/v1/events/{event}/units", json=body, headers=wang | key())
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["clause"]) == (
        422,
        "class_not_admitted",
        "三、实施流程（四）",
    )
    body = {**TYPED, "vintage": 2025}
    made = await client.post(f"/v1/events/{event}/units", json=body, headers=wang | key())
    assert made.status_code == 201, made.text
    plan = (await client.get(f"/v1/events/{event}/fill-plan", headers=wang)).json()
    assert [(each["rank"], each["ground"]["clause"]) for each in plan["fills"]] == [(3, "三、实施流程（四）3")]
    listed = (await client.get(f"/v1/events/{event}/units", headers=wang)).json()
    assert [each["state"] for each in listed] == ["held"]
    assert (await client.get(f"/v1/events/{event}/units")).status_code == 401


async def held(client: httpx.AsyncClient, organizer: dict[str, str], organization: UUID) -> str:
    """An event in Haikou."""
    body = {
        "organization_id": str(organization),
        "name": "论坛",
        "kind": "forum",
        "place": "海口",
        "venue": "会议中心",
        "time_zone": "Asia/Shanghai",
        "expected_people": 300,
        "hours": [{"opens_at": "2026-12-01T09:00:00+08:00", "closes_at": "2026-12-01T18:00:00+08:00"}],
        "gates": ["A"],
    }
    made = await client.post("/v1/events", json=body, headers=organizer | key())
    assert made.status_code == 201, made.text
    return str(made.json()["id"])
