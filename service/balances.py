"""What a member holds: by class, what is reserved of it, and what each may not be used for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from service import expiry
from service.db import Connection


class EventNamed(msgspec.Struct, frozen=True):
    """An event by id and name."""

    event_id: UUID
    event_name: str


class Barred(msgspec.Struct, frozen=True):
    """An event that credits cannot be donated to or retired for, and the code of the refusal it would get."""

    event_id: UUID
    event_name: str
    because: Literal["same_event_reduction"] = "same_event_reduction"


class ClassHeld(msgspec.Struct, frozen=True, kw_only=True):
    """Grams of one class that can be used, and those reserved. `earned_at` is the event travelled to, if it was so.

    `expires_on` is the first day on which they are no longer held, null where no rule says so.
    """

    region: str
    methodology: str
    version: str
    vintage: date
    earned_at: EventNamed | None
    grams: int
    reserved_g: int
    not_for: list[Barred]
    expires_on: date | None


class OpenReservation(msgspec.Struct, frozen=True, kw_only=True):
    """Grams set aside for one event, until then."""

    reservation_id: UUID
    event_id: UUID
    event_name: str
    grams: int
    lapses_at: datetime


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """`balance_g` can be used, `reserved_g` comes on top: set aside, not yet given. Classes from the oldest."""

    balance_g: int
    reserved_g: int
    classes: list[ClassHeld]
    reservations: list[OpenReservation]


async def read(connection: Connection, member_id: UUID) -> Balance:
    """What a member holds now."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        classes = await classes_of(connection, member_id)
        reservations = await reservations_of(connection, member_id)
    return Balance(
        balance_g=sum(each.grams for each in classes),
        reserved_g=sum(each.reserved_g for each in classes),
        classes=classes,
        reservations=reservations,
    )


async def classes_of(connection: Connection, member_id: UUID) -> list[ClassHeld]:
    """Holdings, and what is reserved, by class."""
    rows = await connection.fetch(
        """
        WITH held AS (
            SELECT class_id, grams FROM balances WHERE account_id = $1 AND grams > 0
        ),
        reserved AS (
            SELECT class_id, sum(transfers.grams)::bigint AS reserved_g
            FROM reservations JOIN transfers ON transfers.id = reservations.id
            WHERE member_id = $1
                AND NOT EXISTS (SELECT FROM reservation_endings WHERE reservation_id = reservations.id)
            GROUP BY class_id
        )
        SELECT credit_classes.region, methodology, version, vintage, events.id AS event_id, events.name AS event_name,
            coalesce(grams, 0) AS grams, coalesce(reserved_g, 0) AS reserved_g, same_event_clause IS NULL AS barred
        FROM held FULL JOIN reserved USING (class_id)
        JOIN credit_classes ON credit_classes.id = class_id
        LEFT JOIN events ON events.id = credit_classes.event_id
        ORDER BY vintage, class_id
        """,
        member_id,
    )
    return [class_from(row) for row in rows]


def class_from(row: asyncpg.Record) -> ClassHeld:
    """A class as held."""
    facts = dict(row)
    event_id, event_name, barred = facts.pop("event_id"), facts.pop("event_name"), facts.pop("barred")
    return ClassHeld(
        **facts,
        earned_at=EventNamed(event_id, event_name) if event_id else None,
        not_for=[Barred(event_id, event_name)] if event_id and barred else [],
        expires_on=expiry.expires_on(row["region"], row["vintage"]),
    )


async def reservations_of(connection: Connection, member_id: UUID) -> list[OpenReservation]:
    """Reservations that have not ended, the newest first."""
    rows = await connection.fetch(
        """
        SELECT reservations.id AS reservation_id, event_id, events.name AS event_name, grams, lapses_at
        FROM reservations JOIN events ON events.id = event_id
        WHERE member_id = $1 AND NOT EXISTS (SELECT FROM reservation_endings WHERE reservation_id = reservations.id)
        ORDER BY reserved_at DESC, reservations.id DESC
        """,
        member_id,
    )
    return [OpenReservation(**row) for row in rows]
