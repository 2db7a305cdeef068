"""What grouped donations are held against: one transaction each, in the fastest SQL we know.

The same tables, triggers, rows and verdicts: an id is decided once, the oldest class is drawn first, a refusal is kept.
The donor is guarded by the balance's check alone, which costs no lock beforehand: who meets it, because somebody else
drew from the same donor meanwhile, tries again. Every shape is prepared, on a connection of its own with the hot pool's
settings. What was tried is in `SHAPES`; the bench measures with `FASTEST`. On two cores the function and the statement
were alike; locking the donor first took a tenth; 8 connections gave a quarter less than 16, and 32 about as much.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from service.config import Config
from service.db import PLANNED_ONCE, SETTINGS
from service.donations import Donation, DonationRequest, donate_many
from tests.bench.stand import connected

Give = Callable[[DonationRequest], Awaitable[object]]
"""Decides one donation and commits it. Raises RuntimeError where it is refused."""
Shape = Callable[[asyncpg.Connection], Awaitable[Give]]

FUNCTIONS = """
CREATE TABLE IF NOT EXISTS bench_events (event_id uuid PRIMARY KEY, grams bigint NOT NULL, donations bigint NOT NULL);

CREATE OR REPLACE FUNCTION bench_donate(asked_id uuid, donor uuid, event uuid, asked_g bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    held_classes integer[];
    held_g bigint[];
    in_all bigint;
    rest bigint := asked_g;
BEGIN
    SELECT array_agg(class_id ORDER BY vintage, class_id), array_agg(grams ORDER BY vintage, class_id), sum(grams)
    INTO held_classes, held_g, in_all FROM holdings WHERE account_id = donor AND earned_at IS DISTINCT FROM event;
    INSERT INTO donations (id, member_id, event_id, grams, refusal, held_g, decided_at)
    VALUES (asked_id, donor, event, asked_g,
            CASE WHEN in_all >= asked_g THEN NULL ELSE 'overdraft' END,
            CASE WHEN in_all >= asked_g THEN NULL ELSE coalesce(in_all, 0) END, clock_timestamp())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'repeated';
    END IF;
    IF in_all >= asked_g IS NOT TRUE THEN
        RETURN 'overdraft';
    END IF;
    IF held_g[1] >= asked_g THEN
        INSERT INTO transfers (id, source, destination, class_id, grams, reason)
        VALUES (asked_id, donor, event, held_classes[1], asked_g, 'donate');
    ELSE
        INSERT INTO transfers (id, ordinal, source, destination, class_id, grams, reason)
        SELECT asked_id, number - 1, donor, event, class_id, least(up_to, asked_g) - (up_to - grams), 'donate'
        FROM (
            SELECT number, class_id, grams, sum(grams) OVER (ORDER BY number) AS up_to
            FROM unnest(held_classes, held_g) WITH ORDINALITY AS held (class_id, grams, number)
        ) AS drawn
        WHERE up_to - grams < asked_g;
    END IF;
    INSERT INTO tally_changes (event_id, sign, donations, donated_g, transfers, changed_at)
    VALUES (event, 1, 1, asked_g, ARRAY[asked_id], now());
    RETURN 'given';
END
$$;

CREATE OR REPLACE FUNCTION bench_donate_counted(asked_id uuid, donor uuid, event uuid, asked_g bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    verdict text := bench_donate(asked_id, donor, event, asked_g);
BEGIN
    IF verdict = 'given' THEN
        UPDATE bench_events SET grams = grams + asked_g, donations = donations + 1 WHERE event_id = event;
    END IF;
    RETURN verdict;
END
$$
"""
STATEMENT = """
WITH held AS (
    SELECT class_id, grams, sum(grams) OVER (ORDER BY vintage, class_id) AS up_to
    FROM holdings WHERE account_id = $2 AND earned_at IS DISTINCT FROM $3
),
decided AS (
    INSERT INTO donations (id, member_id, event_id, grams, refusal, held_g, decided_at)
    SELECT $1, $2, $3, $4::bigint, CASE WHEN in_all >= $4::bigint THEN NULL ELSE 'overdraft' END,
           CASE WHEN in_all >= $4::bigint THEN NULL ELSE coalesce(in_all, 0) END, clock_timestamp()
    FROM (SELECT max(up_to) AS in_all FROM held) AS total
    ON CONFLICT DO NOTHING
    RETURNING refusal
),
moved AS (
    INSERT INTO transfers (id, ordinal, source, destination, class_id, grams, reason)
    SELECT $1, row_number() OVER (ORDER BY up_to) - 1, $2, $3, class_id,
           least(up_to, $4::bigint) - (up_to - grams), 'donate'
    FROM decided CROSS JOIN held WHERE refusal IS NULL AND up_to - grams < $4::bigint
),
noted AS (
    INSERT INTO tally_changes (event_id, sign, donations, donated_g, transfers, changed_at)
    SELECT $3, 1, 1, $4::bigint, ARRAY[$1::uuid], now() FROM decided WHERE refusal IS NULL
)
SELECT coalesce(refusal, 'given') FROM decided
"""


async def by_function(connection: asyncpg.Connection) -> Give:
    """One round trip: a function that reads what the donor holds and writes."""
    return as_give(await connection.prepare("SELECT bench_donate($1, $2, $3, $4)"))


async def by_function_counted(connection: asyncpg.Connection) -> Give:
    """The same, and the event's row updated last, so that it is locked as shortly as can be: pgledger's way."""
    return as_give(await connection.prepare("SELECT bench_donate_counted($1, $2, $3, $4)"))


async def by_statement(connection: asyncpg.Connection) -> Give:
    """One round trip: all in one statement."""
    return as_give(await connection.prepare(STATEMENT))


async def by_transaction(connection: asyncpg.Connection) -> Give:
    """Four round trips: begin, lock, the statement of sets for a set of one, commit."""

    async def give(asked: DonationRequest) -> None:
        async with connection.transaction():
            (verdict,) = await donate_many(connection, [asked])
        if not isinstance(verdict, Donation):
            raise RuntimeError(repr(verdict))

    return give


SHAPES: dict[str, Shape] = {
    "function": by_function,
    "statement": by_statement,
    "transaction": by_transaction,
    "function_counted": by_function_counted,
}
FASTEST = by_function


def as_give(prepared: asyncpg.prepared_stmt.PreparedStatement) -> Give:
    """A prepared statement that answers 'given', begun anew where the balance's check stopped it."""

    async def give(asked: DonationRequest) -> None:
        while True:
            try:
                verdict = await prepared.fetchval(*asked)
            except asyncpg.CheckViolationError as violation:
                if violation.constraint_name != "no_overdraft":
                    raise
            else:
                break
        if verdict != "given":
            raise RuntimeError(repr(verdict))

    return give


async def set_up(config: Config, events: list[object]) -> None:
    """Make the bench's own functions, and its table with a row for each of these events."""
    async with connected(config) as pool, pool.acquire() as connection:
        await connection.execute(FUNCTIONS)
        await connection.executemany(
            "INSERT INTO bench_events (event_id, grams, donations) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING",
            [(each,) for each in events],
        )


@asynccontextmanager
async def givers(config: Config, shape: Shape, connections: int) -> AsyncIterator[list[Give]]:
    """As many connections of their own, each giving in this shape."""
    async with AsyncExitStack() as stack:
        yield [await shape(await stack.enter_async_context(opened(config))) for _ in range(connections)]


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the hot pool's settings."""
    connection = await asyncpg.connect(config.database_url, server_settings=SETTINGS | PLANNED_ONCE)
    try:
        yield connection
    finally:
        await connection.close()
