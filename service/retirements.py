"""Retirement (注销): grams used up for good, for somebody and something, with a certificate that names their serials.

A citizen retires their own grams for their own footprint; an event's organizers retire what was donated to the event.
A retirement's id is its caller's, and that of its transfers. The oldest classes go first; the database takes each
class's next serials. Nothing of a retirement is ever changed, its words included.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from scenarios.programmes import rules
from service import donation_needs, event_lots, ledger
from service.certificates import BeneficiaryKind, Certificate, as_certificate
from service.db import Connection, encode_json
from service.errors import IdReused, NotFound, NotNow
from service.inputs import LINE, Name
from service.retirable import Lot, bases, drawn, held_by_member, own_lots
from service.schedules import CHINA

Purpose = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE)]


class ClosedToRetirements(NotNow):
    """账户或活动已关闭，不能再注销。"""

    code = "closed_to_retirements"


class NewRetirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a citizen retires: whole grams, for whom, for what, and for which event where it is for one.

    The certificate is public: of a person's name it shows the first character only, of an organization's all.
    """

    grams: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    beneficiary: Name
    beneficiary_kind: BeneficiaryKind = "person"
    purpose: Purpose
    event_id: UUID | None = None


class NewEventRetirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an organizer retires of what was donated to their event, for whom and for what."""

    grams: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    beneficiary: Name
    beneficiary_kind: BeneficiaryKind = "organization"
    purpose: Purpose


class Retirement(NamedTuple):
    """Grams that an account retires, under the caller's id; the date is that of the event's place, else China's."""

    id: UUID
    account_id: UUID
    event_id: UUID | None
    grams: int
    beneficiary: str
    beneficiary_kind: BeneficiaryKind
    purpose: str


class Standing(NamedTuple):
    """The moment of a retirement, its date there, and whether the event takes what travelling to it earned."""

    retired_at: datetime
    retired_on: date
    takes_own: bool


async def retire_own(connection: Connection, id_: UUID, member_id: UUID, new: NewRetirement) -> Certificate:
    """Retire a member's own grams; asked again under the same id, the certificate as it is.

    Raises IdReused, NotFound for an event that is not there, ClosedToRetirements, NothingToRetire,
    NotEnoughToRetire, RetiredForItsOwnEvent and NotForIndividuals; nothing has moved then.
    """
    asked = Retirement(
        id_, member_id, new.event_id, new.grams, new.beneficiary.strip(), new.beneficiary_kind, new.purpose.strip()
    )
    await ledger.lock_accounts(connection, [member_id])
    if not await is_new(connection, asked):
        return await find(connection, id_, member_id)
    standing = await check_open(connection, asked)
    rows = await held_by_member(connection, member_id)
    held = own_lots(rows, rules(), standing.retired_on, None if standing.takes_own else new.event_id)
    await retire(connection, asked, standing, drawn(held, new.grams))
    return await find(connection, id_, member_id)


async def retire_for_event(
    connection: Connection, id_: UUID, event_id: UUID, new: NewEventRetirement, by: UUID | None = None
) -> Certificate:
    """Retire what was donated to an event; asked again under the same id, the certificate as it is.

    Raises IdReused, NotFound, ClosedToRetirements after a cancellation, NothingToRetire, NotEnoughToRetire,
    NotTakenByItsRule and OrderLeft; nothing has moved then. Whether the caller organizes the event must be known;
    `by` sees the certificate's words in full.
    """
    asked = Retirement(
        id_, event_id, event_id, new.grams, new.beneficiary.strip(), new.beneficiary_kind, new.purpose.strip()
    )
    await connection.execute("SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE", event_id)
    if not await is_new(connection, asked):
        return await find(connection, id_, by)
    standing = await check_open(connection, asked)
    lots = await event_lots.ordered(connection, event_id, new.grams, standing.retired_at)
    await retire(connection, asked, standing, lots)
    await donation_needs.reckon(connection, event_id, standing.retired_at)
    return await find(connection, id_, by)


async def is_new(connection: Connection, asked: Retirement) -> bool:
    """Whether nothing was retired under this id; False when this very retirement was. Raises IdReused."""
    row = await connection.fetchrow(
        """
        SELECT id, account_id, event_id, grams, beneficiary, beneficiary_kind, purpose FROM retirements WHERE id = $1
        """,
        asked.id,
    )
    if row is not None and Retirement(**row) != asked:
        raise IdReused
    return row is None


