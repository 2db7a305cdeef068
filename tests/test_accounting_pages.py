"""The accounting in pages: what it comes to, what it lacks, submitted for good, and what lies between two versions."""

from __future__ import annotations

import re

import asyncpg
import httpx

from service.charts import Bar, bars
from service.config import Config
from tests.browsing import assert_sound, open_event, sign_in
from tests.paper import see, send
from tests.people import WANG, bearer, key, sign_in_tokens


def test_a_chart_names_its_bars_and_takes_text_as_text() -> None:
    drawn = bars([Bar("<b>" + "长" * 40, 10**15, "1 吨"), Bar("无", 0, "0 克")], "按排放源")
    assert "<title>按排放源</title>" in drawn
    assert "&lt;b&gt;" in drawn
    assert "…" in drawn
    assert re.findall(r'class="chart-fill"[^>]*? width="(\d+)"', drawn) == ["343", "0"]


async def test_an_organizer_sees_what_is_missing_says_what_there_is_none_of_and_submits(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database, config)
    await sign_in(client, database, config, WANG)
    home = await see(client, f"/organize/events/{event.id}")
    url = next(each.get("href") for each in home.all("a") if str(each.get("href")).endswith("/accounting"))
    assert url is not None
    empty = await see(client, url)
    assert_sound(empty, "zh")
    assert "餐饮没有数据" in empty.text
    assert "到场人数" in empty.text
    told = await send(client, empty.form("absent"), source="catering", why="不供餐")
    assert "餐饮没有数据" not in told.text
    assert "不供餐" in told.text
    wrong = await send(client, told.form("settings"), baseline_t="12.5", baseline_because="")
    assert (wrong.answer.status_code, "须一并填写" in wrong.text) == (400, True)
    unread = await send(client, told.form("settings"), baseline_t="一吨", baseline_because="计划")
    assert unread.answer.status_code == 422
    done = await send(client, told.form("settings"), baseline_t="12.5", baseline_because="计划第三章", area_m2="800")
    assert "计划第三章" in done.text
    assert "避免的排放12.5" in done.text
    organizer = bearer(await sign_in_tokens(client, WANG))
    for grams, shown in ((12_345_678_901, "12345.678901"), (10**15, "1000000000")):
        said = {"baseline_g": grams, "baseline_because": "计划第三章"}
        answer = await client.post(f"/v1/events/{event.id}/accounting", json=said, headers=organizer | key())
        assert answer.status_code < 300, answer.text
        kept = (await see(client, url)).form("settings")
        assert kept.fields["baseline_t"] == shown
        assert (await send(client, kept)).answer.status_code == 200
    nothing = await send(client, done.form("settings"), baseline_t="0")
    assert (nothing.answer.status_code, "请检查这一项" in nothing.text) == (422, True)
    versions = await see(client, f"/organize/events/{event.id}/inventories")
    first = await send(client, versions.form("inventories"))
    assert "第 1 版 · 已提交" in first.text
    unexplained = await send(client, first.form("inventories"), because=" ")
    assert "第 2 版" not in unexplained.text  # nothing has changed: it is the version that was submitted
    await send(client, (await see(client, url)).form("absent"), source="waste", why="场馆回收")
    refused = await send(client, unexplained.form("inventories"), because="")
    assert (refused.answer.status_code, "须说明原因" in refused.text) == (422, True)
    second = await send(client, refused.form("inventories"), because="补一项说明")
    assert "第 2 版 · 重述" in second.text
    between = await see(client, f"/organize/events/{event.id}/inventories/1/differences/2")
    assert "每一行的排放都相同" in between.text
    for path in (url, f"/organize/events/{event.id}/inventories", str(between.answer.url.path)):
        english = await see(client, f"/language/en?to={path}")
        assert_sound(english, "en")
    assert await database.fetchval("SELECT count(*) FROM inventories") == 2
