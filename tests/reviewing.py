"""Photos, and acts that wait for a reviewer, made without HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from PIL import Image

from scenarios.actions.methodologies import methodology_for
from scenarios.actions.reductions import quantify_action
from service import evidence
from service.config import Config
from service.db import encode_json, new_id, transaction
from service.members import member_by_phone
from service.sessions import access_token, roles_of
from tests.people import Headers, bearer, key

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
"""In Beijing."""
ACTS = {"110000": ("metro", 18_000), "420100": ("bus_ride", 1)}
"""An act of each region's methodology, and how much of it."""


def picture(color: str = "green", size: tuple[int, int] = (60, 40), kind: str = "PNG", **saving: Any) -> bytes:
    """A picture of one colour, as a file."""
    out = BytesIO()
    Image.new("RGB", size, color).save(out, kind, **saving)
    return out.getvalue()


async def known_as(pool: asyncpg.Pool, config: Config, phone: str) -> tuple[UUID, Headers]:
    """A member with this number, and the header by which they call."""
    async with transaction(pool) as connection:
        member_id = await member_by_phone(connection, config, phone)
        roles = await roles_of(connection, member_id)
    return member_id, bearer({"access_token": access_token(config, member_id, roles, datetime.now(UTC))})


async def hand_in(client: httpx.AsyncClient, who: Headers, content: bytes) -> str:
    """Upload a photo; its digest."""
    answer = await client.post("/v1/evidence", content=content, headers=who | key())
    assert answer.status_code == 201, answer.text
    digest: str = answer.json()["digest"]
    return digest


async def hold(
    pool: asyncpg.Pool,
    member_id: UUID,
    *,
    region: str = "110000",
    grams: int = 600,
    photos: Sequence[str] = (),
    because: str = "photo",
    logged_at: datetime | None = None,
    started_at: datetime = NOON,
    family: str | None = "ride",
) -> UUID:
    """An act that waits for a reviewer."""
    action_id, day, (action, quantity) = new_id(), date(2026, 11, 20), ACTS[region]
    reduction = quantify_action(methodology_for(region, action, day), action, quantity, "self_declared", region)
    async with transaction(pool) as connection:
        await connection.execute(
            """
            INSERT INTO actions (id, member_id, region, action, quantity, counted, occurred_on, reduction_g, trace,
                request_digest, logged_at, state, held_because, period, family)
            VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, sha256('x'), $9, 'in_review', $10, tstzrange($11, $12), $13)
            """,
            action_id,
            member_id,
            region,
            action,
            quantity,
            day,
            grams,
            encode_json(reduction),
            logged_at or datetime.now(UTC),
            because,
            started_at,
            started_at + timedelta(minutes=40),
            family,
        )
        await evidence.attach(connection, [(action_id, bytes.fromhex(each)) for each in photos])
    return action_id
