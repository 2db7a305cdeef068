"""Citizens' donations of credits to events. One update a donor, none of the event: its sum is folded by workers.

A donation's id is its caller's. Its verdict, also a refusal, is kept under that id: asked again, it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from service import ledger
from service.db import Connection
from service.errors import Conflict, IdReused, NotFound, NotReady, Refusal


class Overdraft(Conflict):
    """您只有 {held_g} 克减排量，不够捐出 {asked_g} 克。"""

    code = "overdraft"


class DonationRequest(NamedTuple):
    """Grams that a member gives to an event, under the caller's id."""

    id: UUID
    member_id: UUID
    event_id: UUID
    grams: int


class Donation(msgspec.Struct, frozen=True, kw_only=True):
    """A donation as recorded; `balance_g` is what the donor holds after it, now."""

    donation_id: UUID
    event_id: UUID
    grams: int
    donated_at: datetime


async def donate_many(
    connection: Connection, requests: Sequence[DonationRequest], now: datetime
) -> list[Donation | Refusal]:
    """Decide each donation; commits nothing itself. Donors give the oldest classes first.

    A donor's second donation in the set is decided after the first: sets are rounds of one donation a donor.
    """
    verdicts: dict[int, Donation | Refusal] = {}
    await ledger.lock_accounts(connection, {each.member_id for each in requests})
    rest = list(range(len(requests)))
    while rest:
        donors: set[UUID] = set()
        ids: set[UUID] = set()
        this_round: list[int] = []
        later: list[int] = []
        for number in rest:
            request = requests[number]
            crowded = request.member_id in donors or request.id in ids
            (later if crowded else this_round).append(number)
            donors.add(request.member_id)
            ids.add(request.id)
        answers = await donate_round(connection, [requests[number] for number in this_round], now)
        verdicts |= dict(zip(this_round, answers, strict=True))
        rest = later
    return [verdicts[number] for number in range(len(requests))]


async def donate_round(
    connection: Connection, requests: Sequence[DonationRequest], now: datetime
) -> list[Donation | Refusal]:
    """Decide donations of different donors and ids, whose accounts are locked."""
    earlier = await find_many(connection, [each.id for each in requests])
    new = [each for each in requests if each.id not in earlier]
    known = await events_among(connection, {each.event_id for each in new})
    decided = await give(connection, [each for each in new if each.event_id in known], now)
    return [
        answer_of(each, earlier[each.id])
        if each.id in earlier
        else answer_of(each, decided[each.id])
        if each.id in decided
        else NotReady()
        if each.event_id in known
        else NotFound()
        for each in requests
    ]


def answer_of(request: DonationRequest, row: Mapping[str, object] | asyncpg.Record) -> Donation | Refusal:
    """The verdict that a stored donation holds for a request under its id."""
    if (row["member_id"], row["event_id"], row["grams"]) != request[1:]:
        return IdReused()
    if row["refusal"]:
        return Overdraft(held_g=row["held_g"], asked_g=row["grams"])
    return Donation(
        donation_id=request.id,
        event_id=request.event_id,
        grams=request.grams,
        donated_at=row["decided_at"],  # type: ignore[arg-type]
    )


async def find_many(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, asyncpg.Record]:
    """Donations decided before."""
    rows = await connection.fetch(
        """
        SELECT id, member_id, event_id, grams, refusal, held_g, decided_at
        FROM donations WHERE id = ANY ($1::uuid[])
        """,
        ids,
    )
    return {row["id"]: row for row in rows}


async def events_among(connection: Connection, ids: set[UUID]) -> set[UUID]:
    """Which of the ids are events that can be given to."""
    if not ids:
        return set()
    rows = await connection.fetch("SELECT id FROM accounts WHERE id = ANY ($1::uuid[]) AND kind = 'event'", list(ids))
    return {row["id"] for row in rows}


async def give(
    connection: Connection, requests: Sequence[DonationRequest], now: datetime
) -> dict[UUID, asyncpg.Record]:
    """Record each donation with its verdict, and move the grams of those that are covered."""
    if not requests:
        return {}
    rows = await connection.fetch(
        """
        WITH request AS (
            SELECT id, member_id, event_id, grams
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) AS r (id, member_id, event_id, grams)
        ),
        held AS (
            SELECT request.id, balances.class_id, balances.grams,
                   sum(balances.grams) OVER (PARTITION BY request.id ORDER BY vintage, balances.class_id) AS up_to,
                   sum(balances.grams) OVER (PARTITION BY request.id) AS in_all
            FROM request
            JOIN balances ON balances.account_id = request.member_id AND balances.grams > 0
            JOIN credit_classes ON credit_classes.id = balances.class_id
        ),
        decided AS (
            INSERT INTO donations (id, member_id, event_id, grams, refusal, held_g, decided_at)
            SELECT request.id, member_id, event_id, request.grams,
                   CASE WHEN coalesce(total.in_all, 0) < request.grams THEN 'overdraft' END,
                   CASE WHEN coalesce(total.in_all, 0) < request.grams THEN coalesce(total.in_all, 0) END,
                   $5
            FROM request
            LEFT JOIN (SELECT DISTINCT id, in_all FROM held) AS total ON total.id = request.id
            ORDER BY request.id
            ON CONFLICT DO NOTHING
            RETURNING id, member_id, event_id, grams, refusal, held_g, decided_at
        ),
        moved AS (
            INSERT INTO transfers (id, ordinal, source, destination, class_id, grams, reason, made_at)
            SELECT decided.id, row_number() OVER (PARTITION BY decided.id ORDER BY up_to) - 1, member_id, event_id,
                   class_id, least(up_to, decided.grams) - (up_to - held.grams), 'donate', $5
            FROM decided JOIN held ON held.id = decided.id
            WHERE refusal IS NULL AND up_to - held.grams < decided.grams
        ),
        noted AS (
            INSERT INTO tally_changes (event_id, sign, donations, donated_g, changed_at)
            SELECT event_id, 1, count(*), sum(grams), $5 FROM decided WHERE refusal IS NULL GROUP BY event_id
        )
        SELECT id, member_id, event_id, grams, refusal, held_g, decided_at FROM decided
        """,
        [each.id for each in requests],
        [each.member_id for each in requests],
        [each.event_id for each in requests],
        [each.grams for each in requests],
        now,
    )
    return {row["id"]: row for row in rows}


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A donation that was accepted, with the name of its event."""

    donation_id: UUID
    event_id: UUID
    event_name: str
    grams: int
    donated_at: datetime


async def of_member(connection: Connection, member_id: UUID, limit: int = 100) -> list[Given]:
    """What a member gave, the newest first."""
    rows = await connection.fetch(
        """
        SELECT donations.id AS donation_id, event_id, events.name AS event_name, grams, decided_at AS donated_at
        FROM donations JOIN events ON events.id = event_id
        WHERE member_id = $1 AND refusal IS NULL
        ORDER BY decided_at DESC, donations.id DESC
        LIMIT $2
        """,
        member_id,
        limit,
    )
    return [Given(**row) for row in rows]


async def find_own(connection: Connection, member_id: UUID, donation_id: UUID) -> Given:
    """A member's donation. Raises NotFound where there is none that was accepted."""
    row = await connection.fetchrow(
        """
        SELECT donations.id AS donation_id, event_id, events.name AS event_name, grams, decided_at AS donated_at
        FROM donations JOIN events ON events.id = event_id
        WHERE donations.id = $1 AND member_id = $2 AND refusal IS NULL
        """,
        donation_id,
        member_id,
    )
    if row is None:
        raise NotFound
    return Given(**row)
