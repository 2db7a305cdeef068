"""Workers: folding when nudged and when not, whatever becomes of the queue and the database; audits and cleaning."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import redis
from arq.constants import in_progress_key_prefix
from msgspec import structs

from service.audits import find_faults
from service.config import Config
from service.db import new_id
from service.local_data import DataFolder, open_folder
from service.local_valkey import redis_url, valkey
from service.nudges import FOLD, Nudges, job_id, open_queue
from service.personal_data import DAYS
from service.tallies import pending_events
from tests.books import open_member
from tests.machines import scratch_folder
from tests.tallied import Hall, Visit, come, fold, hall, note, read
from workers import audits, cleaning, folding
from workers.main import keep_track, make_worker, stop, work

BY_NUDGE_S = 1.0
BY_SWEEP_S = 6.0
CHECKOUT = Path(__file__).parent.parent


@asynccontextmanager
async def working(config: Config) -> AsyncIterator[asyncio.Task[None]]:
    """Workers in this process, done with their first sweep."""
    task = asyncio.create_task(work(config))
    await asyncio.sleep(0.3)
    assert not task.done()
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def folded(pool: asyncpg.Pool, event: Hall, check_ins: int, within_s: float) -> None:
    """Wait until that many are folded. Raises TimeoutError."""

    async def holds() -> bool:
        return (await read(pool, event)).check_ins == check_ins

    await until(holds, within_s)


async def until(holds: Callable[[], Awaitable[bool]], within_s: float) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.02)


class OwnValkey:
    """A server of the test's own, which it may stop and start again at the same address."""

    def __init__(self, data: DataFolder) -> None:
        self.url = redis_url(data)
        self._data = data
        self._running = ExitStack()

    async def start(self) -> None:
        """Start it, empty."""
        await asyncio.to_thread(self._running.enter_context, valkey(self._data))

    async def stop(self) -> None:
        """Stop it."""
        await asyncio.to_thread(self._running.close)


@pytest.fixture
async def own_valkey() -> AsyncIterator[OwnValkey]:
    """A server of the test's own, running."""
    with scratch_folder() as folder:
        server = OwnValkey(open_folder(folder / "data"))
        await server.start()
        yield server
        await server.stop()


# Folding --------------------------------------------------------------------------------------------------------------


