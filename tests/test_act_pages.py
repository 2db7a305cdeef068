"""The pages of acts: found, told, and seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import httpx

from service.config import Config
from tests.browsing import count, sign_in
from tests.paper import see, send
from tests.people import LI


async def test_an_act_sent_twice_is_logged_once(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in(client, database, config, LI)
    form = (await see(client, "/act?region=110000&action=metro")).form()
    first, second = [await send(client, form, quantity="10") for _ in range(2)]
    assert first.answer.url == second.answer.url
    assert await count(database, "actions") == 1
    other = await send(client, form, quantity="11")
    assert "已经提交过" in other.text
    await send(client, other.form(), quantity="11")
    assert await count(database, "actions") == 2
    form = (await see(client, "/act?region=110000&action=metro")).form()
    assert "不是可用的数字" in (await send(client, form, quantity="zehn")).text
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert "还没有到" in (await send(client, form, quantity="10", occurred_on=tomorrow)).text
