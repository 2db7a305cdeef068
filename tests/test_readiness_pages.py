"""The checklist in pages: an organizer goes from step to step, everyone reads the published plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from service.config import Config
from tests.browsing import assert_sound, open_event, other_phone, sign_in
from tests.neutral import days_from_now, held, say
from tests.paper import Paper, see, send
from tests.people import WANG, found_organization
from workers import watching


def links(paper: Paper) -> list[str]:
    """Where a page leads."""
    return [each.get("href", "") for each in paper.all("a")]


async def test_an_organizer_goes_from_step_to_step(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm, "济宁", days_from_now(-1))
    home = f"/organize/events/{event}"
    await sign_in(client, database, config, WANG)
    assert f"{home}/readiness" in links(await see(client, home))
    page = await see(client, f"{home}/readiness")
    assert_sound(page, "zh")
    assert f"{home}/facts" in links(page), "the next step leads to where it is done"
    form = (await see(client, f"{home}/facts")).form("facts")
    nobody = await send(client, form, people_on_site="")
    assert [each.get("id") for each in nobody.all("p") if each.get("class") == "error"] == ["people_on_site-error"]
    wrong = await send(client, form, people_on_site="很多")
    assert "不是可用的数字" in wrong.text
    page = await send(client, wrong.form("facts"), people_on_site="199", host="soe")
    assert page.title == "碳中和清单"
    assert "不足200人的活动（自愿）" in page.text
    assert "《关于推动开展济宁市大型活动碳中和工作的实施方案（试行）》" in page.text
    form = (await see(client, f"{home}/facts")).form("facts")
    assert form.fields["people_on_site"] == "199"
    page = await send(client, form, people_on_site="300", confirmation="self_declaration")
    assert "参与人数200人及以上且不足500人的活动" in page.text

    page = await see(client, f"{home}/plan")
    assert_sound(page, "zh")
    page = await send(client, page.form("plan"), estimate_t="abc")
    assert page.answer.status_code == 422
    page = await send(client, page.form("plan"), estimate_t="", target_date="")
    assert "还缺： 减排措施、碳中和的抵消方式" in page.text.replace("还缺：", "还缺： ")
    measure = next(each.get("name", "") for each in page.all("input") if each.get("name", "").startswith("measure_"))
    chosen: Any = {measure: "1", "offset_ccer": "12.5"}
    page = await send(client, page.form("plan"), **chosen)
    page = await send(client, page.form("plan/publication"), surplus="return")
    assert page.title == "碳中和清单"
    async with other_phone(client) as anybody:
        public = await see(anybody, f"/events/{event}/plan")
        assert_sound(public, "zh")
        assert "12.5 吨" in public.text.replace("\xa0", " ")
        assert "退回捐赠者" in public.text
        assert f"/events/{event}/plan" in links(await see(anybody, f"/events/{event}"))

    page = await see(client, f"{home}/measures")
    assert_sound(page, "zh")
    forms = [each for each in page.forms() if each.action.endswith("measures")]
    entry = next(each for each in forms if each.fields["key"] == measure.removeprefix("measure_"))
    assert entry.fields["state"] == "planned"
    page = await send(client, entry, state="done", done_on="")
    assert "做过的措施须写明日期" in page.text
    page = await send(client, entry, state="done", done_on=days_from_now(-1).isoformat(), what="<b>地铁</b>")
    assert "已做" in page.text
    assert "<b>地铁</b>" in page.text, "as it was typed, and no markup"


async def test_what_was_done_outside_is_noted_on_its_own_page(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    wang, firm = await found_organization(client, WANG)
    event = await held(client, wang, firm, "上海", days_from_now(-1))
    await say(client, wang, f"/v1/events/{event}/facts", {"kind": "meeting", "host": "soe", "people_on_site": 400})
    home = f"/organize/events/{event}"
    await sign_in(client, database, config, WANG)
    form = (await see(client, f"{home}/plan")).form("plan")
    for stage in ("stage_hold", "stage_close"):
        del form.fields[stage]
    narrow = await send(client, form)
    assert "核算边界还须包括：举办。" in narrow.text
    assert "《上海市大型活动碳中和工作指引》 第十一条" in narrow.text, "with its clause"
    client.cookies.set("tanhui_language", "en")
    page = await see(client, f"{home}/readiness")
    assert_sound(page, "en")
    assert f"{home}/marks/duty_keep_records" in links(page)
    page = await see(client, f"{home}/marks/duty_keep_records")
    assert_sound(page, "en")
    page = await send(client, page.form("duty_keep_records"), note=" ", done_on=days_from_now(-1).isoformat())
    assert page.answer.status_code == 422
    page = await send(client, page.form("duty_keep_records"), note="档案室 3 号柜")
    assert page.title == "Carbon-neutral checklist"
    assert "档案室 3 号柜" in (await see(client, f"{home}/marks/duty_keep_records")).text
    assert (await see(client, f"{home}/marks/duty_dance")).answer.status_code == 404
    reports = await see(client, f"{home}/marks/report")
    assert reports.form("marks/report").fields["key"] == "report_citizen_credits"
    now = datetime.now(UTC) + timedelta(days=365)
    assert await watching.sweep(database, now) == 1
    assert "within one year of the event's end" in (await see(client, f"{home}/readiness")).text
    await database.execute("ALTER TABLE event_notices DISABLE TRIGGER append_only")
    await database.execute("UPDATE event_notices SET made_at = now()")
    assert "within one year of the event's end" in (await see(client, "/organize")).text


async def test_without_a_rule_the_checklist_says_so(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database, config)
    await sign_in(client, database, config, WANG)
    for page in ("readiness", "facts", "plan", "measures"):
        found = await see(client, f"/organize/events/{event.id}/{page}")
        assert_sound(found, "zh")
        assert found.answer.status_code == 200
    assert "没有大型活动碳中和的规则" in (await see(client, f"/organize/events/{event.id}/readiness")).text
