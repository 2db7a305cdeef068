"""`fill_plan_ms`: what covers the need of an event that was given a million donations in two hundred classes.

The donations are given truly, by the statements that the service uses, and folded. Measured is the service's function
with its SQL, on a connection of its own, against an event under Shanxi's rule, which recommends an order.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from uuid import UUID

import asyncpg

from service import fill_plans, ledger
from service.db import new_id, transaction
from service.donations import DonationRequest
from tests.bench.checkin import settle
from tests.bench.donations import run
from tests.bench.figures import Figure
from tests.bench.ledger_growth import give_all
from tests.bench.stand import Stand, connected, stand
from tests.bench.world import add_members, make_world

GIVEN, CLASSES, DONORS = 1_000_000, 200, 5_000
RUNS = 50
TAIYUAN = "geonames:1793511"
FOLDED_WITHIN_S = 1_800


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(service: Stand, given: int = GIVEN, classes: int = CLASSES, donors: int = DONORS) -> list[Figure]:
    """Let so many donations be given, and ask for the plan again and again."""
    event = run(prepare(service, given, classes, donors))
    run(settle(service, FOLDED_WITHIN_S))
    found = run(ask(service, event, given, classes))
    return [
        Figure(
            name="fill_plan_ms",
            value=round(median(found), 1),
            unit="ms",
            limit=100,
            bound="most",
            note=f"{given} donations in {classes} classes; the slowest of {len(found)} took {max(found):.1f} ms",
        )
    ]


async def prepare(service: Stand, given: int, classes: int, donors: int) -> UUID:
    """An event with a plan, and the donations."""
    async with connected(service.config) as pool:
        event = (await make_world(pool, service, place=TAIYUAN)).event
        members = await make_donors(pool, donors, classes, given // donors + 1)
        await give_all(pool, itertools.islice(gifts(members, event.id), given))
        return event.id


async def make_donors(pool: asyncpg.Pool, count: int, classes: int, grams: int) -> list[UUID]:
    """New members, each holding one class: half of them Shanxi's, which comes first."""
    async with transaction(pool) as connection:
        members = await add_members(connection, count)
        wanted = [
            ledger.CreditClass(("140000", "110000")[n % 2], f"bench-{n}", "1", date(2026, 1, 1)) for n in range(classes)
        ]
        ids = await ledger.class_ids(connection, wanted)
        held = zip(members, itertools.cycle(wanted), strict=False)
        await ledger.post_many(
            connection,
            [ledger.Transfer(new_id(), ledger.ISSUANCE, member, ids[each], grams, "issue") for member, each in held],
        )
        return members


def gifts(members: Sequence[UUID], event_id: UUID) -> Iterator[DonationRequest]:
    """A gram each, in turns, without end."""
    for member in itertools.cycle(members):
        yield DonationRequest(new_id(), member, event_id, 1)


async def ask(service: Stand, event_id: UUID, given: int, classes: int) -> list[float]:
    """How many milliseconds each plan took, which must hold all that was given."""
    took = []
    async with connected(service.config) as pool, pool.acquire() as connection:
        for _ in range(RUNS):
            began = time.perf_counter()
            plan = await fill_plans.of_event(connection, event_id, datetime.now(UTC))
            took.append((time.perf_counter() - began) * 1_000)
            assert (len(plan.fills), sum(each.what.grams for each in plan.fills)) == (classes, given)
    return took
