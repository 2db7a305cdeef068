"""Organizations that hold events, who acts for them, and the authorities that watch over a region."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from service.access import Caller, Role, roles_as
from service.config import Config
from service.db import Connection, new_id
from service.errors import Conflict, NotAllowed, NotFound
from service.i18n import mark
from service.inputs import Name, PhoneText
from service.members import member_by_phone

Part = Literal["owner", "editor", "viewer", "gate"]
PARTS: dict[Part, str] = {
    "owner": mark("负责人"),
    "editor": mark("经办人"),
    "viewer": mark("查阅人"),
    "gate": mark("入口"),
}
"""What somebody is in an organization; msgids."""
STEWARDS = frozenset({Role.ORGANIZER, Role.GATE})


class LastOwner(Conflict):
    """组织至少要有一名负责人。"""

    code = "last_owner"


class NewOrganization(msgspec.Struct, forbid_unknown_fields=True):
    """What a founder says of an organization."""

    name: Name


class Organization(msgspec.Struct, frozen=True):
    """An organization, and what the one who asks is in it."""

    id: UUID
    name: str
    role: Part


class NewColleague(msgspec.Struct, forbid_unknown_fields=True):
    """Who shall act for an organization.

    An owner decides who acts for it and does all that an editor does, who manages its events; a viewer reads what they
    read; a gate may only scan at the doors.
    """

    phone: PhoneText
    role: Part


class MemberChange(msgspec.Struct, frozen=True):
    """Somebody became something in an organization, or left it, where the role is null. Hints are of phone numbers."""

    changed_at: datetime
    phone_hint: str | None
    role: Part | None
    by_hint: str | None


class Colleague(msgspec.Struct, frozen=True):
    """One who acts for an organization. `phone_hint` shows the number's last digits."""

    member_id: UUID
    phone_hint: str
    role: str


async def found(connection: Connection, member_id: UUID, new: NewOrganization) -> Organization:
    """Make an organization with the founder as its owner (an app's token says so after its next rotation)."""
    made = Organization(new_id(), new.name.strip(), "owner")
    await connection.execute(
        "INSERT INTO organizations (id, name, founded_by) VALUES ($1, $2, $3)", made.id, made.name, member_id
    )
    await put_member(connection, made.id, member_id, made.role)
    await note_change(connection, made.id, member_id, made.role, member_id)
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
    """Who acts for the caller's organization. Raises NotFound and NotAllowed as `require_in`."""
    await require_in(connection, caller, organization_id, Role.VIEWER)
    return await people_of(connection, organization_id)


async def people_of(connection: Connection, organization_id: UUID) -> list[Colleague]:
    """Who acts for an organization, the first who came first."""
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


async def changes_of(connection: Connection, caller: Caller, organization_id: UUID) -> list[MemberChange]:
    """Who came, went and changed roles, the newest first, up to 200. Raises NotFound and NotAllowed as `require_in`."""
    await require_in(connection, caller, organization_id, Role.VIEWER)
    rows = await connection.fetch(
        """
        SELECT changed_at, theirs.phone_hint, role, own.phone_hint AS by_hint
        FROM organization_changes
        JOIN members AS theirs ON theirs.id = member_id JOIN members AS own ON own.id = changed_by
        WHERE organization_id = $1 ORDER BY organization_changes.id DESC LIMIT 200
        """,
        organization_id,
    )
    return [MemberChange(**row) for row in rows]


async def add_member(
    connection: Connection, config: Config, caller: Caller, organization_id: UUID, new: NewColleague
) -> Colleague:
    """Let someone act for the caller's organization, known or not yet; one who does already changes role.

    Raises NotFound and NotAllowed as `require_in`, PhoneInvalid, and LastOwner.
    """
    await lock(connection, organization_id)
    await require_in(connection, caller, organization_id, Role.OWNER)
    member_id = await member_by_phone(connection, config, new.phone)
    await put_member(connection, organization_id, member_id, new.role)
    await note_change(connection, organization_id, member_id, new.role, caller.member)
    await keep_an_owner(connection, organization_id)
    hint = await connection.fetchval("SELECT phone_hint FROM members WHERE id = $1", member_id)
    return Colleague(member_id, hint, new.role)


async def remove_member(connection: Connection, caller: Caller, organization_id: UUID, member_id: UUID) -> None:
    """Let someone no longer act for the caller's organization, at once.

    Raises NotFound and NotAllowed as `require_in`, NotFound for one who does not act for it, LastOwner.
    """
    await lock(connection, organization_id)
    await require_in(connection, caller, organization_id, Role.OWNER)
    removed = await connection.fetchval(
        "DELETE FROM organization_members WHERE organization_id = $1 AND member_id = $2 RETURNING true",
        organization_id,
        member_id,
    )
    if not removed:
        raise NotFound
    await note_change(connection, organization_id, member_id, None, caller.member)
    await keep_an_owner(connection, organization_id)


async def lock(connection: Connection, organization_id: UUID) -> None:
    """Hold an organization until the transaction ends, so that two owners cannot each remove the other."""
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


async def note_change(
    connection: Connection, organization_id: UUID, member_id: UUID, role: Part | None, by: UUID
) -> None:
    """Keep what somebody became in an organization, or that they left it, and by whom."""
    await connection.execute(
        """
        INSERT INTO organization_changes (id, organization_id, member_id, role, changed_by, changed_at)
        VALUES ($1, $2, $3, $4, $5, now())
        """,
        new_id(),
        organization_id,
        member_id,
        role,
        by,
    )


async def keep_an_owner(connection: Connection, organization_id: UUID) -> None:
    """Raises LastOwner when nobody is left who decides who acts for the organization."""
    left = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM organization_members WHERE organization_id = $1 AND role = 'owner')",
        organization_id,
    )
    if not left:
        raise LastOwner


async def require_in(connection: Connection, caller: Caller, organization_id: UUID, *roles: Role) -> None:
    """Go on only for one who is in one of these roles in this organization.

    Raises NotFound for one who does not act for it, so that nothing is revealed, NotAllowed for one in another role.
    """
    role = await connection.fetchval(
        "SELECT role FROM organization_members WHERE organization_id = $1 AND member_id = $2",
        organization_id,
        caller.member_id,
    )
    if role is None:
        raise NotFound
    if not roles_as(role) & set(roles):
        raise NotAllowed


async def require(connection: Connection, caller: Caller, event_id: UUID, *roles: Role) -> frozenset[Role]:
    """Go on only for one who is in one of these roles towards this event; return all that they are in.

    Raises NotFound for one who has nothing to do with the event, NotAllowed for one in another role.
    """
    standing = await roles_at(connection, caller, event_id)
    if not standing:
        raise NotFound
    if not standing & set(roles):
        raise NotAllowed
    return standing


async def is_steward(connection: Connection, caller: Caller, event_id: UUID) -> bool:
    """Whether the caller is of the event's own people: an organizer, or at its gates."""
    return bool(await roles_at(connection, caller, event_id) & STEWARDS)


async def roles_at(connection: Connection, caller: Caller, event_id: UUID) -> frozenset[Role]:
    """What the caller is to an event: of its organization, of its place's authority, of its verifier, or nothing."""
    rows = await connection.fetch(
        "SELECT role FROM event_parties WHERE event_id = $1 AND member_id = $2", event_id, caller.member_id
    )
    return roles_as(*(row["role"] for row in rows))
