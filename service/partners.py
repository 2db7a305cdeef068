"""Partners: organizations whose systems report citizens' acts. They are registered, scoped by authorities, and keyed.

A key's secret is derived from the master secret by the partner's id and the key's number: nothing stored signs
anything. Two keys are valid at once, so that they can be changed without a gap.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from scenarios.actions.methodologies import methodology_for
from service import organizations
from service.access import Caller, Role
from service.carbon import carbon_refused
from service.config import Config
from service.db import Connection, new_id
from service.errors import BadInput, Conflict, NotFound
from service.inputs import Name
from service.schedules import CHINA

VALID_AT_ONCE = 2


class ReturnUrlUnfit(BadInput):
    """返回地址要以 https:// 开头，写明网站，不带账号和 # 之后的部分。"""

    code = "return_url_unfit"


class KeysInUse(Conflict):
    """已有两把有效的密钥，请先作废一把。"""

    code = "keys_in_use"


class NewPartner(msgspec.Struct, forbid_unknown_fields=True):
    """What an organizer says of a partner. `return_url` (https) is where a citizen who consented goes back to."""

    name: Name
    return_url: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class NewScope(msgspec.Struct, forbid_unknown_fields=True):
    """What a partner asks to report: an action of a region's methodology."""

    region: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$", max_length=6)]
    action: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class Scope(msgspec.Struct, frozen=True):
    """What a partner asked to report. It may, once approved and unless withdrawn."""

    region: str
    action: str
    asked_at: datetime
    approved_at: datetime | None
    withdrawn_at: datetime | None


class ScopeAsked(msgspec.Struct, frozen=True):
    """A scope as the region's authority sees it: whose it is, and how it stands."""

    partner_id: UUID
    partner: str
    organization: str
    scope: Scope


class PartnerKey(msgspec.Struct, frozen=True):
    """A key by its number."""

    number: int
    made_at: datetime
    revoked_at: datetime | None


class Partner(msgspec.Struct, frozen=True):
    """A registered partner."""

    id: UUID
    organization_id: UUID
    name: str
    return_url: str | None
    registered_at: datetime


class PartnerShown(msgspec.Struct, frozen=True):
    """A partner with its scopes and keys."""

    partner: Partner
    scopes: list[Scope]
    keys: list[PartnerKey]


def secret_of(config: Config, partner_id: UUID, number: int) -> bytes:
    """The 32 bytes that a partner's key of that number signs with."""
    return config.key(f"partner/{partner_id.hex}/{number}")


def fit(return_url: str) -> str:
    """The address, if a browser may be sent there. Raises ReturnUrlUnfit."""
    try:
        parts = urlsplit(return_url)
        named = parts.scheme == "https" and parts.hostname and not parts.username and not parts.password
        fine = named and "#" not in return_url and "\\" not in return_url and parts.port != 0
    except ValueError:
        fine = False
    if not fine or not return_url.isascii() or not return_url.isprintable() or " " in return_url:
        raise ReturnUrlUnfit
    return return_url


async def register(connection: Connection, caller: Caller, organization_id: UUID, new: NewPartner) -> Partner:
    """Register a partner of the caller's organization.

    Raises NotFound and NotAllowed as `organizations.require_in`, ReturnUrlUnfit.
    """
    await organizations.require_in(connection, caller, organization_id, Role.ORGANIZER)
    return_url = None if new.return_url is None else fit(new.return_url)
    row = await connection.fetchrow(
        """
        INSERT INTO partners (id, organization_id, name, return_url, registered_by) VALUES ($1, $2, $3, $4, $5)
        RETURNING id, organization_id, name, return_url, registered_at
        """,
        new_id(),
        organization_id,
        new.name.strip(),
        return_url,
        caller.member,
    )
    return Partner(**row)


async def of_organization(connection: Connection, caller: Caller, organization_id: UUID) -> list[Partner]:
    """The partners of the caller's organization, the oldest first. Raises NotFound and NotAllowed as `register`."""
    await organizations.require_in(connection, caller, organization_id, Role.VIEWER)
    rows = await connection.fetch(
        """
        SELECT id, organization_id, name, return_url, registered_at
        FROM partners WHERE organization_id = $1 ORDER BY id
        """,
        organization_id,
    )
    return [Partner(**row) for row in rows]


async def find(connection: Connection, partner_id: UUID) -> Partner:
    """A partner. Raises NotFound."""
    row = await connection.fetchrow(
        "SELECT id, organization_id, name, return_url, registered_at FROM partners WHERE id = $1", partner_id
    )
    if row is None:
        raise NotFound
    return Partner(**row)


async def require_organizer(
    connection: Connection, caller: Caller, partner_id: UUID, role: Role = Role.ORGANIZER
) -> Partner:
    """The partner, for one in this role in its organization. Raises NotFound and NotAllowed."""
    partner = await find(connection, partner_id)
    await organizations.require_in(connection, caller, partner.organization_id, role)
    return partner


async def show(connection: Connection, caller: Caller, partner_id: UUID) -> PartnerShown:
    """A partner of the caller's organization with its scopes and keys. Raises as `require_organizer`."""
    partner = await require_organizer(connection, caller, partner_id, Role.VIEWER)
    scopes = await connection.fetch(
        """
        SELECT region, action, asked_at, approved_at, withdrawn_at
        FROM partner_scopes WHERE partner_id = $1 ORDER BY region, action
        """,
        partner_id,
    )
    keys = await connection.fetch(
        "SELECT number, made_at, revoked_at FROM partner_keys WHERE partner_id = $1 ORDER BY number", partner_id
    )
    return PartnerShown(partner, [Scope(**each) for each in scopes], [PartnerKey(**each) for each in keys])


