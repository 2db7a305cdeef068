"""`readiness_p99_ms`: the checklist of an event over HTTP, with ten thousand events under its place's rule."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import UUID

from service import sessions
from service.access import Role
from service.db import transaction
from tests.bench.figures import RUNS, Figure
from tests.bench.load import Plan
from tests.bench.processes import run_load
from tests.bench.ready_events import PATIENCE_S, make_event, multiply
from tests.bench.stand import Stand, connected, stand
from tests.bench.world import ROLES, speaks_for

EVENTS = 10_000
PER_S = 20
"""Organizers who look at their checklist in a second: of ten thousand events, each once in eight minutes."""


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(service: Stand, count: int = EVENTS, seconds: float = 10, runs: int = RUNS) -> list[Figure]:
    """Ask for checklists of events chosen at random, at a steady rate."""
    token, ids = asyncio.run(prepare(service, count))
    chosen = random.Random(1)
    asked = [request(each, token) for each in chosen.choices(ids, k=1_000)]
    plan = Plan(port=service.port, requests=asked, seconds=seconds, warm_up_s=2, repeat=True, per_s=PER_S)
    results = [run_load(plan) for _ in range(runs)]
    strange = next((each.strange for each in results if each.strange), None)
    assert strange is None, strange
    return [
        Figure(
            name="readiness_p99_ms",
            value=round(median(each.p99_ms for each in results), 1),
            unit="ms",
            limit=50,
            bound="most",
            note=f"{count} events in the place, {PER_S} a second, worker and load on the same cores",
        ),
        Figure(name="readiness_p50_ms", value=round(median(each.p50_ms for each in results), 1), unit="ms"),
    ]


async def prepare(service: Stand, count: int) -> tuple[str, list[UUID]]:
    """The events, and the token of who organizes them."""
    async with connected(service.config) as pool:
        async with transaction(pool) as connection:
            caller, event = await make_event(connection, service.config)
            ids = await multiply(connection, event, caller, count)
        await pool.execute("VACUUM ANALYZE", timeout=PATIENCE_S)  # which would else begin while it is measured
    return sessions.access_token(service.config, caller.member, ROLES | {Role.VIEWER}, datetime.now(UTC)), ids


def request(event_id: UUID, token: str) -> bytes:
    """Asking for a checklist, as it goes over the wire."""
    head = [f"GET /v1/events/{event_id}/readiness HTTP/1.1", "Host: 127.0.0.1", speaks_for(token)]
    return "\r\n".join([*head, "", ""]).encode()
