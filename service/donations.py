"""Citizens' donations of credits to events. One update a donor, none of the event: its sum is folded by workers.

A donation's id is its caller's. Its verdict, also a refusal, is kept under that id: asked again, it is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from service import ledger
from service.db import Connection
from service.errors import Conflict, IdReused, NotFound, NotNow, NotReady, Refusal


class Overdraft(Conflict):
    """您只有 {held_g} 克减排量，不够捐出 {asked_g} 克。"""

    code = "overdraft"


class SameEventReduction(Conflict):
    """来这个活动途中获得的减排量，不能再捐给这个活动：它的排放清单里已经少算了这一份。"""

    code = "same_event_reduction"


class ClosedToDonations(NotNow):
    """这个活动不再接受捐赠。"""

    code = "closed_to_donations"


class EventCovered(NotNow):
    """这个活动的排放量已经抵完，不再接受捐赠。"""

    code = "event_covered"


class ClassNotTaken(NotNow):
    """按活动所在地的规则，这个活动不能用您持有的这些减排量。活动页面写明它接受哪里的减排量。"""

    code = "class_not_taken"


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


async def donate_many(connection: Connection, requests: Sequence[DonationRequest]) -> list[Donation | Refusal]:
    """Decide each donation; commits nothing itself. Donors give the oldest classes first.

    A donor's second donation in the set is decided after the first: sets are rounds of one donation a donor.
    """
    verdicts: dict[int, Donation | Refusal] = {}
    await ledger.lock_accounts(connection, {each.member_id for each in requests})
    rest = list(range(len(requests)))
    while rest:
        seen: set[UUID] = set()
        this_round: list[int] = []
        later: list[int] = []
        for number in rest:
            request = requests[number]
            crowded = request.member_id in seen or request.id in seen
            (later if crowded else this_round).append(number)
            seen |= {request.member_id, request.id}
        answers = await donate_round(connection, [requests[number] for number in this_round])
        verdicts |= dict(zip(this_round, answers, strict=True))
        rest = later
    return [verdicts[number] for number in range(len(requests))]


async def donate_round(connection: Connection, requests: Sequence[DonationRequest]) -> list[Donation | Refusal]:
    """Decide donations of different donors and ids, whose accounts are locked; move what is covered.

    `OFFSET 0` keeps the planner from turning a look at an index for each request into one walk through all of it.
    """
    rows = await connection.fetch(
        """
        WITH request AS (
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) AS r (id, member_id, event_id, grams)
        ),
        target AS MATERIALIZED (
            SELECT event_id, closed, takes_own, covered, regions, recognized
            FROM (SELECT DISTINCT event_id FROM request) AS named JOIN donation_targets USING (event_id)
        ),
        earlier AS MATERIALIZED (
            SELECT id, member_id, event_id, grams, refusal, held_g, decided_at FROM donations WHERE id = ANY ($1)
        ),
        new AS MATERIALIZED (
            SELECT id, member_id, event_id, grams, takes_own, regions, recognized FROM request NATURAL JOIN target
            WHERE NOT closed AND NOT covered AND NOT EXISTS (SELECT FROM earlier WHERE earlier.id = request.id)
        ),
        held AS MATERIALIZED (
            SELECT new.id, class_id, lot.grams, barred,
                sum(lot.grams) FILTER (WHERE barred IS NULL) OVER (PARTITION BY id ORDER BY vintage, class_id) AS up_to
            FROM new CROSS JOIN LATERAL (
                SELECT class_id, vintage, grams, CASE
                    WHEN NOT is_taken(regions, new.recognized, region, holdings.recognized) THEN 'class_not_taken'
                    WHEN NOT takes_own AND earned_at = new.event_id THEN 'same_event_reduction' END AS barred
                FROM holdings WHERE account_id = new.member_id OFFSET 0) AS lot
        ),
        decided AS (
            INSERT INTO donations (id, member_id, event_id, grams, refusal, held_g, decided_at)
            SELECT id, member_id, event_id, grams,
                   CASE WHEN usable_g >= grams THEN NULL WHEN in_all >= grams THEN barred ELSE 'overdraft' END,
                   CASE WHEN usable_g >= grams THEN NULL ELSE coalesce(in_all, 0) END, clock_timestamp()
            FROM new LEFT JOIN (
                SELECT id, max(up_to) AS usable_g, sum(grams) AS in_all, min(barred) AS barred FROM held GROUP BY id
            ) AS total USING (id)
            ORDER BY id ON CONFLICT DO NOTHING
            RETURNING id, member_id, event_id, grams, refusal, held_g, decided_at
        ),
        moved AS (
            INSERT INTO transfers (id, ordinal, source, destination, class_id, grams, reason)
            SELECT decided.id, row_number() OVER (PARTITION BY decided.id ORDER BY up_to) - 1, member_id, event_id,
                   class_id, least(up_to, decided.grams) - (up_to - held.grams), 'donate'
            FROM decided JOIN held ON held.id = decided.id
            WHERE refusal IS NULL AND barred IS NULL AND up_to - held.grams < decided.grams
        ),
        noted AS (
            INSERT INTO tally_changes (event_id, sign, donations, donated_g, transfers, changed_at)
            SELECT event_id, 1, count(*), sum(grams), array_agg(id), now() FROM decided WHERE refusal IS NULL GROUP BY 1
        )
        SELECT request.id, closed, covered, known.member_id, known.event_id, known.grams, refusal, held_g, decided_at
        FROM request LEFT JOIN target USING (event_id)
        LEFT JOIN (SELECT * FROM decided UNION ALL SELECT * FROM earlier) AS known ON known.id = request.id
        """,
        *map(list, zip(*requests, strict=True)),
    )
    known = {row["id"]: row for row in rows}
    return [answer_of(request, known[request.id]) for request in requests]


def answer_of(request: DonationRequest, row: asyncpg.Record) -> Donation | Refusal:
    """The verdict that the database gave, now or earlier, under the request's id."""
    if row["member_id"] is None:
        return not_decided(row)
    if (row["member_id"], row["event_id"], row["grams"]) != request[1:]:
        return IdReused()
    if refused := {each.code: each for each in (SameEventReduction, ClassNotTaken)}.get(row["refusal"]):
        return refused()
    if row["refusal"]:
        return Overdraft(held_g=row["held_g"], asked_g=row["grams"])
    return Donation(
        donation_id=request.id, event_id=request.event_id, grams=request.grams, donated_at=row["decided_at"]
    )


def not_decided(row: asyncpg.Record) -> Refusal:
    """Why a request was not even looked at; asked again later, it may be."""
    if row["closed"] is None:
        return NotFound()
    if row["closed"]:
        return ClosedToDonations()
    return EventCovered() if row["covered"] else NotReady()


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
