"""Devices that members log actions with: since when each is known, and how many share one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from scenarios.actions.fair_play import fair_play
from service.config import Config
from service.db import Connection

ENOUGH = 100
"""Beyond so many members on one device nobody needs to count."""
Pair = tuple[UUID, bytes]
"""A member, and the digest of a device's token."""


class Seen(NamedTuple):
    """What is known of a member's device: whole days since they were first seen with it, members seen on it lately."""

    days: int
    members: int


def device_digest(config: Config, token: str) -> bytes:
    """What is kept of a device's random token: 16 bytes that lead nowhere without our key, nor to any event."""
    return hmac.digest(config.key("member device"), token.encode(), hashlib.sha256)[:16]


async def note_devices(connection: Connection, pairs: Collection[Pair], now: datetime) -> None:
    """Note that these members were seen with these devices: when first, and on which day last."""
    rows = sorted(set(pairs))
    if not rows:
        return
    await connection.execute(
        """
        INSERT INTO member_devices (member_id, device, first_seen_at, last_seen_at)
        SELECT member_id, device, $3, $3 FROM unnest($1::uuid[], $2::bytea[]) AS said (member_id, device)
        ON CONFLICT (member_id, device) DO UPDATE SET last_seen_at = excluded.last_seen_at
        WHERE member_devices.last_seen_at < excluded.last_seen_at - interval '1 day'
        """,
        [member_id for member_id, _ in rows],
        [device for _, device in rows],
        now,
    )


async def known_devices(connection: Connection, pairs: Collection[Pair], now: datetime) -> dict[Pair, Seen]:
    """What is known of each pair, noted or not: a member always counts as one of those on their own device."""
    rows = sorted(set(pairs))
    if not rows:
        return {}
    found = await connection.fetch(
        """
        SELECT said.member_id, said.device, own.first_seen_at, others.members
        FROM unnest($1::uuid[], $2::bytea[]) AS said (member_id, device)
        LEFT JOIN member_devices AS own ON own.member_id = said.member_id AND own.device = said.device
        CROSS JOIN LATERAL (
            SELECT count(*) AS members FROM (
                SELECT FROM member_devices AS other
                WHERE other.device = said.device AND other.member_id <> said.member_id AND other.last_seen_at > $3
                LIMIT $4
            ) AS lately
        ) AS others
        """,
        [member_id for member_id, _ in rows],
        [device for _, device in rows],
        now - timedelta(days=fair_play().shared_device_window_days),
        ENOUGH,
    )
    return {
        (row["member_id"], row["device"]): Seen((now - (row["first_seen_at"] or now)).days, row["members"] + 1)
        for row in found
    }
