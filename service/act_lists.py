"""A member's acts as they look back on them: by month, filtered, a page at a time; and what they do most lately."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from service.action_rows import Action, State, action_from, last_of_month
from service.db import Connection

LATELY = timedelta(days=90)


class Wanted(NamedTuple):
    """Which acts: of one kind, in one state; None is all."""

    action: str | None = None
    state: State | None = None


class Month(NamedTuple):
    """The acts of a month that are on this page, and the grams that all of the month's wanted ones were credited."""

    month: date
    credited_g: int
    actions: list[Action]


class Acts(NamedTuple):
    """A page of acts, the latest first; `before` asks for the next."""

    months: list[Month]
    before: UUID | None


class Habit(NamedTuple):
    """An act that a member told lately, by the last time."""

    action_id: UUID
    action: str


async def read(
    connection: Connection, member_id: UUID, wanted: Wanted, before: UUID | None = None, limit: int = 30
) -> Acts:
    """The acts wanted, by the day on which they were done; after `before`, which must be the member's, else none."""
    rows = await connection.fetch(
        """
        SELECT id, member_id, region, action, quantity, coalesce(counted, quantity) AS counted, occurred_on,
            lower(period) AS started_at, upper(period) AS ended_at, source, evidence, state, reduction_g, due_at,
            held_because, overtaken_by, trace, request_digest, logged_at
        FROM actions
        WHERE member_id = $1 AND ($2::text IS NULL OR action = $2) AND ($3::text IS NULL OR state = $3)
            AND ($4::uuid IS NULL OR (occurred_on, id) < (
                SELECT occurred_on, id FROM actions WHERE id = $4 AND member_id = $1
            ))
        ORDER BY occurred_on DESC, id DESC LIMIT $5
        """,
        member_id,
        wanted.action,
        wanted.state,
        before,
        limit + 1,
    )
    actions = [action_from(row) for row in rows[:limit]]
    credited = await credited_by_month(connection, member_id, wanted, actions)
    return Acts(by_month(actions, credited), actions[-1].action_id if len(rows) > limit else None)


def by_month(actions: Sequence[Action], credited: dict[date, int]) -> list[Month]:
    """The acts under their months, in their order."""
    months: dict[date, list[Action]] = {}
    for each in actions:
        months.setdefault(each.occurred_on.replace(day=1), []).append(each)
    return [Month(month, credited.get(month, 0), of_month) for month, of_month in months.items()]


async def credited_by_month(
    connection: Connection, member_id: UUID, wanted: Wanted, actions: Sequence[Action]
) -> dict[date, int]:
    """Grams credited in the months of these acts, for all that is wanted of them."""
    if not actions:
        return {}
    rows = await connection.fetch(
        """
        SELECT date_trunc('month', occurred_on)::date AS month, sum(reduction_g)::bigint AS grams
        FROM actions
        WHERE member_id = $1 AND ($2::text IS NULL OR action = $2) AND ($3::text IS NULL OR state = $3)
            AND state = 'credited' AND occurred_on BETWEEN $4 AND $5
        GROUP BY month
        """,
        member_id,
        wanted.action,
        wanted.state,
        actions[-1].occurred_on.replace(day=1),
        last_of_month(actions[0].occurred_on),
    )
    return {row["month"]: row["grams"] for row in rows}


async def kinds_told(connection: Connection, member_id: UUID) -> list[str]:
    """The keys of all acts that a member ever told."""
    rows = await connection.fetch("SELECT DISTINCT action FROM actions WHERE member_id = $1 ORDER BY action", member_id)
    return [row["action"] for row in rows]


async def habits(connection: Connection, member_id: UUID, region: str, limit: int = 3) -> list[Habit]:
    """What a member told of a region lately, each kind once, the latest first."""
    rows = await connection.fetch(
        """
        SELECT id, action FROM (
            SELECT DISTINCT ON (action) id, action, logged_at FROM actions
            WHERE member_id = $1 AND region = $2 AND logged_at > now() - $3::interval AND state <> 'refused'
            ORDER BY action, logged_at DESC
        ) AS latest
        ORDER BY logged_at DESC LIMIT $4
        """,
        member_id,
        region,
        LATELY,
        limit,
    )
    return [Habit(*row) for row in rows]
