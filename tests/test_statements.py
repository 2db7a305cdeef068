""""""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from service import balances, ledger, retirements, statements
from service.config import Config
from service.db import Connection, new_id, transaction
from service.members import member_by_phone
from service.schedules import DaysReversed
from service.statement_lines import Line
from service.statement_words import sentence
from service.statements import CursorUnknown, Wanted
from tests.books import issue, open_member, rich_member
from tests.histories import give, live
from tests.people import LI, WANG, sign_in
from tests.stated import busy_member, whole
from tests.tallied import hall


def assert_adds_up(lines: list[Line]) -> None:
    """Each line's parts make its grams, and its grams lead from the balance before to that after."""
    held = 0
    for line in reversed(lines):
        assert sum(part.grams for part in line.parts) == abs(line.grams)
        held += line.grams
        assert line.balance_g == held


async def test_pages_put_together_are_the_whole_statement_and_add_up_to_the_balance(
    database: asyncpg.Pool, config: Config
) -> None:
    events = ((await hall(database)).id, (await hall(database)).id)
    member = await busy_member(database, events)
    rows = await database.fetch("SELECT DISTINCT id FROM transfers WHERE $1 IN (source, destination)", member)
    for limit in (1, 2, 3, 200):
        lines = await whole(database, config, member, limit=limit)
        assert len(lines) == len({line.id for line in lines})
        assert {line.id for line in lines} == {row["id"] for row in rows}
        assert_adds_up(lines)
    assert [line.made_at for line in lines] == sorted((line.made_at for line in lines), reverse=True)
    async with database.acquire() as connection:
        assert lines[0].balance_g == await ledger.balance_g(connection, member)


async def test_what_arrives_while_one_reads_neither_repeats_nor_hides_a_line(
    database: asyncpg.Pool, config: Config
) -> None:
    event = (await hall(database)).id
    member = await busy_member(database, (event,), rounds=3)
    before = await whole(database, config, member)
    async with database.acquire() as connection:
        first = await statements.read(connection, config, member, limit=2)
    read, cursor = first.lines, first.next_cursor
    while cursor:
        await give(database, member, event, 1)
        async with database.acquire() as connection:
            page = await statements.read(connection, config, member, cursor=cursor, limit=2)
        read, cursor = read + page.lines, page.next_cursor
    assert [(line.id, line.balance_g) for line in read] == [(line.id, line.balance_g) for line in before]


async def test_another_members_cursor_or_a_changed_one_is_refused(database: asyncpg.Pool, config: Config) -> None:
    event = (await hall(database)).id
    member, other = await busy_member(database, (event,), 2), await busy_member(database, (event,), 2)
    async with database.acquire() as connection:
        cursor = (await statements.read(connection, config, member, limit=1)).next_cursor
        assert cursor
        changed = cursor[:20] + ("B" if cursor[20] == "A" else "A") + cursor[21:]
        for reader, text in ((other, cursor), (member, changed), (member, "x"), (member, ""), (member, "碳")):
            if text:
                with pytest.raises(CursorUnknown):
                    await statements.read(connection, config, reader, cursor=text)


@pytest.mark.parametrize("kind", ["donate", "issue", "retire", "reserve", "void", "expire"])
async def test_a_filter_gives_the_lines_of_the_whole_that_fit_it(
    database: asyncpg.Pool, config: Config, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "EXAMINED", 4)  # pages that end before they are full
    events = ((await hall(database)).id, (await hall(database)).id)
    member = await busy_member(database, events)
    lines = await whole(database, config, member)
    for event in (None, *events):
        wanted = Wanted(kind=kind, event_id=event)  # type: ignore[arg-type]
        fitting = [line for line in lines if line.kind == kind and event in (None, line.event_id)]
        assert await whole(database, config, member, wanted) == fitting
    assert await whole(database, config, member, Wanted(event_id=new_id())) == []


