"""What became of a citizen's acts, in plain words and with the sum; and all of them by month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from service import consents, members
from service.config import Config
from service.db import transaction
from service.pages.my_acts import read_reduction
from service.schedules import CHINA
from tests.browsing import METRO, a_ride, ago, assert_english, assert_sound, links, sign_in, tell
from tests.paper import Paper, see
from tests.partnering import Reporting, make_partner, ride
from tests.partnering import send as report
from tests.people import LI, WANG


@pytest.fixture
async def li(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> httpx.AsyncClient:
    """李雷, signed in."""
    await sign_in(client, database, config, LI)
    return client


async def put(pool: asyncpg.Pool, paper: Paper, **columns: Any) -> None:
    """Let something else have become of an act, as other tests show that it can."""
    action_id = paper.answer.url.path.rpartition("/")[2]
    names = list(columns)
    changes = ", ".join(f"{name} = ${number}" for number, name in enumerate(names, 2))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("ALTER TABLE actions DISABLE TRIGGER guard")
        await connection.execute(f"UPDATE actions SET {changes} WHERE id = $1", action_id, *columns.values())
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await connection.execute("ALTER TABLE actions ENABLE TRIGGER guard")


# Seeing -----------------------------------------------------------------------------------------------------------


async def test_what_was_earned_is_told_with_the_sum(li: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    done = await tell(li)
    reduction = read_reduction(await database.fetchval("SELECT trace FROM actions"))
    assert "获得减排量" in done.text
    assert f"18.5\u00a0公里 × {reduction.saving} kgCO2/pkm × 50\u00a0% = {reduction.reduction_g}\u00a0克".split() == (
        "".join(next(each for each in done.all("p") if each.get("class") == "sum").itertext()).split()
    )
    assert "DB11/T 3043" in done.text


async def test_what_was_capped_is_told_with_the_cap_and_whose_it_is(li: httpx.AsyncClient) -> None:
    """A new account's caps are half the usual 100 km a day."""
    day = {"started_at": f"{ago(days=1)[:10]}T08:00"}
    await tell(li, **a_ride(quantity="40", minutes="60") | day)
    done = await tell(li, **a_ride(quantity="30") | {"started_at": f"{ago(days=1)[:10]}T18:00"})
    said = " ".join(done.text.split())
    assert "报了 30 公里，计入 10 公里。 一天最多计 50 公里，这天先前已计 40 公里。 新账户" in said, said
    assert "这个上限由运营方规定" in said
    assert "计入 10 公里" in " ".join((await see(li, "/me/actions")).text.split())


async def let(pool: asyncpg.Pool, config: Config, partner: Reporting) -> UUID:
    """李雷 lets a partner report the metro, ten days ago already; what the partner knows him by."""
    async with transaction(pool) as connection:
        member = await members.member_by_phone(connection, config, LI)
        new = consents.NewConsents(partner.id, ["metro"])
        return (await consents.give(connection, config, member, new, datetime.now(UTC) - timedelta(days=10))).subject


