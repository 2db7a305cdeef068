"""`post_bulk`: transfers a second by `ledger.post_many` in batches, against `COPY` of the same rows into a bare table.

Members are issued credits and give them: a batch of the one, a batch of the other. Each batch is a transaction of its
own with the members locked, as a worker would post it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from uuid import UUID

import asyncpg

from service import ledger
from service.db import new_id, open_pool, transaction
from service.ledger import Transfer
from tests.bench.checkin import prepare, settle
from tests.bench.donations import run
from tests.bench.donors import CLASSES
from tests.bench.figures import RUNS, Figure, median_ratio
from tests.bench.stand import Stand, stand
from tests.bench.world import World, add_members

BATCH = 1_000
TRANSFERS = 100_000
BARE = """
DROP TABLE IF EXISTS bench_transfers;
CREATE TABLE bench_transfers (LIKE transfers INCLUDING DEFAULTS, PRIMARY KEY (id, ordinal))
"""
Post = Callable[[asyncpg.Pool, Sequence[Transfer]], Awaitable[None]]


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(service: Stand, transfers: int = TRANSFERS, runs: int = RUNS) -> list[Figure]:
    """Alternate the ledger, and `COPY` by the batch and of all at once."""
    world = run(prepare(service))
    per_s = defaultdict[str, list[float]](list)
    ways: dict[str, tuple[Post, int]] = {
        "post_bulk": (post, BATCH),
        "copy": (copy, BATCH),
        "copy_at_once": (copy, transfers),
    }
    for _ in range(runs):
        for name, (way, batch) in ways.items():
            per_s[name].append(run(rate_of(world, way, transfers, batch)))
            run(settle(service))
    return figures(per_s)


async def rate_of(world: World, way: Post, transfers: int, batch: int) -> float:
    """Post so many transfers of new members by the batch; how many a second."""
    async with await open_pool(world.stand.config, hot=True) as pool:
        posted = await new_transfers(pool, transfers, world.event.id)
        await pool.execute("DROP TABLE IF EXISTS bench_transfers")
        await pool.execute(
            "CREATE TABLE bench_transfers (LIKE transfers INCLUDING DEFAULTS, PRIMARY KEY (id, ordinal))"
        )
        began = time.perf_counter()
        for start in range(0, len(posted), batch):
            await way(pool, posted[start : start + batch])
        return len(posted) / (time.perf_counter() - began)


async def new_transfers(pool: asyncpg.Pool, count: int, event_id: UUID) -> list[Transfer]:
    """Batches of issuances, each followed by the batch of donations that uses them up; for a few thousand members."""
    async with transaction(pool) as connection:
        members = await add_members(connection, min(count // 2, 10 * BATCH))
        class_id = (await ledger.class_ids(connection, CLASSES[:1]))[CLASSES[0]]
    transfers: list[Transfer] = []
    for start in range(0, count // 2, BATCH):
        batch = [members[number % len(members)] for number in range(start, min(start + BATCH, count // 2))]
        transfers += [Transfer(new_id(), ledger.ISSUANCE, each, class_id, 300, "issue") for each in batch]
        transfers += [Transfer(new_id(), each, event_id, class_id, 300, "donate") for each in batch]
    return transfers


async def post(pool: asyncpg.Pool, transfers: Sequence[Transfer]) -> None:
    """A batch through the ledger."""
    async with transaction(pool) as connection:
        await ledger.lock_accounts(connection, {each.source for each in transfers} - {ledger.ISSUANCE})
        await ledger.post_many(connection, transfers)


async def copy(pool: asyncpg.Pool, transfers: Sequence[Transfer]) -> None:
    """The same rows into the same columns, with a primary key and nothing else."""
    async with transaction(pool) as connection:
        await connection.copy_records_to_table("bench_transfers", records=transfers, columns=Transfer._fields)


def figures(per_s: dict[str, list[float]]) -> list[Figure]:
    """Medians, and ratios within each run."""
    shown = {name: round(median(values)) for name, values in per_s.items()}
    of_all = median_ratio(per_s["post_bulk"], per_s["copy_at_once"])
    return [
        Figure(
            name="post_bulk",
            value=shown["post_bulk"],
            unit="1/s",
            ratio=round(median_ratio(per_s["post_bulk"], per_s["copy"]), 3),
            of="copy_bulk",
            limit=0.2,
            bound="least",
            note=f"batches of {BATCH}, half issued, half donated, a transaction each",
        ),
        Figure(name="copy_bulk", value=shown["copy"], unit="1/s", note="the same batches, a primary key only"),
        Figure(
            name="copy_bulk_at_once",
            value=shown["copy_at_once"],
            unit="1/s",
            note=f"all in one COPY; post_bulk is {of_all:.3f} of it",
        ),
    ]
