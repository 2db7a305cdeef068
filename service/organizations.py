"""Organizations that hold events, who acts for them, and the authorities that watch over a region."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

from service.access import Caller, Role
from service.config import Config
from service.db import Connection, new_id
from service.errors import Conflict, NotAllowed, NotFound
from service.inputs import Name, PhoneText
from service.members import member_by_phone

STEWARDS = frozenset({Role.ORGANIZER, Role.GATE})


class LastOrganizer(Conflict):
    """组织至少要有一名组织者。"""

    code = "last_organizer"


class NewOrganization(msgspec.Struct, forbid_unknown_fields=True):
    """What a founder says of an organization."""

    name: Name


class Organization(msgspec.Struct, frozen=True):
    """An organization, and what the one who asks is in it."""

    id: UUID
    name: str
    role: str


class NewColleague(msgspec.Struct, forbid_unknown_fields=True):
    """Who shall act for an organization: an organizer manages its events, a gate may only scan at their doors."""

    phone: PhoneText
    role: Literal["organizer", "gate"]


class Colleague(msgspec.Struct, frozen=True):
    """One who acts for an organization. `phone_hint` shows the number's last digits."""

    member_id: UUID
    phone_hint: str
    role: str


async def found(connection: Connection, member_id: UUID, new: NewOrganization) -> Organization:
    """Make an organization with the founder as its organizer (an app's token says so after its next rotation)."""
    made = Organization(new_id(), new.name.strip(), Role.ORGANIZER)
    await connection.execute(
        "INSERT INTO organizations (id, name, founded_by) VALUES ($1, $2, $3)", made.id, made.name, member_id
    )
    await put_member(connection, made.id, member_id, made.role)
    return made


async def of_member(connection: Connection, member_id: UUID) -> list[Organization]:
    """The organizations that a member acts for, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT id, name, role
        FROM organization_members JOIN organizations ON organizations.id = organization_id
        WHERE member_id = $1
        ORDER BY id
        """,
        member_id,
    )
    return [Organization(**row) for row in rows]


async def colleagues(connection: Connection, caller: Caller, organization_id: UUID) -> list[Colleague]:
    """Who acts for the caller's organization. Raises NotFound and NotAllowed as `require_organizer`."""
    await require_organizer(connection, caller, organization_id)
    rows = await connection.fetch(
        """
        SELECT member_id, phone_hint, role
        FROM organization_members JOIN members ON members.id = member_id
        WHERE organization_id = $1
        ORDER BY added_at, member_id
        """,
        organization_id,
    )
    return [Colleague(**row) for row in rows]


async def add_member(
    connection: Connection, config: Config, caller: Caller, organization_id: UUID, new: NewColleague
) -> Colleague:
    """Let someone act for the caller's organization, known or not yet; one who does already changes role.

    Raises NotFound and NotAllowed as `require_organizer`, PhoneInvalid, and LastOrganizer.
    """
    await lock(connection, organization_id)
    await require_organizer(connection, caller, organization_id)
    member_id = await member_by_phone(connection, config, new.phone)
    await put_member(connection, organization_id, member_id, new.role)
    await keep_an_organizer(connection, organization_id)
    hint = await connection.fetchval("SELECT phone_hint FROM members WHERE id = $1", member_id)
    return Colleague(member_id, hint, new.role)


async def remove_member(connection: Connection, caller: Caller, organization_id: UUID, member_id: UUID) -> None:
    """Let someone no longer act for the caller's organization, at once.

    Raises NotFound and NotAllowed as `require_organizer`, NotFound for one who does not act for it, LastOrganizer.
    """
    await lock(connection, organization_id)
    await require_organizer(connection, caller, organization_id)
    removed = await connection.fetchval(
        "DELETE FROM organization_members WHERE organization_id = $1 AND member_id = $2 RETURNING true",
        organization_id,
        member_id,
    )
    if not removed:
        raise NotFound
    await keep_an_organizer(connection, organization_id)


async def lock(connection: Connection, organization_id: UUID) -> None:
    """Hold an organization until the transaction ends, so that two organizers cannot each remove the other."""
    await connection.execute("SELECT id FROM organizations WHERE id = $1 FOR NO KEY UPDATE", organization_id)


async def put_member(connection: Connection, organization_id: UUID, member_id: UUID, role: str) -> None:
    """Write a member's role in an organization."""
    await connection.execute(
        """
        INSERT INTO organization_members (organization_id, member_id, role) VALUES ($1, $2, $3)
        ON CONFLICT (organization_id, member_id) DO UPDATE SET role = excluded.role
        """,
        organization_id,
        member_id,
        role,
    )


async def keep_an_organizer(connection: Connection, organization_id: UUID) -> None:
    """Raises LastOrganizer when nobody is left who manages the organization."""
    left = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM organization_members WHERE organization_id = $1 AND role = 'organizer')",
        organization_id,
    )
    if not left:
        raise LastOrganizer


async def appoint_authority(connection: Connection, config: Config, phone: str, region: str) -> UUID:
    """Let the member with this number see a region's events (GB/T 2260, six digits). Raises PhoneInvalid."""
    member_id = await member_by_phone(connection, config, phone)
    await connection.execute(
        "INSERT INTO authority_members (member_id, region) VALUES ($1, $2) ON CONFLICT DO NOTHING", member_id, region
    )
    return member_id


async def require_organizer(connection: Connection, caller: Caller, organization_id: UUID) -> None:
    """Go on only for an organizer of this organization.

    Raises NotFound for one who does not act for it, so that nothing is revealed, and NotAllowed for its gates.
    """
    role = await connection.fetchval(
        "SELECT role FROM organization_members WHERE organization_id = $1 AND member_id = $2",
        organization_id,
        caller.member_id,
    )
    if role is None:
        raise NotFound
    if role != Role.ORGANIZER:
        raise NotAllowed


async def require(connection: Connection, caller: Caller, event_id: UUID, *roles: Role) -> None:
    """Go on only for one who is in one of these roles towards this event.

    Raises NotFound for one who has nothing to do with the event, NotAllowed for one in another role.
    """
    standing = await roles_at(connection, caller, event_id)
    if not standing:
        raise NotFound
    if not standing & set(roles):
        raise NotAllowed


async def is_steward(connection: Connection, caller: Caller, event_id: UUID) -> bool:
    """Whether the caller is of the event's own people: an organizer, or at its gates."""
    return bool(await roles_at(connection, caller, event_id) & STEWARDS)


async def roles_at(connection: Connection, caller: Caller, event_id: UUID) -> frozenset[Role]:
    """What the caller is to an event: its organization's organizer or gate, its region's authority, or nothing."""
    rows = await connection.fetch(
        """
        SELECT role FROM organization_members AS own JOIN events USING (organization_id)
        WHERE events.id = $1 AND own.member_id = $2
        UNION ALL
        SELECT 'authority' FROM authority_members AS officer JOIN events USING (region)
        WHERE events.id = $1 AND officer.member_id = $2
        """,
        event_id,
        caller.member_id,
    )
    return frozenset(Role(row["role"]) for row in rows)
