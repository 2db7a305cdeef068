"""`donation_http`: durable donations a second over HTTP to one event, against the same server without its database."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from service.api.donations import NewDonation
from tests.bench.checkin import FIRST, prepare, settle
from tests.bench.donors import DONORS, gifts, make_donors
from tests.bench.figures import RUNS, Figure, figures_of_writes
from tests.bench.load import Plan, Result
from tests.bench.processes import run_load
from tests.bench.stand import Stand, connected, stand
from tests.bench.world import World, post_request, speaks_for, tokens_of

PREPARED_PER_S = 8_000
"""Requests prepared for a second of donations. A run that uses them up ends early."""


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(
    service: Stand, seconds: float = 3, warm_up_s: float = 1, runs: int = RUNS, donors: int = DONORS
) -> list[Figure]:
    """Alternate donations and their echo, of the same donors."""
    world = asyncio.run(prepare(service))
    results = defaultdict[str, list[Result]](list)
    for number in range(runs):
        given = asyncio.run(new_donors(world, donors))
        tokens = dict(zip(given, tokens_of(service.config, given), strict=True))
        if not number:  # so that the first run finds the service as warm as the others do
            run_load(Plan(port=service.port, requests=donations(world, tokens, FIRST), seconds=30, warm_up_s=0))
        for name, what in (("echo_donation_http", "echo/donations"), ("donation_http", "donations")):
            requests = donations(world, tokens, int(PREPARED_PER_S * (warm_up_s + seconds)), what)
            repeat = name.startswith("echo")
            plan = Plan(port=service.port, requests=requests, seconds=seconds, warm_up_s=warm_up_s, repeat=repeat)
            results[name].append(run_load(plan))
        asyncio.run(settle(service))
    return figures_of_writes("donation_http", "donation's route", results)


async def new_donors(world: World, count: int) -> Sequence[UUID]:
    """Donors for a run."""
    async with connected(world.stand.config) as pool:
        return await make_donors(pool, count)


def donations(world: World, tokens: dict[UUID, str], count: int, what: str = "donations") -> list[bytes]:
    """Requests of the donors in turns, each with its own id."""
    path = f"/v1/events/{world.event.id}/{what}"
    return [
        post_request(path, each.id, speaks_for(tokens[each.member_id]), msgspec.json.encode(NewDonation(each.grams)))
        for each in itertools.islice(gifts(list(tokens), world.event.id), count)
    ]
