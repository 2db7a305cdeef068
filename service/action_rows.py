"""Actions as rows: what is known before a set of claims is decided, and recording what was decided, all together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from scenarios.actions.reductions import Evidence
from service.db import Connection

Source = Literal["member", "code", "partner"]
State = Literal["pending", "in_review", "credited", "overtaken", "refused"]


class ActionRequest(NamedTuple):
    """What a member is said to have done. `quantity` is in the methodology's base unit: metres, Wh, or times.

    `today` is the date where it happened. `photos` are digests of evidence, `device` a digest of the device's token.
    `reported_as` is what a partner's report is known by, however often it comes; any other claim is known by its id.
    """

    id: UUID
    member_id: UUID
    region: str
    action: str
    quantity: int
    occurred_on: date
    request_digest: bytes
    today: date
    started_at: datetime | None = None
    ended_at: datetime | None = None
    source: Source = "member"
    evidence: Evidence = "self_declared"
    partner_id: UUID | None = None
    station_id: UUID | None = None
    photos: tuple[bytes, ...] = ()
    device: bytes | None = None
    reported_as: UUID | None = None

    @property
    def known_as(self) -> UUID:
        """What it is known by when it comes again."""
        return self.reported_as or self.id


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An action as recorded, with the values used. Amounts are grams CO2e.

    `counted` is what of the quantity the caps let count. `reduction_g` is earned once the state is `credited`:
    `pending` until `due_at`, when no better report of the same act can come; `in_review` because of the rule in
    `held_because`; `overtaken` by the better report. One that was credited before stays so, and names it.
    """

    action_id: UUID
    region: str
    action: str
    quantity: int
    counted: int
    occurred_on: date
    started_at: datetime | None
    ended_at: datetime | None
    source: Source
    evidence: Evidence
    state: State
    reduction_g: int
    due_at: datetime | None
    held_because: str | None
    overtaken_by: UUID | None
    trace: msgspec.Raw
    logged_at: datetime
    duplicate: bool = False


class Account(NamedTuple):
    """A member's account, held by this transaction."""

    opened_at: datetime
    closed: bool


class Standing(NamedTuple):
    """A claim that stands already, and holds its family's time."""

    id: UUID
    member_id: UUID
    family: str
    started_at: datetime
    ended_at: datetime
    source: Source
    evidence: Evidence
    state: State
    reduction_g: int
    action: str
    occurred_on: date
    quantity: int
    counted: int


class Row(NamedTuple):
    """An action as it is stored, in the order of the columns."""

    id: UUID
    reported_as: UUID | None
    member_id: UUID
    region: str
    action: str
    quantity: int
    counted: int
    occurred_on: date
    started_at: datetime | None
    ended_at: datetime | None
    family: str | None
    source: Source
    evidence: Evidence
    state: State
    reduction_g: int
    due_at: datetime | None
    held_because: str | None
    partner_id: UUID | None
    station_id: UUID | None
    trace: bytes
    request_digest: bytes
    logged_at: datetime
    settled_at: datetime | None


class Month(NamedTuple):
    """What is counted together: a member's acts of one kind, on a day and in its month."""

    member_id: UUID
    action: str
    day: date


class Told(NamedTuple):
    """Of acts counted together: the quantity claimed that day, and what of it counted that day and that month."""

    quantity: int
    counted: int
    counted_in_month: int


NOTHING = Told(0, 0, 0)


async def hold_accounts(connection: Connection, members: Iterable[UUID]) -> dict[UUID, Account]:
    """Lock members' accounts in the order that every writer keeps, and read them."""
    rows = await connection.fetch(
        """
        SELECT id, opened_at, EXISTS (SELECT FROM account_closings WHERE account_id = accounts.id) AS closed
        FROM accounts WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
        """,
        list(members),
    )
    return {row["id"]: Account(row["opened_at"], row["closed"]) for row in rows}


