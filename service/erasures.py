"""Erasure: whoever asks to be forgotten leaves an opaque account, and nothing in this database leads to them.

Done in one transaction under the member's account, after which every other write of theirs finds the account closed.
What stays, and why, stands in `personal_data`. The same phone may sign up again: as somebody new.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from service import ledger, organizations, reservations, retirements
from service.db import Connection, new_id
from service.errors import BadInput, Conflict, NotFound
from service.i18n import Language

WORDS: dict[Language, str] = {"zh": "删除账户", "en": "delete my account"}


class NotConfirmed(BadInput):
    """没有确认：请原样输入“{word}”。"""

    code = "not_confirmed"


class SoleOrganizer(Conflict):
    """您是「{organization}」唯一的负责人，它还有没结束的活动或在用的合作方密钥。请先交给别人，或先取消活动、停用密钥。"""

    code = "sole_organizer"


class Erased(msgspec.Struct, frozen=True):
    """When the account was erased."""

    erased_at: datetime


def confirm(word: str, language: Language) -> None:
    """Raises NotConfirmed, naming the word of that language, unless it was typed in either."""
    if " ".join(word.split()).casefold() not in WORDS.values():
        raise NotConfirmed(word=WORDS[language])


async def erase(connection: Connection, member_id: UUID, now: datetime) -> Erased:
    """Erase a member; done again, the answer is as before. Credits still held stay in the closed account, unusable.

    Raises NotFound for nobody, and SoleOrganizer.
    """
    await lock_organizations(connection, member_id)
    await ledger.lock_accounts(connection, [member_id])
    await lock_photos(connection, member_id)
    await delete_codes(connection, member_id)
    member = await connection.fetchrow("SELECT erased_at FROM members WHERE id = $1 FOR UPDATE", member_id)
    if member is None:
        raise NotFound
    if member["erased_at"]:
        return Erased(member["erased_at"])
    await require_dispensable(connection, member_id, now)
    await void_reservations(connection, member_id)
    await erase_details(connection, member_id, now)
    await erase_photos(connection, member_id)
    await close(connection, member_id, now)
    await mask_certificates(connection, member_id)
    return Erased(now)


async def lock_organizations(connection: Connection, member_id: UUID) -> None:
    """Hold the organizations that a member acts for, before any account: nobody else becomes or ceases to be one."""
    await connection.execute(
        """
        SELECT id FROM organizations
        WHERE id IN (SELECT organization_id FROM organization_members WHERE member_id = $1)
        ORDER BY id FOR NO KEY UPDATE
        """,
        member_id,
    )


async def require_dispensable(connection: Connection, member_id: UUID, now: datetime) -> None:
    """Raises SoleOrganizer where an event that is not over, or a partner's key in use, would be left to nobody."""
    name = await connection.fetchval(
        """
        SELECT name FROM organization_members AS own JOIN organizations ON organizations.id = organization_id
        WHERE own.member_id = $1 AND role = 'owner'
            AND NOT EXISTS (
                SELECT FROM organization_members AS other
                WHERE other.organization_id = own.organization_id AND role = 'owner' AND other.member_id <> $1
            )
            AND (
                EXISTS (
                    SELECT FROM events JOIN opening_hours ON event_id = events.id
                    WHERE events.organization_id = own.organization_id AND closes_at > $2
                        AND NOT EXISTS (SELECT FROM account_closings WHERE account_id = events.id)
                )
                OR EXISTS (
                    SELECT FROM partners JOIN partner_keys ON partner_id = partners.id
                    WHERE partners.organization_id = own.organization_id AND revoked_at IS NULL
                )
            )
        ORDER BY organizations.id LIMIT 1
        """,
        member_id,
        now,
    )
    if name is not None:
        raise SoleOrganizer(organization=name)


async def void_reservations(connection: Connection, member_id: UUID) -> None:
    """Give back what was set aside."""
    rows = await connection.fetch(
        """
        SELECT id FROM reservations
        WHERE member_id = $1 AND NOT EXISTS (SELECT FROM reservation_endings WHERE reservation_id = reservations.id)
        ORDER BY id
        """,
        member_id,
    )
    for row in rows:
        await reservations.void(connection, row["id"], new_id(), member_id)


