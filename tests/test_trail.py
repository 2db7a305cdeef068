"""An event's trail: everything that anyone did to it, read back from what was kept when it was done."""

from __future__ import annotations

import asyncpg
import httpx
import pytest

from service import trail
from service.config import Config
from service.db import transaction
from service.statements import CursorUnknown
from tests.browsing import assert_english, assert_sound, open_event, sign_in
from tests.doors import open_event as open_quietly
from tests.paper import see
from tests.people import WANG
from tests.test_exports import export_of, read
from tests.trailed import do_everything

NO_ACTS = {
    ("jobs", "started_by"): "work that makes files of what is kept, or keeps it under its own name",
}
"""Columns that say who did something to an event without being in its trail, and why."""


async def test_there_is_an_entry_of_every_kind(database: asyncpg.Pool, config: Config) -> None:
    event = await open_quietly(database)
    caller = await do_everything(database, config, event)
    async with transaction(database) as connection:
        found = (await trail.of_event(connection, event.id)).entries
        assert {each.act for each in found} == set(trail.ACTS)
        assert {each.party for each in found} == set(trail.PARTIES)
        at = {each.act: each for each in found}
        assert at["table_imported"].about == {"name": "表.csv", "lines": 3}
        ended = [each.about["lines"] for each in found if each.act == "table_ended"]
        assert ended == [2], "its third line was corrected"
        assert at["line_ended"].about["because"] == "抄错"
        assert at["rule_switched"].about == {"before": "shanghai 2023", "after": "shanghai 2024"}
        assert at["credits_retired"].about == {"grams": 200, "purpose": "抵销会议的排放"}
        assert at["badges_issued"].about == {"count": 2}
        assert [each.act for each in found].count("units_accepted") == 2, "what was returned had been accepted"
        hint = await connection.fetchval("SELECT phone_hint FROM members WHERE id = $1", caller.member)
        assert {each.by for each in found if each.party == "organizer"} == {hint, None}
        assert {each.by for each in found if each.party != "organizer"} == {None}, "nobody else's people are told"
        nobody = (await trail.of_event(connection, await connection.fetchval("SELECT gen_random_uuid()"))).entries
    assert nobody == []


async def test_whoever_did_something_finds_it_in_the_export(database: asyncpg.Pool, config: Config) -> None:
    event = await open_quietly(database)
    caller = await do_everything(database, config, event)
    work = read(await export_of(database, config, caller.member), "event_work.json")
    nobodys = {"event_created", "badges_issued", "rule_switched", "notice_made", "credits_retired"}
    assert {each["what"] for each in work} == set(trail.ACTS) - nobodys
    assert {each["of"] for each in work} == {str(event.id)}


async def test_pages_of_a_trail_hold_each_entry_once(database: asyncpg.Pool, config: Config) -> None:
    event = await open_quietly(database)
    await do_everything(database, config, event)
    async with transaction(database) as connection:
        whole = await trail.of_event(connection, event.id, limit=1000)
        assert whole.more is None
        found, page = [], await trail.of_event(connection, event.id, limit=7)
        while page.more:
            found += page.entries
            page = await trail.of_event(connection, event.id, page.more, limit=7)
        assert found + page.entries == whole.entries
        assert [each.at for each in whole.entries] == sorted([each.at for each in whole.entries], reverse=True)
        for forged in ("x", "!", "W10", trail.cursor(whole.entries[0])[:-5]):
            with pytest.raises(CursorUnknown):
                await trail.of_event(connection, event.id, forged)


async def test_whoever_did_something_to_an_event_is_in_its_trail(database: asyncpg.Pool) -> None:
    """Every column that says by whom, of every table that says to which event."""
    rows = await database.fetch(
        """
        SELECT by_whom.table_name, by_whom.column_name
        FROM information_schema.columns AS by_whom
        JOIN information_schema.columns AS event USING (table_schema, table_name)
        JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND event.column_name = 'event_id'
            AND by_whom.column_name LIKE '%\\_by'
        """
    )
    used = await database.fetch(
        "SELECT table_name, column_name FROM information_schema.view_column_usage WHERE view_name = 'event_trail'"
    )
    said = {(row["table_name"], row["column_name"]) for row in rows}
    assert said >= {("confirmations", "withdrawn_by"), ("activity_data", "entered_by"), ("offset_units", "retired_by")}
    missing = said - {(row["table_name"], row["column_name"]) for row in used}
    assert missing == set(NO_ACTS), "add it to the view event_trail, or say here why not"


async def test_the_page_says_it_in_plain_words(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database, config)
    await do_everything(database, config, event)
    await sign_in(client, database, config, WANG)
    paper = await see(client, f"/organize/events/{event.id}/trail")
    assert_sound(paper, "zh")
    for said in ("委托技术服务机构", "第 1 版", "自我声明还有三天到期", "抄错", "上海", "举办单位 ****0001", "CCER"):
        assert said in paper.text
    client.headers["accept-language"] = "en"
    paper = await see(client, f"/organize/events/{event.id}/trail")
    assert_sound(paper, "en")
    for said in ("Verifier engaged", "Version 1", "The declaration is due in three days", "Shanghai", "Donor"):
        assert said in paper.text
    assert_english(paper)
