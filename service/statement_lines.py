"""Lines of a statement with what explains them: classes, and the act, donation, reservation or retirement behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from scenarios.actions.reductions import Reduction
from service.balances import EventNamed
from service.db import Connection
from service.donation_uses import Use, uses_of_donations
from service.expiry import RuleTold

Kind = Literal["issue", "donate", "retire", "expire", "reverse", "refund", "reserve", "void", "lapse"]
Subject = Literal["check_in", "action", "donation", "reservation", "retirement"]
read_reduction = msgspec.json.Decoder(Reduction).decode
read_rule = msgspec.json.Decoder(RuleTold).decode


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Grams of one class. `earned_at` is the event that was travelled to, where that is what earned them."""

    region: str
    methodology: str
    version: str
    vintage: date
    earned_at: EventNamed | None
    grams: int


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation: until when, and how it ended, if it did. `posted_g` went to the event, as `donation_id`."""

    grams: int
    lapses_at: datetime
    outcome: Literal["post", "void", "lapse"] | None = None
    posted_g: int = 0
    donation_id: UUID | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Grams that came (or went: negative), and what the member held then. `subject_id` is what the line is about."""

    id: UUID
    made_at: datetime
    kind: Kind
    grams: int
    balance_g: int
    parts: list[Part]
    refers_to: UUID | None
    subject: Subject | None
    subject_id: UUID
    event_id: UUID | None
    event_name: str | None
    event_cancelled: bool
    act: Reduction | None
    check_in_ended: Literal["undone", "corrected"] | None
    reserved: Reserved | None
    purpose: str | None
    beneficiary: str | None
    rules: list[RuleTold]
    use: Use | None


async def lines_of(connection: Connection, member_id: UUID, rows: Sequence[asyncpg.Record]) -> list[Line]:
    """Lines as examined (id, made_at, kind, grams, balance_g, refers_to, subject_id, event_id), explained."""
    if not rows:
        return []
    parts = await parts_of(connection, member_id, [row["id"] for row in rows])
    facts = await facts_of(connection, member_id, rows)
    given = {row["id"]: facts[row["id"]]["donation_id"] for row in rows}
    donations = {each for each in given.values() if each}
    uses = await uses_of_donations(connection, donations) if donations else {}
    return [line_from(row, parts[row["id"]], facts[row["id"]], uses.get(given[row["id"]])) for row in rows]


def line_from(row: asyncpg.Record, parts: list[Part], facts: asyncpg.Record, use: Use | None) -> Line:
    """One line."""
    return Line(
        **dict(row),
        parts=parts,
        subject=subject_of(row["kind"], facts),
        event_name=facts["event_name"],
        event_cancelled=facts["event_cancelled"],
        act=read_reduction(facts["act"]) if facts["act"] else None,
        check_in_ended=facts["check_in_ended"],
        reserved=reserved_from(facts) if facts["reserved_g"] else None,
        purpose=facts["purpose"],
        beneficiary=facts["beneficiary"],
        rules=[read_rule(each) for each in facts["rules"]],
        use=use,
    )


def subject_of(kind: Kind, facts: asyncpg.Record) -> Subject | None:
    """What a line is about, as far as anything is recorded beside the transfer."""
    if facts["is_check_in"]:
        return "check_in"
    if facts["act"]:
        return "action"
    if facts["reserved_g"]:
        return "reservation"
    if facts["purpose"]:
        return "retirement"
    return "donation" if facts["is_donation"] else None


def reserved_from(facts: asyncpg.Record) -> Reserved:
    """The reservation behind a line."""
    return Reserved(
        grams=facts["reserved_g"],
        lapses_at=facts["lapses_at"],
        outcome=facts["outcome"],
        posted_g=facts["posted_g"] or 0,
        donation_id=facts["donation_id"],
    )


async def parts_of(connection: Connection, member_id: UUID, ids: Sequence[UUID]) -> dict[UUID, list[Part]]:
    """The member's share of transfers, class by class in the order of their rows."""
    rows = await connection.fetch(
        """
        SELECT transfers.id, credit_classes.region, methodology, version, vintage, grams,
            events.id AS event_id, events.name AS event_name
        FROM transfers JOIN credit_classes ON credit_classes.id = class_id
        LEFT JOIN events ON events.id = credit_classes.event_id
        WHERE transfers.id = ANY ($1::uuid[]) AND $2 IN (source, destination)
        ORDER BY transfers.id, ordinal
        """,
        ids,
        member_id,
    )
    parts: dict[UUID, list[Part]] = {}
    for row in rows:
        parts.setdefault(row["id"], []).append(part_from(row))
    return parts


def part_from(row: asyncpg.Record) -> Part:
    """One row's grams, with their class."""
    return Part(
        region=row["region"],
        methodology=row["methodology"],
        version=row["version"],
        vintage=row["vintage"],
        earned_at=EventNamed(row["event_id"], row["event_name"]) if row["event_id"] else None,
        grams=row["grams"],
    )


async def facts_of(
    connection: Connection, member_id: UUID, rows: Sequence[asyncpg.Record]
) -> dict[UUID, asyncpg.Record]:
    """What is recorded of each line's event and subject, by the line's id."""
    found = await connection.fetch(
        """
        SELECT line.id, events.name AS event_name, event_cancellations.event_id IS NOT NULL AS event_cancelled,
            check_ins.id IS NOT NULL AS is_check_in, check_ins.ended_because AS check_in_ended, actions.trace AS act,
            reservations.grams AS reserved_g, lapses_at, ending.outcome, ending.posted_g, purpose, beneficiary,
            donations.id IS NOT NULL OR posted.id IS NOT NULL AS is_donation,
            CASE WHEN line.kind = 'donate' THEN line.id
                WHEN line.kind = 'reserve' AND ending.outcome = 'post' THEN ending.id END AS donation_id,
            ARRAY(
                SELECT DISTINCT told.rule FROM transfers AS part CROSS JOIN LATERAL (
                    SELECT rule FROM expiry_notices AS notice
                    WHERE notice.account_id = part.source AND notice.class_id = part.class_id AND told_on <= made_at
                    ORDER BY expires_on LIMIT 1
                ) AS told
                WHERE line.kind = 'expire' AND part.id = line.id AND part.source = $5
            ) AS rules
        FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[]) AS line (id, kind, subject_id, event_id)
        LEFT JOIN events ON events.id = line.event_id
        LEFT JOIN event_cancellations ON event_cancellations.event_id = line.event_id
        LEFT JOIN check_ins ON check_ins.id = subject_id
        LEFT JOIN actions ON actions.id = subject_id
        LEFT JOIN reservations ON reservations.id = subject_id
        LEFT JOIN reservation_endings AS ending ON ending.reservation_id = subject_id
        LEFT JOIN reservation_endings AS posted ON posted.id = subject_id
        LEFT JOIN retirements ON retirements.id = subject_id
        LEFT JOIN donations ON donations.id = subject_id
        """,
        [row["id"] for row in rows],
        [row["kind"] for row in rows],
        [row["subject_id"] for row in rows],
        [row["event_id"] for row in rows],
        member_id,
    )
    return {row["id"]: row for row in found}
