"""The statement as a page: strict, in both languages, without scripts; each line leads to what it is about."""

from __future__ import annotations

import csv
import io
import re

import asyncpg
import httpx
import pytest

from service.config import Config
from service.db import transaction
from service.members import member_by_phone
from service.pages import statements as pages
from tests.browsing import assert_sound, sign_in
from tests.histories import Life, give, live
from tests.paper import Paper, see
from tests.people import LI, WANG
from tests.sealed import seal_all

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
async def life(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> Life:
    """李雷 has lived a little, and is signed in."""
    async with transaction(database) as connection:
        member = await member_by_phone(connection, config, LI)
    lived = await live(database, config, member)
    await sign_in(client, database, config, LI)
    return lived


def lines_on(paper: Paper) -> list[str]:
    """What each line says, as it stands folded."""
    return [
        " ".join("".join(summary.itertext()).split())
        for each in paper.all("ul")
        if each.get("class") == "lines"
        for summary in each.iter("summary")
    ]


def links_on(paper: Paper) -> set[str]:
    """Where a page leads."""
    return {each.get("href", "") for each in paper.all("a")}


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_page_is_sound_and_says_each_line_in_the_readers_language(
    client: httpx.AsyncClient, life: Life, language: str
) -> None:
    paper = await see(client, "/me/statement", headers={"accept-language": language})
    assert_sound(paper, language)
    assert len(lines_on(paper)) == 18
    if language == "en":
        text = paper.text
        for name in ("低碳科技论坛", "绿色市集", "去上海出差", "某省办法 第九条", "李雷", "碳惠", "中文"):
            text = text.replace(name, "")
        assert not CHINESE.search(text), CHINESE.findall(text)
    else:
        assert "捐给「绿色市集」：其中 800 克已于" in paper.text


async def test_each_line_leads_to_what_it_is_about_and_the_reader_gets_in_there(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, life: Life
) -> None:
    await seal_all(database, config)
    links = links_on(await see(client, "/me/statement"))
    wanted = {
        f"/r/{life.check_in}",
        f"/r/{life.undone}",
        f"/me/actions/{life.act}",
        f"/me/transfers/{life.act}/proof",
        f"/me/donations/{life.used}",
        f"/me/donations/{life.refunded}",
        f"/retirements/{life.certificate}",
        f"/retirements/{life.own_certificate}",
        f"/events/{life.fair}",
        "/me/statement.csv",
    }
    assert wanted <= links
    for url in sorted(links - {"#main"}):
        assert (await client.get(url)).status_code in {200, 303}, url


async def test_pages_follow_one_another_and_keep_the_filter(
    client: httpx.AsyncClient, life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = lines_on(await see(client, "/me/statement"))
    reserved = lines_on(await see(client, "/me/statement?reason=reserve"))
    assert len(reserved) == 4
    monkeypatch.setattr(pages, "LINES", 3)
    for url, wanted in (("/me/statement", everything), ("/me/statement?reason=reserve", reserved)):
        read: list[str] = []
        more: str | None = url
        while more:
            paper = await see(client, more)
            assert_sound(paper, "zh")
            read += lines_on(paper)
            more = next((each.get("href") for each in paper.all("a") if each.get("rel") == "next"), None)
        assert read == wanted


async def test_the_form_filters_and_its_file_holds_the_same_lines(client: httpx.AsyncClient, life: Life) -> None:
    form = (await see(client, "/me/statement")).form("/me/statement")
    assert form.method == "get"
    query = {**form.fields, "reason": "donate", "from": "2020-01-01", "event_id": str(life.fair)}
    paper = await see(client, "/me/statement", params=query)
    (line,) = lines_on(paper)
    assert line.startswith("捐给「绿色市集」")
    assert paper.form("/me/statement").fields == query, "what was chosen stands in the form"
    (file,) = [each for each in links_on(paper) if each.startswith("/me/statement.csv?")]
    answer = await client.get(file)
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline=""), strict=True))
    assert [row[7] for row in rows[1:]] == [str(life.used)]


@pytest.mark.parametrize(
    ("query", "said"),
    [("from=soon", "“soon”不是日期"), ("from=2026-11-02&to=2026-11-01", "结束日期早于开始日期")],
)
async def test_days_that_make_no_sense_are_said_at_the_field(
    client: httpx.AsyncClient, life: Life, query: str, said: str
) -> None:
    paper = await see(client, f"/me/statement?{query}")
    assert paper.answer.status_code == 400
    assert_sound(paper, "zh")
    assert said in paper.text
    assert lines_on(paper) == []


@pytest.mark.parametrize(
    ("query", "status"), [("cursor=x", 400), ("reason=gift", 404), ("event_id=7", 404), ("event_id=%00", 404)]
)
async def test_an_address_that_was_tampered_with_is_refused(
    client: httpx.AsyncClient, life: Life, query: str, status: int
) -> None:
    for path in ("/me/statement", "/me/statement.csv"):
        if "cursor" not in query or "csv" not in path:
            assert (await client.get(f"{path}?{query}")).status_code == status


async def test_nothing_yet_says_so_and_a_strangers_page_is_their_own(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, life: Life
) -> None:
    await sign_in(client, database, config, WANG)
    paper = await see(client, "/me/statement")
    assert_sound(paper, "zh")
    assert "没有记录。" in paper.text
    assert lines_on(paper) == []
    client.cookies.clear()
    for url in ("/me/statement", "/me/statement.csv"):
        assert (await client.get(url)).headers["location"].startswith("/sign-in?to=")


async def test_a_name_chosen_by_a_stranger_is_text_only(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, life: Life
) -> None:
    hostile = "<b>x</b>{event}%(x)s{{7*7}}"
    await database.execute("UPDATE events SET name = $2 WHERE id = $1", life.fair, hostile)
    paper = await see(client, "/me/statement")
    assert f"捐给「{hostile}」" in paper.text
    assert not paper.all("b")


async def test_the_account_shows_the_balance_what_it_may_not_be_used_for_and_the_way_to_the_statement(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, life: Life
) -> None:
    paper = await see(client, "/me")
    assert_sound(paper, "zh")
    assert "/me/statement" in links_on(paper)
    assert "另有 100 克 已为活动预留。" in paper.text.replace("\u00a0", " ")
    assert "来「低碳科技论坛」途中获得，不能再捐给它" in paper.text


async def test_what_comes_meanwhile_stands_on_top(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, life: Life
) -> None:
    before = lines_on(await see(client, "/me/statement"))
    async with transaction(database) as connection:
        member = await member_by_phone(connection, config, LI)
    await give(database, member, life.fair, 1)
    after = lines_on(await see(client, "/me/statement"))
    assert after[0].startswith("捐给「绿色市集」：1 克仍为该活动保留")
    assert after[1:] == before
