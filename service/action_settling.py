"""Settling acts that waited: credited at the worth they turned out to have, or refused. The only way out of waiting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from scenarios.actions.methodologies import methodology_for
from scenarios.actions.reductions import Evidence, Reduction, reduction_of
from service import ledger
from service.actions import issuance
from service.db import Connection, encode_json

read_reduction = msgspec.json.Decoder(Reduction).decode


class Settled(NamedTuple):
    """What an act comes to: its evidence, grams and trace, and the class of credits it earns."""

    id: UUID
    member_id: UUID
    state: str
    evidence: Evidence
    reduction_g: int
    trace: bytes
    credit_class: ledger.CreditClass


async def settle(connection: Connection, decisions: Mapping[UUID, Evidence | None], now: datetime) -> set[UUID]:
    """Credit acts that are pending or in review at the evidence decided, or refuse them (None); return those settled.

    One that is no longer waiting is left as it is. Commits nothing itself.
    """
    waiting = await hold_waiting(connection, list(decisions))
    settled = [worth(row, decisions[row["id"]]) for row in waiting]
    if not settled:
        return set()
    await write(connection, settled, now)
    credited = [each for each in settled if each.state == "credited" and each.reduction_g > 0]
    classes = await ledger.class_ids(connection, {each.credit_class for each in credited})
    await ledger.post_many(
        connection,
        [issuance(each.id, each.member_id, classes[each.credit_class], each.reduction_g) for each in credited],
    )
    return {each.id for each in settled}


async def hold_waiting(connection: Connection, ids: list[UUID]) -> list[asyncpg.Record]:
    """Lock the members' accounts, then read those of the acts that still wait; a closed account earns no more."""
    members = await connection.fetch("SELECT DISTINCT member_id FROM actions WHERE id = ANY ($1::uuid[])", ids)
    await ledger.lock_accounts(connection, [row["member_id"] for row in members])
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        SELECT id, member_id, region, action, quantity, occurred_on, evidence, trace,
            EXISTS (SELECT FROM account_closings WHERE account_id = member_id) AS closed
        FROM actions WHERE id = ANY ($1::uuid[]) AND state IN ('pending', 'in_review')
        ORDER BY member_id, id
        """,
        ids,
    )
    return rows


def worth(row: asyncpg.Record, evidence: Evidence | None) -> Settled:
    """What a waiting act comes to, by the methodology of its day and what counted under the caps when it was told."""
    told = read_reduction(row["trace"])
    methodology = methodology_for(row["region"], row["action"], row["occurred_on"])
    tier: Evidence = evidence or row["evidence"]
    reduction = reduction_of(
        methodology,
        methodology.action(row["action"]),
        row["quantity"],
        tier,
        row["region"],
        told.counted,
        told.capped_by,
    )
    earns = evidence is not None and not row["closed"]
    return Settled(
        id=row["id"],
        member_id=row["member_id"],
        state="credited" if earns else "refused",
        evidence=tier,
        reduction_g=reduction.reduction_g if earns else 0,
        trace=encode_json(reduction),
        credit_class=ledger.CreditClass(
            row["region"], methodology.id, methodology.version, row["occurred_on"].replace(day=1)
        ),
    )


async def write(connection: Connection, settled: list[Settled], now: datetime) -> None:
    """Store what acts came to."""
    await connection.execute(
        """
        UPDATE actions SET
            state = decided.state, evidence = decided.evidence, reduction_g = decided.reduction_g,
            trace = decided.trace, settled_at = $6, due_at = NULL
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::jsonb[])
            AS decided (id, state, evidence, reduction_g, trace)
        WHERE actions.id = decided.id
        """,
        [each.id for each in settled],
        [each.state for each in settled],
        [each.evidence for each in settled],
        [each.reduction_g for each in settled],
        [each.trace for each in settled],
        now,
    )


async def settle_due(connection: Connection, now: datetime, limit: int = 500) -> int:
    """Credit pending acts of which no better report can come any more; return how many were due."""
    rows = await connection.fetch(
        """
        SELECT id, evidence FROM actions WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT $2
        """,
        now,
        limit,
    )
    await settle(connection, {row["id"]: row["evidence"] for row in rows}, now)
    return len(rows)
