"""Confirmations withdrawn, by who issued them or the place's office for that: with a reason, and the event is told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from scenarios.meeting.rule_terms import Confirmation as Way
from service import confirmations, offices, organizations
from service.access import Caller, Role
from service.confirmations import Because, Confirmation, Withdrawing
from service.db import Connection, encode_json, new_id
from service.errors import Conflict, NotAllowed, NotFound


class WithdrawnAlready(Conflict):
    """这份确认已经撤销。"""

    code = "withdrawn_already"


class NewWithdrawal(msgspec.Struct, forbid_unknown_fields=True):
    """Why it is withdrawn; everyone may read it."""

    because: Because


async def withdraw(
    connection: Connection, caller: Caller, confirmation_id: UUID, because: str, now: datetime
) -> Confirmation:
    """Withdraw it: the label goes, what was retired stays retired, the event's people are told.

    Raises NotFound, NotAllowed for who is neither its issuer nor of the place's office for it, WithdrawnAlready.
    """
    row = await connection.fetchrow(
        """
        SELECT confirmations.event_id, way, verifier_id, withdrawn_at IS NOT NULL AS withdrawn
        FROM confirmations LEFT JOIN engagements ON engagements.id = engagement_id
        WHERE confirmations.id = $1
        """,
        confirmation_id,
    )
    if row is None:
        raise NotFound
    by = await standing_of(connection, caller, row["event_id"], row["way"], row["verifier_id"], now)
    if row["withdrawn"] or not await mark_withdrawn(connection, caller, confirmation_id, by, because, now):
        raise WithdrawnAlready
    await connection.execute(
        """
        INSERT INTO event_notices (id, event_id, kind, key, about, made_at) VALUES ($1, $2, 'withdrawn', $3, $4, $5)
        """,
        new_id(),
        row["event_id"],
        str(confirmation_id),
        encode_json({"confirmation_id": confirmation_id, "by": by, "because": because}),
        now,
    )
    return await confirmations.find(connection, confirmation_id)


async def mark_withdrawn(
    connection: Connection, caller: Caller, confirmation_id: UUID, by: Withdrawing, because: str, now: datetime
) -> bool:
    """Write it down; False where another was quicker."""
    done = await connection.fetchval(
        """
        UPDATE confirmations SET withdrawn_by = $2, withdrawn_as = $3, withdrawn_because = $4, withdrawn_at = $5
        WHERE id = $1 AND withdrawn_at IS NULL RETURNING true
        """,
        confirmation_id,
        caller.member,
        by,
        because,
        now,
    )
    return bool(done)


async def standing_of(
    connection: Connection, caller: Caller, event_id: UUID, way: Way, verifier_id: UUID | None, now: datetime
) -> Withdrawing:
    """As whom the caller may withdraw it. Raises NotFound, NotAllowed."""
    if await is_issuer(connection, caller, event_id, way, verifier_id, now):
        return "issuer"
    rule = await offices.rule_of(connection, event_id, now)
    await offices.require_office(connection, caller, event_id, rule, offices.revoking_office(rule))
    return "authority"


async def is_issuer(
    connection: Connection, caller: Caller, event_id: UUID, way: Way, verifier_id: UUID | None, now: datetime
) -> bool:
    """Is the caller of those who gave it: the organizer, the verifier, also when no longer engaged, or the office?"""
    try:
        if way == "self_declaration":
            await organizations.require(connection, caller, event_id, Role.ORGANIZER)
        elif verifier_id is not None:
            await organizations.require_in(connection, caller, verifier_id, Role.ORGANIZER)
        else:
            await offices.require_office(
                connection, caller, event_id, await offices.rule_of(connection, event_id, now), "issues"
            )
    except (NotAllowed, NotFound):
        return False
    return True
