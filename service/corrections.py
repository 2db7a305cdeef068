"""Taking a check-in back, or saying the trip again, within fifteen minutes. What was said stays recorded, as ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from scenarios.meeting.travel import Trip
from service import codes, ledger
from service.access import Caller
from service.attendees import Attendee
from service.check_in_rows import CheckIn
from service.check_ins import check_in_many
from service.codes import Scanned
from service.config import Config
from service.db import Connection, new_id
from service.errors import Conflict, NotFound, NotNow, Refusal
from service.receipts import Receipt, may_see, receipts_of

WINDOW = timedelta(minutes=15)


class TooLateToCorrect(NotNow):
    """报到已超过 15 分钟，请联系现场工作人员。"""

    code = "too_late_to_correct"


class AlreadyEnded(Conflict):
    """这次报到已经撤销或更正过了。"""

    code = "already_ended"


class CreditsSpent(Conflict):
    """这次报到获得的减排量已经捐出或使用，不能再撤销。"""

    code = "credits_spent"


def is_correctable(receipt: Receipt, now: datetime) -> bool:
    """Whether the check-in can still be undone or corrected."""
    return receipt.ended_because is None and now - receipt.checked_in_at <= WINDOW


async def undo(
    connection: Connection, config: Config, check_in_id: UUID, caller: Caller, receipt_key: str | None, now: datetime
) -> Receipt:
    """Take a check-in back with what it earned; done twice is done once.

    Raises NotFound for who may not, TooLateToCorrect, AlreadyEnded after a correction, CreditsSpent.
    """
    found = await own(connection, config, check_in_id, caller, receipt_key)
    if found["ended_because"] != "undone":
        await end(connection, found, "undone", now)
    return (await receipts_of(connection, [check_in_id]))[check_in_id]


async def own(
    connection: Connection, config: Config, check_in_id: UUID, caller: Caller, receipt_key: str | None
) -> asyncpg.Record:
    """The caller's check-in, held until the transaction ends. Raises NotFound."""
    found = await connection.fetchrow(
        """
        SELECT check_ins.id, check_ins.event_id, attendee, attendee_kind, fresh, credited_to, checked_in_at,
               ended_because, short_code
        FROM check_ins JOIN gates ON gates.id = gate_id
        WHERE check_ins.id = $1 FOR UPDATE OF check_ins
        """,
        check_in_id,
    )
    if found is None or not may_see(config, check_in_id, found, caller, receipt_key):
        raise NotFound
    return found


async def end(connection: Connection, found: asyncpg.Record, because: str, now: datetime) -> None:
    """End a held check-in, reverse what it earned, note it for the tally."""
    if found["ended_because"]:
        raise AlreadyEnded
    if now - found["checked_in_at"] > WINDOW:
        raise TooLateToCorrect
    if found["credited_to"]:
        await take_back(connection, found["id"], found["credited_to"])
    await connection.execute(
        """
        WITH ended AS (
            UPDATE check_ins SET ended_at = $3, ended_because = $2 WHERE id = $1 RETURNING id, event_id
        )
        INSERT INTO tally_changes (event_id, sign, check_ins, changed_at) SELECT event_id, -1, ARRAY[id], $3 FROM ended
        """,
        found["id"],
        because,
        now,
    )


async def take_back(connection: Connection, check_in_id: UUID, member_id: UUID) -> None:
    """Reverse the issuance of a check-in. Raises CreditsSpent when the member no longer holds it."""
    await ledger.lock_accounts(connection, [member_id])
    try:
        async with connection.transaction():
            await ledger.reverse(connection, check_in_id, new_id())
    except asyncpg.CheckViolationError:
        raise CreditsSpent from None


async def correct(
    connection: Connection,
    config: Config,
    check_in_id: UUID,
    correction: UUID,
    trip: Trip,
    origin: str | None,
    request_digest: bytes,
    caller: Caller,
    receipt_key: str | None,
    now: datetime,
) -> Receipt:
    """Replace a check-in's trip: the old one ended, a new one under the id `correction`, same day, gate and time.

    Raises what `undo` and a check-in raise; nothing is changed then.
    """
    found = await own(connection, config, check_in_id, caller, receipt_key)
    if not await connection.fetchval("SELECT true FROM check_ins WHERE id = $1", correction):
        await end(connection, found, "corrected", now)
    request = CheckIn(
        id=correction,
        event_id=found["event_id"],
        code=found["short_code"],
        scanned=Scanned(short_code=found["short_code"], fresh=found["fresh"], check_in_id=None),
        attendee=Attendee(found["attendee_kind"], found["attendee"]),
        trip=trip,
        origin=origin,
        request_digest=request_digest,
        at=found["checked_in_at"],
        replaces=check_in_id,
    )
    (verdict,) = await check_in_many(connection, config, [request])
    if isinstance(verdict, Refusal):
        raise verdict
    return msgspec.structs.replace(verdict, receipt_key=codes.receipt_key(config, correction))
