"""Cancelling an event: its account takes and gives nothing more of its own accord, and what was given goes back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from service import ledger
from service.access import Caller, Role
from service.db import Connection
from service.errors import Conflict
from service.inputs import LINE
from service.organizations import require


class AlreadyCancelled(Conflict):
    """这个活动已经取消了。"""

    code = "already_cancelled"


class EventSettled(Conflict):
    """这个活动的账户已经结清，不能再取消。"""

    code = "event_settled"


class EventConfirmed(Conflict):
    """这场活动的碳中和已经确认：先撤销确认，才能取消活动。"""

    code = "event_confirmed"


class NewCancellation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, in a line that everyone will see."""

    because: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=LINE)]


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """Why and when an event was cancelled; `refunded_at` is when the last of what was given had gone back."""

    event_id: UUID
    because: str
    cancelled_at: datetime
    refunded_at: datetime | None


async def cancel(connection: Connection, caller: Caller, event_id: UUID, because: str) -> Cancellation:
    """Cancel an event of the caller's: no check-in, donation or retirement follows; refunds are the workers' work.

    Raises NotFound and NotAllowed as `require`, AlreadyCancelled, EventSettled, and EventConfirmed for one whose
    neutrality is confirmed: what was signed would speak of an event that never was.
    """
    await require(connection, caller, event_id, Role.ORGANIZER)
    await ledger.lock_accounts(connection, [event_id])
    await require_unconfirmed(connection, event_id)
    closed = await connection.fetchval("SELECT because FROM account_closings WHERE account_id = $1", event_id)
    if closed:
        raise AlreadyCancelled if closed == "cancelled" else EventSettled
    cancelled_at = await connection.fetchval(
        """
        WITH closed AS (
            INSERT INTO account_closings (account_id, because) VALUES ($1, 'cancelled')
        )
        INSERT INTO event_cancellations (event_id, because, cancelled_by) VALUES ($1, $2, $3)
        RETURNING cancelled_at
        """,
        event_id,
        because,
        caller.member,
    )
    return Cancellation(event_id=event_id, because=because, cancelled_at=cancelled_at, refunded_at=None)


async def require_unconfirmed(connection: Connection, event_id: UUID) -> None:
    """Hold the event, as who confirms does, and go on only where no confirmation is in force. Or EventConfirmed."""
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event_id)
    confirmed = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM confirmations WHERE event_id = $1 AND withdrawn_at IS NULL)", event_id
    )
    if confirmed:
        raise EventConfirmed


async def find(connection: Connection, event_id: UUID) -> Cancellation | None:
    """Why an event was cancelled, or None."""
    row = await connection.fetchrow(
        "SELECT event_id, because, cancelled_at, refunded_at FROM event_cancellations WHERE event_id = $1", event_id
    )
    return Cancellation(**row) if row else None
