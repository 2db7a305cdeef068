"""Pages of what is kept: the account's chart, what is said in full, taking it along, and leaving."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID
from xml.etree.ElementTree import Element

import asyncpg
import httpx
import pytest

from service import personal_data
from service.config import Config
from service.schedules import CHINA
from tests.browsing import count, open_event, other_phone, sign_in
from tests.paper import Paper, see, send
from tests.people import LI, WANG
from tests.test_carbon_account import did

SVG = "{http://www.w3.org/2000/svg}"
TEMPLATES = Path(__file__).parent.parent / "service" / "pages" / "templates"


def charts(paper: Paper) -> list[Element]:
    """Pictures that say something."""
    return [each for each in paper.all(f"{SVG}svg") if each.get("role") == "img"]


async def member_of(pool: asyncpg.Pool) -> UUID:
    found: UUID = await pool.fetchval("SELECT id FROM members WHERE erased_at IS NULL ORDER BY joined_at DESC LIMIT 1")
    return found


async def test_the_account_is_grasped_at_once_and_its_chart_is_read_too(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in(client, database, config, LI)
    today = datetime.now(CHINA).date()
    member = await member_of(database)
    await did(database, member, "metro", [today, today - timedelta(days=1), today - timedelta(days=40)], 1_500)
    await did(database, member, "metro", [today], 600, "pending")
    paper = await see(client, "/me")
    assert "已连续 2 天有低碳行为" in paper.text
    assert "1 次行为等待确认，约 600 克" in paper.text.replace("\u00a0", " ")
    assert "一共少排 4.5 千克" in paper.text.replace("\u00a0", " ")
    (chart,) = charts(paper)
    assert chart.get("aria-label")
    assert len(list(chart.iter(f"{SVG}rect"))) == 12
    assert sum("千克" in "".join(each.itertext()) for each in chart.iter(f"{SVG}title")) >= 2
    assert not [each for each in chart.iter() if each.get("style")], "the strict CSP would drop it"


async def test_somebody_new_sees_no_chart_of_nothing(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in(client, database, config, LI)
    paper = await see(client, "/me")
    assert not charts(paper)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_what_is_kept_is_said_to_everyone_in_full(client: httpx.AsyncClient, language: str) -> None:
    client.cookies.set("tanhui_language", language)
    paper = await see(client, "/privacy")
    assert {each.get("id") for each in paper.all("section")} == {each.name for each in personal_data.EVERYTHING}
    for days in (personal_data.DAYS.requests, personal_data.DAYS.sessions, personal_data.DAYS.photos):
        assert re.search(rf"\b{days} ?(天|days?)", paper.text), days
    assert not re.search(r"%\(|\{", paper.text)


def test_each_place_that_collects_leads_to_its_row() -> None:
    """Templates with the one line; each leads to a row that there is."""
    led: dict[str, str] = {}
    for path in TEMPLATES.glob("*.html"):
        for name in re.findall(r'kept_about="(\w+)"', path.read_text("utf-8")):
            assert personal_data.kept(name)
            led[path.stem] = name
    assert led.keys() >= {"sign_in", "check_in", "act_form", "consent", "station"}


async def test_everything_is_taken_along_from_the_page(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in(client, database, config, LI)
    answer = await client.get("/me/export", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-disposition"] == 'attachment; filename="tanhui-export.zip"'
    assert "content-encoding" not in answer.headers
    assert "profile.json" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()


async def test_leaving_is_confirmed_by_a_word_and_signs_out_everywhere(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in(client, database, config, LI)
    member = await member_of(database)
    await did(database, member, "metro", [datetime.now(CHINA).date()], 1_500)
    async with other_phone(client) as other:
        await sign_in(other, database, config, LI)
        form = (await see(client, "/me/erasure")).form("/me/erasure")
        again = await send(client, form, confirm="好")
        assert again.answer.status_code == 400
        assert [each.get("id") for each in again.all("input") if each.get("aria-invalid")] == ["confirm"]
        assert "1.5" in again.text, "what would be lost is still said"
        done = await send(client, again.form("/me/erasure"), confirm="删除账户")
        assert done.title == "账户已删除"
        assert "我的" not in {"".join(each.itertext()) for each in done.all("a")}
        for phone in (client, other):
            assert str((await see(phone, "/me")).answer.url.path) == "/sign-in"
    assert await count(database, "sessions") == 0


async def test_a_form_sent_twice_ends_at_the_sign_in(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in(client, database, config, LI)
    form = (await see(client, "/me/erasure")).form("/me/erasure")
    await send(client, form, confirm="delete my account")
    answer = await client.post(form.action, data=form.fields | {"confirm": "delete my account"})
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")


async def test_whoever_organizes_alone_is_told_what_to_do_first(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await open_event(database, config)
    await sign_in(client, database, config, WANG)
    form = (await see(client, "/me/erasure")).form("/me/erasure")
    refused = await send(client, form, confirm="删除账户")
    assert refused.answer.status_code == 409
    assert "唯一的负责人" in refused.text
    assert await database.fetchval("SELECT count(*) FROM members WHERE erased_at IS NOT NULL") == 0
