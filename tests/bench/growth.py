"""`tally_growth`: whether reading a tally and checking in take longer when many have checked in."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import httpx

from service import codes
from service.attendees import Attendee
from service.check_in_rows import CheckIn
from service.check_ins import check_in_many
from service.codes import Scanned
from service.db import new_id, transaction
from service.idempotency import digest
from service.receipts import Receipt
from tests.bench.checkin import prepare
from tests.bench.figures import RUNS, Figure, median_ratio
from tests.bench.load import Plan
from tests.bench.processes import run_load
from tests.bench.stand import Stand, connected, stand
from tests.bench.world import TRIPS, World, check_in_requests

SET = 500


def measure(scratch: Path) -> list[Figure]:
    """Measure on two services of our own."""
    with stand(scratch, "few") as few, stand(scratch, "many") as many:
        return measure_on(few, many)


def measure_on(
    small_one: Stand, big_one: Stand, few: int = 1_000, many: int = 200_000, seconds: float = 1, runs: int = RUNS
) -> list[Figure]:
    """Two services side by side, one with few check-ins and one with many, asked in turns, one request at a time."""
    worlds = {"few": asyncio.run(prepare(small_one)), "many": asyncio.run(prepare(big_one))}
    fill(worlds["few"], few)
    took_s = fill(worlds["many"], many)
    times = defaultdict[tuple[str, str], list[float]](list)
    for _ in range(runs):
        for name, world in worlds.items():
            times[name, "read"].append(read_p50_ms(world, seconds))
            times[name, "check_in"].append(check_in_p50_ms(world))
    ratios = {kind: median_ratio(times["many", kind], times["few", kind]) for kind in ("read", "check_in")}
    worst = max(ratios, key=lambda kind: ratios[kind])
    return [
        Figure(
            name="tally_growth",
            value=round(median(times["many", worst]), 2),
            unit="ms",
            ratio=round(ratios[worst], 3),
            limit=1.2,
            bound="most",
            of=f"at {few}",
            note=f"{worst} p50 at {many} check-ins, the larger ratio of the two",
        ),
        *[
            Figure(
                name=f"{kind}_p50_ms_at_{count}",
                value=round(median(times[name, kind]), 2),
                unit="ms",
                note="one request at a time",
            )
            for kind in ("read", "check_in")
            for name, count in (("few", few), ("many", many))
        ],
        Figure(name="fill_per_s", value=round(many / took_s), unit="1/s", note=f"sets of {SET}, folded meanwhile"),
    ]


def fill(world: World, count: int) -> float:
    """Check in as many attendees by the set, as the service would; return how long until all are in the tally (s)."""
    began = time.monotonic()
    asyncio.run(check_in_all(world, count))
    while counted(world) < count:
        time.sleep(0.1)
    return time.monotonic() - began


async def check_in_all(world: World, count: int) -> None:
    """Check in by sets, each in its transaction."""
    async with connected(world.stand.config) as pool:
        for start in range(0, count, SET):
            asked = [request_of(world, number) for number in range(start, min(start + SET, count))]
            async with transaction(pool) as connection:
                require_receipts(await check_in_many(connection, world.stand.config, asked))


def require_receipts(verdicts: Sequence[object]) -> None:
    """Raises RuntimeError with the first that is not a receipt."""
    for verdict in verdicts:
        if not isinstance(verdict, Receipt):
            raise RuntimeError(repr(verdict))


def request_of(world: World, number: int) -> CheckIn:
    """The check-in of one more device."""
    (trip, origin), gate = TRIPS[number % len(TRIPS)], world.event.gates[number % len(world.event.gates)]
    attendee = Attendee("device", new_id())
    return CheckIn(
        id=new_id(),
        event_id=world.event.id,
        code=codes.poster_code(world.stand.config, gate.short_code),
        scanned=Scanned(gate.short_code, fresh=False),
        attendee=attendee,
        trip=trip,
        origin=origin,
        request_digest=digest(world.event.id, trip, origin, attendee),
        at=datetime.now(UTC),
    )


def tally_path(world: World) -> str:
    """Where the tally is read."""
    return f"/v1/events/{world.event.id}/tally"


def counted(world: World) -> int:
    """How many check-ins the tally has."""
    url = f"http://127.0.0.1:{world.stand.port}{tally_path(world)}"
    answer = httpx.get(url, headers=world.headers, timeout=30).raise_for_status()
    return int(answer.json()["check_ins"])


def read_p50_ms(world: World, seconds: float) -> float:
    """How long it takes to read the tally, one at a time."""
    head = [f"GET {tally_path(world)} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {world.organizer}"]
    request = "\r\n".join([*head, "", ""]).encode()
    plan = Plan(port=world.stand.port, requests=[request], seconds=seconds, connections=1, warm_up_s=0.2, repeat=True)
    return run_load(plan).p50_ms


def check_in_p50_ms(world: World, count: int = 100) -> float:
    """How long it takes to check in, one at a time."""
    requests = check_in_requests(world, count)
    return run_load(Plan(port=world.stand.port, requests=requests, seconds=30, connections=1, warm_up_s=0)).p50_ms
