"""The group committer: many requests, one transaction, a verdict each, beyond doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from service.config import Config
from service.db import Connection, open_pool
from service.errors import NotFound, NotReady, Refusal
from service.group_commit import GroupCommitter
from tests.machines import with_database


class Notebook:
    """Work for a committer: writes each number down, and remembers the sets it was given."""

    def __init__(self) -> None:
        self.sets: list[list[int]] = []
        self.hold: asyncio.Event | None = None

    async def write(self, connection: Connection, numbers: Sequence[int]) -> list[int | Refusal]:
        self.sets.append(list(numbers))
        if self.hold:
            await self.hold.wait()
        await connection.executemany("INSERT INTO written (number) VALUES ($1)", [(each,) for each in numbers])
        return [NotFound() if each < 0 else each * 10 for each in numbers]


@pytest.fixture
async def table(database: asyncpg.Pool) -> asyncpg.Pool:
    await database.execute("CREATE TABLE written (number integer PRIMARY KEY)")
    return database


async def written(pool: asyncpg.Pool) -> set[int]:
    return {row["number"] for row in await pool.fetch("SELECT number FROM written")}


async def test_everyone_gets_the_verdict_on_their_own_request(table: asyncpg.Pool) -> None:
    notebook = Notebook()
    committer = GroupCommitter(table, notebook.write)
    verdicts = await asyncio.gather(*(committer.submit(each) for each in range(1, 500)))
    assert verdicts == [each * 10 for each in range(1, 500)]
    assert await written(table) == set(range(1, 500))
    assert len(notebook.sets) < 50


async def test_a_refusal_reaches_only_the_one_it_is_for(table: asyncpg.Pool) -> None:
    committer = GroupCommitter(table, Notebook().write)
    answers: list[Any] = await asyncio.gather(*(committer.submit(each) for each in (1, -2, 3)), return_exceptions=True)
    assert [type(each) for each in answers] == [int, NotFound, int]


async def test_one_bad_row_refuses_only_itself(table: asyncpg.Pool) -> None:
    await table.execute("INSERT INTO written (number) VALUES (7)")
    committer = GroupCommitter(table, Notebook().write, lanes=1)
    answers: list[Any] = await asyncio.gather(*(committer.submit(each) for each in range(20)), return_exceptions=True)
    assert isinstance(answers[7], asyncpg.UniqueViolationError)
    assert [each for each in answers if not isinstance(each, int)] == [answers[7]]
    assert await written(table) == set(range(20))


async def test_a_lone_request_waits_for_nobody(table: asyncpg.Pool) -> None:
    notebook = Notebook()
    committer = GroupCommitter(table, notebook.write)
    assert await committer.submit(1) == 10
    assert notebook.sets == [[1]]


async def test_who_leaves_neither_hangs_nor_loses_others(table: asyncpg.Pool) -> None:
    notebook = Notebook()
    notebook.hold = asyncio.Event()
    committer = GroupCommitter(table, notebook.write, lanes=1)
    tasks = [asyncio.create_task(committer.submit(each)) for each in range(4)]
    await asyncio.sleep(0.01)
    tasks.append(asyncio.create_task(committer.submit(4)))
    tasks.append(asyncio.create_task(committer.submit(5)))
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    tasks[4].cancel()
    await asyncio.sleep(0.01)
    notebook.hold.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[1:4] == [10, 20, 30]
    assert answers[5] == 50
    assert isinstance(answers[0], asyncio.CancelledError)
    assert isinstance(answers[4], asyncio.CancelledError)
    assert 4 not in await written(table), "who left before the set was formed is not done"


@pytest.mark.parametrize(("lanes", "crowd"), [(1, 1), (2, 1), (2, 2), (2, 16), (3, 2)])
async def test_no_wake_up_is_lost_between_bursts(table: asyncpg.Pool, lanes: int, crowd: int) -> None:
    committer = GroupCommitter(table, Notebook().write, set_limit=3, lanes=lanes, crowd=crowd)
    for burst in range(200):
        first = asyncio.create_task(committer.submit(burst * 2))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            assert await asyncio.gather(first, committer.submit(burst * 2 + 1)) == [burst * 20, burst * 20 + 10]


async def test_a_full_queue_refuses_at_once(table: asyncpg.Pool) -> None:
    notebook = Notebook()
    notebook.hold = asyncio.Event()
    committer = GroupCommitter(table, notebook.write, queue_limit=3, lanes=1)
    first = asyncio.create_task(committer.submit(0))
    await asyncio.sleep(0.01)
    waiting = [asyncio.create_task(committer.submit(each)) for each in (1, 2, 3)]
    await asyncio.sleep(0)
    with pytest.raises(NotReady) as refused:
        await committer.submit(4)
    assert refused.value.retry_after_s
    notebook.hold.set()
    assert await asyncio.gather(first, *waiting) == [0, 10, 20, 30]


async def test_a_clean_stop_finishes_what_waits_and_takes_no_more(table: asyncpg.Pool) -> None:
    committer = GroupCommitter(table, Notebook().write, set_limit=2)
    waiting = [asyncio.create_task(committer.submit(each)) for each in range(30)]
    await asyncio.sleep(0)
    await committer.close()
    assert [await each for each in waiting] == [each * 10 for each in range(30)]
    with pytest.raises(NotReady):
        await committer.submit(99)


async def test_when_the_database_comes_back_so_do_we(table: asyncpg.Pool) -> None:
    committer = GroupCommitter(table, Notebook().write)
    assert await committer.submit(1) == 10
    await table.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    refused = 0
    for number in range(2, 30):
        try:
            assert await committer.submit(number) == number * 10
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError):
            refused += 1
        else:
            break
    assert await committer.submit(100) == 1000
    assert refused < 20
    await table.expire_connections()  # some may not have noticed yet that they are gone


async def test_whoever_waits_while_no_connection_is_to_be_had_is_told(config: Config, table: asyncpg.Pool) -> None:
    database = await table.fetchval("SELECT quote_ident(current_database())")
    async with await open_pool(config) as own, asyncio.timeout(20):
        committer = GroupCommitter(own, Notebook().write)
        elsewhere = await asyncpg.connect(with_database(config.database_url, "postgres"))
        await own.expire_connections()
        await elsewhere.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        try:
            with pytest.raises(asyncpg.PostgresError, match="not currently accepting connections"):
                await committer.submit(1)
        finally:
            await elsewhere.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
            await elsewhere.close()
        assert await committer.submit(2) == 20


async def test_a_value_that_no_column_takes_refuses_only_itself(table: asyncpg.Pool) -> None:
    committer = GroupCommitter(table, Notebook().write, lanes=1)
    answers: list[Any] = await asyncio.gather(
        *(committer.submit(each) for each in (1, 2, 2**40, 3)), return_exceptions=True
    )
    assert [type(each) for each in answers] == [int, int, asyncpg.DataError, int]