async def check_open(connection: Connection, asked: Retirement) -> Standing:
    """When it is retired, and for what kind of event, which is held lest it be cancelled meanwhile.

    Raises NotFound where there is no such event, ClosedToRetirements.
    """
    await connection.execute("SELECT id FROM accounts WHERE id = $1 FOR SHARE", asked.event_id)
    row = await connection.fetchrow(
        """
        SELECT clock.at, (clock.at AT TIME ZONE coalesce(time_zone, $3))::date AS today, events.id AS event_id,
            same_event_clause IS NOT NULL AS takes_own,
            EXISTS (
                SELECT FROM account_closings WHERE account_id IN ($1, $2) AND (because <> 'settled' OR account_id <> $2)
            ) AS closed
        FROM clock_timestamp() AS clock (at) LEFT JOIN events ON events.id = $2
        """,
        asked.account_id,
        asked.event_id,
        CHINA.key,
    )
    if row["event_id"] != asked.event_id:
        raise NotFound
    if row["closed"]:
        raise ClosedToRetirements
    return Standing(row["at"], row["today"], row["takes_own"])


async def retire(connection: Connection, asked: Retirement, standing: Standing, lots: Sequence[Lot]) -> None:
    """Write the certificate's row and post its transfers, one a class. Raises IdReused."""
    try:
        await connection.execute(
            """
            INSERT INTO retirements
                (id, account_id, event_id, grams, beneficiary, beneficiary_kind, purpose, retired_at, retired_on, basis)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            *asked,
            standing.retired_at,
            standing.retired_on,
            encode_json(bases(lots)),
        )
        await ledger.post_many(
            connection,
            [
                ledger.Transfer(asked.id, asked.account_id, ledger.RETIRED, lot.class_id, lot.grams, "retire", ordinal)
                for ordinal, lot in enumerate(lots)
            ],
        )
    except asyncpg.UniqueViolationError:
        raise IdReused from None


async def find(connection: Connection, retirement_id: UUID, reader: UUID | None = None) -> Certificate:
    """A retirement's certificate, its words in full for its owner: a member, or an event's organizers. Or NotFound."""
    found = await certificates(connection, [retirement_id], reader)
    if not found:
        raise NotFound
    return found[0]


async def certificates(
    connection: Connection, retirement_ids: Sequence[UUID], reader: UUID | None = None
) -> list[Certificate]:
    """Certificates, the newest first, as `reader` may see them."""
    rows = await connection.fetch(
        """
        SELECT retirements.id AS retirement_id, retirements.event_id, events.name AS event_name, beneficiary,
            beneficiary_kind, purpose, retirements.grams, retired_on, retired_at, basis,
            account_id = retirements.event_id AS by_event,
            account_id = $2 OR EXISTS (
                SELECT FROM organization_members AS own JOIN events AS theirs USING (organization_id)
                WHERE theirs.id = account_id AND own.member_id = $2 AND role IN ('owner', 'editor', 'viewer')
            ) AS whole,
            blocks.parts AS blocks
        FROM retirements LEFT JOIN events ON events.id = retirements.event_id
        CROSS JOIN LATERAL (
            SELECT array_agg(ROW (
                class_id, region, methodology, version, vintage, first_serial, next_serial
            ) ORDER BY ordinal) AS parts
            FROM serial_blocks JOIN credit_classes ON credit_classes.id = class_id
            WHERE transfer_id = retirements.id
        ) AS blocks
        WHERE retirements.id = ANY ($1::uuid[])
        ORDER BY retired_at DESC, retirements.id DESC
        """,
        list(retirement_ids),
        reader,
    )
    return [as_certificate(row) for row in rows]


async def of_account(
    connection: Connection, account_id: UUID, reader: UUID | None, before: UUID | None = None, limit: int = 100
) -> list[Certificate]:
    """What a member or an event retired, the newest first. `before` is the last retirement of the page before."""
    rows = await connection.fetch(
        """
        SELECT id FROM retirements
        WHERE account_id = $1 AND (
            $2::uuid IS NULL
            OR (retired_at, id) < (SELECT last.retired_at, last.id FROM retirements AS last WHERE last.id = $2)
        )
        ORDER BY retired_at DESC, id DESC LIMIT $3
        """,
        account_id,
        before,
        limit,
    )
    return await certificates(connection, [row["id"] for row in rows], reader)
