"""Made-up visitors who come through the example's gates by HTTP, one after another, so that its tally lives."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Sequence

import httpx
import msgspec

from service.demo_people import journey

PAUSE_S = 2.0
PATIENCE_S = 30.0

log = logging.getLogger(__name__)


async def visit_on(base_url: str, codes: Sequence[str]) -> None:
    """Send someone to one of the doors every two seconds, for ever; more slowly while nobody is let in."""
    chance = random.Random()  # noqa: S311 - who comes, not who may
    async with httpx.AsyncClient(base_url=base_url, timeout=10, trust_env=False) as client:
        while True:
            try:
                await visit(client, chance.choice(codes), chance)
                await asyncio.sleep(PAUSE_S * chance.uniform(0.5, 1.5))
            except httpx.HTTPError as error:
                log.warning("a visitor was not let in: %s", error)
                await asyncio.sleep(PATIENCE_S)


async def visit(client: httpx.AsyncClient, code: str, chance: random.Random) -> None:
    """Scan a poster's code with a phone of one's own, say how one came, check in. Raises httpx.HTTPError."""
    device = {"Tanhui-Device": secrets.token_urlsafe(16)}
    form = (await client.get(f"/v1/codes/{code}", headers=device)).raise_for_status().json()
    told = journey(chance)
    answered = await client.post(
        f"/v1/events/{form['event_id']}/check-ins",
        content=msgspec.json.encode({"code": form["ticket"], "trip": told.trip, "origin": told.origin}),
        headers=device | {"Content-Type": "application/json", "Idempotency-Key": form["check_in_id"]},
    )
    answered.raise_for_status()