async def test_days_are_both_included_and_balances_are_still_those_of_the_whole(
    database: asyncpg.Pool, config: Config
) -> None:
    event = (await hall(database)).id
    member = await busy_member(database, (event,), 2)
    await database.execute("ALTER TABLE transfers DISABLE TRIGGER USER")
    await database.execute(
        """
        UPDATE transfers SET made_at = timestamptz '2026-11-01 00:00+8' + (spread.place - 1) * interval '12 hours'
        FROM (
            SELECT id, dense_rank() OVER (ORDER BY min(made_at)) AS place FROM transfers GROUP BY id
        ) AS spread WHERE spread.id = transfers.id
        """
    )
    await database.execute("ALTER TABLE transfers ENABLE TRIGGER USER")
    lines = await whole(database, config, member)
    assert_adds_up(lines)
    for first, last in ((date(2026, 11, 2), date(2026, 11, 3)), (None, date(2026, 11, 1)), (date(2026, 11, 3), None)):
        fitting = [
            line
            for line in lines
            if (first or date.min) <= line.made_at.astimezone(statements.CHINA).date() <= (last or date.max)
        ]
        assert 0 < len(fitting) < len(lines)
        assert await whole(database, config, member, Wanted(first=first, last=last)) == fitting
    assert await whole(database, config, member, Wanted(first=date.min, last=date.max)) == lines
    with pytest.raises(DaysReversed):
        await whole(database, config, member, Wanted(first=date(2026, 11, 2), last=date(2026, 11, 1)))


# In words -------------------------------------------------------------------------------------------------------------


async def test_each_line_says_in_both_languages_what_it_was(database: asyncpg.Pool, config: Config) -> None:
    async with transaction(database) as connection:
        member = await open_member(connection)
    life = await live(database, config, member)
    lines = await whole(database, config, member)
    assert_adds_up(lines)
    today = next(line for line in lines if line.id == life.used).use
    assert today
    day = today.retirements[0].retired_on.isoformat()
    assert [sentence(line, "zh") for line in lines] == [
        "失效（依据：某省办法 第九条）",
        "「低碳科技论坛」取消，捐赠退回",
        "注销，用于去上海出差（受益方：李雷）",
        "为「绿色市集」的预留到期，退回",
        "取消为「绿色市集」的预留，退回",
        "为「绿色市集」预留的没有全部捐出，其余退回",
        "为「绿色市集」预留，2099-01-01 前有效",
        "为「绿色市集」预留，到期没有捐出，已全部退回",
        "为「绿色市集」预留，后来取消，已全部退回",
        "为「绿色市集」预留，后来捐出 60 克，退回 40 克：60 克仍为该活动保留",
        "捐给「低碳科技论坛」：300 克已退回",
        f"捐给「绿色市集」：其中 800 克已于 {day} 注销（证书 {life.certificate}），400 克仍为该活动保留",
        "骑行 12 公里获得",
        "骑行 50 公里获得",
        "骑行 50 公里获得",
        "冲正：撤销了报到「绿色市集」",
        "报到「绿色市集」获得",
        "报到「低碳科技论坛」获得",
    ]
    english = [sentence(line, "en") for line in lines]
    assert f"Given to “绿色市集”: of it, 800 g retired on {day} (certificate {life.certificate}), " in english[11]
    assert english[12] == "Earned: Cycling 12 km"
    assert len(set(english)) == len(set(map(str, english)))
    assert str(life.certificate) not in sentence(lines[11], "zh", certificates=False)
    assert [line.subject_id for line in lines if line.subject == "check_in"] == [
        life.undone,
        life.undone,
        life.check_in,
    ]


async def test_a_donation_used_up_in_many_retirements_is_summed_up(database: asyncpg.Pool, config: Config) -> None:
    event = (await hall(database)).id
    member = await rich_member(database, 100)
    donation = await give(database, member, event, 100)
    for _ in range(3):
        async with transaction(database) as connection:
            new = retirements.NewEventRetirement(grams=20, beneficiary="组委会", purpose="碳中和")
            await retirements.retire_for_event(connection, new_id(), event, new)
    (line,) = [each for each in await whole(database, config, member) if each.id == donation]
    assert sentence(line, "zh") == "捐给「零碳会议」：其中 60 克已分 3 次注销，40 克仍为该活动保留"


