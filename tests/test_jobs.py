"""Jobs: begun once, done once whatever happens to their worker, watched by those who may, in words and by stream."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from click.testing import CliRunner

from service import cli_job, jobs, replay
from service.access import Caller, Role
from service.cli import main
from service.config import Config
from service.db import new_id, transaction
from service.errors import NotFound
from service.events import Event
from service.jobs import Job, JobIdTaken, Work
from service.organizations import LastOwner
from service.replay import Stopped
from tests.browsing import assert_sound, sign_in
from tests.paper import see
from tests.people import LI, WANG, bearer, sign_in_tokens
from workers import working


@pytest.fixture(autouse=True)
def kinds() -> Iterator[dict[str, Any]]:
    """Kinds of work for these tests alone."""
    before = dict(jobs.HANDLERS)
    yield jobs.HANDLERS
    jobs.HANDLERS.clear()
    jobs.HANDLERS.update(before)


async def wang(pool: asyncpg.Pool) -> Caller:
    """Who founded the only organization."""
    return Caller(await pool.fetchval("SELECT founded_by FROM organizations"), frozenset({Role.ORGANIZER}))


async def begun(pool: asyncpg.Pool, event: Event, kind: str, payload: Any = None, job_id: UUID | None = None) -> Job:
    caller = await wang(pool)
    async with transaction(pool) as connection:
        return await jobs.start(connection, kind, event.id, caller, payload, job_id)


async def look(pool: asyncpg.Pool, job: Job) -> Job:
    async with pool.acquire() as connection:
        return await jobs.read(connection, job.id)


async def rename(work: Work, name: str) -> None:
    """An effect that can be seen."""
    await work.connection.execute("UPDATE organizations SET name = name || $1", name)


async def names(pool: asyncpg.Pool) -> list[str]:
    return [row["name"] for row in await pool.fetch("SELECT name FROM organizations")]


async def test_a_job_is_done_once_by_however_many_workers(
    database: asyncpg.Pool, config: Config, event: Event, kinds: dict[str, Any]
) -> None:
    (before,) = await names(database)

    @jobs.handles("renaming")
    async def handle(work: Work) -> dict[str, int]:
        await rename(work, msgspec.json.decode(work.payload, type=str))
        await asyncio.sleep(0.05)
        return {"renamed": 1}

    job = await begun(database, event, "renaming", "！")
    assert await begun(database, event, "renaming", "！", job.id) == job
    with pytest.raises(JobIdTaken):
        await begun(database, event, "other", "！", job.id)
    await asyncio.gather(*(working.do_waiting(database, config) for _ in range(2)))
    await working.do_waiting(database, config)
    assert await names(database) == [before + "！"]
    over = await look(database, job)
    assert (over.state, over.percent, over.result) == ("done", 100, {"renamed": 1})


async def test_a_killed_worker_leaves_nothing_and_the_job_runs_again(
    database: asyncpg.Pool, config: Config, event: Event, kinds: dict[str, Any]
) -> None:
    (before,) = await names(database)
    reached = asyncio.Event()

    @jobs.handles("renaming")
    async def handle(work: Work) -> None:
        await rename(work, "？")
        await work.progress(30, 60)
        first = not reached.is_set()
        reached.set()
        if first:
            await asyncio.sleep(60)

    job = await begun(database, event, "renaming")
    killed = asyncio.create_task(working.do_waiting(database, config))
    await reached.wait()
    moving = await look(database, job)
    assert (moving.state, moving.percent, await names(database)) == ("running", 50, [before])
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    assert (await look(database, job)).state == "running"
    await working.do_waiting(database, config)
    assert ((await look(database, job)).state, await names(database)) == ("done", [before + "？"])


async def test_a_refusal_undoes_all_of_it_and_is_told_in_words(
    database: asyncpg.Pool, config: Config, event: Event, kinds: dict[str, Any]
) -> None:
    before = await names(database)

    @jobs.handles("refused")
    async def refuse(work: Work) -> None:
        await rename(work, "？")
        raise LastOwner

    @jobs.handles("faulty")
    async def fault(work: Work) -> None:
        await rename(work, "？")
        raise ZeroDivisionError

    refused, faulty = await begun(database, event, "refused"), await begun(database, event, "faulty")
    for _ in range(jobs.MOST_ATTEMPTS):
        assert not (await look(database, faulty)).is_over
        await working.do_waiting(database, config)
    problems = [(await look(database, each)).refusal or {} for each in (refused, faulty)]
    assert [each["code"] for each in problems] == ["last_owner", "job_fault"]
    assert problems[0]["detail"] == "组织至少要有一名负责人。"
    assert await names(database) == before
    assert await database.fetchval("SELECT attempts FROM jobs WHERE id = $1", faulty.id) == jobs.MOST_ATTEMPTS


async def test_only_who_began_it_and_organizers_see_it(database: asyncpg.Pool, event: Event) -> None:
    job = await begun(database, event, "any")
    stranger = Caller(new_id(), frozenset({Role.ORGANIZER}))
    async with database.acquire() as connection:
        assert await jobs.find(connection, await wang(database), job.id) == job
        for caller, job_id in ((stranger, job.id), (await wang(database), new_id())):
            with pytest.raises(NotFound):
                await jobs.find(connection, caller, job_id)


async def test_it_is_watched_by_stream_and_by_page(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event, kinds: dict[str, Any]
) -> None:
    goes_on = asyncio.Event()

    @jobs.handles("counting")
    async def count(work: Work) -> None:
        await work.progress(1, 4)
        await goes_on.wait()
        raise LastOwner

    job = await begun(database, event, "counting")
    organizer = bearer(await sign_in_tokens(client, WANG))
    citizen = bearer(await sign_in_tokens(client, LI))
    assert (await client.get(f"/v1/jobs/{job.id}", headers=citizen)).status_code == 403
    await sign_in(client, database, config, WANG)
    url = f"/organize/jobs/{job.id}"
    waiting = await see(client, url)
    assert_sound(waiting, "zh")
    assert "等待开始" in waiting.text
    assert b'http-equiv="refresh"' in waiting.answer.content
    doing = asyncio.create_task(working.do_waiting(database, config))
    streams = [
        asyncio.create_task(client.get(f"{each}/stream", headers=organizer)) for each in (f"/v1/jobs/{job.id}", url)
    ]
    while (await look(database, job)).percent != 25:  # noqa: ASYNC110 - nobody announces it
        await asyncio.sleep(0.02)
    await asyncio.sleep(jobs.LOOK_EVERY_S * 1.5)
    goes_on.set()
    await doing
    raw, shown = [(await each).text for each in streams]
    assert [line for line in raw.splitlines() if line.startswith("event")][-1] == "event: over"
    assert '"percent":25' in raw
    assert "25%" in shown
    over = await see(client, url)
    assert_sound(over, "zh")
    assert "组织至少要有一名负责人。" in over.text
    assert b'http-equiv="refresh"' not in over.answer.content


async def test_it_is_followed_in_the_command_line(
    client: httpx.AsyncClient,
    database: asyncpg.Pool,
    config: Config,
    event: Event,
    kinds: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    @jobs.handles("counting")
    async def count(work: Work) -> dict[str, int]:
        await work.progress(1, 4)
        if b"no" in work.payload:
            raise LastOwner
        return {"counted": 4}

    caller = replay.Organizer(client, await sign_in_tokens(client, WANG))
    for payload, ended, said in (("yes", True, '"counted": 4'), ("no", False, "组织至少要有一名负责人。")):
        job = await begun(database, event, "counting", payload)
        following = asyncio.create_task(cli_job.follow(caller, job.id))
        await working.do_waiting(database, config)
        assert cli_job.show_end(await following) is ended
        shown = capsys.readouterr()
        assert said in shown.out
        assert ("100%" in shown.err, "已完成" in shown.err) == (ended, ended)
    with pytest.raises(Stopped, match="被拒绝"):
        await cli_job.follow(caller, new_id())
    assert CliRunner().invoke(main, ["follow", "7"]).exit_code == 2
