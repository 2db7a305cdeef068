"""`donation_hot` and its kin: donations a second to one event, grouped, against one transaction each.

In one process on uvloop, beside the whole service: its worker folds meanwhile. Each run has donors of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import uvloop

from service.committers import committers
from service.config import Config
from service.db import open_pool
from service.donations import DonationRequest
from tests.bench import plain
from tests.bench.checkin import prepare, settle
from tests.bench.donors import DONORS, gifts, make_donors
from tests.bench.figures import RUNS, Figure, median_ratio
from tests.bench.load import Result
from tests.bench.plain import Give
from tests.bench.stand import Stand, connected, stand
from tests.bench.world import World

Way = Callable[[Config], AbstractAsyncContextManager[Sequence[Give]]]
"""Opens a way to give: one `Give` for each caller."""
Answer = TypeVar("Answer")
CALLERS = 64
CONNECTIONS = 16
LONE_DONORS = 2_000


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(
    service: Stand, seconds: float = 3, warm_up_s: float = 1, runs: int = RUNS, donors: int = DONORS
) -> list[Figure]:
    """Alternate the crowd's ways, then those of one caller."""
    world = asyncio.run(prepare(service))
    crowd = run_all(world, crowd_ways(), seconds, warm_up_s, runs, donors)
    lone = run_all(world, lone_ways(), seconds / 3, warm_up_s / 3, runs, min(donors, LONE_DONORS))
    return figures(crowd, lone)


def crowd_ways() -> dict[str, Way]:
    """How many callers give at once."""
    return {
        "donation_hot": lambda config: grouped(config, CALLERS),
        "donation_plain": lambda config: plain.givers(config, plain.FASTEST, CONNECTIONS),
        "donation_hot_row": lambda config: plain.givers(config, plain.by_function_counted, CONNECTIONS),
    }


def lone_ways() -> dict[str, Way]:
    """How one caller gives."""
    return {
        "grouped": lambda config: grouped(config, 1),
        "same": lambda config: plain.givers(config, plain.by_transaction, 1),
        "fastest": lambda config: plain.givers(config, plain.FASTEST, 1),
    }


@asynccontextmanager
async def grouped(config: Config, callers: int) -> AsyncIterator[Sequence[Give]]:
    """Through the service's own committer."""
    async with await open_pool(config, hot=True) as pool:
        hot = committers(pool, config)
        yield [hot.donations.submit] * callers
        await hot.close()


def run_all(
    world: World, ways: dict[str, Way], seconds: float, warm_up_s: float, runs: int, donors: int
) -> dict[str, list[Result]]:
    """Each way in turn, so many times; every time with new donors and after the worker has folded the last."""
    results = defaultdict[str, list[Result]](list)
    run(plain.set_up(world.stand.config, [world.event.id]))
    for _ in range(runs):
        for name, way in ways.items():
            results[name].append(run(give_for(world, way, seconds, warm_up_s, donors)))
            run(settle(world.stand))
    return results


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run on the loop that the service runs on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def give_for(world: World, way: Way, seconds: float, warm_up_s: float, donors: int) -> Result:
    """New donors give to the event as fast as a way allows."""
    async with connected(world.stand.config) as pool:
        asked = gifts(await make_donors(pool, donors), world.event.id)
    async with way(world.stand.config) as gives:
        return await drive(gives, asked, seconds, warm_up_s)


async def drive(gives: Sequence[Give], asked: Iterator[DonationRequest], seconds: float, warm_up_s: float) -> Result:
    """One caller a `Give`, each asking again when answered. Times before `warm_up_s` are not counted."""
    answered: list[tuple[float, float]] = []
    since = time.perf_counter() + warm_up_s
    until = since + seconds

    async def call(give: Give) -> None:
        at = time.perf_counter()
        while at < until:
            await give(next(asked))
            sent_at, at = at, time.perf_counter()
            answered.append((at, at - sent_at))

    async with asyncio.TaskGroup() as callers:
        for give in gives:
            callers.create_task(call(give))
    return result([took for at, took in answered if since <= at < until], seconds)


def result(times_s: Sequence[float], seconds: float) -> Result:
    """What as many answers within so long amount to."""
    took = sorted(times_s) or [float("nan")]
    return Result(
        per_s=len(times_s) / seconds,
        answers=len(times_s),
        statuses={},
        p50_ms=took[len(took) // 2] * 1000,
        p99_ms=took[len(took) * 99 // 100] * 1000,
    )


def figures(crowd: dict[str, list[Result]], lone: dict[str, list[Result]]) -> list[Figure]:
    """Medians, and ratios within each run."""
    per_s = {name: [each.per_s for each in found] for name, found in crowd.items()}
    p50_ms = {name: [each.p50_ms for each in found] for name, found in lone.items()}
    shown = {name: round(median(values)) for name, values in per_s.items()}
    to_plain, to_hot_row = (
        round(median_ratio(per_s["donation_hot"], per_s[name]), 2) for name in ("donation_plain", "donation_hot_row")
    )
    p99_ms = median(each.p99_ms for each in crowd["donation_hot"])
    return [
        at_least("donation_hot", shown["donation_hot"], to_plain, "donation_plain", 2.5, HOT_NOTE),
        at_least("donation_vs_hot_row", shown["donation_hot"], to_hot_row, "donation_hot_row", 6, None),
        Figure(name="donation_hot_p99_ms", value=round(p99_ms, 1), unit="ms", limit=15, bound="most"),
        Figure(name="donation_plain", value=shown["donation_plain"], unit="1/s", note=PLAIN_NOTE),
        Figure(name="donation_hot_row", value=shown["donation_hot_row"], unit="1/s", note=ROW_NOTE),
        lone_figure(p50_ms, "same", "donation_lone_p50", 1.15),
        lone_figure(p50_ms, "fastest", "donation_lone_one_trip", None),
    ]


HOT_NOTE = f"{CALLERS} callers, one event, three classes each, one in four draws two"
PLAIN_NOTE = f"one transaction each, {CONNECTIONS} connections, a function in one round trip"
ROW_NOTE = "the same, and the event's row updated in it"


def at_least(name: str, value: float, ratio: float, of: str, limit: float, note: str | None) -> Figure:
    """A rate that is to be at least so many times another."""
    return Figure(name=name, value=value, unit="1/s", ratio=ratio, of=of, limit=limit, bound="least", note=note)


def lone_figure(p50_ms: dict[str, list[float]], of: str, name: str, limit: float | None) -> Figure:
    """What one caller waits, against one transaction without a committer."""
    return Figure(
        name=name,
        value=round(median(p50_ms["grouped"]), 2),
        unit="ms",
        ratio=round(median_ratio(p50_ms["grouped"], p50_ms[of]), 3),
        of=f"{median(p50_ms[of]):.2f} ms",
        limit=limit,
        bound="most" if limit else None,
        note={"same": "of the same statements", "fastest": "of the function in one round trip"}[of],
    )