async def find_many(connection: Connection, ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Actions recorded under these ids, and those reported as them."""
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        SELECT id, reported_as, member_id, region, action, quantity, coalesce(counted, quantity) AS counted,
            occurred_on, lower(period) AS started_at, upper(period) AS ended_at, source, evidence, state, reduction_g,
            due_at, held_because, overtaken_by, trace, request_digest, logged_at
        FROM actions WHERE id = ANY ($1::uuid[]) OR reported_as = ANY ($1::uuid[])
        """,
        ids,
    )
    return rows


async def told_already(connection: Connection, months: Iterable[Month]) -> dict[Month, Told]:
    """What was told already: refused and overtaken claims were not.

    `OFFSET 0` keeps the planner from reading more than one member's month for each.
    """
    wanted = sorted(set(months))
    if not wanted:
        return {}
    rows = await connection.fetch(
        """
        SELECT asked.member_id, asked.action, asked.day, told.quantity, told.counted, counted_in_month
        FROM unnest($1::uuid[], $2::text[], $3::date[], $4::date[], $5::date[])
            AS asked (member_id, action, day, month_begins, month_ends)
        CROSS JOIN LATERAL (
            SELECT
                coalesce(sum(quantity) FILTER (WHERE occurred_on = asked.day), 0)::bigint AS quantity,
                coalesce(sum(coalesce(counted, quantity)) FILTER (WHERE occurred_on = asked.day), 0)::bigint AS counted,
                coalesce(sum(coalesce(counted, quantity)), 0)::bigint AS counted_in_month
            FROM actions
            WHERE member_id = asked.member_id AND action = asked.action
                AND occurred_on BETWEEN asked.month_begins AND asked.month_ends
                AND overtaken_by IS NULL AND state <> 'refused'
            OFFSET 0
        ) AS told
        """,
        *map(list, zip(*wanted, strict=True)),
        [each.day.replace(day=1) for each in wanted],
        [last_of_month(each.day) for each in wanted],
    )
    return {Month(*row[:3]): Told(*row[3:]) for row in map(tuple, rows)}


def last_of_month(day: date) -> date:
    """The last day of that day's month."""
    following = day.replace(day=28).toordinal() + 4
    return date.fromordinal(following - date.fromordinal(following).day)


async def standing_claims(
    connection: Connection, asked: Iterable[tuple[UUID, str, datetime, datetime]]
) -> list[Standing]:
    """Claims of these members that hold some of that time in that family."""
    wanted = sorted(set(asked))
    if not wanted:
        return []
    rows = await connection.fetch(
        """
        SELECT DISTINCT found.*
        FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])
            AS asked (member_id, family, started_at, ended_at)
        CROSS JOIN LATERAL (
            SELECT id, actions.member_id, actions.family, lower(period) AS began, upper(period) AS ended, source,
                evidence, state, reduction_g, action, occurred_on, quantity, coalesce(counted, quantity) AS counted
            FROM actions
            WHERE actions.member_id = asked.member_id AND actions.family = asked.family
                AND lower(period) > asked.started_at - interval '24 hours' AND lower(period) < asked.ended_at
                AND upper(period) > asked.started_at
                AND overtaken_by IS NULL AND state <> 'refused'
            OFFSET 0
        ) AS found
        """,
        *map(list, zip(*wanted, strict=True)),
    )
    return [Standing(*row) for row in rows]


async def consented(
    connection: Connection, asked: Iterable[tuple[UUID, str, str, datetime]]
) -> set[tuple[UUID, str, str, datetime]]:
    """Of members, regions, actions and starts: those that an approved partner may report, as the member consented."""
    wanted = sorted(set(asked))
    if not wanted:
        return set()
    rows = await connection.fetch(
        """
        SELECT asked.member_id, asked.region, asked.action, asked.started_at
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
            AS asked (member_id, region, action, started_at)
        WHERE EXISTS (
            SELECT FROM consents
            JOIN partner_scopes AS scope ON scope.partner_id = consents.partner_id
                AND scope.region = asked.region AND scope.action = asked.action
                AND scope.approved_at IS NOT NULL AND scope.withdrawn_at IS NULL
            WHERE consents.member_id = asked.member_id AND consents.scene = asked.action
                AND consents.withdrawn_at IS NULL AND consents.given_at <= asked.started_at
        )
        """,
        *map(list, zip(*wanted, strict=True)),
    )
    return {tuple(row) for row in rows}


