"""What a reviewer is to look at, and what first: appeals, then what waits too long, then by the grams at stake."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from scenarios.policies.operator import policy
from service import evidence
from service.config import Config
from service.db import Connection
from service.errors import NotFound
from service.reviewers import nickname, regions_reviewed
from service.reviews import Outcome, Round, outcome, require_reviewer
from service.statements import CursorUnknown


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An act to look at: what is claimed, why it was held, the grams at stake.

    `who` is the same for acts of the same person, and leads nowhere. `photos` are digests of evidence. `late`: it
    waits longer than the operator wants. `round` is 2, and `appeal` what its citizen says, for an appeal.
    """

    action_id: UUID
    region: str
    action: str
    quantity: int
    occurred_on: date
    started_at: datetime | None
    ended_at: datetime | None
    source: str
    reduction_g: int
    held_because: str | None
    who: str
    photos: list[str]
    logged_at: datetime
    waits_since: datetime
    late: bool
    round: Round
    appeal: str | None
    trace: msgspec.Raw


class Queue(msgspec.Struct, frozen=True):
    """A page of it, and the cursor of the next; none where it ends."""

    acts: list[Waiting]
    next_cursor: str | None


class Place(NamedTuple):
    """Behind which act a page begins, in the order as it was when the first page was read."""

    as_of: datetime
    not_appealed: bool
    not_late: bool
    minus_g: int
    waits_since: datetime
    action_id: UUID


decode_place = msgspec.json.Decoder(Place).decode


async def read(
    connection: Connection, config: Config, reviewer: UUID, now: datetime, cursor: str | None = None, limit: int = 50
) -> Queue:
    """A page of acts that wait in the reviewer's regions and are the reviewer's to decide. Raises CursorUnknown."""
    place = read_cursor(cursor) if cursor else None
    as_of = place.as_of if place else now
    rows = await connection.fetch(
        """
        SELECT id, member_id, region, action, quantity, occurred_on, lower(period) AS started_at,
            upper(period) AS ended_at, source, reduction_g, held_because, logged_at, waits_since, NOT not_late AS late,
            CASE WHEN not_appealed THEN 1 ELSE 2 END AS round, appeal, trace, not_appealed, not_late
        FROM (
            SELECT actions.*, appeal.because AS appeal, appeal.action_id IS NULL AS not_appealed,
                coalesce(appealed_at, logged_at) AS waits_since,
                coalesce(appealed_at, logged_at) >= $2 AS not_late
            FROM actions
            LEFT JOIN action_appeals AS appeal ON appeal.action_id = actions.id
            WHERE state = 'in_review' AND member_id <> $1 AND region LIKE ANY ($3::text[])
                AND NOT EXISTS (SELECT FROM action_reviews WHERE action_id = actions.id AND decided_by = $1)
        ) AS waiting
        WHERE $4::boolean IS NULL
            OR (not_appealed, not_late, -reduction_g, waits_since, id) > ($4, $5::boolean, $6::bigint, $7, $8::uuid)
        ORDER BY not_appealed, not_late, -reduction_g, waits_since, id
        LIMIT $9
        """,
        reviewer,
        as_of - timedelta(days=policy().review_within_days),
        await regions_reviewed(connection, reviewer),
        *(place[1:] if place else (None,) * 5),
        limit + 1,
    )
    photos = await evidence.of_actions(connection, [row["id"] for row in rows])
    shown = [waiting_from(config, row, photos[row["id"]]) for row in rows[:limit]]
    return Queue(shown, write_cursor(as_of, rows[limit - 1]) if len(rows) > limit else None)


async def find(
    connection: Connection, config: Config, reviewer: UUID, action_id: UUID, now: datetime
) -> tuple[Waiting, Outcome]:
    """One act of the reviewer's regions, with what came of it so far. Raises NotFound."""
    await require_reviewer(connection, reviewer, action_id)
    row = await connection.fetchrow(
        """
        SELECT id, member_id, region, action, quantity, occurred_on, lower(period) AS started_at,
            upper(period) AS ended_at, source, reduction_g, held_because, logged_at,
            coalesce(appealed_at, logged_at) AS waits_since, coalesce(appealed_at, logged_at) < $2 AS late,
            CASE WHEN appeal.action_id IS NULL THEN 1 ELSE 2 END AS round, because AS appeal, trace
        FROM actions LEFT JOIN action_appeals AS appeal ON appeal.action_id = actions.id
        WHERE id = $1
        """,
        action_id,
        now - timedelta(days=policy().review_within_days),
    )
    if row is None:
        raise NotFound
    photos = await evidence.of_actions(connection, [action_id])
    return waiting_from(config, row, photos[action_id]), await outcome(connection, action_id, now)


def waiting_from(config: Config, row: asyncpg.Record, photos: list[str]) -> Waiting:
    """An act as a reviewer sees it: without who it was."""
    return Waiting(
        action_id=row["id"],
        region=row["region"],
        action=row["action"],
        quantity=row["quantity"],
        occurred_on=row["occurred_on"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        source=row["source"],
        reduction_g=row["reduction_g"],
        held_because=row["held_because"],
        who=nickname(config, row["member_id"]),
        photos=photos,
        logged_at=row["logged_at"],
        waits_since=row["waits_since"],
        late=row["late"],
        round=row["round"],
        appeal=row["appeal"],
        trace=msgspec.Raw(row["trace"]),
    )


def write_cursor(as_of: datetime, row: asyncpg.Record) -> str:
    """The place behind an act, as a text for addresses."""
    place = Place(as_of, row["not_appealed"], row["not_late"], -row["reduction_g"], row["waits_since"], row["id"])
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(cursor: str) -> Place:
    """The place that a cursor names: it opens nothing that is not the reviewer's. Raises CursorUnknown."""
    try:
        place = decode_place(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except ValueError:
        raise CursorUnknown from None
    if place.as_of.tzinfo is None or place.waits_since.tzinfo is None or abs(place.minus_g) >= 2**63:
        raise CursorUnknown
    return place