async def test_a_nudge_folds_soon(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with working(config), Nudges(config.redis_url).running() as nudges:
        for n in range(1, 4):
            await come(database, event, Visit(uuid4()))
            nudges.fold(event.id)
            await folded(database, event, n, BY_NUDGE_S)


async def test_a_lost_nudge_costs_seconds(database: asyncpg.Pool, config: Config) -> None:
    event, other = await hall(database), await hall(database)
    async with working(config):
        await come(database, event, Visit(uuid4()))
        await come(database, other, Visit(uuid4()))
        await folded(database, event, 1, BY_SWEEP_S)
        await folded(database, other, 1, BY_SWEEP_S)


async def test_many_nudges_make_one_job(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with Nudges(config.redis_url).running() as one, Nudges(config.redis_url).running() as another:
        for _ in range(100):
            one.fold(event.id)
            another.fold(event.id)
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.1)
    queue = open_queue(config.redis_url)
    assert [job.job_id for job in await queue.queued_jobs()] == [job_id(event.id)]
    await queue.aclose(close_connection_pool=True)


async def test_a_nudge_refused_while_a_fold_ends_is_made_up_for(database: asyncpg.Pool, config: Config) -> None:
    """While a job runs the queue takes no second of its name; when it has ended it looks once more."""
    event, queue = await hall(database), open_queue(config.redis_url)
    context = {"pool": database, "redis": queue}
    await folding.fold_event(context, str(event.id))
    await come(database, event, Visit(uuid4()))
    await folding.look_again(context)
    assert [job.function for job in await queue.queued_jobs()] == [FOLD]
    await fold(database, event)
    await queue.flushdb()
    await folding.look_again(context)
    assert await queue.queued_jobs() == []
    await queue.aclose(close_connection_pool=True)


async def test_a_steady_stream_of_check_ins_is_never_far_behind(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with working(config), Nudges(config.redis_url).running() as nudges:
        for n in range(1, 151):
            await come(database, event, Visit(uuid4()))
            nudges.fold(event.id)
            if n % 30 == 0:
                await folded(database, event, n, BY_NUDGE_S)


async def test_two_workers_share_without_counting_twice(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with working(config), working(config), Nudges(config.redis_url).running() as nudges:
        for _ in range(60):
            await come(database, event, Visit(uuid4()), Visit(uuid4()))
            nudges.fold(event.id)
        await folded(database, event, 120, BY_SWEEP_S)


async def test_a_job_that_is_not_quite_done_is_waited_for_though_another_of_its_name_began(
    database: asyncpg.Pool, config: Config
) -> None:
    queue, ended = open_queue(config.redis_url), []
    worker = make_worker(queue, config, database)

    async def end_slowly() -> None:
        await keep_track(worker.ctx)
        await asyncio.sleep(0.05)
        ended.append(await queue.ping())

    worker.tasks["fold"] = first = asyncio.create_task(end_slowly())
    worker.tasks["fold"] = asyncio.create_task(asyncio.sleep(0))
    await asyncio.sleep(0.01)
    await stop(worker, queue)
    assert first.done()
    assert ended == [True]


async def test_an_event_that_cannot_be_folded_keeps_no_other_back(
    database: asyncpg.Pool, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = await hall(database), await hall(database)
    async with database.acquire() as connection:
        await note(connection, broken, 1, [new_id()])
    await come(database, sound, Visit(uuid4()))
    await folding.sweep(database)
    assert (await read(database, sound)).check_ins == 1
    assert f"event {broken.id} cannot be folded" in caplog.text
    async with database.acquire() as connection:
        assert await pending_events(connection) == [broken.id]


# The queue and the database go away -----------------------------------------------------------------------------------


async def test_a_flushed_queue_loses_no_fact(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with working(config), Nudges(config.redis_url).running() as nudges:
        await come(database, event, Visit(uuid4()))
        nudges.fold(event.id)
        with redis.from_url(config.redis_url) as client:
            client.flushdb()
        await folded(database, event, 1, BY_SWEEP_S)
        await come(database, event, Visit(uuid4()))
        nudges.fold(event.id)
        await folded(database, event, 2, BY_NUDGE_S)


async def test_workers_fold_without_a_queue_and_take_it_up_again(
    database: asyncpg.Pool, config: Config, own_valkey: OwnValkey
) -> None:
    event, config = await hall(database), structs.replace(config, redis_url=own_valkey.url)
    async with working(config) as workers, Nudges(config.redis_url).running() as nudges:
        await come(database, event, Visit(uuid4()))
        nudges.fold(event.id)
        await folded(database, event, 1, BY_NUDGE_S)
        await own_valkey.stop()
        await come(database, event, Visit(uuid4()))
        nudges.fold(event.id)
        await folded(database, event, 2, BY_SWEEP_S)
        await own_valkey.start()
        await asyncio.sleep(1.5)
        await come(database, event, Visit(uuid4()))
        nudges.fold(event.id)
        await folded(database, event, 3, BY_NUDGE_S)
        assert not workers.done()


async def test_a_queue_that_hangs_holds_no_fold_up(
    database: asyncpg.Pool, config: Config, own_valkey: OwnValkey
) -> None:
    event, config = await hall(database), structs.replace(config, redis_url=own_valkey.url)
    async with working(config), Nudges(config.redis_url).running() as nudges:
        with redis.from_url(config.redis_url) as client:
            client.execute_command("CLIENT PAUSE", 4_000, "ALL")
        await come(database, event, Visit(uuid4()))
        nudges.fold(event.id)
        await folded(database, event, 1, 3.5)
        await asyncio.sleep(3)
        await come(database, event, Visit(uuid4()))
        nudges.fold(event.id)
        await folded(database, event, 2, BY_NUDGE_S)


async def test_the_mark_of_a_killed_worker_delays_nothing(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    with redis.from_url(config.redis_url) as client:
        client.set(in_progress_key_prefix + job_id(event.id), b"1")
    async with working(config), Nudges(config.redis_url).running() as nudges:
        await come(database, event, Visit(uuid4()))
        nudges.fold(event.id)
        await folded(database, event, 1, BY_NUDGE_S)


async def test_workers_outlive_their_connections(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with working(config) as workers, Nudges(config.redis_url).running() as nudges:
        for n in (1, 2):
            async with database.acquire() as connection:
                await connection.execute(
                    """
                    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """
                )
            await asyncio.sleep(0.05)
            await come(database, event, Visit(uuid4()))
            nudges.fold(event.id)
            await folded(database, event, n, BY_SWEEP_S)
        assert not workers.done()


async def test_nudges_without_a_queue_say_so_once_and_hold_nobody_up(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    async with Nudges("unix:///nowhere/valkey").running() as nudges:
        for _ in range(30):
            nudges.fold(new_id())
            await asyncio.sleep(0.01)
    assert caplog.text.count("the queue does not answer") == 1


@pytest.mark.slow
async def test_the_process_folds_and_ends_when_told(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    settings = {
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "TANHUI_SECRET": config.secret.hex(),
        "TANHUI_LOCAL": "true",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(CHECKOUT),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workers.main", env=settings, stderr=asyncio.subprocess.PIPE
    )
    await come(database, event, Visit(uuid4()))
    await folded(database, event, 1, 15)
    process.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(process.communicate(), 5)
    assert (process.returncode, said) == (0, b"")


# By night -------------------------------------------------------------------------------------------------------------


async def test_the_audit_finds_a_sum_that_is_not_the_recount(
    database: asyncpg.Pool, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    event = await hall(database)
    await come(database, event, Visit(uuid4()), Visit(uuid4(), people=2))
    await fold(database, event)
    await come(database, event, Visit(uuid4()))
    caplog.set_level(logging.INFO)
    context = {"config": config, "pool": database}
    await audits.audit_books(context)
    assert "the books are in order" in caplog.text
    assert (await read(database, event)).check_ins == 3
    async with database.acquire() as connection:
        await connection.execute("UPDATE tallies SET people = people + 1")
        await connection.execute("UPDATE tally_cells SET emissions_g = emissions_g - 1 WHERE key = 'metro'")
    caplog.clear()
    await audits.audit_books(context)
    assert "people is 5, counted 4" in caplog.text
    assert "emissions_g=1799" in caplog.text
    assert {record.levelname for record in caplog.records} == {"ERROR"}


async def test_an_audit_meets_folds_of_the_meantime(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    await come(database, event, Visit(uuid4()))
    await fold(database, event)

    async def go_on() -> None:
        for _ in range(30):
            await come(database, event, Visit(uuid4()))
            await fold(database, event)

    going_on = asyncio.create_task(go_on())
    while not going_on.done():
        assert await find_faults(config) == []
    await going_on


async def test_an_old_answer_and_an_old_send_are_forgotten_and_new_ones_kept(database: asyncpg.Pool) -> None:
    now = datetime.now(UTC)
    async with database.acquire() as connection:
        for days in (0, 6, 8):
            at = now - timedelta(days=days)
            await connection.execute(
                """
                INSERT INTO idempotent_requests (caller, key, request_digest, asked_at)
                VALUES ('anonymous', $1, $2, $3)
                """,
                str(days),
                bytes(32),
                at,
            )
            await connection.execute(
                "INSERT INTO sign_in_sends (phone_digest, address_digest, sent_at) VALUES ($1, $1, $2)", bytes(32), at
            )
        await cleaning.forget_old({"pool": database})
        assert await connection.fetchval("SELECT array_agg(key ORDER BY key) FROM idempotent_requests") == ["0", "6"]
        assert await connection.fetchval("SELECT count(*) FROM sign_in_sends") == 2


async def test_sessions_are_forgotten_as_long_after_their_end_as_the_page_says(database: asyncpg.Pool) -> None:
    now, kept = datetime.now(UTC), timedelta(days=DAYS.sessions)
    async with database.acquire() as connection:
        member = await open_member(connection)
        for key, ended, expires in (
            ("lives", None, now + kept),
            ("expired lately", None, now - kept / 2),
            ("expired", None, now - kept * 2),
            ("ended", now - kept * 2, now),
            ("ended lately", now - kept / 2, now),
        ):
            await connection.execute(
                """
                INSERT INTO sessions (id, member_id, kind, rotation_key, opened_at, expires_at, ended_at, ended_because)
                VALUES ($1, $2, 'app', $3, now(), $4, $5, CASE WHEN $5::timestamptz IS NOT NULL THEN 'signed_out' END)
                """,
                new_id(),
                member,
                key,
                expires,
                ended,
            )
        await cleaning.forget_old({"pool": database})
        left = await connection.fetchval("SELECT array_agg(rotation_key ORDER BY rotation_key) FROM sessions")
    assert left == ["ended lately", "expired lately", "lives"]
