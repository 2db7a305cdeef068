"""Acts to test with: who claims what, when, in the sets that are committed together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

import asyncpg

from service.action_rows import Action, ActionRequest
from service.actions import log_many
from service.db import new_id, transaction
from service.errors import Refusal
from service.idempotency import digest
from service.schedules import CHINA
from tests.books import open_member

TODAY = date(2026, 11, 20)
NOON = datetime.combine(TODAY, time(12), CHINA)
NOW = datetime.combine(TODAY, time(20), CHINA)
BEIJING, SHANXI = "110000", "140000"


def ride(member_id: UUID, **said: object) -> ActionRequest:
    """Ten kilometres of metro in Beijing, from noon for half an hour, unless said otherwise."""
    values: dict[str, object] = {
        "id": new_id(),
        "member_id": member_id,
        "region": BEIJING,
        "action": "metro",
        "quantity": 10_000,
        "today": TODAY,
        "started_at": NOON,
        **said,
    }
    started_at = values["started_at"]
    if isinstance(started_at, datetime):
        values.setdefault("ended_at", started_at + timedelta(minutes=30))
        values.setdefault("occurred_on", started_at.astimezone(CHINA).date())
    values.setdefault("occurred_on", TODAY)
    content = {name: str(value) for name, value in values.items() if name not in ("id", "today")}
    values.setdefault("request_digest", digest(content))
    return ActionRequest(**values)  # type: ignore[arg-type]


def reported(member_id: UUID, partner_id: UUID, **said: object) -> ActionRequest:
    """The same, reported by a partner."""
    return ride(member_id, source="partner", evidence="proven", partner_id=partner_id, **said)


async def log_all(pool: asyncpg.Pool, requests: Sequence[ActionRequest], now: datetime = NOW) -> list[Action | Refusal]:
    """Log a set in a transaction."""
    async with transaction(pool) as connection:
        return await log_many(connection, requests, now)


async def log(pool: asyncpg.Pool, request: ActionRequest, now: datetime = NOW) -> Action:
    """Log one that is taken."""
    (logged,) = await log_all(pool, [request], now)
    assert isinstance(logged, Action), logged
    return logged


async def refusal(pool: asyncpg.Pool, request: ActionRequest, now: datetime = NOW) -> str:
    """The code with which one is refused."""
    (refused,) = await log_all(pool, [request], now)
    assert isinstance(refused, Refusal), refused
    return refused.code


async def citizen(pool: asyncpg.Pool, opened_at: datetime = NOW - timedelta(days=100)) -> UUID:
    """A member who has been here for a while."""
    async with transaction(pool) as connection:
        member_id = new_id()
        await connection.execute(
            "INSERT INTO members (id, phone_digest, phone_hint) VALUES ($1, sha256($2), '138****0000')",
            member_id,
            member_id.bytes,
        )
        await connection.execute(
            "INSERT INTO accounts (id, kind, opened_at) VALUES ($1, 'member', $2)", member_id, opened_at
        )
        return member_id


async def partner(pool: asyncpg.Pool, region: str = BEIJING, action: str = "metro") -> UUID:
    """A partner whom the region lets report acts of that kind."""
    async with transaction(pool) as connection:
        someone = await open_member(connection)
        organization_id, partner_id = new_id(), new_id()
        await connection.execute(
            "INSERT INTO organizations (id, name, founded_by) VALUES ($1, '地铁公司', $2)", organization_id, someone
        )
        await connection.execute(
            "INSERT INTO partners (id, organization_id, name, registered_by) VALUES ($1, $2, '地铁', $3)",
            partner_id,
            organization_id,
            someone,
        )
        await connection.execute(
            """
            INSERT INTO partner_scopes (partner_id, region, action, approved_by, approved_at)
            VALUES ($1, $2, $3, $4, now())
            """,
            partner_id,
            region,
            action,
            someone,
        )
        return partner_id


async def consent(pool: asyncpg.Pool, member_id: UUID, partner_id: UUID, scene: str = "metro") -> None:
    """The member lets the partner report acts of that kind, since yesterday."""
    async with transaction(pool) as connection:
        await connection.execute(
            """
            INSERT INTO consents (id, partner_id, member_id, scene, subject, given_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            new_id(),
            partner_id,
            member_id,
            scene,
            new_id(),
            NOW - timedelta(days=1),
        )
