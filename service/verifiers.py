"""Who may verify: organizations registered as technical service bodies (技术服务机构), for a region or everywhere.

A region's own authority registers them, or the platform's operator. What is said is said anew; the newest is in force.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from scenarios.meeting.rule_terms import OfficeKey
from scenarios.regions import CITIES, PROVINCES, wider
from service.access import Caller
from service.db import Connection, new_id
from service.engagements import VerifierNotRegistered
from service.errors import BadInput, NotAllowed, NotFound
from service.inputs import LINE

REGISTERING: tuple[OfficeKey, ...] = ("guides", "supervises")
"""The offices that say who may verify in a region."""


class RegionUnknown(BadInput):
    """没有“{region}”这个省、自治区、直辖市或城市的代码。"""

    code = "region_unknown"


class NewRegistration(msgspec.Struct, forbid_unknown_fields=True):
    """Where an organization may verify, everywhere without a `region`; and by what notice or list that is so."""

    reference: Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)]
    region: Annotated[str, Meta(pattern=r"^[0-9]{6}\Z")] | None = None


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A verifier as registered; `region` null is everywhere."""

    organization_id: UUID
    name: str
    region: str | None
    reference: str
    registered_at: datetime


async def register(
    connection: Connection, caller: Caller, organization_id: UUID, new: NewRegistration, now: datetime
) -> Registered:
    """Register a verifier; again, by another reference. Raises NotFound, RegionUnknown, NotAllowed."""
    name = await named(connection, organization_id)
    await require_registrar(connection, caller, new.region)
    await say(connection, caller, organization_id, new, now, registered=True)
    return Registered(
        organization_id=organization_id,
        name=name,
        region=new.region,
        reference=new.reference.strip(),
        registered_at=now,
    )


async def strike_off(
    connection: Connection, caller: Caller, organization_id: UUID, new: NewRegistration, now: datetime
) -> None:
    """End a registration. Raises NotFound, RegionUnknown, NotAllowed, VerifierNotRegistered."""
    await named(connection, organization_id)
    await require_registrar(connection, caller, new.region)
    if new.region not in {each.region for each in await of_organization(connection, organization_id)}:
        raise VerifierNotRegistered
    await say(connection, caller, organization_id, new, now, registered=False)


async def named(connection: Connection, organization_id: UUID) -> str:
    """An organization's name, held so that what is said of it is said in turn. Raises NotFound."""
    name = await connection.fetchval("SELECT name FROM organizations WHERE id = $1 FOR NO KEY UPDATE", organization_id)
    if name is None:
        raise NotFound
    return str(name)


async def require_registrar(connection: Connection, caller: Caller, region: str | None) -> None:
    """Go on only for an officer of the region, or of the province that it lies in, who says who verifies there.

    An operator may do so anywhere, and nobody else everywhere. Raises RegionUnknown, NotAllowed.
    """
    if region is not None and region not in PROVINCES and region not in CITIES:
        raise RegionUnknown(region=region)
    may = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM operators WHERE member_id = $1) OR EXISTS (
            SELECT FROM authority_members WHERE member_id = $1 AND region = ANY ($2::text[]) AND offices && $3::text[]
        )
        """,
        caller.member,
        [] if region is None else list(wider(region)),
        list(REGISTERING),
    )
    if not may:
        raise NotAllowed


async def say(
    connection: Connection,
    caller: Caller,
    organization_id: UUID,
    new: NewRegistration,
    now: datetime,
    *,
    registered: bool,
) -> None:
    """Keep what was said of an organization."""
    await connection.execute(
        """
        INSERT INTO verifier_registrations (id, organization_id, region, registered, reference, said_by, said_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        new_id(),
        organization_id,
        new.region,
        registered,
        new.reference.strip(),
        caller.member,
        now,
    )


async def of_region(connection: Connection, region: str | None = None) -> list[Registered]:
    """The verifiers registered for a region, for what it lies in or everywhere; without one, all of them. By name."""
    rows = await connection.fetch(
        """
        SELECT organization_id, name, region, reference, said_at AS registered_at
        FROM live_registrations JOIN organizations ON organizations.id = organization_id
        WHERE $1::text[] IS NULL OR region IS NULL OR region = ANY ($1::text[])
        ORDER BY name, organization_id, region NULLS FIRST
        """,
        None if region is None else list(wider(region)),
    )
    return [Registered(**row) for row in rows]


async def of_organization(connection: Connection, organization_id: UUID) -> list[Registered]:
    """Where an organization may verify."""
    rows = await connection.fetch(
        """
        SELECT organization_id, name, region, reference, said_at AS registered_at
        FROM live_registrations JOIN organizations ON organizations.id = organization_id
        WHERE organization_id = $1 ORDER BY region NULLS FIRST
        """,
        organization_id,
    )
    return [Registered(**row) for row in rows]


async def regions_of(connection: Connection, caller: Caller) -> list[str | None]:
    """For which regions the caller says who verifies, the operator's everywhere first; of a province its cities too."""
    if await connection.fetchval("SELECT EXISTS (SELECT FROM operators WHERE member_id = $1)", caller.member_id):
        return [None, *PROVINCES, *CITIES]
    rows = await connection.fetch(
        "SELECT region FROM authority_members WHERE member_id = $1 AND offices && $2::text[] ORDER BY region",
        caller.member_id,
        list(REGISTERING),
    )
    own = {row["region"] for row in rows}
    return [each for each in (*PROVINCES, *CITIES) if own.intersection(wider(each))]
