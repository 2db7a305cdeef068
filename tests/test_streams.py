"""Watching a tally: at once, as it changes, from one read however many watch, and never a queue."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
import uvicorn

from service.app import create_app
from service.config import Config
from service.db import set_up_connection
from service.streams import Message, Streams
from service.tallies import Tally
from tests.people import (
    HAN,
    WANG,
    ZHAO,
    Headers,
    add_gate_keeper,
    appoint,
    bearer,
    found_organization,
    key,
    sign_in_tokens,
)
from tests.tallied import Hall, Visit, come, fold, hall, read

SOON_S = 3.0
PATIENCE_S = 20.0
"""Some answers wait for the places to be loaded."""


class Reads:
    """How often tallies were read, as the connections of a pool tell it."""

    def __init__(self) -> None:
        self.count = 0

    async def listen(self, connection: asyncpg.Connection) -> None:
        """Count what this connection does."""
        await set_up_connection(connection)
        connection.add_query_logger(self.see)

    def see(self, query: Any) -> None:
        """Count a read of a tally."""
        self.count += "FROM tallies JOIN events" in query.query


@asynccontextmanager
async def streaming(config: Config, reads: Reads | None = None, **settings: float) -> AsyncIterator[Streams]:
    """Streams on a pool of their own."""
    pool = await asyncpg.create_pool(
        config.database_url, min_size=1, max_size=2, init=(reads or Reads()).listen, server_settings={"timezone": "UTC"}
    )
    async with pool, Streams(pool, config.database_url, **settings).running() as streams:
        yield streams


async def the_next(messages: AsyncIterator[Message]) -> Message:
    """What a viewer gets next, soon."""
    return await asyncio.wait_for(anext(messages), SOON_S)


async def until_sequence(messages: AsyncIterator[Message], sequence: int) -> Message:
    """The message that brings a tally of that sequence or later."""
    async with asyncio.timeout(SOON_S):
        async for message in messages:
            if message.event == "tally" and message.sequence >= sequence:
                return message
    raise AssertionError


async def until(holds: Callable[[], bool], within_s: float = SOON_S) -> None:
    """Wait until something holds, which must be soon."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)


async def come_and_fold(pool: asyncpg.Pool, event: Hall, times: int = 1) -> None:
    """Somebody comes in and is folded."""
    for _ in range(times):
        await come(pool, event, Visit(uuid4()))
        assert await fold(pool, event) == 1