# At constant cost -----------------------------------------------------------------------------------------------------


async def long_history(pool: asyncpg.Pool, lines: int) -> UUID:
    """A member who earned and retired very often."""
    async with transaction(pool) as connection:
        member = await open_member(connection)
        (class_id,) = await issue_class(connection, member)
        for start in range(0, lines, 1000):
            await ledger.post_many(
                connection,
                [
                    ledger.Transfer(new_id(), ledger.ISSUANCE, member, class_id, 1 + number % 7, "issue")
                    for number in range(start, min(start + 1000, lines))
                ],
            )
    return member


async def issue_class(connection: Connection, member: UUID) -> list[int]:
    """A class to issue of."""
    await issue(connection, member, [1])
    return [await connection.fetchval("SELECT class_id FROM balances WHERE account_id = $1", member)]


async def cost(pool: asyncpg.Pool, config: Config, member: UUID, cursor: str | None, wanted: Wanted) -> int:
    """Blocks that reading a page touches, as the database counts them. The journal is never read through."""
    asked: list[tuple[str, Any]] = []
    async with pool.acquire() as connection:
        with connection.query_logger(lambda record: asked.append((record.query, record.args))):
            await statements.read(connection, config, member, wanted, cursor, 20)
            await asyncio.sleep(0)  # the last one is told after it was answered
        assert asked
        plans = [await explained(connection, query, values) for query, values in asked * 2][len(asked) :]
    for each in (node for plan in plans for node in nodes(plan)):
        assert (each["Node Type"], each.get("Relation Name")) != ("Seq Scan", "transfers")
    return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans)


async def explained(connection: Connection, query: str, values: Any) -> dict[str, Any]:
    """How a query went."""
    plan = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *values)
    top: dict[str, Any] = msgspec.json.decode(plan)[0]["Plan"]
    return top


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A plan's steps."""
    return [plan, *(each for child in plan.get("Plans", []) for each in nodes(child))]


async def test_a_page_costs_the_same_however_long_the_history(database: asyncpg.Pool, config: Config) -> None:
    short, long = await long_history(database, 600), await long_history(database, 12_000)
    await database.execute("VACUUM ANALYZE")
    for wanted in (statements.EVERYTHING, Wanted(kind="donate"), Wanted(kind="issue")):
        costs = []
        for member in (short, long):
            async with database.acquire() as connection:
                cursor = (await statements.read(connection, config, member, limit=50)).next_cursor
            assert cursor
            costs += [await cost(database, config, member, place, wanted) for place in (None, cursor)]
        assert max(costs[2:]) <= 1.2 * min(costs[:2]), costs


# Over HTTP ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def reader(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> dict[str, str]:
    """李雷's header, who has lived a little."""
    async with transaction(database) as connection:
        member = await member_by_phone(connection, config, LI)
    await live(database, config, member)
    return await sign_in(client, LI)


async def test_the_balance_says_what_each_class_may_not_be_used_for(
    client: httpx.AsyncClient, reader: dict[str, str]
) -> None:
    balance = (await client.get("/v1/me/balance", headers=reader)).json()
    assert balance["balance_g"] == sum(each["grams"] for each in balance["classes"])
    assert balance["reserved_g"] == 100 == sum(each["reserved_g"] for each in balance["classes"])
    assert [each["event_name"] for each in balance["reservations"]] == ["绿色市集"]
    earned = [each for each in balance["classes"] if each["earned_at"]]
    assert [each["earned_at"]["event_name"] for each in earned] == ["低碳科技论坛"]
    assert [each["because"] for each in earned[0]["not_for"]] == ["same_event_reduction"]
    assert all(not each["not_for"] for each in balance["classes"] if not each["earned_at"])