async def test_an_act_that_waits_for_a_partner_says_for_whom_and_until_when(
    li: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await let(database, config, await make_partner(database, config))
    done = await tell(li)
    due = (await database.fetchval("SELECT due_at FROM actions")).astimezone(CHINA)
    assert "等合作方的数据" in done.text
    assert f"最晚等到 {due.month}月{due.day}日" in done.text
    assert f"{due:%H:%M}" in done.text
    assert "您同意过由京城地铁上报这种行为" in done.text
    assert_sound(done, "zh")
    assert "等合作方的数据" in (await see(li, "/me/actions")).text
    account = await see(li, "/me")
    assert "1 次行为等待确认，约 666 克" in " ".join(account.text.split())


async def test_an_act_that_a_partners_report_overtakes_says_by_what(
    li: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    stands = await tell(li, **a_ride(hours=8))
    subject = await let(database, config, partner)
    waits = await tell(li)
    lines = [ride(f"t-{hours}", subject, ago=timedelta(hours=hours), quantity=18_500) for hours in (3, 8)]
    for verdict in await report(li, partner, lines):
        better = f"/me/actions/{verdict['action_id']}"
        lost, said = (waits, "已由更可靠的记录代替") if verdict["external_id"] == "t-3" else (stands, "只补上差额")
        shown = await see(li, lost.answer.url.path)
        assert said in shown.text
        assert better in links(shown, "/me/actions/")
        assert_sound(shown, "zh")
        assert "京城地铁上报" in (await see(li, better)).text
    listed = (await see(li, "/me/actions")).text
    assert (listed.count("有更可靠的记录"), "等合作方的数据" in listed.partition("没有计入")[2]) == (2, False)
    assert "等待确认" not in (await see(li, "/me")).text


async def test_a_refused_act_says_why_and_where_to_appeal(
    li: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    done = await tell(li)
    async with transaction(database) as connection:
        reviewer = await members.member_by_phone(connection, config, WANG)
        await connection.execute(
            """
            INSERT INTO action_reviews (action_id, round, decision, because, decided_by)
            VALUES ($1, 1, 'refused', '看不清<b>站名</b>', $2)
            """,
            done.answer.url.path.rpartition("/")[2],
            reviewer,
        )
    await put(database, done, state="refused")
    shown = await see(li, done.answer.url.path)
    assert "没有计入" in shown.text
    assert "看不清<b>站名</b>" in shown.text
    assert f"{done.answer.url.path}/appeal" in links(shown, "/me/actions/")
    assert_sound(shown, "zh")
    await put(database, done, state="credited")


# Looking back -----------------------------------------------------------------------------------------------------


async def test_acts_are_listed_by_month_a_page_at_a_time_each_once(
    li: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    done = await tell(li)
    async with transaction(database) as connection:
        await connection.execute(
            """
            INSERT INTO actions (
                id, member_id, region, action, quantity, occurred_on, reduction_g, trace, request_digest, state,
                logged_at, settled_at
            )
            SELECT gen_random_uuid(), member_id, region, action, quantity, occurred_on - n, 0, trace,
                request_digest, 'refused', logged_at, now()
            FROM actions, generate_series(1, 70) AS n
            """
        )
    seen: list[str] = []
    shown = await see(li, "/me/actions")
    while True:
        assert_sound(shown, "zh")
        seen += links(shown, "/me/actions/")
        more = [each.get("href", "") for each in shown.all("a") if each.get("rel") == "next"]
        if not more:
            break
        shown = await see(li, more[0])
    assert len(seen) == len(set(seen)) == 71
    assert seen[0] == done.answer.url.path
    filtered = await see(li, "/me/actions?outcome=credited")
    assert links(filtered, "/me/actions/") == [done.answer.url.path]


async def test_a_filter_asks_for_one_kind_or_one_outcome(li: httpx.AsyncClient) -> None:
    metro = await tell(li)
    walk = await tell(li, "/act?region=110000&action=walking", **a_ride(hours=8, quantity="2"))
    both = await see(li, "/me/actions")
    assert set(links(both, "/me/actions/")) == {metro.answer.url.path, walk.answer.url.path}
    only = await see(li, "/me/actions?action=walking")
    assert links(only, "/me/actions/") == [walk.answer.url.path]
    assert "没有符合的行为" in (await see(li, "/me/actions?outcome=refused")).text


@pytest.mark.parametrize("query", ["action=flying", "outcome=lost", "before=x", "before=%00", "action=%ff"])
async def test_a_list_that_cannot_be_is_not_there(li: httpx.AsyncClient, query: str) -> None:
    assert (await see(li, f"/me/actions?{query}")).answer.status_code == 404


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_each_page_of_acts_is_sound(li: httpx.AsyncClient, language: str) -> None:
    li.headers["accept-language"] = language
    done = await tell(li)
    paths = ["/act?region=choose", "/act?region=540000", "/act?region=110000&q=x", "/act?region=140000", METRO]
    paths += ["/act?region=140000&action=no_cutlery", done.answer.url.path, "/me/actions", "/me/actions?action=metro"]
    for path in paths:
        shown = await see(li, path)
        assert_sound(shown, language)
        if language == "en":
            assert_english(shown)
