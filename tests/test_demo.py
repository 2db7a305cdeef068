"""The example on one machine: there is always an event that is open, and filling it again adds nobody."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from service import (
    codes,
    confirmations,
    demo,
    demo_visits,
    events,
    members,
    organizations,
    readiness,
    tallies,
)
from service.access import Caller
from service.config import Config
from service.db import new_id, transaction
from service.events import check_open
from service.sessions import Tokens

NOW = datetime(2026, 11, 20, 19, 59, tzinfo=UTC)  # 03:59 in China: the day before still
SMALL = demo.MAIN._replace(first_day=30, second_day=20, citizens=4)
SMALL_SECOND = demo.SECOND._replace(first_day=8, second_day=4, citizens=3)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples with few people."""
    monkeypatch.setattr(demo, "MAIN", SMALL)
    monkeypatch.setattr(demo, "SECOND", SMALL_SECOND)


async def look(pool: asyncpg.Pool, config: Config, now: datetime = NOW) -> demo.FirstLook:
    async with pool.acquire() as connection:
        return await demo.first_look(connection, config, now)


async def counts(pool: asyncpg.Pool) -> list[tuple[int, int, int, int]]:
    """Check-ins, attendees, grams given and emissions of each event, folded."""
    async with transaction(pool) as connection:
        for event_id in await tallies.pending_events(connection):
            while await tallies.fold(connection, event_id):
                pass
        rows = await connection.fetch("SELECT event_id FROM tallies ORDER BY event_id")
        read = [await tallies.read(connection, row["event_id"]) for row in rows]
    return [(each.check_ins, each.people, each.donated_g, each.emissions_g) for each in read]


@pytest.mark.parametrize("hours", [0, 1, 12, 100, 180])
async def test_at_every_start_the_event_shown_is_open(database: asyncpg.Pool, config: Config, hours: int) -> None:
    await look(database, config)
    later = NOW + timedelta(hours=hours)
    check_open((await look(database, config, later)).event, later)


async def test_a_later_start_finds_the_event_that_is_open(database: asyncpg.Pool, config: Config) -> None:
    first = await look(database, config)
    assert (await look(database, config, NOW + timedelta(days=3))).event == first.event


async def test_when_the_event_is_over_the_next_is_made_by_the_same_organization(
    database: asyncpg.Pool, config: Config
) -> None:
    first = await look(database, config)
    second = await look(database, config, NOW + timedelta(days=30))
    assert second.event.id != first.event.id
    assert second.event.organization_id == first.event.organization_id


async def test_the_code_shown_signs_the_organizer_in_however_often_it_is_started(
    database: asyncpg.Pool, config: Config
) -> None:
    for minute in range(10):
        now = NOW + timedelta(seconds=minute)
        shown = await look(database, config, now)
    signed_in = await members.sign_in(database, config, demo.ORGANIZER, shown.sign_in_code, str(new_id()), now)
    assert isinstance(signed_in, Tokens)
    async with database.acquire() as connection:
        organizer = await members.member_by_phone(connection, config, demo.ORGANIZER)
        found = await organizations.of_member(connection, organizer)
    assert [each.name for each in found] == [demo.ORGANIZATION]


@pytest.mark.usefixtures("small")
async def test_the_example_is_filled_with_everyone_it_promises(database: asyncpg.Pool, config: Config) -> None:
    heard: list[tuple[int, int]] = []
    doors = await demo.fill(database, config, NOW, lambda come, of: heard.append((come, of)))
    assert [gate.name for _, gate in doors] == [*SMALL.gates, *SMALL_SECOND.gates]
    assert heard[-1] == (62, 62)
    main, second, meeting, fair = await counts(database)
    assert [each[0] for each in (main, second, meeting, fair)] == [50, 12, 40, 320]
    for _, people, donated_g, emissions_g in (main, second, meeting):
        assert people > 0
        assert donated_g > 0
        assert emissions_g > 0


@pytest.mark.usefixtures("small")
async def test_one_event_has_gone_the_whole_way_and_one_lacks_its_offsets(
    database: asyncpg.Pool, config: Config
) -> None:
    await demo.fill(database, config, NOW, lambda come, of: None)
    async with database.acquire() as connection:
        organizer = Caller(await members.member_by_phone(connection, config, demo.ORGANIZER), demo.ROLES)
        fair, meeting, *_ = await events.of_caller(connection, organizer)
        standing = await confirmations.in_force(connection, meeting.id)
        states = [
            {each.key: each.state for each in (await readiness.of_event(connection, event, NOW)).steps}
            for event in (meeting, fair)
        ]
    assert standing
    assert str((await look(database, config)).certificate_url).endswith(f"/n/{standing.id}")
    assert set(states[0].values()) <= {"done", "not_needed"}, states[0]
    assert {key for key, state in states[1].items() if state in {"due", "missing"}} >= {"offset_neutral", "confirm"}
    assert states[1]["publish_plan"] == states[1]["account"] == "done"


@pytest.mark.usefixtures("small")
async def test_filling_again_adds_nothing_also_days_later(database: asyncpg.Pool, config: Config) -> None:
    await demo.fill(database, config, NOW, lambda come, of: None)
    before = await counts(database)
    await demo.fill(database, config, NOW + timedelta(days=2), lambda come, of: None)
    assert await counts(database) == before


async def test_visitors_come_in_by_the_posters_code(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    shown = await look(database, config, datetime.now(UTC))
    chance = random.Random(7)
    for _ in range(12):
        await demo_visits.visit(client, codes.poster_code(config, shown.gate.short_code), chance)
    ((check_ins, *_),) = await counts(database)
    assert check_ins == 12
