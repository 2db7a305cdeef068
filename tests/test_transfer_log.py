"""The log of transfers: all that was posted is sealed once, in order, whoever seals and whatever comes late."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from service import ledger, migrate, transfer_log
from service.checkpoints import public_key
from service.config import Config
from service.db import Connection, new_id, transaction
from service.log_bundles import check
from tests.books import open_member, rich_member
from tests.machines import Machines, drop_database, with_database
from tests.sealed import (
    check_log,
    checked,
    issue_once,
    june,
    older,
    proof,
    seal_all,
    some_of_every_shape,
)
from tests.test_workers import until, working

# Sealing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 5, 1_000])
async def test_what_was_posted_is_sealed_once_in_batches_of_any_size(
    database: asyncpg.Pool, config: Config, limit: int
) -> None:
    for _ in range(3):
        await some_of_every_shape(database)
        await rich_member(database, 10, 20, 30)
        assert await seal_all(database, config, limit) == 12
        assert await seal_all(database, config, limit) == 0
    assert await checked(database, config) == 36


async def test_a_members_transfers_stand_in_the_order_in_which_they_were_made(
    database: asyncpg.Pool, config: Config
) -> None:
    _, _, ids = await some_of_every_shape(database)
    await seal_all(database, config)
    rows = await database.fetch(
        """
        SELECT transfer_id, made_at FROM sealed_transfers
        JOIN transfers ON id = transfer_id AND transfers.ordinal = sealed_transfers.ordinal ORDER BY position
        """
    )
    assert list(dict.fromkeys(row["transfer_id"] for row in rows)) == ids
    assert [row["made_at"] for row in rows] == sorted(row["made_at"] for row in rows)


async def test_two_sealers_at_once_make_one_log(database: asyncpg.Pool, config: Config) -> None:
    posting = True

    async def seal_on() -> None:
        while posting:
            await seal_all(database, config, 3)
            await asyncio.sleep(0)

    sealers = [asyncio.create_task(seal_on()) for _ in range(3)]
    for _ in range(40):
        await rich_member(database, 10, 20)
    posting = False
    await asyncio.gather(*sealers)
    await seal_all(database, config)
    assert await checked(database, config) == 80


async def test_a_sealer_killed_half_way_loses_nothing(database: asyncpg.Pool, config: Config) -> None:
    await some_of_every_shape(database)
    await seal_all(database, config, 3)
    await some_of_every_shape(database)
    connection = await asyncpg.connect(config.database_url)
    await connection.execute("BEGIN")
    assert await transfer_log.seal(connection, config)
    pid = connection.get_server_pid()
    await database.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.execute("COMMIT")
    assert await seal_all(database, config) == 9
    assert await checked(database, config) == 18


async def test_what_commits_late_is_sealed_after_and_the_log_only_grows(database: asyncpg.Pool, config: Config) -> None:
    async with database.acquire() as connection:
        await june(connection)
    late = await asyncpg.connect(config.database_url)
    async with late.transaction():
        member = await open_member(late)
        transfer = await issue_once(late, member, 7)
        await some_of_every_shape(database)
        assert await seal_all(database, config) == 9
    await late.close()
    assert await seal_all(database, config) == 1
    kept = await proof(database, config, member, transfer, 9)
    assert [row.position for row in kept.rows] == [9]
    check(kept, public_key(config), await older(database, config, 9))
    await checked(database, config)


async def test_an_id_that_goes_on_after_it_was_sealed_is_sealed_to_its_end(
    database: asyncpg.Pool, config: Config
) -> None:
    expired = new_id()
    async with transaction(database) as connection:
        member, class_id = await open_member(connection), await june(connection)
        await issue_once(connection, member, 12)
    for ordinal, grams in enumerate((7, 5)):
        part = ledger.Transfer(expired, member, ledger.EXPIRED, class_id, grams, "expire", ordinal)
        async with transaction(database) as connection:
            await ledger.post_many(connection, [part])
        await seal_all(database, config)
    kept = await proof(database, config, member, expired)
    assert [(row.transfer.ordinal, row.position) for row in kept.rows] == [(0, 1), (1, 2)]
    assert await checked(database, config) == 3


async def test_the_log_itself_is_append_only(database: asyncpg.Pool, config: Config) -> None:
    await some_of_every_shape(database)
    await seal_all(database, config)
    for statement in (
        "UPDATE sealed_transfers SET leaf = sha256('')",
        "DELETE FROM log_nodes",
        "UPDATE log_checkpoints SET root = sha256('')",
        "TRUNCATE sealed_transfers",
    ):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await database.execute(statement)


async def test_workers_seal_within_seconds(database: asyncpg.Pool, config: Config) -> None:
    async def all_sealed() -> bool:
        return bool(await database.fetchval("SELECT count(*) = 9 FROM sealed_transfers"))

    async with working(config), working(config):
        await some_of_every_shape(database)
        await until(all_sealed, 5)
    assert await checked(database, config) == 9


# By HTTP and by command -----------------------------------------------------------------------------------------------


async def test_what_was_posted_before_the_log_began_is_sealed_too(
    servers: Machines, database: asyncpg.Pool, config: Config
) -> None:
    """Ids with several ordinals stay whole, however many there are."""
    name = f"{servers.template}_earlier"
    await drop_database(servers.database_url, name)
    await database.execute(f"CREATE DATABASE {name}")
    url = with_database(servers.database_url, name)
    connection = await asyncpg.connect(url)
    try:
        first, *rest = [path.read_text("utf-8") for path in sorted(migrate.FOLDER.glob("*.sql"))]
        await connection.execute(first)
        member, class_id = await open_member(connection), await earlier_class(connection)
        await connection.execute(
            """
            INSERT INTO transfers (id, ordinal, source, destination, class_id, grams, reason)
            SELECT id, ordinal, '00000000-0000-0000-0000-000000000001', $1, $2, 1, 'issue'
            FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 1300)) AS ids, generate_series(0, 1) AS ordinal
            """,
            member,
            class_id,
        )
        for text in rest:
            await connection.execute(text)
        sealed = 0
        while True:
            async with connection.transaction():
                taken = await transfer_log.seal(connection, config, 500)
            if not taken:
                break
            sealed += taken
        assert sealed == 2_600
        assert await check_log(connection, config) == 2_600
    finally:
        await connection.close()
        await drop_database(servers.database_url, name)


async def earlier_class(connection: Connection) -> int:
    """A class as they were before the registry."""
    found: int = await connection.fetchval(
        """
        INSERT INTO credit_classes (region, methodology, version, vintage)
        VALUES ('110000', 'DB11/T 3043', '2024', '2026-09-01') RETURNING id
        """
    )
    return found
