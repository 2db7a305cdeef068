"""The page of reports: every version and form to download, all files in advance, for the event's organizers alone."""

from __future__ import annotations

import asyncpg
import httpx

from scenarios.meeting.reports import decode
from service import inventories
from service.charts import by_source
from service.config import Config
from service.db import transaction
from service.report_document import document
from service.report_words import Picture
from tests.browsing import assert_english, assert_sound, come_by_metro, door, open_event, sign_in
from tests.doors import MORNING
from tests.paper import see, send
from tests.people import LI, WANG
from tests.test_reports import organizer
from workers import working


async def test_an_organizer_downloads_reports(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database, config)
    url = f"/organize/events/{event.id}/reports"
    await sign_in(client, database, config, WANG)
    empty = await client.get(f"{url}/draft.pdf")
    assert empty.status_code == 422
    await come_by_metro(client, door(config, event))
    async with transaction(database) as connection:
        await inventories.submit(connection, await organizer(database), event, None, MORNING)
    page = await see(client, url)
    assert_sound(page, "zh")
    for kind in ("json", "pdf", "xlsx", "docx"):
        for number in ("1", "draft"):
            for form in ("full", "public"):
                answer = await client.get(f"{url}/{number}.{kind}?form={form}")
                assert (answer.status_code, bool(answer.content)) == (200, True)
    assert 'filename="report-1-full.json"' in (await client.get(f"{url}/1.json")).headers["content-disposition"]
    told = decode((await client.get(f"{url}/draft.json")).content)
    drawn = str(by_source(told.result.by_source, "zh"))
    assert drawn in (await client.get(f"/organize/events/{event.id}/accounting")).text
    shown = [block for each in document(told, "zh").sections for block in each.blocks if isinstance(block, Picture)]
    assert [each.svg for each in shown] == [drawn]
    started = await send(client, page.form())
    assert "等待开始" in started.text
    await working.do_waiting(database, config)
    over = await see(client, str(started.answer.url.path))
    assert "已完成" in over.text
    client.cookies.set("tanhui_language", "en")
    english = await see(client, url)
    assert_sound(english, "en")
    assert_english(english)
    client.cookies.clear()
    await sign_in(client, database, config, LI)
    assert (await client.get(url)).status_code == 403
