"""Devices: known from the first day on, counted while shared, found by their indexes; what is kept says nothing."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from service import devices
from service.config import Config
from service.db import open_pool, transaction
from service.devices import Pair, Seen, device_digest, known_devices, note_devices
from tests.books import open_member

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)


async def members(pool: asyncpg.Pool, count: int) -> list[UUID]:
    """So many members."""
    async with transaction(pool) as connection:
        return [await open_member(connection) for _ in range(count)]


async def note(pool: asyncpg.Pool, pairs: list[Pair], at: datetime) -> None:
    """Note them in a transaction."""
    async with transaction(pool) as connection:
        await note_devices(connection, pairs, at)


async def known(pool: asyncpg.Pool, pairs: list[Pair], at: datetime) -> dict[Pair, Seen]:
    """What is known of them."""
    async with pool.acquire() as connection:
        return await known_devices(connection, pairs, at)


def test_a_devices_digest_says_nothing_without_the_key(config: Config) -> None:
    digest = device_digest(config, "a-device-of-someone")
    assert (len(digest), digest) == (16, device_digest(config, "a-device-of-someone"))
    assert digest != device_digest(config, "a-device-of-someone-else")
    assert digest != device_digest(msgspec.structs.replace(config, secret=b"else" * 8), "a-device-of-someone")


async def test_a_device_is_known_from_the_first_day_on(database: asyncpg.Pool) -> None:
    (li,), phone = await members(database, 1), b"p" * 16
    assert await known(database, [(li, phone)], NOW) == {(li, phone): Seen(0, 1)}
    for days in range(4):
        await note(database, [(li, phone), (li, phone)], NOW + timedelta(days=days))
    assert await known(database, [(li, phone)], NOW + timedelta(days=4)) == {(li, phone): Seen(4, 1)}
    assert await known(database, [], NOW) == {}


async def test_members_who_share_a_device_are_counted_while_they_keep_using_it(database: asyncpg.Pool) -> None:
    everyone, phone = await members(database, 8), b"s" * 16
    await note(database, [(each, phone) for each in everyone], NOW)
    newcomer = (await members(database, 1))[0]
    assert (await known(database, [(newcomer, phone)], NOW))[newcomer, phone] == Seen(0, 9)
    later = NOW + timedelta(days=20)
    await note(database, [(each, phone) for each in everyone[:3]], later)
    seen = await known(database, [(everyone[0], phone), (everyone[7], phone)], NOW + timedelta(days=31))
    assert seen == {(everyone[0], phone): Seen(31, 3), (everyone[7], phone): Seen(31, 4)}


async def test_a_kiosk_that_thousands_use_is_not_counted_to_the_end(database: asyncpg.Pool) -> None:
    kiosk = b"k" * 16
    await note(database, [(each, kiosk) for each in await members(database, 150)], NOW)
    (one,) = await members(database, 1)
    assert (await known(database, [(one, kiosk)], NOW))[one, kiosk].members == 101


async def test_a_device_is_written_once_a_day(database: asyncpg.Pool) -> None:
    (li,), phone = await members(database, 1), b"p" * 16
    await note(database, [(li, phone)], NOW)
    before = await database.fetchval("SELECT xmin::text FROM member_devices")
    await note(database, [(li, phone)], NOW + timedelta(hours=23))
    assert await database.fetchval("SELECT xmin::text FROM member_devices") == before
    await note(database, [(li, phone)], NOW + timedelta(hours=25))
    assert await database.fetchval("SELECT last_seen_at FROM member_devices") == NOW + timedelta(hours=25)


async def test_four_writers_of_the_same_devices_never_deadlock(database: asyncpg.Pool) -> None:
    everyone = await members(database, 40)
    pairs = [(each, bytes([number]) * 16) for each in everyone for number in range(5)]
    await asyncio.gather(*(note(database, pairs[turn:] + pairs[:turn], NOW) for turn in (0, 7, 50, 120)))
    assert await database.fetchval("SELECT count(*) FROM member_devices") == 200


async def test_devices_are_looked_up_by_their_indexes_however_many_there_are(config: Config, database: object) -> None:
    statements = [
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(devices)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "member_devices" in node.value
    ]
    assert len(statements) == 2
    hot = await open_pool(config, hot=True)
    async with hot.acquire() as connection:
        for statement in statements:
            unknown = ", ".join(["NULL"] * len(set(re.findall(r"\$\d", statement))))
            await connection.execute(f"PREPARE asked AS {statement}")
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE asked ({unknown})"))
            await connection.execute("DEALLOCATE asked")
            assert "member_devices" in plan, plan
            assert not re.search("Seq Scan|Hash Join|Merge Join", plan), plan
    await hot.close()
