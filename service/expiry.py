"""Credits that expire by the rule of their region's programme, or the operator's: told beforehand, then taken out.

No rule that ships expires anything. Nothing expires before the date in the rule's place, nor before its member was
told of that very date for as many days as the rule asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import msgspec

from scenarios.citations import PackUsed
from scenarios.programmes import Expiry, Rules
from scenarios.programmes import rules as shipped
from service import ledger
from service.db import Connection, encode_json, new_id

EARLIER = timedelta(days=7)
"""How much earlier than it must be people are told, lest a night without workers put everything off."""


class RuleTold(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it was told: `citation` names the clause, and is null where it is the operator's policy."""

    pack: PackUsed
    is_policy: bool
    citation: str | None
    months_after_vintage: int
    notice_days: int


class Expiring(msgspec.Struct, frozen=True, kw_only=True):
    """Grams of a class that expire, not before `expires_on`, and not before `notice_days` after `told_on`.

    `told_on` is when the notice was recorded, null where it is not yet time for it.
    """

    region: str
    methodology: str
    version: str
    vintage: date
    event_id: UUID | None
    grams: int
    expires_on: date
    told_on: date | None
    rule: RuleTold


class Ending(NamedTuple):
    """A class that expires."""

    class_id: int
    expires_on: date
    expiry: Expiry


def expires_on(region: str, vintage: date, rules: Rules | None = None) -> date | None:
    """The first day on which credits of that region and month are no longer held; None where they do not expire."""
    found = (rules or shipped()).expiry(region, vintage)
    return found.expires_on(vintage) if found else None


def told(expiry: Expiry) -> RuleTold:
    """The rule in a form to keep."""
    return RuleTold(
        pack=expiry.pack,
        is_policy=expiry.is_policy,
        citation=expiry.rule.citation.text if expiry.rule else None,
        months_after_vintage=expiry.months_after_vintage,
        notice_days=expiry.notice_days,
    )


async def of_member(connection: Connection, member_id: UUID, rules: Rules | None = None) -> list[Expiring]:
    """What of a member's holdings expires when, the earliest first."""
    known = rules or shipped()
    notices = await notices_of(connection, member_id)
    rows = await connection.fetch(
        """
        SELECT class_id, region, methodology, version, vintage, event_id, grams
        FROM balances JOIN credit_classes ON credit_classes.id = class_id
        WHERE account_id = $1 AND grams > 0
        """,
        member_id,
    )
    found = []
    for row in rows:
        facts = dict(row)
        class_id = facts.pop("class_id")
        if expiry := known.expiry(row["region"], row["vintage"]):
            on = expiry.expires_on(row["vintage"])
            found.append(Expiring(**facts, expires_on=on, told_on=notices.get((class_id, on)), rule=told(expiry)))
    return sorted(found, key=lambda each: (each.expires_on, each.vintage, each.region, each.methodology))


async def notices_of(connection: Connection, member_id: UUID) -> dict[tuple[int, date], date]:
    """When a member was told of a class and a date."""
    rows = await connection.fetch(
        "SELECT class_id, expires_on, told_on FROM expiry_notices WHERE account_id = $1", member_id
    )
    return {(row["class_id"], row["expires_on"]): row["told_on"] for row in rows}


async def endings(connection: Connection, rules: Rules) -> list[Ending]:
    """Every class that expires, in order."""
    if rules.own.expiry is None and not any(each.expiry for each in rules.programmes):
        return []
    rows = await connection.fetch("SELECT id, region, vintage FROM credit_classes ORDER BY id")
    return [
        Ending(row["id"], expiry.expires_on(row["vintage"]), expiry)
        for row in rows
        if (expiry := rules.expiry(row["region"], row["vintage"]))
    ]


async def tell(connection: Connection, now: datetime, limit: int = 1_000, rules: Rules | None = None) -> int:
    """Record that members were told of what expires soon, each once a date; return of how many holdings."""
    soon = [
        (each.class_id, each.expires_on, today, encode_json(told(each.expiry)))
        for each in await endings(connection, rules or shipped())
        if each.expires_on <= (today := each.expiry.day_there(now)) + timedelta(days=each.expiry.notice_days) + EARLIER
    ]
    if not soon:
        return 0
    rows = await connection.fetch(
        """
        INSERT INTO expiry_notices (account_id, class_id, expires_on, told_on, rule)
        SELECT account_id, class_id, expires_on, told_on, rule
        FROM unnest($1::integer[], $2::date[], $3::date[], $4::jsonb[]) AS soon (class_id, expires_on, told_on, rule)
        JOIN balances USING (class_id)
        WHERE grams > 0 AND NOT EXISTS (
            SELECT FROM expiry_notices AS earlier
            WHERE (earlier.class_id, earlier.expires_on, earlier.account_id)
                = (soon.class_id, soon.expires_on, balances.account_id)
        )
        ORDER BY account_id, class_id
        LIMIT $5
        ON CONFLICT DO NOTHING
        RETURNING account_id
        """,
        *map(list, zip(*soon, strict=True)),
        limit,
    )
    return len(rows)


async def expire_due(connection: Connection, now: datetime, limit: int = 200, rules: Rules | None = None) -> int:
    """Take out what has expired and was told of in time, of so many members; return of how many."""
    due = [
        (each.class_id, each.expires_on, today - timedelta(days=each.expiry.notice_days))
        for each in await endings(connection, rules or shipped())
        if each.expires_on <= (today := each.expiry.day_there(now))
    ]
    if not due:
        return 0
    members = await members_with(connection, due, limit)
    await ledger.lock_accounts(connection, members)
    rows = await holdings_due(connection, due, members)
    await ledger.post_many(connection, transfers(rows))
    return len({account_id for account_id, _, _ in rows})


async def members_with(connection: Connection, due: Sequence[tuple[int, date, date]], limit: int) -> list[UUID]:
    """The first members who hold what is due; `due` is class, date, and the last day to have been told."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT account_id
        FROM unnest($1::integer[], $2::date[], $3::date[]) AS due (class_id, expires_on, told_by)
        JOIN expiry_notices AS notice USING (class_id, expires_on)
        JOIN balances USING (account_id, class_id)
        WHERE told_on <= told_by AND grams > 0
        ORDER BY account_id LIMIT $4
        """,
        *map(list, zip(*due, strict=True)),
        limit,
    )
    return [row["account_id"] for row in rows]


async def holdings_due(
    connection: Connection, due: Sequence[tuple[int, date, date]], members: Sequence[UUID]
) -> list[tuple[UUID, int, int]]:
    """Account, class and grams of what is due, these members' accounts being locked."""
    rows = await connection.fetch(
        """
        SELECT account_id, class_id, grams
        FROM unnest($1::integer[], $2::date[], $3::date[]) AS due (class_id, expires_on, told_by)
        JOIN expiry_notices AS notice USING (class_id, expires_on)
        JOIN balances USING (account_id, class_id)
        WHERE told_on <= told_by AND grams > 0 AND account_id = ANY ($4::uuid[])
        ORDER BY account_id, class_id
        """,
        *map(list, zip(*due, strict=True)),
        members,
    )
    return [(row["account_id"], row["class_id"], row["grams"]) for row in rows]


def transfers(rows: Sequence[tuple[UUID, int, int]]) -> list[ledger.Transfer]:
    """One id a member, one row a class."""
    found = []
    for account_id, held in groupby(rows, key=lambda row: row[0]):
        id_ = new_id()
        found += [
            ledger.Transfer(id_, account_id, ledger.EXPIRED, class_id, grams, "expire", ordinal)
            for ordinal, (_, class_id, grams) in enumerate(held)
        ]
    return found
