"""Travel entered before activity data knew other sources counts on as it was, to the gram."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import asyncpg
import pytest

from scenarios.meeting.recompute import recompute
from scenarios.meeting.report_building import build
from service import activity_data, events, inventories, line_rows, migrate, reports
from service.access import Caller, Role
from service.config import Config
from service.db import Connection, open_pool, transaction
from service.events import Event
from service.line_inputs import NewLine
from tests.doors import MORNING
from tests.machines import Machines, drop_database, with_database

OLD = Path(__file__).parent / "data" / "travel_rows_0003.sql"
"""Written by the version that had migrations 0001 to 0003."""
GRAMS = {
    "国内会议": [10_354, 0, 37_244, 612_448, 50_805, 731_523, 81_008],
    "EGU 2019": [49_718_027, 75_030],
}
"""What that version said of each line, in the order of entry."""
OWN = {"id", "entered_at", "out_of_scale", "factor", "base_amount"}
"""What the same line entered anew has of its own, or writes in another way."""


@pytest.fixture
async def migrated(
    servers: Machines, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Pool]:
    """A database with such lines, brought up to date since."""
    name = f"{database_name}_old"
    url = with_database(servers.database_url, name)
    await drop_database(servers.database_url, name)
    server = await asyncpg.connect(servers.database_url)
    await server.execute(f'CREATE DATABASE "{name}"')
    await server.close()
    for each in sorted(migrate.FOLDER.glob("000[123]_*.sql")):
        shutil.copy(each, tmp_path)
    with monkeypatch.context() as earlier:
        earlier.setattr(migrate, "FOLDER", tmp_path)
        assert len(await migrate.migrate(url)) == 3
    connection = await asyncpg.connect(url)
    await connection.execute(OLD.read_text("utf-8"))
    await connection.close()
    assert "0004_activity_data.sql" in await migrate.migrate(url)
    async with await open_pool(Config(database_url=url, redis_url=servers.redis_url, secret=b"test" * 8)) as pool:
        yield pool
    await drop_database(servers.database_url, name)


async def by_name(connection: Connection, name: str) -> tuple[Caller, Event]:
    """An event, and who organizes it."""
    row = await connection.fetchrow(
        "SELECT events.id, founded_by FROM events JOIN organizations ON organizations.id = organization_id"
        " WHERE events.name = $1",
        name,
    )
    assert row is not None
    return Caller(row["founded_by"], frozenset({Role.ORGANIZER})), await events.find(connection, row["id"])


async def test_old_lines_of_travel_count_on_as_they_were(migrated: asyncpg.Pool) -> None:
    for name, grams in GRAMS.items():
        async with transaction(migrated) as connection:
            caller, event = await by_name(connection, name)
            lines = await line_rows.live_lines(connection, event.id)
            assert [each.emissions_g for each in lines] == grams
            assert {(each.source, each.stage, each.rank, each.ended_at) for each in lines} == {
                ("travel", "hold", "declared", None)
            }
            result = (await inventories.draft(connection, event.id, MORNING)).result
            assert (result.lines_g, result.full_g) == (sum(grams), sum(grams))
            made = await reports.accounted(connection, event.id, None, MORNING)
            assert recompute(build(made)) == []
            again = [
                NewLine(each.item, f"{each.people:f}", each.distance_m, round_trip=each.round_trip, label=each.label)
                for each in lines
            ]
            entered = await activity_data.enter(
                connection, caller, event, activity_data.NewActivityData(again), MORNING
            )
            assert [each.emissions_g for each in entered.lines] == grams
            new = (await line_rows.live_lines(connection, event.id))[len(lines) :]
            for old, other in zip(lines, new, strict=True):
                for field in set(old.__struct_fields__) - OWN:
                    assert getattr(old, field) == getattr(other, field), (old.item, field)
                assert Fraction(old.base_amount) == Fraction(other.base_amount)
                for field in ("key", "value", "unit", "gases", "citation", "pack"):
                    assert getattr(old.factor, field) == getattr(other.factor, field), (old.item, field)
