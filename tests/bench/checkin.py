"""`checkin_http`: durable check-ins a second, against the same server without its database and a bare application."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

from service import tallies
from tests.bench.figures import RUNS, Figure, median_ratio
from tests.bench.load import Plan, Result
from tests.bench.processes import run_load, serving
from tests.bench.stand import Stand, connected, stand
from tests.bench.world import World, check_in_requests, echo_path, make_members, make_world

PREPARED_PER_S = 6_000
"""Requests prepared for a second of check-ins. A run that uses them up ends early."""
FIRST = 500
"""Check-ins before the first run, so that it finds the service as warm as the others do."""


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(service: Stand, seconds: float = 3, warm_up_s: float = 1, runs: int = RUNS) -> list[Figure]:
    """Alternate check-ins, the echo and the bare application; then the same with accounts, whose trips earn credits."""
    world = asyncio.run(prepare(service))
    fresh: dict[str, Callable[[World, int], list[bytes]]] = {
        "checkin_http": check_in_requests,
        "checkin_account_http": account_requests,
    }
    results = defaultdict[str, list[Result]](list)
    run_load(Plan(port=service.port, requests=check_in_requests(world, FIRST), seconds=30, warm_up_s=0))
    with serving("tests.bench.bare") as bare, serving("tests.bench.ceiling") as ceiling:
        repeated = {
            "echo_http": (service.port, check_in_requests(world, FIRST, path=echo_path(world))),
            "bare_http": (bare, check_in_requests(world, FIRST, path="/")),
            "echo_account_http": (service.port, account_requests(world, FIRST, echo_path(world))),
            "load_ceiling": (ceiling, check_in_requests(world, FIRST, path="/")),
        }
        for _ in range(runs):
            for name, (port, requests) in repeated.items():
                plan = Plan(port=port, requests=requests, seconds=seconds, warm_up_s=warm_up_s, repeat=True)
                results[name].append(run_load(plan))
            for name, make in fresh.items():
                requests = make(world, int(PREPARED_PER_S * (warm_up_s + seconds)))
                plan = Plan(port=service.port, requests=requests, seconds=seconds, warm_up_s=warm_up_s)
                results[name].append(run_load(plan))
                asyncio.run(settle(service))
    return figures(results)


async def prepare(service: Stand) -> World:
    """An event to check in to."""
    async with connected(service.config) as pool:
        return await make_world(pool, service)


async def settle(service: Stand, patience_s: float = 60) -> None:
    """Wait until the worker has folded and sealed all, so that it takes nothing from what is measured next.

    Raises RuntimeError when it does not come to that.
    """
    async with connected(service.config) as pool, pool.acquire() as connection:
        for _ in range(round(patience_s / 0.1)):
            unsealed = await connection.fetchval("SELECT EXISTS (SELECT FROM unsealed_transfers)")
            if not unsealed and not await tallies.pending_events(connection):
                return
            await asyncio.sleep(0.1)
    raise RuntimeError(f"not all is folded and sealed after {patience_s} s")


def account_requests(world: World, count: int, path: str | None = None) -> list[bytes]:
    """Check-ins of as many members."""

    async def tokens() -> list[str]:
        async with connected(world.stand.config) as pool:
            return await make_members(pool, world.stand.config, count)

    return check_in_requests(world, count, tokens=asyncio.run(tokens()), path=path)


def figures(results: dict[str, list[Result]]) -> list[Figure]:
    """Medians, and ratios within each run."""
    per_s = {name: [each.per_s for each in runs] for name, runs in results.items()}
    p99_ms = median(each.p99_ms for each in results["checkin_http"])

    def line(name: str, of: str | None = None, limit: float | None = None, note: str | None = None) -> Figure:
        return Figure(
            name=name,
            value=round(median(per_s[name])),
            unit="1/s",
            ratio=round(median_ratio(per_s[name], per_s[of]), 3) if of else None,
            of=of,
            limit=limit,
            bound="least" if limit else None,
            note=note,
        )

    return [
        line("checkin_http", "echo_http", 0.4, "64 connections, a device each; worker and load on the same cores"),
        Figure(name="checkin_http_p99_ms", value=round(p99_ms, 1), unit="ms"),
        line("echo_http", "bare_http", 0.8, "the check-in's route but for the database"),
        line("bare_http"),
        line(
            "checkin_account_http", "echo_account_http", None, "with accounts: credits issued in the same transaction"
        ),
        line("echo_account_http"),
        line("load_ceiling", None, None, "what the load sends at most"),
    ]