async def overtake(connection: Connection, losers: Mapping[UUID, UUID], now: datetime) -> None:
    """Give the time of claims to the better ones named beside them. What was credited stays so."""
    if not losers:
        return
    await connection.execute(
        """
        UPDATE actions SET
            overtaken_by = better,
            state = CASE WHEN state = 'credited' THEN state ELSE 'overtaken' END,
            settled_at = coalesce(settled_at, $3),
            due_at = NULL
        FROM unnest($1::uuid[], $2::uuid[]) AS overtaken (loser, better)
        WHERE id = loser
        """,
        list(losers),
        list(losers.values()),
        now,
    )


async def insert(connection: Connection, rows: Sequence[Row]) -> None:
    """Insert rows. Raises asyncpg's UniqueViolationError and ExclusionViolationError when others contradict them."""
    await connection.execute(
        """
        INSERT INTO actions (
            id, reported_as, member_id, region, action, quantity, counted, occurred_on, period, family, source,
            evidence, state, reduction_g, due_at, held_because, partner_id, station_id, trace, request_digest,
            logged_at, settled_at
        )
        SELECT id, reported_as, member_id, region, action, quantity, nullif(counted, quantity), occurred_on,
            CASE WHEN started_at IS NOT NULL THEN tstzrange(started_at, ended_at) END, family, source, evidence, state,
            reduction_g, due_at, held_because, partner_id, station_id, trace, request_digest, logged_at, settled_at
        FROM unnest(
            $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::date[],
            $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[],
            $16::timestamptz[], $17::text[], $18::uuid[], $19::uuid[], $20::jsonb[], $21::bytea[], $22::timestamptz[],
            $23::timestamptz[]
        ) AS told (
            id, reported_as, member_id, region, action, quantity, counted, occurred_on, started_at, ended_at, family,
            source, evidence, state, reduction_g, due_at, held_because, partner_id, station_id, trace, request_digest,
            logged_at, settled_at
        )
        """,
        *map(list, zip(*rows, strict=True)),
    )


def standing_of(row: Row) -> Standing:
    """A claim just decided, as one that stands."""
    assert row.family
    assert row.started_at
    assert row.ended_at
    return Standing(
        id=row.id,
        member_id=row.member_id,
        family=row.family,
        started_at=row.started_at,
        ended_at=row.ended_at,
        source=row.source,
        evidence=row.evidence,
        state=row.state,
        reduction_g=row.reduction_g,
        action=row.action,
        occurred_on=row.occurred_on,
        quantity=row.quantity,
        counted=row.counted,
    )


def action_from(row: asyncpg.Record, *, duplicate: bool = False) -> Action:
    """A stored action."""
    return Action(
        action_id=row["id"],
        region=row["region"],
        action=row["action"],
        quantity=row["quantity"],
        counted=row["counted"],
        occurred_on=row["occurred_on"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        source=row["source"],
        evidence=row["evidence"],
        state=row["state"],
        reduction_g=row["reduction_g"],
        due_at=row["due_at"],
        held_because=row["held_because"],
        overtaken_by=row["overtaken_by"],
        trace=msgspec.Raw(row["trace"]),
        logged_at=row["logged_at"],
        duplicate=duplicate,
    )


def action_of(row: Row, *, duplicate: bool = False) -> Action:
    """The same of one just recorded."""
    return Action(
        action_id=row.id,
        region=row.region,
        action=row.action,
        quantity=row.quantity,
        counted=row.counted,
        occurred_on=row.occurred_on,
        started_at=row.started_at,
        ended_at=row.ended_at,
        source=row.source,
        evidence=row.evidence,
        state=row.state,
        reduction_g=row.reduction_g,
        due_at=row.due_at,
        held_because=row.held_because,
        overtaken_by=None,
        trace=msgspec.Raw(row.trace),
        logged_at=row.logged_at,
        duplicate=duplicate,
    )
