"""A member's carbon account: what their acts saved, month by month and by kind, and what waits. Grams CO2e.

Counted by the day of the act, and not by what is held: what was given away was saved all the same. Acts are actions
credited and check-ins credited; where a better claim of the same act followed, grams are of both and it is one time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import msgspec

from service import balances
from service.balances import Balance
from service.db import Connection
from service.donation_uses import uses_of_donations

MONTHS = 12
DONATIONS_FOLLOWED = 200
"""Of how many donations, the newest, it is told what became of them."""


class Month(msgspec.Struct, frozen=True):
    """What the acts of a month saved, and how many they were. `month` is its first day."""

    month: date
    reduction_g: int
    times: int


class Kind(msgspec.Struct, frozen=True):
    """What acts of one kind saved: an action's key, or null for coming to events by low-carbon means."""

    action: str | None
    reduction_g: int
    times: int


class Waiting(msgspec.Struct, frozen=True):
    """What is not credited yet: acts that a partner may still report better, and those that a reviewer looks at."""

    pending: int
    pending_g: int
    in_review: int
    in_review_g: int


class Streak(msgspec.Struct, frozen=True):
    """Days in a row with a credited act: up to today or yesterday, and the most there ever were."""

    days: int
    longest: int


class GivenOn(msgspec.Struct, frozen=True):
    """What was donated to events. Of the newest `followed` donations: grams used up for the events, and given back."""

    donations: int
    events: int
    grams: int
    followed: int
    retired_g: int
    given_back_g: int


class CarbonAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A member's account. `months` are the last twelve, this one last; kinds from the one that saved most."""

    balance: Balance
    waiting: Waiting
    this_month: Month
    last_month: Month
    months: list[Month]
    reduction_g: int
    times: int
    streak: Streak
    kinds: list[Kind]
    given: GivenOn


async def read(connection: Connection, member_id: UUID, today: date) -> CarbonAccount:
    """The account on that day, by China's calendar."""
    balance = await balances.read(connection, member_id)
    rows = await sums(connection, member_id)
    months = months_of((row for row in rows if row["month"]), today)
    kinds = kinds_of(row for row in rows if row["kind"] is not None)
    return CarbonAccount(
        balance=balance,
        waiting=waiting_of(row for row in rows if row["state"]),
        this_month=months[-1],
        last_month=months[-2],
        months=months,
        reduction_g=sum(each.reduction_g for each in kinds),
        times=sum(each.times for each in kinds),
        streak=streak_of([row["day"] for row in rows if row["day"]], today),
        kinds=kinds,
        given=await given_by(connection, member_id),
    )


async def sums(connection: Connection, member_id: UUID) -> list[asyncpg.Record]:
    """Sums of a member's acts in one reading: each row is of a month, of a kind, of a day, or of a state that waits.

    Check-ins are found by the events in whose classes the member was ever credited.
    """
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        WITH acts AS (
            SELECT state, action AS kind, occurred_on AS day, reduction_g, overtaken_by IS NULL AS whole FROM actions
            WHERE member_id = $1 AND state IN ('credited', 'pending', 'in_review')
            UNION ALL
            SELECT 'credited', '', day, check_ins.reduction_g, true
            FROM balances JOIN credit_classes ON credit_classes.id = class_id
            JOIN check_ins ON check_ins.event_id = credit_classes.event_id AND credited_to = account_id
                AND credit_class = class_id AND ended_at IS NULL
            WHERE account_id = $1
        ),
        dated AS (
            SELECT CASE WHEN state <> 'credited' THEN state END AS state, reduction_g, whole,
                CASE WHEN state = 'credited' THEN kind END AS kind, CASE WHEN state = 'credited' THEN day END AS day,
                CASE WHEN state = 'credited' THEN date_trunc('month', day::timestamp)::date END AS month
            FROM acts
        )
        SELECT month, kind, day, state, sum(reduction_g)::bigint AS reduction_g, count(*) FILTER (WHERE whole) AS times
        FROM dated
        GROUP BY GROUPING SETS ((month), (kind), (day), (state))
        HAVING num_nonnulls(month, kind, day, state) = 1
        ORDER BY month, day, sum(reduction_g) DESC, kind
        """,
        member_id,
    )
    return rows


def months_of(rows: Iterable[asyncpg.Record], today: date) -> list[Month]:
    """The twelve months up to today's, those without an act too."""
    known = {row["month"]: Month(row["month"], row["reduction_g"], row["times"]) for row in rows}
    return [known.get(each) or Month(each, 0, 0) for each in last_months(today)]


def last_months(today: date) -> list[date]:
    """First days of the last twelve months, today's last."""
    now = today.year * 12 + today.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(now - MONTHS + 1, now + 1)]


def kinds_of(rows: Iterable[asyncpg.Record]) -> list[Kind]:
    """Kinds in the order of the rows."""
    return [Kind(row["kind"] or None, row["reduction_g"], row["times"]) for row in rows]


def waiting_of(rows: Iterable[asyncpg.Record]) -> Waiting:
    """What waits, by state."""
    known = {row["state"]: (row["times"], row["reduction_g"]) for row in rows}
    return Waiting(*known.get("pending", (0, 0)), *known.get("in_review", (0, 0)))


def streak_of(days: Sequence[date], today: date) -> Streak:
    """The streak that lasts and the longest, of days in their order. Yesterday's last act does not end one yet."""
    longest = length = 0
    before: date | None = None
    for day in days:
        length = length + 1 if before and day - before == timedelta(days=1) else 1
        longest, before = max(longest, length), day
    lasts = before is not None and before >= today - timedelta(days=1)
    return Streak(length if lasts else 0, longest)


async def given_by(connection: Connection, member_id: UUID) -> GivenOn:
    """What a member donated, and what became of the newest of it."""
    row = await connection.fetchrow(
        """
        SELECT count(*) AS donations, count(DISTINCT event_id) AS events, coalesce(sum(grams), 0)::bigint AS grams,
            (array_agg(id ORDER BY decided_at DESC))[:$2] AS newest
        FROM donations WHERE member_id = $1 AND refusal IS NULL
        """,
        member_id,
        DONATIONS_FOLLOWED,
    )
    newest = row["newest"] or []
    uses = (await uses_of_donations(connection, newest)).values() if newest else ()
    return GivenOn(
        donations=row["donations"],
        events=row["events"],
        grams=row["grams"],
        followed=len(newest),
        retired_g=sum(each.retired_g for each in uses),
        given_back_g=sum(each.given_back_g for each in uses),
    )
