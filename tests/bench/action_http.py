"""`action_http`: durable acts a second over HTTP, each logged by its citizen, against the same without the database."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from service.api.actions import NewAction
from service.db import new_id, transaction
from service.schedules import CHINA
from tests.bench.checkin import FIRST, prepare, settle
from tests.bench.figures import RUNS, Figure, figures_of_writes
from tests.bench.load import Plan, Result
from tests.bench.processes import run_load
from tests.bench.reporters import ACTIONS, QUANTITY_M, REGION
from tests.bench.stand import Stand, connected, stand
from tests.bench.world import World, add_members, post_request, speaks_for, tokens_of

CITIZENS = 10_000
PREPARED_PER_S = 6_000
"""Requests prepared for a second of acts. A run that uses them up ends early."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(
    service: Stand, seconds: float = 3, warm_up_s: float = 1, runs: int = RUNS, citizens: int = CITIZENS
) -> list[Figure]:
    """Alternate acts and their echo, of the same citizens; new ones for each run."""
    world = asyncio.run(prepare(service))
    results = defaultdict[str, list[Result]](list)
    for number in range(runs):
        members = asyncio.run(new_members(world, citizens))
        acts = told(members)
        tokens = dict(zip(members, tokens_of(service.config, members), strict=True))
        if not number:  # so that the first run finds the service as warm as the others do
            run_load(Plan(port=service.port, requests=requests(tokens, acts, FIRST), seconds=30, warm_up_s=0))
        echo = f"/v1/events/{world.event.id}/echo/actions"
        for name, path in (("echo_action_http", echo), ("action_http", "/v1/actions")):
            asked = requests(tokens, acts, int(PREPARED_PER_S * (warm_up_s + seconds)), path)
            repeat = path == echo
            plan = Plan(port=service.port, requests=asked, seconds=seconds, warm_up_s=warm_up_s, repeat=repeat)
            results[name].append(run_load(plan))
        asyncio.run(settle(service))
    return figures_of_writes("action_http", "act's route", results)


async def new_members(world: World, count: int) -> Sequence[UUID]:
    """Citizens for a run."""
    async with connected(world.stand.config) as pool, transaction(pool) as connection:
        return await add_members(connection, count)


def told(members: Sequence[UUID]) -> Iterator[tuple[UUID, NewAction]]:
    """Rides of members in turns, without end, a day earlier each turn."""
    morning = (datetime.now(UTC) - DAY).astimezone(CHINA).replace(hour=8, minute=0, second=0, microsecond=0)
    for number in itertools.count():
        began = morning - DAY * (number // len(members))
        yield (
            members[number % len(members)],
            NewAction(
                region=REGION,
                action=ACTIONS[number % len(ACTIONS)],
                quantity=QUANTITY_M,
                occurred_on=began.date(),
                started_at=began,
                ended_at=began + HOUR / 3,
            ),
        )


def requests(
    tokens: dict[UUID, str], acts: Iterator[tuple[UUID, NewAction]], count: int, path: str = "/v1/actions"
) -> list[bytes]:
    """Requests with the next acts, each by its citizen's token."""
    return [
        post_request(path, new_id(), speaks_for(tokens[member]), msgspec.json.encode(act))
        for member, act in itertools.islice(acts, count)
    ]
