"""Citizens' low-carbon actions: quantified by their region's methodology, issued as credits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from scenarios.actions.methodologies import methodology_for
from scenarios.actions.reductions import Reduction, quantify_action
from scenarios.refusals import CarbonRefusal
from service import ledger
from service.carbon import carbon_refusal
from service.db import Connection, encode_json
from service.errors import IdReused, NotFound, NotNow, NotReady, Refusal

CLAIM_WINDOW = timedelta(days=30)


class InTheFuture(NotNow):
    """行为日期 {occurred_on} 还没有到。"""

    code = "action_in_future"


class TooOld(NotNow):
    """行为日期 {occurred_on} 太早了，只能记录 {days} 天内的行为。"""

    code = "action_too_old"


class ActionRequest(NamedTuple):
    """What a member says they did. `quantity` is in the methodology's base unit: metres, Wh, or times."""

    id: UUID
    member_id: UUID
    region: str
    action: str
    quantity: int
    occurred_on: date
    request_digest: bytes
    today: date


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An action as recorded, with the values used. Amounts are grams CO2e."""

    action_id: UUID
    region: str
    action: str
    quantity: int
    occurred_on: date
    reduction_g: int
    trace: msgspec.Raw
    logged_at: datetime


class New(NamedTuple):
    """A quantified action, to be recorded."""

    request: ActionRequest
    reduction: Reduction
    credit_class: ledger.CreditClass


async def log_many(connection: Connection, requests: Sequence[ActionRequest], now: datetime) -> list[Action | Refusal]:
    """Quantify, record and credit each, or say why not; a repeat gets what was recorded. Commits nothing itself."""
    decided = [quantify(request) for request in requests]
    news = {each.request.id: each for each in decided if isinstance(each, New)}
    await record(connection, list(news.values()), now)
    stored = await find_many(connection, [request.id for request in requests])
    return [
        answer_of(request, stored[request.id])
        if request.id in stored
        else decision
        if isinstance(decision, Refusal)
        else NotReady()
        for request, decision in zip(requests, decided, strict=True)
    ]


def quantify(request: ActionRequest) -> New | Refusal:
    """The reduction by the methodology in force there on that day, or why there is none."""
    if request.occurred_on > request.today:
        return InTheFuture(occurred_on=str(request.occurred_on))
    if request.today - request.occurred_on > CLAIM_WINDOW:
        return TooOld(occurred_on=str(request.occurred_on), days=CLAIM_WINDOW.days)
    try:
        methodology = methodology_for(request.region, request.action, request.occurred_on)
        reduction = quantify_action(methodology, request.action, request.quantity, "self_declared", request.region)
    except CarbonRefusal as refusal:
        return carbon_refusal(refusal)
    used, vintage = reduction.methodology, request.occurred_on.replace(day=1)
    return New(request, reduction, ledger.CreditClass(request.region, used.id, used.version, vintage))


async def record(connection: Connection, news: Sequence[New], now: datetime) -> None:
    """Store actions whose ids are new, and issue what they earned."""
    if not news:
        return
    classes = await ledger.class_ids(connection, {each.credit_class for each in news})
    await ledger.lock_accounts(connection, {each.request.member_id for each in news})
    added = await insert(connection, sorted(news, key=lambda each: each.request.id), now)
    await ledger.post_many(
        connection,
        [
            ledger.Transfer(
                each.request.id,
                ledger.ISSUANCE,
                each.request.member_id,
                classes[each.credit_class],
                each.reduction.reduction_g,
                "issue",
            )
            for each in news
            if each.request.id in added and each.reduction.reduction_g > 0
        ],
    )


async def insert(connection: Connection, news: Sequence[New], now: datetime) -> set[UUID]:
    """Insert actions that are not there yet; return the ids of those inserted."""
    rows = await connection.fetch(
        """
        INSERT INTO actions
            (id, member_id, region, action, quantity, occurred_on, request_digest, reduction_g, trace, logged_at)
        SELECT id, member_id, region, action, quantity, occurred_on, request_digest, reduction_g, trace, $10
        FROM unnest(
            $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::date[], $7::bytea[], $8::bigint[],
            $9::jsonb[]
        ) AS said (id, member_id, region, action, quantity, occurred_on, request_digest, reduction_g, trace)
        ON CONFLICT DO NOTHING
        RETURNING id
        """,
        [each.request.id for each in news],
        [each.request.member_id for each in news],
        [each.request.region for each in news],
        [each.request.action for each in news],
        [each.request.quantity for each in news],
        [each.request.occurred_on for each in news],
        [each.request.request_digest for each in news],
        [each.reduction.reduction_g for each in news],
        [encode_json(each.reduction) for each in news],
        now,
    )
    return {row["id"] for row in rows}


async def find_many(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, asyncpg.Record]:
    """Actions recorded under these ids."""
    rows = await connection.fetch(
        """
        SELECT id, member_id, region, action, quantity, occurred_on, reduction_g, trace, request_digest, logged_at
        FROM actions WHERE id = ANY ($1::uuid[])
        """,
        ids,
    )
    return {row["id"]: row for row in rows}


async def find_own(connection: Connection, member_id: UUID, action_id: UUID) -> Action:
    """A member's action. Raises NotFound."""
    row = (await find_many(connection, [action_id])).get(action_id)
    if row is None or row["member_id"] != member_id:
        raise NotFound
    return action_from(row)


def answer_of(request: ActionRequest, row: asyncpg.Record) -> Action | Refusal:
    """The recorded action, if it is this member's and says the same."""
    if (row["member_id"], row["request_digest"]) != (request.member_id, request.request_digest):
        return IdReused()
    return action_from(row)


def action_from(row: asyncpg.Record) -> Action:
    """A stored action."""
    return Action(
        action_id=row["id"],
        region=row["region"],
        action=row["action"],
        quantity=row["quantity"],
        occurred_on=row["occurred_on"],
        reduction_g=row["reduction_g"],
        trace=msgspec.Raw(row["trace"]),
        logged_at=row["logged_at"],
    )


async def of_member(connection: Connection, member_id: UUID, limit: int = 100) -> list[Action]:
    """A member's actions, the newest first."""
    rows = await connection.fetch(
        """
        SELECT id, member_id, region, action, quantity, occurred_on, reduction_g, trace, request_digest, logged_at
        FROM actions WHERE member_id = $1 ORDER BY logged_at DESC, id DESC LIMIT $2
        """,
        member_id,
        limit,
    )
    return [action_from(row) for row in rows]
