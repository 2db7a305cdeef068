"""The replay of a real congress: exact, once, and resumable."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import asyncpg
import httpx
import pytest

from scenarios.factors import factor_set
from scenarios.meeting.inventory import TravelLine, quantify_lines
from service import replay, tallies
from service.db import transaction
from service.members import code_on_screen
from service.replay import Organizer, Person, Stopped
from tests.bench import stand
from tests.bench.processes import CHECKOUT
from tests.people import WANG, ask_code

TABLE = Path(__file__).parent / "data" / "egu2019.csv"


@asynccontextmanager
async def folding(pool: asyncpg.Pool) -> AsyncIterator[None]:
    """What the worker does, every 50 ms."""

    async def fold_on() -> None:
        while True:
            async with transaction(pool) as connection:
                for event_id in await tallies.pending_events(connection):
                    await tallies.fold(connection, event_id)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(fold_on())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def organizer(client: httpx.AsyncClient) -> Organizer:
    """Someone signed in, with the replay's organization."""
    return await replay.sign_in(client, WANG, await ask_code(client, WANG))


def spread(count: int) -> list[Person]:
    """People from all over the table."""
    everybody = replay.people_of(replay.read_table(TABLE))
    return everybody[:: len(everybody) // count][:count]


def expected_g(people: list[Person]) -> int:
    """What they emit, each rounded up to the gram as a check-in is, by the pure function alone."""
    rule = factor_set(replay.FACTOR_SET)
    today = replay.now_utc().date()
    return sum(
        quantify_lines([TravelLine("any", Decimal(1), each.distance_m)], rule, "AT", today).emissions_g
        for each in people
    )


def test_everybody_is_a_whole_person() -> None:
    people = replay.people_of(replay.read_table(TABLE))
    assert len(set(people)) == replay.EVERYBODY
    assert replay.is_met(expected_g(people), replay.WHOLE_PEOPLE_T)


def test_a_tenth_of_a_tonne_off_is_noticed() -> None:
    assert replay.is_met(22_301_899_999, replay.WHOLE_PEOPLE_T)
    assert not replay.is_met(22_301_900_001, replay.WHOLE_PEOPLE_T)
    assert not replay.is_met(22_301_699_999, replay.WHOLE_PEOPLE_T)


async def test_the_tally_is_exactly_what_those_who_came_emit(organizer: Organizer, database: asyncpg.Pool) -> None:
    people, came = spread(50), []
    event = await replay.open_event(organizer, replay.FACTOR_SET, replay.now_utc(), anew=False)
    await replay.replay_people(organizer.client, event, people, 1_000, lambda: came.append(1))
    async with folding(database):
        assert await replay.await_tally(organizer, event["id"], 50) == (50, expected_g(people))
    assert len(came) == 50


async def test_an_interrupted_replay_goes_on_where_it_was(organizer: Organizer, database: asyncpg.Pool) -> None:
    people, came = spread(400), asyncio.Semaphore(0)
    event = await replay.open_event(organizer, replay.FACTOR_SET, replay.now_utc(), anew=False)
    first = asyncio.create_task(replay.replay_people(organizer.client, event, people, 200, came.release))
    for _ in range(20):
        await came.acquire()
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    assert await database.fetchval("SELECT count(*) FROM check_ins") in range(20, 400)
    later = replay.now_utc() + timedelta(hours=2)
    found = await replay.open_event(organizer, replay.FACTOR_SET, later, anew=False)
    assert found["id"] == event["id"]
    await replay.replay_people(organizer.client, found, people, 1_000, lambda: None)
    async with folding(database):
        assert await replay.await_tally(organizer, event["id"], 400) == (400, expected_g(people))


async def test_a_new_replay_is_another_event(organizer: Organizer) -> None:
    first = await replay.open_event(organizer, replay.FACTOR_SET, replay.now_utc(), anew=False)
    second = await replay.open_event(organizer, replay.FACTOR_SET, replay.now_utc(), anew=True)
    assert first["id"] != second["id"]


@pytest.mark.parametrize("rule", replay.ROWS_T)
async def test_rows_entered_as_activity_data_come_to_the_published_footprint(organizer: Organizer, rule: str) -> None:
    event = await replay.open_event(organizer, rule, replay.now_utc(), anew=False)
    for _ in range(2):  # the second time adds nothing
        emissions_g = await replay.enter_rows(organizer, event["id"], replay.read_table(TABLE))
        assert replay.is_met(emissions_g, replay.ROWS_T[rule])


async def test_a_refusal_stops_the_replay_with_its_words(organizer: Organizer) -> None:
    event = await replay.open_event(organizer, replay.FACTOR_SET, replay.now_utc(), anew=False)
    too_far = [Person(0, 0, 40_001_000)]
    with pytest.raises(Stopped) as stopped:
        await replay.replay_people(organizer.client, event, too_far, 100, lambda: None)
    assert "40001" in str(stopped.value.values["reason"])


async def test_a_server_that_is_away_for_a_moment_loses_nobody(organizer: Organizer, database: asyncpg.Pool) -> None:
    event = await replay.open_event(organizer, replay.FACTOR_SET, replay.now_utc(), anew=False)
    failures = iter([503, 429, None])
    real = organizer.client

    async def flaky(request: httpx.Request) -> httpx.Response:
        status = next(failures, None)
        return httpx.Response(status, headers={"retry-after": "0"}) if status else await real.send(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(flaky), base_url=real.base_url) as client:
        await replay.replay_people(client, event, spread(3), 1_000, lambda: None)
    async with folding(database):
        assert (await replay.await_tally(organizer, event["id"], 3)).check_ins == 3


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("city,country\nWien,Austria\n", "utf-8")
    with pytest.raises(Stopped):
        replay.read_table(table)


@pytest.mark.slow
def test_the_command_says_whether_it_is_as_published() -> None:
    with stand.folder() as scratch, stand.stand(scratch) as service:
        command = [sys.executable, "-m", "service.cli", "replay", str(TABLE), "--rows"]
        options = [
            "--url",
            f"http://127.0.0.1:{service.port}",
            "--phone",
            WANG,
            "--code",
            asyncio.run(code_of(service)),
        ]
        said = subprocess.run([*command, *options], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert "22,302.061" in said.stdout
    assert "19,750.180" in said.stdout


async def code_of(service: stand.Stand) -> str:
    """A sign-in code, as `up` shows one."""
    async with stand.connected(service.config) as pool, pool.acquire() as connection:
        return await code_on_screen(connection, service.config, WANG, replay.now_utc())
