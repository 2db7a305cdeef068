"""Who is appointed by whoever runs the machines: the platform's operators, and officers of authorities."""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args
from uuid import UUID

import msgspec

from scenarios.meeting.rule_terms import OfficeKey
from scenarios.regions import CITIES, PROVINCES
from service.access import Caller
from service.config import Config
from service.db import Connection
from service.i18n import mark
from service.members import member_by_phone

OFFICES: dict[OfficeKey, str] = {
    "publishes": mark("发布"),
    "issues": mark("颁发证书"),
    "inspects": mark("抽查"),
    "revokes": mark("撤销"),
    "guides": mark("业务指导"),
    "supervises": mark("监督管理"),
    "coordinates": mark("统筹协调"),
    "runs_platform": mark("建设平台"),
}
"""What an officer may do for a place; msgids. Without any they read what is under that place's rule."""
assert OFFICES.keys() == set(get_args(OfficeKey))


class Officer(msgspec.Struct, frozen=True):
    """A place of whose authority somebody is, and the offices that they hold there."""

    region: str
    offices: list[OfficeKey]


async def appoint_operator(connection: Connection, config: Config, phone: str) -> UUID:
    """Let the member with this number operate the platform. Raises PhoneInvalid."""
    member_id = await member_by_phone(connection, config, phone)
    await connection.execute("INSERT INTO operators (member_id) VALUES ($1) ON CONFLICT DO NOTHING", member_id)
    return member_id


async def dismiss_operator(connection: Connection, config: Config, phone: str) -> bool:
    """Let them no longer do so; did they? Raises PhoneInvalid."""
    member_id = await member_by_phone(connection, config, phone)
    gone = await connection.fetchval("DELETE FROM operators WHERE member_id = $1 RETURNING true", member_id)
    return bool(gone)


async def appoint_authority(
    connection: Connection, config: Config, phone: str, region: str, offices: Collection[OfficeKey] = ()
) -> UUID:
    """Let the member with this number see a place's events and hold these offices there, and no others.

    `region` is a province's or a city's code. Raises LookupError for one that is none, PhoneInvalid.
    """
    if region not in PROVINCES and region not in CITIES:
        raise LookupError(region)
    member_id = await member_by_phone(connection, config, phone)
    await connection.execute(
        """
        INSERT INTO authority_members (member_id, region, offices) VALUES ($1, $2, $3)
        ON CONFLICT (member_id, region) DO UPDATE SET offices = excluded.offices
        """,
        member_id,
        region,
        sorted(offices),
    )
    return member_id


async def dismiss_authority(connection: Connection, config: Config, phone: str, region: str) -> bool:
    """Let them no longer be of that place's authority; were they? Raises PhoneInvalid."""
    member_id = await member_by_phone(connection, config, phone)
    gone = await connection.fetchval(
        "DELETE FROM authority_members WHERE member_id = $1 AND region = $2 RETURNING true", member_id, region
    )
    return bool(gone)


async def of_caller(connection: Connection, caller: Caller) -> list[Officer]:
    """The places of whose authority the caller is."""
    rows = await connection.fetch(
        "SELECT region, offices FROM authority_members WHERE member_id = $1 ORDER BY region", caller.member_id
    )
    return [Officer(**row) for row in rows]
