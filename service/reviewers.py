"""Reviewers: officers of an authority, who review the acts of its region and of the places within."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32encode
from uuid import UUID

from service.config import Config
from service.db import Connection


async def regions_reviewed(connection: Connection, member_id: UUID) -> list[str]:
    """Patterns (LIKE) of the regions whose acts a member reviews: none for who is of no authority."""
    rows = await connection.fetch("SELECT region FROM authority_members WHERE member_id = $1", member_id)
    return [places_within(row["region"]) for row in rows]


def places_within(region: str) -> str:
    """The pattern of a place's own code (GB/T 2260) and those within it: 420000 has 42…, 420100 has 4201…"""
    while region.endswith("00"):
        region = region[:-2]
    return f"{region}%"


def nickname(config: Config, member_id: UUID) -> str:
    """What reviewers know a member by: the same for the same person, leading nowhere."""
    digest = hmac.digest(config.key("nickname"), member_id.bytes, hashlib.sha256)
    return b32encode(digest[:5]).decode()