async def ask_scope(connection: Connection, caller: Caller, partner_id: UUID, asked: NewScope, now: datetime) -> Scope:
    """Ask a region's authority to let a partner report an action; asking again changes nothing.

    Raises as `require_organizer`, and UnknownAction and NoMethodologyInForce where there is nothing to report.
    """
    await require_organizer(connection, caller, partner_id)
    with carbon_refused():
        methodology_for(asked.region, asked.action, now.astimezone(CHINA).date())
    await connection.execute(
        """
        INSERT INTO partner_scopes (partner_id, region, action, asked_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING
        """,
        partner_id,
        asked.region,
        asked.action,
        now,
    )
    row = await connection.fetchrow(
        """
        SELECT region, action, asked_at, approved_at, withdrawn_at
        FROM partner_scopes WHERE partner_id = $1 AND region = $2 AND action = $3
        """,
        partner_id,
        asked.region,
        asked.action,
    )
    return Scope(**row)


async def scopes_of_authority(connection: Connection, caller: Caller) -> list[ScopeAsked]:
    """What partners asked to report in the caller's regions: those that wait first, then the newest."""
    rows = await connection.fetch(
        """
        SELECT partner_id, partners.name AS partner, organizations.name AS organization,
               region, action, asked_at, approved_at, withdrawn_at
        FROM authority_members AS officer JOIN partner_scopes USING (region)
            JOIN partners ON partners.id = partner_id JOIN organizations ON organizations.id = organization_id
        WHERE officer.member_id = $1
        ORDER BY approved_at IS NOT NULL OR withdrawn_at IS NOT NULL, asked_at DESC, partner_id, action
        LIMIT 500
        """,
        caller.member_id,
    )
    return [ScopeAsked(each[0], each[1], each[2], Scope(*each[3:])) for each in rows]


async def approve_scope(
    connection: Connection, caller: Caller, partner_id: UUID, asked: NewScope, now: datetime
) -> Scope:
    """Let a partner report what it asked for, as the region's authority. Raises NotFound for what is not theirs."""
    row = await connection.fetchrow(
        """
        UPDATE partner_scopes
        SET approved_by = CASE WHEN approved_at IS NULL OR withdrawn_at IS NOT NULL THEN $4 ELSE approved_by END,
            approved_at = CASE WHEN approved_at IS NULL OR withdrawn_at IS NOT NULL THEN $5 ELSE approved_at END,
            withdrawn_at = NULL
        WHERE partner_id = $1 AND region = $2 AND action = $3
            AND EXISTS (SELECT FROM authority_members WHERE member_id = $4 AND region = $2)
        RETURNING region, action, asked_at, approved_at, withdrawn_at
        """,
        partner_id,
        asked.region,
        asked.action,
        caller.member,
        now,
    )
    if row is None:
        raise NotFound
    return Scope(**row)


async def withdraw_scope(
    connection: Connection, caller: Caller, partner_id: UUID, asked: NewScope, now: datetime
) -> Scope:
    """Refuse what a partner asked for, or no longer let it, as the region's authority. Raises NotFound."""
    row = await connection.fetchrow(
        """
        UPDATE partner_scopes SET withdrawn_at = coalesce(withdrawn_at, $5)
        WHERE partner_id = $1 AND region = $2 AND action = $3
            AND EXISTS (SELECT FROM authority_members WHERE member_id = $4 AND region = $2)
        RETURNING region, action, asked_at, approved_at, withdrawn_at
        """,
        partner_id,
        asked.region,
        asked.action,
        caller.member,
        now,
    )
    if row is None:
        raise NotFound
    return Scope(**row)


async def approved(connection: Connection, partner_id: UUID) -> frozenset[tuple[str, str]]:
    """The regions and actions that a partner may report."""
    rows = await connection.fetch(
        """
        SELECT region, action FROM partner_scopes
        WHERE partner_id = $1 AND approved_at IS NOT NULL AND withdrawn_at IS NULL
        """,
        partner_id,
    )
    return frozenset((row["region"], row["action"]) for row in rows)


async def make_key(connection: Connection, caller: Caller, partner_id: UUID) -> PartnerKey:
    """A new key, the next number. Raises as `require_organizer`, and KeysInUse while two are valid."""
    await connection.execute("SELECT id FROM partners WHERE id = $1 FOR NO KEY UPDATE", partner_id)
    found = await show(connection, caller, partner_id)
    if sum(each.revoked_at is None for each in found.keys) >= VALID_AT_ONCE:
        raise KeysInUse
    row = await connection.fetchrow(
        """
        INSERT INTO partner_keys (partner_id, number, made_by) VALUES ($1, $2, $3)
        RETURNING number, made_at, revoked_at
        """,
        partner_id,
        max((each.number for each in found.keys), default=0) + 1,
        caller.member,
    )
    return PartnerKey(**row)


async def revoke_key(connection: Connection, caller: Caller, partner_id: UUID, number: int, now: datetime) -> None:
    """Let nothing signed with a key pass from now on. Raises as `require_organizer`, NotFound for no such key."""
    await require_organizer(connection, caller, partner_id)
    revoked = await connection.fetchval(
        """
        UPDATE partner_keys SET revoked_at = coalesce(revoked_at, $3) WHERE partner_id = $1 AND number = $2
        RETURNING true
        """,
        partner_id,
        number,
        now,
    )
    if not revoked:
        raise NotFound
