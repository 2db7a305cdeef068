"""`ledger_growth`: donations a second with millions of transfers stored, against the same with none.

Two services side by side, measured in turns. The one is filled truly: members, issuances and donations to the event
that is measured, by the statements that the service uses, with every trigger; folded and sealed before it begins.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

import asyncpg

from service.db import transaction
from service.donations import Donation, DonationRequest, donate_many
from tests.bench.checkin import prepare, settle
from tests.bench.donations import CALLERS, give_for, grouped, run
from tests.bench.donors import DONORS, gifts, make_donors
from tests.bench.figures import RUNS, Figure, median_ratio
from tests.bench.stand import Stand, connected, stand
from tests.bench.world import World

MANY = 5_000_000
GIFTS_EACH = 8
SET = 1_000
SEALED_WITHIN_S = 1_800


def measure(scratch: Path) -> list[Figure]:
    """Measure on two services of our own."""
    with stand(scratch, "none") as none, stand(scratch, "many") as many:
        return measure_on(none, many)


def measure_on(
    empty_one: Stand,
    full_one: Stand,
    many: int = MANY,
    seconds: float = 3,
    warm_up_s: float = 1,
    runs: int = RUNS,
    donors: int = DONORS,
) -> list[Figure]:
    """Fill one; then the same crowd gives on both, in turns. Each run adds its own transfers to both."""
    worlds = {"none": run(prepare(empty_one)), "many": run(prepare(full_one))}
    began = time.monotonic()
    stored = run(fill(worlds["many"], many, donors))
    filled_per_s = stored / (time.monotonic() - began)
    run(settle(full_one, SEALED_WITHIN_S))
    per_s = defaultdict[str, list[float]](list)
    for _ in range(runs):
        for name, world in worlds.items():
            found = run(give_for(world, lambda config: grouped(config, CALLERS), seconds, warm_up_s, donors))
            per_s[name].append(found.per_s)
            run(settle(world.stand))
    return [
        Figure(
            name="ledger_growth",
            value=round(median(per_s["many"])),
            unit="1/s",
            ratio=round(median_ratio(per_s["many"], per_s["none"]), 3),
            of=f"{median(per_s['none']):.0f} with none",
            limit=0.85,
            bound="least",
            note=f"donation_hot with {many} transfers stored, to the same event",
        ),
        Figure(name="ledger_fill_per_s", value=round(filled_per_s), unit="1/s", note=f"transfers, by sets of {SET}"),
    ]


async def fill(world: World, many: int, donors: int) -> int:
    """Let members be issued credits and give, until so many transfers are stored; return how many."""
    stored = 0
    async with connected(world.stand.config) as pool:
        while stored < many:
            given = itertools.islice(gifts(await make_donors(pool, donors), world.event.id), donors * GIFTS_EACH)
            await give_all(pool, given)
            stored = await pool.fetchval("SELECT count(*) FROM transfers")
    return stored


async def give_all(pool: asyncpg.Pool, asked: Iterable[DonationRequest]) -> None:
    """Decide by the set, each in its transaction. Raises RuntimeError with the first refusal."""
    for each in sets_of(iter(asked)):
        async with transaction(pool) as connection:
            for verdict in await donate_many(connection, each):
                if not isinstance(verdict, Donation):
                    raise RuntimeError(repr(verdict))


def sets_of(asked: Iterator[DonationRequest]) -> Iterator[list[DonationRequest]]:
    """Sets for a transaction each."""
    while each := list(itertools.islice(asked, SET)):
        yield each