async def test_a_viewer_sees_the_tally_at_once_and_each_fold_soon(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with streaming(config) as streams:
        messages = streams.watch(event.id)
        first = await the_next(messages)
        assert (first.event, first.sequence) == ("tally", 0)
        assert msgspec.json.decode(first.data, type=Tally).check_ins == 0
        await come_and_fold(database, event)
        seen = await until_sequence(messages, 1)
        assert msgspec.json.decode(seen.data, type=Tally).check_ins == 1
        await messages.aclose()


async def test_who_has_seen_the_newest_gets_a_heartbeat_first(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    await come_and_fold(database, event, 2)
    async with streaming(config) as streams:
        for seen, kind in ((2, "heartbeat"), (1, "tally"), (7, "tally")):
            messages = streams.watch(event.id, seen)
            first = await the_next(messages)
            assert (first.event, first.sequence) == (kind, 2)
            await messages.aclose()


async def test_fifty_viewers_cost_one_read_a_notification(database: asyncpg.Pool, config: Config) -> None:
    event, reads = await hall(database), Reads()
    async with streaming(config, reads) as streams:
        viewers = [streams.watch(event.id) for _ in range(50)]
        assert {(await the_next(each)).sequence for each in viewers} == {0}
        assert (streams.viewers(), reads.count) == (50, 1)
        await come_and_fold(database, event)
        assert {(await until_sequence(each, 1)).sequence for each in viewers} == {1}
        assert reads.count <= 3
        for each in viewers:
            await each.aclose()


async def test_many_folds_are_read_at_most_ten_times_a_second(database: asyncpg.Pool, config: Config) -> None:
    event, reads = await hall(database), Reads()
    async with streaming(config, reads) as streams:
        messages = streams.watch(event.id)
        await the_next(messages)
        began = asyncio.get_running_loop().time()
        await come_and_fold(database, event, 60)
        assert (await until_sequence(messages, 60)).sequence == 60
        took_s = asyncio.get_running_loop().time() - began
        assert reads.count <= 3 + took_s * 10
        await messages.aclose()


async def test_a_slow_viewer_gets_the_newest_and_nothing_between(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with streaming(config) as streams:
        slow, quick = streams.watch(event.id), streams.watch(event.id)
        assert (await the_next(slow)).sequence == 0
        for n in range(1, 4):
            await come_and_fold(database, event)
            await until_sequence(quick, n)
        assert (await the_next(slow)).sequence == 3
        await slow.aclose()
        await quick.aclose()


async def test_a_silent_event_beats_and_says_how_old_its_tally_is(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with streaming(config, heartbeat_s=0.1) as streams:
        messages = streams.watch(event.id)
        first = msgspec.json.decode((await the_next(messages)).data)
        await come(database, event, Visit(uuid4()))
        async with database.acquire() as connection:
            await connection.execute("UPDATE tally_changes SET changed_at = clock_timestamp() - interval '30 seconds'")
        beats = [await the_next(messages) for _ in range(3)]
        assert {each.event for each in beats} == {"heartbeat"}
        last = msgspec.json.decode(beats[-1].data)
        assert last["as_of"] > first["as_of"]
        assert (last["sequence"], last["folded_at"]) == (0, None)
        assert last["behind_s"] in (30, 31)
        await messages.aclose()


async def test_whoever_leaves_leaves_nothing_behind(database: asyncpg.Pool, config: Config) -> None:
    event, other, reads = await hall(database), await hall(database), Reads()
    async with streaming(config, reads, heartbeat_s=0.05) as streams:
        tasks = asyncio.all_tasks()
        viewers = [streams.watch(each.id) for each in (event, other, event)]
        for each in viewers:
            await the_next(each)
        await viewers[0].aclose()
        waiting = asyncio.create_task(anext(viewers[1]))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert streams.viewers() == 1
        await viewers[2].aclose()
        assert streams.viewers() == 0
        await asyncio.sleep(0.2)
        assert asyncio.all_tasks() == tasks
        before = reads.count
        await asyncio.sleep(0.2)
        assert reads.count == before


async def cut_everyone(pool: asyncpg.Pool) -> int:
    """End every other connection, once somebody listens; return how many."""
    async with pool.acquire() as connection:
        cut: int = await connection.fetchval(
            """
            SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND EXISTS (
                SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'tanhui tallies' AND query LIKE 'LISTEN%'
            )
            """
        )
        return cut


async def test_a_cut_connection_is_made_anew_and_nothing_is_missed(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with streaming(config) as streams:
        messages = streams.watch(event.id)
        await the_next(messages)
        while not await cut_everyone(database):  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.02)
        await come_and_fold(database, event)
        assert (await until_sequence(messages, 1)).sequence == 1
        await come_and_fold(database, event)
        assert (await until_sequence(messages, 2)).sequence == 2
        await messages.aclose()


async def test_streams_end_in_their_time_and_with_the_process(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    async with streaming(config, life_s=0.2) as streams:
        kinds = [each.event async for each in streams.watch(event.id)]
        assert kinds[0] == "tally"
        assert set(kinds[1:]) <= {"heartbeat"}
        assert streams.viewers() == 0
    async with streaming(config) as streams:
        messages = streams.watch(event.id)
        await the_next(messages)
    with pytest.raises(StopAsyncIteration):
        await the_next(messages)


# Over HTTP ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def served(config: Config) -> AsyncIterator[tuple[httpx.AsyncClient, Streams]]:
    """The application behind a real server on loopback, since a stream has no end to wait for."""
    app = create_app(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, http="httptools", ws="none", timeout_graceful_shutdown=1)
        )
        serving = asyncio.create_task(server.serve([listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:
                await until(lambda: server.started or serving.done(), PATIENCE_S)
                yield client, app.state.streams
        finally:
            server.should_exit = True
            await serving


async def new_event(client: httpx.AsyncClient, organizer: Headers, organization: UUID) -> Hall:
    """An event made over HTTP."""
    body = {
        "organization_id": str(organization),
        "name": "零碳会议",
        "kind": "meeting",
        "place": "北京",
        "venue": "会议中心",
        "time_zone": "Asia/Shanghai",
        "expected_people": 300,
        "hours": [{"opens_at": "2026-11-20T00:00:00Z", "closes_at": "2026-11-20T12:00:00Z"}],
        "gates": ["A", "B"],
    }
    answer = await client.post("/v1/events", json=body, headers=organizer | key())
    assert answer.status_code == 201, answer.text
    gates = [gate["id"] for gate in answer.json()["gates"]]
    return Hall(UUID(answer.json()["id"]), (gates[0], gates[1]))


async def event_of(lines: AsyncIterator[str]) -> dict[str, str]:
    """The fields of the next server-sent event."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(SOON_S):
        async for line in lines:
            if not line and "data" in fields:
                return fields
            name, _, value = line.partition(": ")
            fields[name] = value
    raise AssertionError


async def test_an_organizer_watches_over_http_and_leaves_no_trace(database: asyncpg.Pool, config: Config) -> None:
    async with served(config) as (client, streams):
        organizer, organization = await found_organization(client, WANG)
        event = await new_event(client, organizer, organization)
        url = f"/v1/events/{event.id}/tally"
        async with client.stream("GET", f"{url}/stream", headers=organizer) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.aiter_lines()
            first = await event_of(lines)
            assert (first["event"], first["id"], first["retry"]) == ("tally", "0", "1000")
            await come_and_fold(database, event)
            second = await event_of(lines)
            assert (second["event"], second["id"]) == ("tally", "1")
            assert streams.viewers() == 1
        read_once = (await client.get(url, headers=organizer)).json()
        assert read_once | {"as_of": ""} == msgspec.json.decode(second["data"]) | {"as_of": ""}
        await until(lambda: streams.viewers() == 0)
        async with client.stream("GET", f"{url}/stream", headers=organizer | {"Last-Event-ID": "1"}) as answer:
            assert (await event_of(answer.aiter_lines()))["event"] == "heartbeat"


async def test_only_organizers_and_the_regions_authority_watch(database: asyncpg.Pool, config: Config) -> None:
    async with served(config) as (client, streams):
        organizer, organization = await found_organization(client, WANG)
        event = await new_event(client, organizer, organization)
        stranger, _ = await found_organization(client, "13800000009")
        gate = await add_gate_keeper(client, organizer, organization, HAN)
        citizen = bearer(await sign_in_tokens(client, "13800000008"))
        authority = await appoint(client, database, config, ZHAO, "110000")
        elsewhere = await appoint(client, database, config, "13800000007", "140000")
        for url in (f"/v1/events/{event.id}/tally", f"/v1/events/{event.id}/tally/stream"):
            expected: tuple[tuple[Headers, int], ...] = (
                (stranger, 404),
                (elsewhere, 404),
                (gate, 403),
                (citizen, 403),
                ({}, 401),
            )
            for headers, status in expected:
                answer = await client.get(url, headers=headers)
                assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
            async with client.stream("GET", url, headers=authority) as answer:
                assert answer.status_code == 200
        assert (await client.get(f"/v1/events/{uuid4()}/tally", headers=organizer)).status_code == 404
        assert streams.viewers() <= 1


async def test_the_tally_over_http_is_the_one_folded(database: asyncpg.Pool, config: Config) -> None:
    async with served(config) as (client, _):
        organizer, organization = await found_organization(client, WANG)
        event = await new_event(client, organizer, organization)
        await come_and_fold(database, event, 2)
        answer = await client.get(f"/v1/events/{event.id}/tally", headers=organizer)
        got = msgspec.json.decode(answer.content, type=Tally)
        assert msgspec.structs.replace(got, as_of=(here := await read(database, event)).as_of) == here
