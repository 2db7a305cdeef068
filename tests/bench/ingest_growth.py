"""`ingest_growth`: a partner's acts a second with millions of acts stored, against the same with none.

Two services side by side, measured in turns. The one is filled truly: every act was decided, recorded and issued by
the statements that the service uses, of the very citizens whose acts are then reported; sealed before it begins.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from service.db import open_pool
from service.partner_feed import SET, decide
from service.partner_reports import read_all
from tests.bench.checkin import settle
from tests.bench.donations import run
from tests.bench.figures import RUNS, Figure, median_ratio
from tests.bench.ingest import FEEDS, FIRST_LINES, LINES, bodies_of, feed_all, new_reporter, require_issued
from tests.bench.reporters import Reporter, rides
from tests.bench.stand import Stand, stand

MANY = 5_000_000
CITIZENS = 100_000
"""With fifty acts each: two a day."""
FILLERS = 2
SEALED_WITHIN_S = 3_600


def measure(scratch: Path) -> list[Figure]:
    """Measure on two services of our own."""
    with stand(scratch, "none") as none, stand(scratch, "many") as many:
        return measure_on(none, many)


def measure_on(
    empty_one: Stand,
    full_one: Stand,
    many: int = MANY,
    citizens: int = CITIZENS,
    lines: int = LINES,
    runs: int = RUNS,
) -> list[Figure]:
    """Fill one; then both are fed the same rides, in turns. Each run adds its own to both."""
    reporters = {"none": run(new_reporter(empty_one, citizens)), "many": run(new_reporter(full_one, citizens))}
    filled_per_s = fill(reporters["many"], many)
    run(settle(full_one, SEALED_WITHIN_S))
    acts = {name: rides(reporter, many) for name, reporter in reporters.items()}
    per_s = defaultdict[str, list[float]](list)
    for name, reporter in reporters.items():
        feed_all(reporter, bodies_of(acts[name], min(lines, FIRST_LINES), 1))
    for _ in range(runs):
        for name, reporter in reporters.items():
            run(settle(reporter.stand))
            per_s[name].append(lines * FEEDS / feed_all(reporter, bodies_of(acts[name], lines, FEEDS)))
    return [
        Figure(
            name="ingest_growth",
            value=round(median(per_s["many"])),
            unit="1/s",
            ratio=round(median_ratio(per_s["many"], per_s["none"]), 3),
            of=f"{median(per_s['none']):.0f} with none",
            limit=0.8,
            bound="least",
            note=f"ingest_bulk with {many} acts stored, of the same citizens",
        ),
        Figure(name="ingest_fill_per_s", value=round(filled_per_s), unit="1/s", note=f"acts, by sets of {SET}"),
    ]


def fill(reporter: Reporter, many: int) -> float:
    """Decide so many acts, in processes side by side; return how many a second."""
    began = time.monotonic()
    shares = [range(many * number // FILLERS, many * (number + 1) // FILLERS) for number in range(FILLERS)]
    with ProcessPoolExecutor(FILLERS, multiprocessing.get_context("spawn")) as fillers:
        for _ in fillers.map(fill_share, [reporter] * FILLERS, shares):
            pass
    return many / (time.monotonic() - began)


def fill_share(reporter: Reporter, numbers: range) -> None:
    """One process's share."""
    asyncio.run(decide_all(reporter, numbers))


async def decide_all(reporter: Reporter, numbers: range) -> None:
    """Decide acts by the set, each in its transaction. Raises RuntimeError with the first refusal."""
    acts = itertools.islice(rides(reporter, numbers.start), len(numbers))
    async with await open_pool(reporter.stand.config, hot=True) as pool, pool.acquire() as connection:
        while lines := list(read_all(itertools.islice(acts, SET))):
            async with connection.transaction():
                require_issued(await decide(connection, reporter.partner_id, lines, datetime.now(UTC)))
