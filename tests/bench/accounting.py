"""`account_100k` and `account_growth`: a whole accounting of very many check-ins, and whether each costs the same."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from service import activity_data, inventories
from service.access import Caller
from service.activity_data import NewActivityData
from service.db import transaction
from tests.bench.checkin import prepare
from tests.bench.figures import RUNS, Figure, median_ratio
from tests.bench.stand import Stand, connected, stand
from tests.bench.visits import add_visits
from tests.bench.world import ROLES, World

LINES = 500
FEW, MANY = 10_000, 1_000_000


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch, "accounting") as own:
        return measure_on(own)


def measure_on(own: Stand, check_ins: int = 100_000, lines: int = LINES, runs: int = RUNS) -> list[Figure]:
    """One event's inventory, computed again and again."""
    world = asyncio.run(filled(own, check_ins, lines))
    took = [asyncio.run(account_s(world)) for _ in range(runs + 1)][1:]
    return [
        Figure(
            name="account_100k",
            value=round(median(each[0] for each in took), 2),
            unit="s",
            limit=2,
            bound="most",
            note=f"{check_ins} check-ins in {took[0][1]} cells and {lines} lines, from the database to the result",
        )
    ]


def measure_growth(scratch: Path) -> list[Figure]:
    """Measure on two services of our own."""
    with stand(scratch, "few") as few, stand(scratch, "many") as many:
        return measure_growth_on(few, many)


def measure_growth_on(
    small_one: Stand, big_one: Stand, few: int = FEW, many: int = MANY, runs: int = RUNS
) -> list[Figure]:
    """Two events, one with few check-ins and one with many, in turns: seconds a check-in."""
    counts = {"few": few, "many": many}
    stands = {"few": small_one, "many": big_one}
    worlds = {name: asyncio.run(filled(stands[name], count, LINES)) for name, count in counts.items()}
    each_us = defaultdict[str, list[float]](list)
    for run in range(runs + 1):
        for name, world in worlds.items():
            took_s, _ = asyncio.run(account_s(world))
            if run:
                each_us[name].append(took_s / counts[name] * 1e6)
    return [
        Figure(
            name="account_growth",
            value=round(median(each_us["many"]), 2),
            unit="us",
            ratio=round(median_ratio(each_us["many"], each_us["few"]), 3),
            of=f"{median(each_us['few']):.2f} at {few}",
            limit=1.1,
            bound="most",
            note=f"a check-in's share of a whole accounting with {many} of them",
        )
    ]


async def filled(own: Stand, check_ins: int, lines: int) -> World:
    """An event with as many check-ins and lines of activity data."""
    world = await prepare(own)
    async with connected(own.config) as pool:
        async with transaction(pool) as connection:
            member = await connection.fetchval("SELECT founded_by FROM organizations LIMIT 1")
            new = msgspec.convert({"lines": [line_of(each) for each in range(lines)]}, NewActivityData)
            await activity_data.enter(connection, Caller(member, ROLES), world.event, new, datetime.now(UTC))
            await add_visits(connection, world.event, check_ins)
        await pool.execute("VACUUM ANALYZE check_ins")
    return world


def line_of(number: int) -> dict[str, Any]:
    """One more line, of several sources."""
    kinds: list[Callable[[], dict[str, Any]]] = [
        lambda: {"item": "electricity", "quantity": str(100 + number), "unit": "kWh", "rank": "measured"},
        lambda: {"item": "diesel", "quantity": f"0.{number:03}1", "unit": "t"},
        lambda: {"item": "metro", "people": "12", "distance_m": 5_000 + number, "round_trip": True},
    ]
    return {**kinds[number % 3](), "label": f"{number}"}


async def account_s(world: World) -> tuple[float, int]:
    """Seconds that the whole inventory takes, and its cells."""
    async with connected(world.stand.config) as pool, pool.acquire() as connection:
        began = time.monotonic()
        found = await inventories.compute(connection, world.event.id, datetime.now(UTC))
        return time.monotonic() - began, len(found.cells)