async def erase_details(connection: Connection, member_id: UUID, now: datetime) -> None:
    """Delete what tells when and where acts were done, what was said about them, who acts for whom, and every door.

    Acts that wait are refused: nobody is left to be credited.
    """
    await connection.execute(
        """
        UPDATE actions SET period = NULL, family = NULL, station_id = NULL, held_because = NULL, due_at = NULL,
            settled_at = coalesce(settled_at, $2),
            state = CASE WHEN state IN ('pending', 'in_review') THEN 'refused' ELSE state END,
            reduction_g = CASE WHEN state IN ('pending', 'in_review') THEN 0 ELSE reduction_g END
        WHERE member_id = $1
            AND (num_nonnulls(period, family, station_id, held_because) > 0 OR state IN ('pending', 'in_review'))
        """,
        member_id,
        now,
    )
    await connection.execute(
        "DELETE FROM action_appeals WHERE action_id IN (SELECT id FROM actions WHERE member_id = $1)", member_id
    )
    await connection.execute("DELETE FROM consents WHERE member_id = $1", member_id)
    await connection.execute("DELETE FROM member_devices WHERE member_id = $1", member_id)
    for left in await organizations.of_member(connection, member_id):
        await organizations.note_change(connection, left.id, member_id, None, member_id)
    await connection.execute("DELETE FROM organization_members WHERE member_id = $1", member_id)
    await connection.execute("DELETE FROM authority_members WHERE member_id = $1", member_id)
    await connection.execute("DELETE FROM operators WHERE member_id = $1", member_id)
    await connection.execute("DELETE FROM sessions WHERE member_id = $1", member_id)
    await connection.execute("DELETE FROM idempotent_requests WHERE caller = 'member:' || $1::uuid::text", member_id)


async def lock_photos(connection: Connection, member_id: UUID) -> None:
    """Hold a member's photos before the member, as whoever uploads one does."""
    await connection.execute(
        """
        SELECT digest FROM evidence WHERE digest IN (
            SELECT digest FROM evidence_uploads WHERE member_id = $1
            UNION
            SELECT digest FROM action_evidence JOIN actions ON actions.id = action_id WHERE member_id = $1
        )
        ORDER BY digest FOR UPDATE
        """,
        member_id,
    )


async def erase_photos(connection: Connection, member_id: UUID) -> None:
    """Delete a member's photos, except those that somebody else has uploaded too."""
    rows = await connection.fetch(
        """
        WITH attached AS (
            DELETE FROM action_evidence WHERE action_id IN (SELECT id FROM actions WHERE member_id = $1)
            RETURNING digest
        ),
        uploaded AS (
            DELETE FROM evidence_uploads WHERE member_id = $1 RETURNING digest
        )
        SELECT digest FROM attached UNION SELECT digest FROM uploaded
        """,
        member_id,
    )
    await connection.execute(
        """
        DELETE FROM evidence WHERE digest = ANY ($1::bytea[])
            AND NOT EXISTS (SELECT FROM evidence_uploads AS upload WHERE upload.digest = evidence.digest)
            AND NOT EXISTS (SELECT FROM action_evidence AS attached WHERE attached.digest = evidence.digest)
        """,
        [row["digest"] for row in rows],
    )


async def delete_codes(connection: Connection, member_id: UUID) -> None:
    """Delete the phone's code, before the member is held, as whoever signs in takes the code first."""
    await connection.execute(
        "DELETE FROM sign_in_codes WHERE phone_digest = (SELECT phone_digest FROM members WHERE id = $1)", member_id
    )


async def close(connection: Connection, member_id: UUID, now: datetime) -> None:
    """Forget the phone, and close the account for good."""
    await connection.execute(
        "UPDATE members SET phone_digest = NULL, phone_hint = NULL, erased_at = $2 WHERE id = $1", member_id, now
    )
    await connection.execute("INSERT INTO account_closings (account_id, because) VALUES ($1, 'left')", member_id)


async def mask_certificates(connection: Connection, member_id: UUID) -> None:
    """Leave on a member's certificates what everyone may read there, their own name by its first character."""
    rows = await connection.fetch(
        "SELECT id FROM retirements WHERE account_id = $1 AND beneficiary_kind = 'person'", member_id
    )
    public = await retirements.certificates(connection, [row["id"] for row in rows])
    await connection.executemany(
        "UPDATE retirements SET beneficiary = $2, purpose = $3 WHERE id = $1",
        [(each.retirement_id, each.beneficiary, each.purpose) for each in public],
    )