async def test_an_event_whose_rule_allows_it_is_not_barred(database: asyncpg.Pool, config: Config) -> None:
    async with transaction(database) as connection:
        member = await open_member(connection)
    life = await live(database, config, member)
    await database.execute("UPDATE events SET same_event_clause = '第九条' WHERE id = $1", life.forum)
    async with database.acquire() as connection:
        balance = await balances.read(connection, member)
    assert [each.not_for for each in balance.classes] == [[] for _ in balance.classes]


async def test_the_statement_over_http_pages_and_filters(client: httpx.AsyncClient, reader: dict[str, str]) -> None:
    everything = (await client.get("/v1/me/statement", params={"limit": 200}, headers=reader)).json()["lines"]
    balance = (await client.get("/v1/me/balance", headers=reader)).json()["balance_g"]
    assert sum(line["grams"] for line in everything) == balance == everything[0]["balance_g"]
    read, cursor = [], None
    while True:
        params = {"limit": 4, **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/v1/me/statement", params=params, headers=reader)).json()
        read += page["lines"]
        if not (cursor := page["next_cursor"]):
            break
        assert cursor == str(httpx.QueryParams({"c": cursor})).partition("=")[2], "safe in an address as it is"
    assert read == everything
    given = (await client.get("/v1/me/statement?reason=donate", headers=reader)).json()["lines"]
    assert [line["event"]["event_name"] for line in given] == ["低碳科技论坛", "绿色市集"]
    assert given[1]["use"]["retired_g"] == 800
    about = {"event_id": given[1]["event"]["event_id"], "reason": "donate", "from": "2020-01-01", "to": "2098-12-31"}
    assert (await client.get("/v1/me/statement", params=about, headers=reader)).json()["lines"] == [given[1]]
    past = await client.get("/v1/me/statement?to=2020-01-01", headers=reader)
    assert past.json() == {"lines": [], "next_cursor": None}


async def test_a_stranger_sees_nothing_of_it(client: httpx.AsyncClient, reader: dict[str, str]) -> None:
    cursor = (await client.get("/v1/me/statement?limit=1", headers=reader)).json()["next_cursor"]
    other = await sign_in(client, WANG)
    assert (await client.get("/v1/me/statement", headers=other)).json() == {"lines": [], "next_cursor": None}
    refused = await client.get("/v1/me/statement", params={"cursor": cursor}, headers=other)
    assert (refused.status_code, refused.json()["code"]) == (400, "cursor_unknown")
    assert (await client.get("/v1/me/balance", headers=other)).json()["classes"] == []
    assert (await client.get("/v1/me/statement.csv", headers=other)).text.count("\n") == 1
    for url in ("/v1/me/statement", "/v1/me/statement.csv", "/v1/me/balance"):
        assert (await client.get(url)).status_code == 401


@pytest.mark.parametrize("query", ["reason=post", "limit=0", "limit=201", "from=tomorrow", "event_id=7", "cursor="])
async def test_a_filter_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, reader: dict[str, str], query: str
) -> None:
    answer = await client.get(f"/v1/me/statement?{query}", headers=reader)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")


async def test_days_the_wrong_way_round_are_refused_before_a_file_begins(
    client: httpx.AsyncClient, reader: dict[str, str]
) -> None:
    answer = await client.get("/v1/me/statement.csv?from=2026-11-02&to=2026-11-01", headers=reader)
    assert (answer.status_code, answer.json()["code"]) == (400, "days_reversed")


async def test_the_file_over_http_is_for_download(client: httpx.AsyncClient, reader: dict[str, str]) -> None:
    answer = await client.get("/v1/me/statement.csv", headers={**reader, "accept-language": "en"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="tanhui-statement.csv"'
    assert answer.content.startswith(b'\xef\xbb\xbf"Time (Beijing)"')
    assert answer.content.count(b"\r\n") == 19
